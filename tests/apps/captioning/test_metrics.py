import shutil

import numpy as np
import pytest

from apps.captioning.metrics import Cider, bleu, meteor, rouge_l, scores, words
from shared.readers import read_json
from tests.apps.captioning import toy

RECORDED = read_json(toy.Path(toy.__file__).parent / "pycocoevalcap.json")
FOUND = [text.split() for text in RECORDED["captions"]]
REFERENCES = [[text.split() for text in texts] for texts in RECORDED["references"]]


def test_all_figures_are_pycocoevalcaps():
    figures = scores(FOUND, REFERENCES)
    np.testing.assert_allclose(bleu(FOUND, REFERENCES), RECORDED["bleu"], rtol=1e-9)
    assert figures["bleu4"] == pytest.approx(100 * RECORDED["bleu"][3], rel=1e-9)
    assert figures["cider"] == pytest.approx(RECORDED["cider"], rel=1e-9)
    assert figures["rouge_l"] == pytest.approx(RECORDED["rouge_l"], rel=1e-9)


def test_cider_of_each_caption_is_pycocoevalcaps():
    judge = Cider(REFERENCES)
    each = [judge.scores([one], others)[0] for one, others in zip(FOUND, REFERENCES, strict=True)]
    np.testing.assert_allclose(each, RECORDED["ciders"], rtol=1e-9)
    many = judge.scores([*FOUND, []], REFERENCES[0])
    assert many[0] == pytest.approx(each[0]) and many[-1] == 0


def test_meteor_is_absent_without_java(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert meteor(FOUND, REFERENCES) is None


@pytest.mark.skipif(not shutil.which("java"), reason="METEOR is a Java program")
def test_meteor_knows_a_reference_from_nonsense():
    pytest.importorskip("pycocoevalcap", reason="pip install 'lstm-suite[meteor]'")
    same = meteor([texts[0] for texts in REFERENCES], REFERENCES)
    assert same > 0.95 > 0.1 > meteor([["xyzzy"]] * len(REFERENCES), REFERENCES)


def test_nothing_said_scores_nothing():
    figures = scores([[]] * len(REFERENCES), REFERENCES)
    assert max(figures.values()) < 1e-6
    assert rouge_l([], [["a"]]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('A man, "Tom", rides (fast) .', "a man tom rides fast"),
        ("The girl's tri-colored dog doesn't bark!", "the girl 's tri-colored dog does n't bark"),
        ("Two dogs' bones; 3 p.m. -- T-shirt", "two dogs bones 3 p.m t-shirt"),
        ("Ein Café’s  Schild", "ein café 's schild"),
        (" . ! ", ""),
    ],
)
def test_words_are_lower_case_without_punctuation(text, expected):
    assert words(text) == expected.split()
    assert words(" ".join(words(text))) == words(text)
