import io
import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import long_memory, memory_tasks
from benchmarks.memory_plots import plot_accuracy, plot_gradients
from benchmarks.memory_tasks import ANSWERS, LANGUAGES, TASKS, WORDS, sentences
from shared.layers import portable

GAPS = (10, 37)


@pytest.fixture(autouse=True)
def plain_loop():
    """The fast path compiles for every gap."""
    with portable():
        yield


def words(row):
    return [WORDS[step.argmax()] for step in row if step.any()]


# --- tasks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_shapes_depend_on_the_gap_alone_and_draws_on_the_seed(name):
    for gap in GAPS:
        x, y = TASKS[name].sample(np.random.default_rng(0), 5, gap)
        again, _ = TASKS[name].sample(np.random.default_rng(0), 5, gap)
        other, _ = TASKS[name].sample(np.random.default_rng(1), 5, gap)
        assert x.dtype == np.float32 and x.shape == other.shape and x.shape[1] >= gap
        assert np.array_equal(x, again) and not np.array_equal(x, other)
        assert y.dtype == (np.float32 if TASKS[name].outputs == 1 else np.int32)


@pytest.mark.parametrize("name", TASKS)
def test_chance_is_what_the_best_blind_answer_gets(name):
    task = TASKS[name]
    _, y = task.sample(np.random.default_rng(0), 4000, 12)
    if task.outputs == 1:
        blind = [task.correct(np.full((4000, 1), guess), y).mean() for guess in (0.4, 0.5, 0.6)]
    else:
        counts = np.bincount(y, minlength=task.outputs)
        assert counts.min() > 0
        blind = counts / 4000
    assert max(blind) == pytest.approx(task.chance, abs=0.025)


def test_recall_shows_the_cue_once_and_a_bell_at_the_end():
    x, y = memory_tasks.recall(np.random.default_rng(0), 50, 20)
    assert x.shape == (50, 22, 13) and np.array_equal(x[:, 0].argmax(-1), y)
    assert not x[:, 1:, :8].any() and x[:, -1, -1].all() and not x[:, :-1, -1].any()


def test_adding_marks_two_numbers_far_apart():
    x, y = memory_tasks.adding(np.random.default_rng(0), 50, 40)
    marks = x[:, :, 1] == 1
    assert (marks.sum(1) == 2).all()
    np.testing.assert_allclose(y, (x[:, :, 0] * marks).sum(1) / 2, rtol=1e-6)
    assert (marks[:, :4].sum(1) == 1).all() and (marks[:, 20:41].sum(1) == 1).all()


def test_temporal_order_is_that_of_the_two_letters():
    x, y = memory_tasks.temporal_order(np.random.default_rng(0), 50, 30)
    symbols = x.argmax(-1)
    for row, answer in zip(symbols, y, strict=True):
        letters = row[row < 2]
        assert len(letters) == 2 and answer == 2 * letters[0] + letters[1]
    assert set(y) == {0, 1, 2, 3}


def test_sentences_have_the_gap_that_was_asked_for():
    rng = np.random.default_rng(0)
    for gap in (9, 10, 15, 60):
        for _ in range(30):
            story = sentences(rng, gap)
            country = next(word for word in story if word in LANGUAGES)
            assert story[-1] == LANGUAGES[country]
            assert len(story) - 1 - story.index(country) == gap + 1
            assert story[-6:-1] == "now I can speak fluently".split()
    with pytest.raises(ValueError, match="at least 9"):
        sentences(rng, 7)


def test_fillers_name_other_countries():
    x, y = memory_tasks.language(np.random.default_rng(0), 40, 60)
    misleading = 0
    for row, answer in zip(x, y, strict=True):
        text = words(row)
        assert LANGUAGES[next(w for w in text if w in LANGUAGES)] == ANSWERS[answer]
        last = [w for w in text if w in LANGUAGES][-1]
        misleading += LANGUAGES[last] != ANSWERS[answer]
    assert misleading > 20


