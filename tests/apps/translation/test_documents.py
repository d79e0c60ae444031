"""Files with a structure, translated by a translator that knows each word and where it was."""

import re

import numpy as np
import pytest

from apps.translation.documents import format_of, translate_document
from apps.translation.search import Hypothesis
from apps.translation.translate import Sentence, Translation
from shared.errors import InputError
from shared.text.sentences import split_sentences

WORDS = {"the": "der", "old": "alte", "man": "Mann", "reads": "liest", "and": "und"}


def hypothesis(source: str, backwards: bool = False) -> Hypothesis:
    """Word by word; each attends to its own."""
    words = re.findall(r"[^\W_]+|[^\w\s]", source)
    new = [WORDS.get(word.lower(), word.upper()) for word in words]
    attention = np.eye(len(words), dtype=np.float32)
    if backwards:
        new, attention = new[::-1], attention[::-1]
    text = re.sub(r" ([.,?])", r"\1", " ".join(new))
    pieces, read = (tuple(f"\u2581{w}" for w in some) for some in (new, words))
    return Hypothesis(text, 0.0, 0.0, True, read, pieces, attention)


class Words:
    """Stands for a `Translator`."""

    def __init__(self, backwards: bool = False):
        self.backwards, self.blocks = backwards, list[str]()

    def __call__(self, texts, **options):
        self.blocks = list(texts)
        return [
            Translation(text, "en", "de", tuple(
                Sentence(s.text, s.after, [hypothesis(s.text, self.backwards)])
                for s in split_sentences(text)
            ))
            for text in texts
        ]  # fmt: skip


def test_html_keeps_every_tag_and_what_is_nested_stays_nested():
    page = (
        "<!DOCTYPE html>\r\n<p class='a b'>The <b>old <i>man</i></b> reads &amp; <br>sleeps."
        "<img src=x> </p><!-- no -->\r\n<script>the man</script><pre>the man</pre>"
        "<ul><li> The <a href='?a&amp;b'>man</a>, <code>the x</code> and</li></ul>12<p>"
    )
    assert translate_document(Words(), page, "html") == (
        "<!DOCTYPE html>\r\n<p class='a b'>der <b>alte <i>Mann</i></b> liest &amp; <br>SLEEPS."
        "<img src=x> </p><!-- no -->\r\n<script>the man</script><pre>the man</pre>"
        "<ul><li> der <a href='?a&amp;b'>Mann</a>, <code>the x</code> und</li></ul>12<p>"
    )
    turned = translate_document(Words(True), "<p>The <b>old <i>man</i></b> reads</p>", "html")
    assert turned == "<p>liest <b><i>Mann</i> alte</b> der</p>"


def test_tags_without_an_end_and_ends_without_a_begin_are_kept():
    assert translate_document(Words(), "<p>the <b>man</i></p>x", "html") == (
        "<p>der <b>Mann</i></p>X"
    )


def test_markdown_keeps_its_structure():
    text = """---
title: the man
---
# The *old* man

The [old **man**](a.md "T") reads and
reads `the x` and.  
The man\\
reads <http://a.b>.

> the man
> - the `man` is

| The | man |
|-----|:---:|
| old | **man** |

    the code
```
the code
```
[a]: b.md
"""
    assert (
        translate_document(Words(), text, "md")
        == """---
title: the man
---
# der *alte* Mann

der [alte **Mann**](a.md "T") liest
und liest `the x` und.  
der Mann\\
liest <http://a.b>.

> der Mann
> - der `man` IS

| der | Mann |
|-----|:---:|
| alte | **Mann** |

    the code
```
the code
```
[a]: b.md
"""
    )


SRT = """1
00:00:01,000 --> 00:00:03,000
<i>the old man</i>

2
00:00:03,200 --> 00:00:05,000 X1:3
reads and reads
and reads.

3
00:00:05,100 --> 00:00:08,000
{\\an8}- The <b>man</b>?
- The man.

4
00:00:20,000 --> 00:00:21,000
♪

5
00:00:30,000 --> 00:00:31,000
the

6
00:00:35,000 --> 00:00:36,000
man
"""


def test_a_sentence_of_several_subtitles_is_translated_as_one_and_cut_again():
    words = Words()
    found = translate_document(words, SRT, "srt")
    assert words.blocks == [
        "the old man reads and reads and reads.", "The man?", "The man.", "the", "man",
    ]  # fmt: skip
    expected = SRT
    for old, new in {
        "the old man</i>": "der alte Mann</i>",
        "reads and reads\nand reads.": "liest und liest\nund liest.",
        "- The <b>man</b>?\n- The man.": "- der <b>Mann</b>?\n- der Mann.",
        "\nthe\n": "\nder\n",
        "\nman\n": "\nMann\n",
    }.items():
        expected = expected.replace(old, new)
    assert found.replace("MAN", "Mann") == expected


def test_webvtt_keeps_notes_styles_and_settings():
    text = """WEBVTT - title

STYLE
::cue { color: red }

NOTE the man

a
00:00:01.000 --> 00:00:03.000 align:start position:10%
<v Bob Smith>the <c.x>old</c> man

00:00:03.000 --> 00:00:04.000
reads &amp; reads.
"""
    assert translate_document(Words(), text, "vtt") == text.replace(
        "the <c.x>old</c> man", "der <c.x>alte</c> Mann"
    ).replace("reads &amp; reads", "liest &amp; liest")


def test_the_format_is_that_of_the_name_and_bad_files_are_refused():
    assert [format_of(name) for name in ("a.SRT", "b.vtt", "c.markdown", "d.htm", "e.txt", None)] \
        == ["srt", "vtt", "md", "html", "text", "text"]  # fmt: skip
    for text, kind in (("the man", "vtt"), ("the man", "srt"), ("<p>12</p>", "html")):
        with pytest.raises(InputError):
            translate_document(Words(), text, kind)
