"""Keys: estimation, signatures, and the spelling of notes."""

from __future__ import annotations

import numpy as np

from shared.errors import InputError

TONICS = {  # the usual names, by pitch class
    0: ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    1: ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
MAJOR_MODES = ("major", "ionian", "lydian", "mixolydian")
_STEPS = "FCGDAEB"  # the line of fifths

# Krumhansl and Kessler 1982: how well each degree fits a key.
_PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


def key_name(tonic: int, mode: int) -> str:
    """Returns a name such as ``"Bb major"``; `tonic` is a pitch class, `mode` 0 major, 1 minor."""
    return f"{TONICS[mode][tonic]} {('major', 'minor')[mode]}"


def parse_key(text: str) -> tuple[int, int]:
    """Parses a name of `key_name` to ``(tonic, mode)``; ``"Bb"`` is major, ``"Bbm"`` minor.

    Raises:
        InputError: The text is not the name of a key.
    """
    words = text.split()
    name, mode = (words[0] if words else ""), "".join(words[1:]).lower()
    if not mode and name.endswith("m"):
        name, mode = name[:-1], "minor"
    step, accidentals = name[:1].upper(), name[1:].replace("-", "b")
    if step not in _STEPS or not step or set(accidentals) - {"#", "b"} or len(accidentals) > 1:
        raise InputError(f"{text!r} names no key; write it as 'Bb major' or 'F# minor'")
    if mode not in ("", "major", "minor"):
        raise InputError(f"{text!r} names no key; write it as 'Bb major' or 'F# minor'")
    return (_fifths(step + accidentals) * 7) % 12, int(mode == "minor")


def _fifths(name: str) -> int:
    """Returns the position on the line of fifths; C is 0."""
    return _STEPS.index(name[0]) - 1 + 7 * (name.count("#") - name.count("b"))


def sharps(tonic: int, mode: int) -> int:
    """Returns the key signature: the number of sharps, negative for flats."""
    return _fifths(TONICS[mode][tonic]) - 3 * mode


def spell(midi: int, tonic: int, mode: int) -> tuple[str, int]:
    """Spells a pitch in a key, as note name and octave: in F sharp minor, 53 is ``("E#", 3)``.

    Chromatic notes are mostly leading notes, so they are spelled as raised notes, except for the
    flat seventh in major and the flat second in minor.
    """
    home = _fifths(TONICS[mode][tonic])
    # In major from the flat seventh to the sharp second, in minor from the flat second to the
    # sharp fourth: the spellings that Bach's chorales use most.
    lowest = home - (2 if mode == 0 else 5)
    place = lowest + ((midi * 7 - lowest) % 12)
    step, accidentals = _STEPS[(place + 1) % 7], (place + 1) // 7
    name = step + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)
    natural = (_fifths(step) * 7) % 12
    return name, (midi - natural - accidentals) // 12 - 1


def estimate_key(
    pitches: np.ndarray, signature: int | None = None, weight: float = 0.1
) -> tuple[int, int]:
    """Estimates the key of a piece as ``(tonic, mode)``.

    It uses Krumhansl's correlation of the duration of each pitch class with the profile of each
    key, with a bonus for the key on whose tonic the lowest voice ends, and for the key signature.

    Args:
        pitches: MIDI pitches ``(steps, voices)``, the lowest voice last; -1 is silence.
        signature: Number of sharps in the signature, negative for flats; None if there is none.
        weight: The bonus for a signature that is one off; one that fits gets twice as much.
    """
    sounding = pitches[pitches >= 0]
    if not len(sounding):
        return -1, -1
    time = np.bincount(sounding % 12, minlength=12)
    last = pitches[(pitches >= 0).any(1)][-1]
    final = last[last >= 0].min() % 12
    best, choice = -np.inf, (-1, -1)
    for mode, profile in enumerate(_PROFILES):
        for tonic in range(12):
            score = np.corrcoef(time, np.roll(profile, tonic))[0, 1] if np.ptp(time) else 0.0
            score += 0.2 * (final == tonic)
            if signature is not None:  # old minor and Mixolydian signatures are one off
                score += weight * max(0, 2 - abs(sharps(tonic, mode) - signature))
            if score > best:
                best, choice = score, (tonic, mode)
    return choice
