"""What recurrent networks remember, and why: accuracy against gap, gradients k steps back.

    python benchmarks/long_memory.py --output runs/long_memory            # 20 minutes, two cores
    python benchmarks/long_memory.py --quick --output runs/long_memory    # one minute

SimpleRNN, GRU, Keras' LSTM and this suite's learn the tasks of `benchmarks/memory_tasks.py`:

* with a curriculum: a network that succeeds at one gap is trained at the next. One that fails is
  reset to its last good weights, and only evaluated at this and longer gaps;
* recall from scratch: a new network for every gap, so that only the gradient can find the cue.

The norm of the gradient of the loss with respect to the state k steps back explains the results.
All networks have about the same number of recurrent weights, and the same optimizer, data and step
limit. The suite's LSTM runs its plain loop, because the fast path compiles for each of the many
lengths.

``results.json`` and three plots are written after the last job. Time is limited: all networks of
the first seed run first, and seeds for which no time remains are left out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
import tensorflow as tf

from benchmarks.memory_plots import plot_accuracy, plot_gradients
from benchmarks.memory_tasks import TASKS, Task
from shared.files import write_bytes, write_json
from shared.layers import LSTM, portable
from shared.layers.scan import scan

UNITS = 32  # of an LSTM: 4 * 32**2 recurrent weights, as many as 3 * 37**2 and 64**2
MODELS = {
    "SimpleRNN": partial(keras.layers.SimpleRNN, 2 * UNITS),
    "GRU": partial(keras.layers.GRU, round(UNITS * (4 / 3) ** 0.5), use_cudnn=False),
    "Keras LSTM": partial(keras.layers.LSTM, UNITS, use_cudnn=False),
    "LSTM, forget bias 0": partial(LSTM, UNITS, forget_bias=0.0),
    "LSTM, forget bias 1": partial(LSTM, UNITS),
    "LSTM, forget bias 5": partial(LSTM, UNITS, forget_bias=5.0),
}
LEARNED = 0.98  # running accuracy at which training at a gap ends
REACHED = 0.9  # accuracy below which a longer gap is not tried
BATCH = 32


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        tasks: Names in `TASKS`; the first is also learned from scratch.
        gaps: Of the curriculum, each at most half as long again as the one before.
        scratch_gaps: Of recall from scratch.
        seeds: Networks for each point.
        limit: Of training steps at one gap.
        scratch_limit: The same from scratch.
        work: Another limit at one gap, of training steps times gap: what long ones may cost.
        back: How far gradients are followed back.
        seconds: After which no result is waited for.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    gaps: tuple[int, ...] = (10, 14, 20, 30, 45, 70, 100, 140, 200, 300, 450, 700, 1000)
    scratch_gaps: tuple[int, ...] = (10, 20, 40, 80)
    seeds: int = 3
    limit: int = 1500
    scratch_limit: int = 600
    work: int = 40_000
    back: int = 100
    seconds: int = 1150


QUICK = Plan(
    tasks=("recall", "language"),
    gaps=(10, 20, 40, 100),
    scratch_gaps=(10, 40),
    seeds=1,
    limit=150,
    scratch_limit=150,
    seconds=55,
)


class Network:
    """A recurrent layer that reads a sequence, and a dense layer that answers at its end."""

    def __init__(self, model: str, features: int, outputs: int, seed: int, learning_rate=3e-3):
        keras.utils.set_random_seed(seed)
        self.layer, self.head = MODELS[model](), keras.layers.Dense(outputs)
        self.layer.build((None, None, features))
        self.head.build((None, self.layer.units))
        self.variables = self.layer.trainable_variables + self.head.trainable_variables
        self.optimizer = keras.optimizers.Adam(learning_rate, clipnorm=1.0)
        self.optimizer.build(self.variables)
        x = tf.TensorSpec((BATCH, None, features))  # traced once for all gaps
        y = tf.TensorSpec((BATCH,), tf.float32 if outputs == 1 else tf.int32)
        self.answer = tf.function(self._outputs, input_signature=[x])
        self._train = tf.function(self._train_step, input_signature=[x, y])

    def train(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """One step; the answers before it."""
        return self._train(tf.constant(x), tf.constant(y)).numpy()

    def _outputs(self, x):
        with portable():
            return self.head(self.layer(x))

    def _train_step(self, x, y):
        with tf.GradientTape() as tape:
            outputs = self._outputs(x)
            value = loss(outputs, y)
        self.optimizer.apply(tape.gradient(value, self.variables), self.variables)
        return outputs

    @tf.function
    def gradient_norms(self, x, y):
        """Norm of d loss / d state after every step, mean over the batch: ``(steps,)``.

        The state is all that goes from step to step: ``h``, and ``c`` of an LSTM. Zeros are added
        to it at every step, and the gradient is that with respect to these zeros.
        """
        cell, features = self.layer.cell, x.shape[-1]
        sizes = cell.state_size if isinstance(cell.state_size, list) else [cell.state_size]
        zeros = tf.zeros((*x.shape[:2], sum(sizes)))

        def step(inputs, state):
            _, states = cell(inputs[:, :features], [state[str(k)] for k in range(len(sizes))])
            added = tf.split(inputs[:, features:], sizes, -1)
            return [], {str(k): s + a for k, (s, a) in enumerate(zip(states, added, strict=True))}

        with tf.GradientTape() as tape:
            tape.watch(zeros)
            state = {str(k): tf.zeros((x.shape[0], n)) for k, n in enumerate(sizes)}
            _, state = scan(step, tf.concat([x, zeros], -1), state, [])
            value = loss(self.head(state["0"]), y)
        return tf.reduce_mean(tf.norm(tape.gradient(value, zeros), axis=-1), 0)


def loss(outputs, targets):
    """Cross-entropy for classes, squared error for numbers."""
    if targets.dtype.is_floating:
        return tf.reduce_mean(tf.square(outputs[:, 0] - targets))
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=outputs)
    )


def climb(
    network: Network,
    task: Task,
    gaps: Sequence[int],
    limit: int,
    rng: np.random.Generator,
) -> int:
    """Train at the last of the gaps until ten batches are right, or the limit; the steps taken.

    Every other step goes back to one of the gaps before, so that these are not unlearned.
    """
    *before, gap = gaps
    recent: list[float] = []
    for step in range(limit):
        again = before and step % 2
        x, y = task.sample(rng, BATCH, int(rng.choice(before)) if again else gap)
        outputs = network.train(x, y)
        if not again:
            recent = [*recent[-9:], task.correct(outputs, y).mean()]
        if len(recent) == 10 and np.mean(recent) >= LEARNED:
            return step + 1
    return limit


def accuracy(network: Network, task: Task, gap: int, batches: int = 8) -> float:
    """Share of right answers on sequences that are the same for every network."""
    rng = np.random.default_rng((gap, 1))
    right = []
    for _ in range(batches):
        x, y = task.sample(rng, BATCH, gap)
        right.append(task.correct(network.answer(tf.constant(x)).numpy(), y))
    return float(np.mean(right))


def new_network(model: str, task: Task, seed: int) -> Network:
    """An untrained network for the task."""
    x, _ = task.sample(np.random.default_rng(0), 1, 10)
    return Network(model, x.shape[-1], task.outputs, seed)


def curriculum(model: str, task: str, seed: int, plan: Plan) -> dict:
    """Accuracy and steps at every gap, and gradient norms before and after."""
    network, rng = new_network(model, TASKS[task], seed), np.random.default_rng(seed)
    result = {"accuracy": [], "steps": [], "untrained": gradients(network, task, plan.back)}
    lost = False
    for rung, gap in enumerate(plan.gaps):
        steps = 0
        if not lost:
            before = [variable.numpy() for variable in network.variables]
            limit = min(plan.limit, plan.work // gap)
            steps = climb(network, TASKS[task], plan.gaps[: rung + 1], limit, rng)
            lost = accuracy(network, TASKS[task], gap) < REACHED
        if lost and steps and rung:  # before the first it knew nothing
            for variable, value in zip(network.variables, before, strict=True):
                variable.assign(value)
        result["steps"].append(steps)
        result["accuracy"].append(accuracy(network, TASKS[task], gap))
    return result | {"trained": gradients(network, task, plan.back)}


def scratch(model: str, task: str, seed: int, plan: Plan) -> dict:
    """Accuracy and steps at every gap, a new network for each."""
    result = {"accuracy": [], "steps": []}
    for gap in plan.scratch_gaps:
        network, rng = new_network(model, TASKS[task], seed), np.random.default_rng(seed)
        limit = min(plan.scratch_limit, plan.work // gap)
        result["steps"].append(climb(network, TASKS[task], [gap], limit, rng))
        result["accuracy"].append(accuracy(network, TASKS[task], gap))
    return result


def gradients(network: Network, task: str, back: int) -> list[float]:
    """Gradient norms 0, 1, ... ``back`` steps back.

    The answers that the loss wants are wrong, so that a trained network has an error to send back.
    """
    x, y = TASKS[task].sample(np.random.default_rng(2), 64, back)
    y = 1 - y if TASKS[task].outputs == 1 else (y + 1) % TASKS[task].outputs
    norms = network.gradient_norms(tf.constant(x), tf.constant(y)).numpy()
    return norms[::-1][: back + 1].tolist()


# --- the command ------------------------------------------------------------------------------


def measure(plan: Plan, workers: int = 2) -> dict:
    """Run all jobs side by side, a thread for each.

    Returns:
        ``{"plan", "networks_left_out", "chance", "curriculum": {task: {model: [result of a seed,
        ...]}}, "scratch": {model: [...]}, "seconds"}``.
    """
    start = time.monotonic()
    jobs = [
        (kind, task, model, seed)
        for kind, tasks in ((curriculum, plan.tasks), (scratch, plan.tasks[:1]))
        for task in tasks
        for model in MODELS
        for seed in range(plan.seeds)
    ]
    # Seed by seed, for the last may be left out. Of each, the adding problem, which takes longest,
    # comes first, so that no worker is idle at the end.
    jobs.sort(key=lambda job: (job[3], job[1] != "adding"))
    done = {}
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    with ProcessPoolExecutor(workers, context, initializer=_one_thread) as pool:
        running = {pool.submit(kind, model, task, seed, plan): (kind, task, model, seed)
                   for kind, task, model, seed in jobs}  # fmt: skip
        try:
            for future in as_completed(running, timeout=plan.seconds):
                kind, task, model, seed = running[future]
                done[running[future]] = result = future.result()
                row = " ".join(f"{a:.2f}" for a in result["accuracy"])
                seconds = time.monotonic() - start
                print(f"{seconds:5.0f} s  {kind.__name__:10} {task:14} {model:20} {seed}: {row}",
                      file=sys.stderr, flush=True)  # fmt: skip
        except TimeoutError:
            print(f"{len(jobs) - len(done)} of {len(jobs)} networks left out: {plan.seconds} s "
                  "have passed.", file=sys.stderr, flush=True)  # fmt: skip
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()

    def seeds(kind, task, model):
        keys = [(kind, task, model, seed) for seed in range(plan.seeds)]
        return [done[key] for key in keys if key in done]

    return {
        "plan": asdict(plan),
        "networks_left_out": len(jobs) - len(done),
        "chance": {task: TASKS[task].chance for task in plan.tasks},
        "curriculum": {
            task: {model: seeds(curriculum, task, model) for model in MODELS} for task in plan.tasks
        },
        "scratch": {model: seeds(scratch, plan.tasks[0], model) for model in MODELS},
        "seconds": round(time.monotonic() - start),
    }


def _one_thread() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def summary(results: dict) -> str:
    """A Markdown table: the longest gap that was reached, and the gradient's factor per step."""
    plan, tasks = results["plan"], results["curriculum"]
    columns = [*tasks, "recall, no curriculum", "gradient per step, untrained", "trained on recall"]
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for model in MODELS:
        cells = [longest(seeds[model], plan["gaps"]) for seeds in tasks.values()]
        cells.append(longest(results["scratch"][model], plan["scratch_gaps"]))
        for when in ("untrained", "trained"):
            left = [np.log(per_step(seed[when])) for seed in tasks["recall"][model]]
            cells.append(f"{np.exp(np.mean(left)):.2f}" if left else "-")
        lines.append(f"| {model} | " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def per_step(norms: Sequence[float]) -> float:
    """The factor by which a gradient grows or shrinks at each step, from step 10 to the middle."""
    last = len(norms) // 2
    return (max(norms[last], 1e-30) / max(norms[10], 1e-30)) ** (1 / (last - 10))


def longest(seeds: Sequence[dict], gaps: Sequence[int]) -> int | str:
    """The longest gap up to which the median seed has an accuracy of `REACHED`; "-": no seed."""
    if not seeds:
        return "-"
    reached = 0
    for gap, values in zip(gaps, zip(*(s["accuracy"] for s in seeds), strict=True), strict=True):
        if np.median(values) < REACHED:
            break
        reached = gap
    return reached


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one minute: two tasks, one seed")
    parser.add_argument("--output", type=Path, default=Path("runs/long_memory"), metavar="DIR")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else Plan()
    results = measure(plan)
    write_json(options.output / "results.json", results)
    pictures = {
        "accuracy": plot_accuracy(results["curriculum"], plan.gaps, results["chance"]),
        "scratch": plot_accuracy(
            {"recall": results["scratch"]}, plan.scratch_gaps, results["chance"]
        ),
        "gradients": plot_gradients(results["curriculum"]),
    }
    for name, picture in pictures.items():
        write_bytes(options.output / f"{name}.png", picture)
    print(summary(results))
    print(f"{results['seconds']} s; wrote results.json and {len(pictures)} PNG files to "
          f"{options.output}")  # fmt: skip


if __name__ == "__main__":
    main()
