"""What shared code asks of the application."""

import dataclasses
from collections import Counter

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


def test_a_card_names_all_data():
    config = RECIPES["base"].config
    card = TRANSLATION.card(config, Data(), False)
    assert len(card.data) == 1 and card.commercial_use
    card = TRANSLATION.card(config, Data(scene_rate=0.2, extra="here/mine.tsv"), False)
    assert "grammar" in card.data[1] and card.data[2] == "mine.tsv" and not card.commercial_use


def test_extra_pairs_are_trained_on(tmp_path):
    (tmp_path / "extra.tsv").write_text("the dog\tder Hund\n" * 3, encoding="utf-8")
    ready = prepared(tmp_path, extra=str(tmp_path / "extra.tsv"), scene_rate=0.1)
    assert ready.examples == f"{len(toy_pairs()) - len(ready.held) + 3} pairs"


def test_a_lifted_model_is_not_trained_on_everyday_sentences(tmp_path):
    rows = ["Which bus goes to the airport?\tWelcher Bus?\n", "A bus.\tEin Bus.\n"]
    rows += [f"Bus {k}.\tBus {k}.\n" for k in range(3)]
    path = tmp_path / "own.tsv"
    path.write_text("".join(reversed(rows)), encoding="utf-8")
    left_out = Counter()
    config = TRANSLATION.stage("tiny").config
    for lifted in (False, True):
        config = dataclasses.replace(config, lifted=lifted)
        pairs, _ = TRANSLATION._read_pairs(Data(tsv=str(path)), config, left_out)
        assert any("airport" in pair.source for pair in pairs) is not lifted
    assert left_out["also in benchmarks/everyday"] == 1


def test_the_weights_are_float32_in_any_precision(tmp_path):
    model = prepared(tmp_path, precision="bfloat16").model
    assert model.compute_dtype == "bfloat16"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert TRANSLATION.build(model.config).compute_dtype == "float32"
    with pytest.raises(InputError, match="precision is"):
        Data(precision="int4")
