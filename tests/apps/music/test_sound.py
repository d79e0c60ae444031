import io
import shutil
import wave

import numpy as np
import pytest

from apps.music import sound
from apps.music.piece import piece_from_pitches
from apps.music.sound import find_soundfont, wav
from shared.errors import InputError
from tests.apps.music.test_score import chorale


def test_the_plain_synthesizer(tmp_path):
    pitches = np.full((32, 4), -1)
    pitches[:16, 3] = 57  # 220 Hz for half of the time, then silence
    piece = piece_from_pitches("a", pitches)
    (tmp_path / "a.wav").write_bytes(wav(piece, tempo=60))
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:3] == (1, 2, 22_050)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert 8.0 <= len(sound) / 22_050 <= 9.5
    assert 0.5 < np.abs(sound).max() < 1.0
    assert np.abs(sound[int(4.2 * 22_050) :]).max() == 0
    spectrum = np.abs(np.fft.rfft(sound[:22_050]))
    assert np.argmax(spectrum) == 220
    assert np.abs(np.diff(sound)).max() < 0.2  # no clicks


def test_the_same_piece_sounds_the_same():
    assert wav(chorale()) == wav(chorale())


@pytest.mark.skipif(not find_soundfont(), reason="neither fluidsynth nor a SoundFont is here")
def test_a_soundfont_plays_the_notes():
    pitches = np.full((32, 4), -1)
    pitches[:16, 3] = 57
    with wave.open(io.BytesIO(wav(piece_from_pitches("a", pitches), 60, None))) as file:
        channels, _, rate, frames = file.getparams()[:4]
        samples = np.frombuffer(file.readframes(frames), "<i2").reshape(-1, channels) / 32767
    assert 4 <= len(samples) / rate <= 12 and 0.02 < np.abs(samples).max() < 1
    spectrum = np.abs(np.fft.rfft(samples[rate : 2 * rate, 0]))
    peaks = np.argsort(-spectrum[:2000])[:5]
    assert any(min(abs(peak - k * 220) for k in (0.5, 1, 2, 3, 4)) <= 3 for peak in peaks)
    assert np.abs(samples[-rate // 2 :]).max() < 0.2 * np.abs(samples).max()


def test_which_soundfont(tmp_path, monkeypatch):
    font = tmp_path / "my.sf2"
    monkeypatch.setenv("LSTM_SUITE_SOUNDFONT", str(font))
    with pytest.raises(InputError, match=r"my\.sf2: no SoundFont"):
        find_soundfont()
    assert find_soundfont("none") is None
    font.write_bytes(b"RIFF0000sfbk")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert find_soundfont() == font
    monkeypatch.delenv("LSTM_SUITE_SOUNDFONT")
    monkeypatch.setattr(sound, "_FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    assert find_soundfont() == font
    (tmp_path / "default-GM.sf2").touch()
    assert find_soundfont() == tmp_path / "default-GM.sf2"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert find_soundfont() is None
    with pytest.raises(InputError, match="fluidsynth, which is not installed"):
        find_soundfont(str(font))


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="fluidsynth is not here")
def test_a_file_that_is_no_soundfont(tmp_path):
    (tmp_path / "junk.sf2").write_bytes(b"junk")
    with pytest.raises(InputError, match="junk.sf2: no SoundFont"):
        wav(chorale(), soundfont=str(tmp_path / "junk.sf2"))
    (tmp_path / "junk.sf2").write_bytes(b"RIFF0000sfbk")
    with pytest.raises(InputError, match="junk.sf2: fluidsynth cannot play it"):
        wav(chorale(), soundfont=str(tmp_path / "junk.sf2"))
