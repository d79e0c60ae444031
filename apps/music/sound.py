"""Audio rendering of a piece, with a SoundFont or a simple built-in synthesizer."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from apps.music.piece import Piece, notes
from apps.music.score import TEMPO, midi
from shared.errors import InputError

RATE = 22_050  # samples a second of `synthesize`
ORGAN = 19  # a church organ's program number in General MIDI, counted from 0

_PARTIALS = (1.0, 0.45, 0.22, 0.12, 0.06, 0.03)  # an organ flute, roughly
_LOUDNESS = (1.0, 0.75, 0.8, 1.1)  # of the voices


def synthesize(piece: Piece, tempo: int | None = None) -> np.ndarray:
    """Renders a piece by additive synthesis: float32 in -1 to 1, `RATE` samples per second."""
    step = 15 / (tempo or piece.facts.tempo or TEMPO) * RATE  # samples in a 16th
    sound = np.zeros(int(len(piece) * step) + RATE, np.float32)
    for voice, loudness in enumerate(_LOUDNESS):
        for start, end, pitch in notes(piece, voice):
            if pitch >= 0:
                first = int(start * step)
                tone = loudness * _tone(pitch, int((end - start) * step))
                sound[first : first + len(tone)] += tone
    return sound * (0.9 / max(float(np.abs(sound).max()), 1e-9))


def _tone(midi: int, samples: int) -> np.ndarray:
    """Renders a note with a soft attack and a release of 0.12 seconds."""
    release = int(0.12 * RATE)
    time = np.arange(samples + release, dtype=np.float32) / RATE
    frequency = 440.0 * 2 ** ((midi - 69) / 12)
    tone = np.zeros_like(time)
    for partial, strength in enumerate(_PARTIALS, 1):
        if partial * frequency < RATE / 2:
            fade = np.exp(-0.5 * (partial - 1) * time)  # brighter at first
            tone += strength * fade * np.sin(2 * np.pi * partial * frequency * time)
    attack = np.minimum(time / 0.025, 1.0)
    left = np.minimum((samples + release - np.arange(samples + release)) / release, 1.0)
    return tone * attack * left**2 * (0.75 + 0.25 * np.exp(-2.0 * time))


# --- SoundFonts -----------------------------------------------------------------------------

PLAIN = "none"
_VARIABLE = "LSTM_SUITE_SOUNDFONT"
_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
)


def find_soundfont(name: str | None = None) -> Path | None:
    """Finds the SoundFont to use; None is the built-in synthesizer.

    Args:
        name: A file, or ``none`` for the built-in synthesizer. Defaults to the environment variable
            ``LSTM_SUITE_SOUNDFONT``, otherwise to a SoundFont of the system if ``fluidsynth`` is
            installed.

    Raises:
        InputError: The file is not a SoundFont, or fluidsynth is not installed.
    """
    name = name or os.environ.get(_VARIABLE)
    if name == PLAIN:
        return None
    if name:
        if not _is_soundfont(Path(name)):
            raise InputError(f"{name}: no SoundFont; give an .sf2 file, or '{PLAIN}'")
        if not shutil.which("fluidsynth"):
            raise InputError("a SoundFont is played by fluidsynth, which is not installed")
        return Path(name)
    found = [path for folder in _FOLDERS for path in sorted(Path(folder).glob("*.sf[23]"))]
    usual = [path for path in found if path.stem.startswith("default")]
    return [*usual, *found][0] if found and shutil.which("fluidsynth") else None


def _is_soundfont(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"sfbk"


def wav(piece: Piece, tempo: int | None = None, soundfont: str | None = PLAIN) -> bytes:
    """Renders a piece as a 16-bit WAV file, with the SoundFont's organ or `synthesize`.

    Raises:
        InputError: The SoundFont is bad, or fluidsynth failed.
    """
    font = find_soundfont(soundfont)
    if font:
        # Without bars, for MIDI would begin with the rests before an upbeat.
        plain = replace(piece, position=np.full(len(piece), -1, np.int16))
        return _fluidsynth(midi(plain, tempo), font)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((synthesize(piece, tempo) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _fluidsynth(data: bytes, font: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        song, programs, sound = (Path(folder) / name for name in ("a.mid", "programs", "a.wav"))
        song.write_bytes(data)
        programs.write_text("".join(f"prog {channel} {ORGAN}\n" for channel in range(16)))
        # -n, -i: neither MIDI input nor a prompt; gain below clipping with four voices.
        options = ["-n", "-i", "-q", "-g", "0.6", "-T", "wav", "-F", str(sound)]
        command = ["fluidsynth", *options, "-f", str(programs), str(font), str(song)]
        done = subprocess.run(command, capture_output=True)
        if done.returncode or b"Failed to load" in done.stderr:  # which is no failure to it
            raise InputError(f"{font}: fluidsynth cannot play it; try another SoundFont")
        return sound.read_bytes()
