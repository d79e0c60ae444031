import shlex
from pathlib import Path

from apps.music.app import MUSIC
from apps.music.data import Source
from apps.music.piece import HOLD, SILENCE
from apps.verbs.cli import main
from shared.presets.open import Opened
from tests.apps.music.toy_data import write_canonical


def test_export_is_told_what_the_symbols_mean(tmp_path):
    data = write_canonical(tmp_path / "toy.json", train=2, valid=3, test=1)
    config = MUSIC.stage().config
    opened = Opened(None, "made", config, "keras", "float16", tmp_path)
    facts = MUSIC.bundle_facts(opened)
    assert facts.special_ids["hold"] == HOLD and facts.special_ids["silence"] == SILENCE
    assert facts.decoding["temperature"] > 0
    examples = MUSIC.examples(opened, MUSIC.read(Source(str(data)), "valid", config))
    assert len(examples) == 3 and examples[0].condition["melody_mask"].any()


def test_the_demo_shows_what_its_commands_make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = MUSIC.samples(Path("made"), seed=1)
    assert [sample.command.split()[1] for sample in samples] == [
        "compose",
        "compose",
        "harmonize",
        "continue",
    ]
    for sample in samples:
        assert {path.suffix for path, _ in sample.made} == {".png", ".wav", ".mid", ".musicxml"}
        assert all(path.stat().st_size for path, _ in sample.made)
    words = shlex.split(samples[2].command)
    assert main(words[1:]) == 0
    [midi] = [path for path, _ in samples[2].made if path.suffix == ".mid"]
    assert Path(words[-1]).read_bytes() == midi.read_bytes()