# --- networks ---------------------------------------------------------------------------------


def test_every_network_has_about_as_many_recurrent_weights():
    sizes = []
    for model in long_memory.MODELS:
        network = long_memory.new_network(model, TASKS["recall"], 0)
        sizes.append(np.prod(network.layer.cell.recurrent_kernel.shape))
    assert len(sizes) == 6 and max(sizes) < 1.02 * min(sizes)


def test_same_seed_same_first_weights_as_keras():
    ours, theirs = (
        long_memory.new_network(model, TASKS["recall"], 4)
        for model in ("LSTM, forget bias 1", "Keras LSTM")
    )
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bias", [0, 1, 5])
def test_on_the_belt_a_gradient_shrinks_by_the_forget_gate(bias):
    network = long_memory.new_network(f"LSTM, forget bias {bias}", TASKS["recall"], 0)
    for weight in (network.layer.cell.kernel, network.layer.cell.recurrent_kernel):
        weight.assign(tf.zeros_like(weight))
    network.layer.cell.bias.assign_add(np.repeat(np.float32([0, 0, 0.5, 0]), long_memory.UNITS))
    norms = np.array(long_memory.gradients(network, "recall", 20))
    assert norms.shape == (21,)
    factors = norms[2:] / norms[1:-1]  # at step 0 the output gate stands between
    np.testing.assert_allclose(factors, 1 / (1 + np.exp(-bias)), rtol=1e-4)


@pytest.mark.parametrize("model", ["SimpleRNN", "GRU", "LSTM, forget bias 1"])
def test_gradient_norms_are_those_of_small_pushes(model):
    network = long_memory.new_network(model, TASKS["adding"], 0)
    x, y = TASKS["adding"].sample(np.random.default_rng(2), 64, 6)
    norms = long_memory.gradients(network, "adding", 6)
    cell, row = network.layer.cell, x[:1]
    units = cell.units

    def loss(pushed):
        sizes = cell.state_size if isinstance(cell.state_size, list) else [cell.state_size]
        states = [tf.zeros((1, size)) for size in sizes]
        for step in range(row.shape[1]):
            _, states = cell(row[:, step], states)
            if step == 4:
                states = [s + p for s, p in zip(states, pushed, strict=True)]
        return float((network.head(states[0])[0, 0] - (1 - y[0])) ** 2)

    count = 2 if "LSTM" in model else 1
    zero, gradient = np.zeros((count, 1, units), np.float32), []
    for index in np.ndindex(count, units):
        push = zero.copy()
        push[index[0], 0, index[1]] = 0.01
        gradient.append((loss(list(push)) - loss(list(-push))) / 0.02)
    alone = network.gradient_norms(tf.constant(row), tf.constant(1 - y[:1])).numpy()
    assert alone[4] == pytest.approx(np.linalg.norm(gradient), rel=0.02)
    assert len(norms) == 7 and norms[0] > norms[5] > 0


def test_a_network_learns_and_the_curriculum_goes_on():
    plan = long_memory.Plan(gaps=(2, 4), limit=120, back=20)
    result = long_memory.curriculum("SimpleRNN", "recall", 0, plan)
    assert result["accuracy"][0] > 0.95 and 10 <= result["steps"][0] < 120
    assert len(result["steps"]) == 2 and len(result["untrained"]) == len(result["trained"]) == 21


class Pupil:
    """Stands in for a network: answers up to a gap that it never exceeds."""

    def __init__(self, reach):
        self.reach = reach
        self.variables = [tf.Variable(0.0)]
        self.gaps = []

    def train(self, x, y):
        self.gaps.append(x.shape[1] - 2)
        self.variables[0].assign_add(1.0)
        return self.answer(x).numpy()

    def answer(self, x):
        x = np.asarray(x)
        right = x[:, 0, :8] if x.shape[1] - 2 <= self.reach else 1 - x[:, 0, :8]
        return tf.constant(right)


