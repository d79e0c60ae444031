import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from apps.handwriting.app import HANDWRITING
from apps.handwriting.archive import read_archive
from apps.handwriting.cleaning import resample
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import (
    SHAPES,
    Data,
    batches,
    choose,
    load,
    plan_epoch,
    shape_of,
    short_of,
    stack,
    whole,
)
from apps.handwriting.iam import form_lines, read_iam, read_line
from apps.handwriting.ink import (
    Ink,
    read_strokes,
    spelled,
    strokes_json,
    symbols,
    to_rows,
    to_strokes,
)
from apps.handwriting.own import read_own
from apps.handwriting.splits import split_of, writer_kinds
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import TEXTS, drawn, write_json, write_unipen


def some_ink(writers=3, words=6, lines=4):
    """Ink of several writers, the first of whom wrote most."""
    items = []
    for writer in range(writers):
        for k in range((words + lines) * (4 if writer == 0 else 1)):
            text = TEXTS[k % len(TEXTS)]
            kind = ("printed", "cursive", "")[writer % 3]
            items.append(
                Ink(text, to_rows(resample(drawn(text))), f"w{writer}", kind, word=" " not in text)
            )
    return items


def archive(path, items):
    """An archive of ink as offsets."""
    names = sorted({item.writer for item in items})
    np.savez(
        path,
        offsets=np.concatenate([i.rows[:, :2] for i in items]).astype(np.float16),
        pen_up=np.concatenate([i.rows[:, 2] for i in items]).astype(np.uint8),
        start=np.cumsum([0, *(len(i) for i in items)]).astype(np.int32),
        label=[i.text for i in items],
        kind=["word" if i.word else "line" for i in items],
        split=["valid" if i.writer == names[-1] else "train" for i in items],
        writer=[names.index(i.writer) for i in items],
        writer_id=names,
        contributor=["toy"] * len(items),
        source=["here"] * len(items),
        style=[i.kind.upper() or "?" for i in items],
    )
    return path


@pytest.mark.parametrize(
    "change, message",
    [
        ({"offsets": np.full((4, 2), np.nan)}, "no ink"),
        ({"offsets": np.full((4, 2), 1e6)}, "no ink"),
        ({"offsets": np.zeros((3, 2))}, "another shape"),
        ({"start": [0, 5]}, "does not divide"),
        ({"start": [0, 2, 4]}, "another shape"),
        ({"pen_up": [1, 0, 0, 0]}, "pen lifted"),
        ({"writer": [7]}, "without a name"),
        ({"style": ["MIXED"] * 2}, "as many labels"),
    ],
)
def test_an_archive_that_contradicts_itself_is_one_line(tmp_path, change, message):
    good = {
        "offsets": np.zeros((4, 2)), "pen_up": [0, 0, 0, 1], "start": [0, 4], "writer": [0],
        "writer_id": ["w"], "contributor": ["c"], "source": ["s"], "style": ["MIXED"],
        "label": ["a"], "kind": ["line"], "split": ["train"],
    }  # fmt: skip
    np.savez(tmp_path / "a.npz", **good)
    assert len(read_archive(tmp_path / "a.npz", 0.6, 60.0)[0]) == 1
    np.savez(tmp_path / "a.npz", **(good | change))
    with pytest.raises(InputError, match=f"a.npz: not an archive of ink .*{message}"):
        read_archive(tmp_path / "a.npz", 0.6, 60.0)


