"""Pairs in a user's own files: what is read, and what is left out and counted."""

import gzip
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.translation.files import filled, read_lines, read_parallel, read_tsv
from shared.errors import InputError

EN_DE = ("en", "de")
PAIRS = [("The dog.", "Der Hund."), ('She said "no".', 'Sie sagte "nein".'), ("Yes", "Ja")]


def tsv(folder, rows):
    path = folder / "pairs.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_files_line_by_line(tmp_path):
    (tmp_path / "a").write_bytes("\ufeffone\u2028still one\r\n\r\ntwo\r\n".encode())
    (tmp_path / "b").write_text("eins\nleer\nzwei\n", encoding="utf-8")
    left_out = Counter()
    rows = read_parallel(tmp_path / "a", tmp_path / "b", EN_DE, left_out)
    assert rows == [("one\u2028still one", "eins"), ("", "leer"), ("two", "zwei")]
    assert filled(rows, left_out) == [rows[0], rows[2]] and left_out == {"empty on a side": 1}
    (tmp_path / "mac").write_bytes(b"one\rtwo\r")
    assert read_lines(tmp_path / "mac") == ["one", "two"]


def test_columns_after_the_second_are_counted(tmp_path):
    path, left_out = tmp_path / "pairs.tsv", Counter()
    path.write_text("one\teins\n\ntwo\tzwei\tmore\n", encoding="utf-8")
    assert read_tsv(path, EN_DE, left_out) == [("one", "eins"), ("", ""), ("two", "zwei")]
    assert left_out == {"other column (taken: 1 and 2)": 1}


@pytest.mark.parametrize(
    "header", [("en", "de"), ("English", "Deutsch"), ("Source text", "target")]
)
def test_a_header_line_is_no_pair(header, tmp_path):
    left_out = Counter()
    rows = read_tsv(tsv(tmp_path, [header, *PAIRS]), EN_DE, left_out)
    assert rows == [("", ""), *PAIRS] and left_out == {"header line": 1}
    for side, name in enumerate("ab"):
        (tmp_path / name).write_text("".join(f"{row[side]}\n" for row in [header, *PAIRS]))
    assert read_parallel(tmp_path / "a", tmp_path / "b", EN_DE) == rows


@pytest.mark.parametrize("row", [("No", "no"), ("As", "so"), ("He", "Er"), ("Hello", "Hallo")])
def test_words_are_no_header_line(row, tmp_path):
    assert read_tsv(tsv(tmp_path, [row, *PAIRS]), EN_DE)[0] == row


def test_a_header_line_names_the_columns(tmp_path):
    rows = [(str(k), target, source) for k, (source, target) in enumerate(PAIRS)]
    left_out = Counter()
    found = read_tsv(tsv(tmp_path, [("id", "de", "en"), *rows]), EN_DE, left_out)
    assert found == [("", ""), *PAIRS]
    assert left_out == {"header line": 1, "other column (taken: 3 and 2)": 1}


@pytest.mark.parametrize(
    "row",
    [
        lambda k, s, t: (str(k), s, t),
        lambda k, s, t: (f"s-{k:03}", s, t, "0.5"),
        lambda k, s, t: (str(k), s, str(k + 70), t),
        lambda k, s, t: ("en", s, "de", t),
    ],
)
def test_columns_of_ids_and_labels_are_left_out(row, tmp_path):
    path = tsv(tmp_path, [row(k, *pair) for k, pair in enumerate(PAIRS)])
    assert read_tsv(path, EN_DE) == PAIRS


def test_numbers_are_translated_if_there_is_nothing_else(tmp_path):
    assert read_tsv(tsv(tmp_path, [("1", "eins"), ("2", "zwei")]), EN_DE)[0] == ("1", "eins")


@pytest.mark.parametrize("all_quoted", [True, False])
def test_quoted_columns(all_quoted, tmp_path):
    def quote(cell):
        return '"{}"'.format(cell.replace('"', '""')) if all_quoted or '"' in cell else cell

    left_out = Counter()
    path = tsv(tmp_path, [tuple(map(quote, pair)) for pair in PAIRS])
    assert read_tsv(path, EN_DE, left_out) == PAIRS
    assert left_out == {"pairs of quotation marks around columns": 6 if all_quoted else 2}


def test_a_quotation_is_no_quoted_column(tmp_path):
    rows = [('"Go!"', '"Geh!"'), *PAIRS[::2]]
    assert read_tsv(tsv(tmp_path, rows), EN_DE) == rows


@given(
    rows=st.lists(
        st.tuples(*[st.text("abc äß.", max_size=9).map(lambda text: f"The {text}.")] * 2),
        min_size=1,
        max_size=9,
    )
)
def test_plain_columns_are_read_as_they_are(rows, tmp_path_factory):
    assert read_tsv(tsv(tmp_path_factory.mktemp("plain"), rows), EN_DE) == rows


def test_files_that_are_wrong(tmp_path):
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("eins\n")
    (tmp_path / "c").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match=r"a has 2 lines and .*b 1;"):
        read_parallel(tmp_path / "a", tmp_path / "b", EN_DE)
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 3\)"):
        read_tsv(tmp_path / "c", EN_DE)
    with pytest.raises(InputError, match="line 1: no tab"):
        read_tsv(tmp_path / "a", EN_DE)
    with pytest.raises(InputError, match="cannot be read"):
        read_tsv(tmp_path / "none", EN_DE)
    whole = gzip.compress(b"one\teins\n" * 99)
    for broken in (b"no gzip", whole[:20], whole[:-12], whole[:12] + b"\xff\xff" + whole[14:]):
        (tmp_path / "d.gz").write_bytes(broken)
        with pytest.raises(InputError, match=r"d\.gz: damaged, or of another kind"):
            read_tsv(tmp_path / "d.gz", EN_DE)
    ragged = [*[(str(k), *pair) for k, pair in enumerate(PAIRS)], ("3", "only")]
    with pytest.raises(InputError, match="line 4: 2 columns; source and target are 2 and 3"):
        read_tsv(tsv(tmp_path, ragged), EN_DE)