def test_curriculum_goes_back_to_what_worked(monkeypatch):
    pupil = Pupil(reach=20)
    monkeypatch.setattr(long_memory, "new_network", lambda *_: pupil)
    monkeypatch.setattr(long_memory, "gradients", lambda *_: [1.0])
    plan = long_memory.Plan(gaps=(10, 20, 40, 80), limit=50)
    result = long_memory.curriculum("GRU", "recall", 0, plan)
    assert result["accuracy"] == [1, 1, 0, 0]
    assert result["steps"] == [10, 19, 50, 0]  # every other step goes back to a gap before
    assert float(pupil.variables[0]) == 29
    assert set(pupil.gaps[:10]) == {10} and set(pupil.gaps[10:29:2]) == {20}
    assert set(pupil.gaps[11:29:2]) == {10} and set(pupil.gaps[30::2]) == {10, 20}


# --- results ----------------------------------------------------------------------------------


def test_longest_gap_is_the_median_seeds_and_has_no_holes():
    def seeds(*rows):
        return [{"accuracy": row} for row in rows]

    assert long_memory.longest(seeds([1, 1, 0.2], [1, 0.95, 1], [1, 0.1, 1]), (10, 20, 30)) == 30
    assert long_memory.longest(seeds([1, 0.5, 1]), (10, 20, 30)) == 10
    assert long_memory.longest(seeds([0.5, 1, 1]), (10, 20, 30)) == 0


def test_command_writes_results_and_pictures(tmp_path, monkeypatch, capsys):
    def fake(plan):
        rng = np.random.default_rng(0)

        def result(gaps):
            norms = [0.5**k for k in range(plan.back + 1)]
            return {"accuracy": rng.random(len(gaps)).tolist(), "steps": [1] * len(gaps),
                    "untrained": norms, "trained": norms}  # fmt: skip

        return {
            "plan": {"gaps": plan.gaps, "scratch_gaps": plan.scratch_gaps},
            "chance": {task: TASKS[task].chance for task in plan.tasks},
            "curriculum": {
                task: {model: [result(plan.gaps)] * 2 for model in long_memory.MODELS}
                for task in plan.tasks
            },
            "scratch": {model: [result(plan.scratch_gaps)] for model in long_memory.MODELS},
            "seconds": 1,
        }

    monkeypatch.setattr(long_memory, "measure", fake)
    long_memory.main(["--quick", "--output", str(tmp_path / "out")])
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["accuracy.png", "gradients.png", "results.json", "scratch.png"]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert set(results["curriculum"]) == {"recall", "language"}
    for name in names[:2]:
        image = Image.open(io.BytesIO((tmp_path / "out" / name).read_bytes()))
        assert image.width > 600 and len(image.getcolors(1 << 24)) > 50
    table = capsys.readouterr().out
    assert table.count("| 0.50 | 0.50 |") == len(long_memory.MODELS)


def test_quick_is_a_small_part_of_the_plan():
    full, quick = long_memory.Plan(), long_memory.QUICK
    assert set(quick.tasks) < set(full.tasks) and max(quick.gaps) < max(full.gaps) == 1000
    assert replace(full, tasks=quick.tasks).tasks[0] == "recall"  # what is learned from scratch


def test_networks_for_which_it_is_too_late_are_left_out():
    plan = replace(long_memory.QUICK, seconds=0)
    results = long_memory.measure(plan)
    assert results["networks_left_out"] == 3 * len(long_memory.MODELS)
    assert not any(results["curriculum"]["recall"].values())
    assert "| SimpleRNN | - | - | - | - | - |" in long_memory.summary(results)
    half = {"recall": results["curriculum"]["recall"] | {
        "GRU": [{"accuracy": [1.0] * len(plan.gaps), "untrained": [1.0], "trained": [1.0]}],
    }}  # fmt: skip
    assert plot_gradients(half) and plot_accuracy(half, plan.gaps, results["chance"])
