import json

import pytest

from benchmarks import translation
from tests.apps.translation.toy import toy_pairs

SMALL = {**translation.SIZES, "width": 16, "vocabulary": 400, "batch_tokens": 200, "longest": 12}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(translation, "SIZES", SMALL)
    for split, pairs in (("train", toy_pairs()[:60]), ("val", toy_pairs()[60:])):
        for side, language in enumerate(("en", "de")):
            lines = "".join(f"{pair[side]}\n" for pair in pairs)
            (tmp_path / f"{split}.{language}").write_text(lines, encoding="utf-8")
    (tmp_path / "shared").mkdir()
    translation.write_data(str(tmp_path), tmp_path / "shared")
    return tmp_path / "shared"


def test_both_read_the_same_subwords(folder):
    vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    assert vocabulary[:4] == ["<unk>", "<pad>", "<s>", "</s>"]
    for split, count in (("train", 60), ("valid", len(toy_pairs()) - 60)):
        lines = (folder / f"{split}.trg").read_text(encoding="utf-8").splitlines()
        assert len(lines) == count
        assert {piece for line in lines for piece in line.split()} <= set(vocabulary)
    assert json.loads((folder / "sizes.json").read_text())["width"] == 16


def test_our_half_trains_and_decodes(folder):
    ours = translation.Ours(str(folder), 0)
    assert ours.prepare()["weights"] > 400 * 16
    tokens, seconds = ours.train(0.2)
    assert tokens > 100 and seconds >= 0.2
    for beam in (1, 5):
        count, written, seconds = ours.decode(beam, 4, fixed=False)
        assert count == 4 and 0 <= written <= 4 * 12 and seconds > 0
    count, written, _ = ours.decode(5, 4, fixed=True)
    assert written == 4 * translation.SIZES["fixed"]


def test_the_table_has_a_ratio_for_each_task():
    speeds = {"ours": {"train": 300.0, "greedy": 8.0, "beam": 4.0, "fixed": 6.0},
              "joeynmt": {"train": 100.0, "greedy": 4.0, "beam": 1.0, "fixed": 3.0}}  # fmt: skip
    text = translation.shown({"speeds": speeds, "ratios": {"train": 3.0, "greedy": 2.0}})
    what = "training, target subwords/s".ljust(len(translation.TASKS["fixed"]))
    assert f"| {what} | 300  | 100     | 3.00  |" in text
    assert text.splitlines()[-1].endswith("| -     |")