def test_rows_are_strokes_and_back():
    strokes = drawn("tin")
    rows = to_rows([*strokes, np.zeros((0, 2))])
    assert rows[:, 2].sum() == len(strokes) and rows[-1, 2] == 1
    for a, b in zip(to_strokes(rows), strokes, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert len(to_rows([])) == 0 and to_strokes(np.zeros((0, 3))) == []


def test_all_printable_ascii_has_a_symbol():
    text = "".join(map(chr, range(32, 127)))
    assert symbols(text).tolist() == list(range(1, 96)) and spelled(symbols(text)) == text
    with pytest.raises(InputError, match=r"U\+00E9.*printable ASCII only"):
        symbols("caf\xe9")


def test_json_strokes_are_read_as_they_were_written(tmp_path):
    strokes = drawn("oil")
    path = tmp_path / "a.json"
    path.write_text(json.dumps(strokes_json([("oil", strokes)])))
    [(text, again)] = read_strokes(path)
    assert text == "oil"
    for a, b in zip(again, strokes, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


BAD = {
    "no list": ("7", "expected"),
    "empty": ("[]", "no samples"),
    "no text": ('[{"text": " ", "strokes": [[[0, 0]]]}]', "sample 0: its text"),
    "no strokes": ('[{"text": "a", "strokes": []}]', "no strokes"),
    "no points": ('[{"text": "a", "strokes": [[[0, 0]], [1, 2]]}]', "stroke 1"),
    "not finite": ('[{"text": "a", "strokes": [[[0, NaN]]]}]', "stroke 0"),
    "no JSON": ("{", "not valid JSON"),
    "too deep": ('{"text": "a", "strokes": ' + "[" * 100_000, "not valid JSON"),
    "a number as strokes": ('[{"text": "a", "strokes": 5}]', "sample 0: no strokes"),
    "a truth as strokes": ('[{"text": "a", "strokes": true}]', "sample 0: no strokes"),
    "a huge number": ('{"text": "a", "strokes": [[[0, 1' + "0" * 400 + "]]]}", "stroke 0"),
    "too far": ('{"text": "a", "strokes": [[[0, 1e300]]]}', "stroke 0"),
    "y": ('{"text": "a", "strokes": [[[0, 0]]], "y": "Up"}', 'expected "down" or "up"'),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_json_is_one_line(tmp_path, case):
    content, message = BAD[case]
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_strokes(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_own_ink_may_begin_with_a_byte_order_mark(tmp_path):
    path = write_json(tmp_path / "mine.json")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_own(path, 0.6, 60.0)) == len(TEXTS)


def test_texts_of_own_ink_that_cannot_be_written_are_named(tmp_path):
    path = write_json(tmp_path / "mine.json", ("to", "n\u00e0il"))
    with pytest.raises(InputError, match=r"mine.json, sample 1: cannot write .*U\+00E0"):
        read_own(path, 0.6, 60.0)
    assert read_own(path, 0.6, 60.0, fallback=True)[1].text == "nail"


def test_what_is_too_long_is_left_out_and_told_or_refused(tmp_path, capsys):
    items = [Ink(text, to_rows(drawn(text)), source=f"mine.json#{len(text)}") for text in TEXTS]
    assert short_of(items, "ink", 24, strict=True) == items and not capsys.readouterr().err
    kept = short_of(items, "ink", 6)
    assert {item.text for item in items} - {item.text for item in kept} == {
        "into oil",
        "not on tin",
    }
    assert "ink: 2 left out, of more than 6 characters" in capsys.readouterr().err
    for length, strict in ((6, True), (1, False)):
        with pytest.raises(InputError, match=r"mine.json#\d+: '.*' has \d+ characters"):
            short_of(items, "ink", length, strict)


def test_training_refuses_longer_texts_at_once(tmp_path):
    stage = HANDWRITING.stage("tiny")
    path = write_json(tmp_path / "mine.json", ("a lot", "to", "not on tin into oil nail"))
    stage = dataclasses.replace(
        stage, config=dataclasses.replace(stage.config, length=20), data=Data(data=str(path))
    )
    with pytest.raises(InputError, match="mine.json#2: .* has 24 characters"):
        HANDWRITING.prepare(stage, tmp_path, None)


def test_own_ink_is_scaled_and_of_one_writer(tmp_path):
    items = read_own(write_json(tmp_path / "mine.json"), 0.6, 60.0)
    assert [i.text for i in items] == list(TEXTS) and {i.writer for i in items} == {"mine"}
    parts = [load(tmp_path / "mine.json", s, 0.6, 60.0) for s in ("train", "valid", "all")]
    assert [len(part) for part in parts] == [len(TEXTS) - 1, 1, len(TEXTS)]
    assert parts[1][0].text == TEXTS[0]  # of the first twenty
    write_json(tmp_path / "mine.json", ("a lot", "a very long text that is not what is written"))
    content = json.loads((tmp_path / "mine.json").read_text())
    content[1]["strokes"] = content[0]["strokes"]
    (tmp_path / "mine.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="sample 1.*too narrow"):
        read_own(tmp_path / "mine.json", 0.6, 60.0)


def test_the_sample_that_ships_is_attributed_and_clean():
    path = Path("apps/handwriting/sample.json")
    content = json.loads((Path(__file__).parents[3] / path).read_text())
    assert 20 <= len(content) <= 40
    assert all("CC BY 4.0" in sample["source"] for sample in content)
    items = read_own(Path(__file__).parents[3] / path, 1.0, 90.0)
    assert len(items) == len(content)
    points = sum(map(len, items)) / sum(len(item.text) for item in items)
    assert points == pytest.approx(9, abs=2)


def test_an_archive_is_read_by_split_and_resampled(tmp_path):
    items = some_ink()
    path = archive(tmp_path / "a.npz", items)
    train, every = load(path, "train", 0.6, 60.0), load(path, "all", 0.6, 60.0)
    assert {i.writer for i in train} == {"w0", "w1"} and len(every) == len(items)
    for a, b in zip(every, items, strict=True):
        assert (a.text, a.writer, a.kind, a.word) == (b.text, b.writer, b.kind, b.word)
        np.testing.assert_allclose(a.rows, b.rows, atol=1e-3)
    coarse = load(tmp_path, "all", 1.0, 90.0)  # the folder that it is in
    for a, b in zip(coarse, every, strict=True):
        assert len(a) < len(b) and a.rows[:, 2].sum() == b.rows[:, 2].sum()
        for one, two in zip(to_strokes(a.rows), to_strokes(b.rows), strict=True):
            np.testing.assert_allclose(one[[0, -1]], two[[0, -1]], atol=0.02)


def test_a_folder_of_unipen_is_split_by_writer(tmp_path, capsys):
    write_unipen(tmp_path, writers=12)
    splits = {s: load(tmp_path, s, 0.6, 60.0) for s in ("train", "valid", "all")}
    writers = {s: {i.writer for i in items} for s, items in splits.items()}
    assert not writers["train"] & writers["valid"]
    assert writers["train"] | writers["valid"] == writers["all"]
    shares = [split_of(f"{k}") == "valid" for k in range(4000)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: None, "no such file"),
        (lambda p: p.with_suffix(".npz").write_text("x"), "not a zip file"),
        (lambda p: p.mkdir(), "data and include"),
        (lambda p: (p / "lineStrokes").mkdir(parents=True), "lineStrokes"),
    ],
)
def test_what_is_no_ink_is_one_line(tmp_path, make, message):
    path = tmp_path / "ink"
    make(path)
    path = path if path.exists() or message == "no such file" else path.with_suffix(".npz")
    with pytest.raises(InputError, match=message):
        load(path, "train", 0.6, 60.0)
    with pytest.raises(InputError, match="split"):
        load(path, "test", 0.6, 60.0)


def test_iam_is_imported(tmp_path):
    """A form and its lines, written by hand in the set's format."""
    (tmp_path / "ascii" / "a01").mkdir(parents=True)
    folder = tmp_path / "lineStrokes" / "a01" / "a01-001"
    folder.mkdir(parents=True)
    (tmp_path / "ascii" / "a01" / "a01-001z.txt").write_text(
        "OCR:\n\nnonsense\n\nCSR:\n\nan ant\na  lot\n"
    )
    for number, text in ((1, "an ant"), (2, "a lot"), (3, "nothing")):
        strokes = "".join(
            '<Stroke colour="black" start_time="1" end_time="2">'
            + "".join(f'<Point x="{x:.0f}" y="{900 - y:.0f}" time="1.5"/>' for x, y in s)
            + "</Stroke>"
            for s in drawn(text, 60.0)
        )
        (folder / f"a01-001z-0{number}.xml").write_text(
            '<?xml version="1.0" encoding="ISO-8859-1"?><WhiteboardCaptureSession>'
            f"<StrokeSet>{strokes}</StrokeSet></WhiteboardCaptureSession>"
        )
    assert form_lines(tmp_path / "ascii" / "a01" / "a01-001z.txt") == ["an ant", "a lot"]
    items, rejects = read_iam(tmp_path, 0.6, 60.0)
    assert [i.text for i in items] == ["an ant", "a lot"]
    assert [r.reason for r in rejects] == ["no such line in its text"]
    heights = np.cumsum(items[1].rows[:, 1])
    assert heights.max() > 1.2 and heights.min() > -0.5  # the l, not upside down
    (folder / "a01-001z-01.xml").write_text("<Stroke>")
    with pytest.raises(InputError, match="IAM-OnDB"):
        read_line(folder / "a01-001z-01.xml")


def config_for(items):
    kinds = tuple(writer_kinds(items).values())
    return dataclasses.replace(HANDWRITING.stage("tiny").config, styles=kinds)


def test_styles_have_names_and_kinds():
    config = HandwritingConfig(styles=("printed", "cursive", "printed", ""))
    names = config.style_names
    assert names == ["any", "printed", "cursive", "mixed",
                     "printed-1", "cursive-1", "printed-2", "hand-1"]  # fmt: skip
    assert [config.style_id(n) for n in names] == list(range(8)) and config.style_id("6") == 6
    assert [config.kind_style(s) for s in range(8)] == [0, 0, 0, 0, 1, 2, 1, 0]
    assert config.writer_style(2) == 6
    with pytest.raises(InputError, match="printed-1 to printed-2.*0 to 7"):
        config.style_id("gothic")
    with pytest.raises(InputError):
        config.style_id(8)


def test_balance_draws_writers_more_evenly():
    items, shares = some_ink(), {}
    for balance in (0.0, 1.0):
        options = Data(balance=balance)
        drawn_ = choose(items, np.random.default_rng(0), 1.0, options)
        shares[balance] = np.mean([items[k].writer == "w0" for k in drawn_])
    assert shares[0.0] == pytest.approx(4 / 6, abs=0.12)
    assert shares[1.0] == pytest.approx(1 / 3, abs=0.12)


def test_words_come_first_and_lines_grow():
    items, rng = some_ink(), np.random.default_rng(0)
    first = choose(items, rng, 0.0, Data())
    assert all(items[k].word for k in first)
    later = choose(items, rng, 0.9, Data())
    assert {items[k].word for k in later} == {True, False}


def test_the_batches_of_an_epoch_are_the_same_again():
    items, options = some_ink(), Data(points=600)
    config, writers = config_for(items), list(writer_kinds(items))
    plans = [plan_epoch(items, (3, 1), 0.9, options) for _ in range(2)]
    assert plans[0] == plans[1] != plan_epoch(items, (3, 2), 0.9, options)
    made = [list(batches(items, config, writers, p, (3, 1), options)) for p in plans]
    for a, b in zip(*made, strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in a)
    styles = np.concatenate([batch["style"] for batch in made[0]])
    assert 0 in styles and (styles >= 4).any()
    rows = {}
    for (shape, members), batch in zip(plans[0], made[0], strict=True):
        assert batch["inputs"].shape == (len(members), shape[0], 3) and shape in SHAPES
        assert rows.setdefault(shape, len(members)) == len(members)


def test_a_batch_says_where_the_pen_was_and_where_it_goes():
    item = some_ink()[1]
    batch = stack([item.rows], [item.text], np.array([2]), (80, 24))
    n = len(item)
    np.testing.assert_array_equal(batch["inputs"][0, 0], [0, 0, 1])
    np.testing.assert_array_equal(batch["inputs"][0, 1:n], item.rows[:-1])
    np.testing.assert_array_equal(batch["targets"][0, :n], item.rows)
    assert batch["mask"].sum() == n and batch["end"].argmax() == n - 1
    assert spelled(batch["text"][0]) == item.text
    assert batch["text_mask"].sum() == len(item.text)


def test_all_ink_is_validated_once():
    items = some_ink()
    found = [spelled(t) for b in whole(items, rows=5) for t in b["text"]]
    assert sorted(found) == sorted(i.text for i in items)
    assert shape_of(Ink("a" * 400, to_rows(drawn("a")))) is None
