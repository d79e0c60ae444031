"""What shared code asks of the application."""

import dataclasses

import numpy as np
import pytest

from apps.translation.app import RECIPES, TRANSLATION
from apps.translation.data import PIPELINES, Data, Pair
from shared.errors import InputError
from tests.apps.translation.toy import toy_pairs


def prepared(folder, pairs=None, **changes):
    """A training on the toy language that has not begun."""
    path = folder / "pairs.tsv"
    rows = [f"{source}\t{target}\n" for source, target in pairs or toy_pairs()]
    path.write_text("".join(rows), encoding="utf-8")
    stage = TRANSLATION.stage("tiny")
    stage = dataclasses.replace(
        stage,
        config=dataclasses.replace(stage.config, vocabulary=400),
        data=Data(tsv=str(path), batch_tokens=96, **changes),
    )
    return TRANSLATION.prepare(stage, folder / "run", None)


def test_a_new_model_translates_the_direction_of_ones_own_pairs(tmp_path):
    ready = prepared(tmp_path, target_language="fr")
    assert ready.config.directions == (("en", "fr"),) and not ready.config.multilingual
    assert len(ready.held) == -(-len(toy_pairs()) // 20)
    assert ready.examples == f"{len(toy_pairs()) - len(ready.held)} pairs"
    assert ready.steps == 20 * len(list(ready.epoch(0)))
    assert [path.name for path in ready.files] == ["tokenizer.model"]


def test_both_pipelines_train_for_as_many_steps(tmp_path):
    steps = []
    for name in PIPELINES:
        (tmp_path / name).mkdir()
        steps.append(prepared(tmp_path / name, pipeline=name).steps)
    assert steps[0] == steps[1] > 0


def test_a_run_on_other_data_is_refused(tmp_path):
    prepared(tmp_path)
    pairs = toy_pairs()[1:]
    with pytest.raises(InputError, match="a run on other data"):
        prepared(tmp_path, pairs)


def test_what_is_left_out_is_counted(tmp_path):
    pairs = [*toy_pairs(), *toy_pairs()[:3], ("", "leer"), ("the dog " * 80, "x")]
    ready = prepared(tmp_path, pairs)
    assert ready.left_out == {"more than once": 3, "empty on a side": 1,
                              "longer than 63 subwords": 1}  # fmt: skip


def test_if_all_is_left_out_that_is_said_and_better_data_may_follow(tmp_path):
    long = [(f"{k} {'the dog ' * 80}", "x") for k in range(30)]
    with pytest.raises(InputError, match="no pair to train on.*28 longer than 63 subwords"):
        prepared(tmp_path, long)
    assert prepared(tmp_path).examples


def test_figures_are_noted_with_what_they_are_of():
    pairs = [Pair("a", "b", "en", "de")] * 2 + [Pair("b", "a", "de", "en")]
    notes = TRANSLATION.notes(pairs, {"bleu": 1.0, "bleu_en_de": 2.0})
    assert notes["bleu"].format("validation").startswith("3 validation pairs; sacreBLEU nrefs:1|")
    assert notes["bleu_en_de"].startswith("2 {} pairs")


def test_a_batch_is_of_the_size_of_training():
    batch = TRANSLATION.random_batch(RECIPES["base"].config, np.random.default_rng(0))
    assert batch["source"].shape == (74, 16) and batch["mask"].sum(1).min() >= 12
    assert batch["source"].max() < 8000
