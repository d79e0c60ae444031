# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The LSTM, explained by running it
#
# This notebook demonstrates the textbook's claims about long short-term memory, one after the
# other: the equations by hand, the three gates on words and on music, why a plain recurrent network
# forgets and its gradient vanishes or explodes, and the five architectures.
#
# The networks are small and train in seconds. `python benchmarks/long_memory.py` and
# `python benchmarks/architectures.py` are the full experiments.

# %%
import io
import os
import sys
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = ["..", "."]  # this notebook needs the repository, for `benchmarks`

import keras
import numpy as np
import tensorflow as tf
from IPython.display import Image, display
from matplotlib.figure import Figure
from music21 import corpus
from PIL import Image as Picture

from apps.music.app import MUSIC
from apps.music.corpus import piece_from_score
from apps.music.gates import trace
from apps.verbs.inspect import picture
from benchmarks import long_memory, memory_plots, memory_tasks
from shared.layers import GATES, LSTM, LSTMCell
from shared.layers.architectures import ARCHITECTURES, encoder_decoder, vanilla
from shared.plots import gate_trace

rng = np.random.default_rng(0)
tf.get_logger().setLevel("ERROR")  # nothing about functions that are traced for another network


def canvas(width=8.0, height=2.6):
    """The axes of a new figure."""
    return Figure(figsize=(width, height), dpi=80, layout="constrained").add_subplot()


def show(made):
    """A PNG, or the figure of some axes, in few colors, so that the notebook stays small."""
    png = io.BytesIO(made if isinstance(made, bytes) else b"")
    if not isinstance(made, bytes):
        made.figure.savefig(png)
    small = io.BytesIO()
    Picture.open(png).convert("RGB").quantize(256).save(small, "png", optimize=True)
    display(Image(small.getvalue()))


# %% [markdown]
# ## 1. One step, by hand
#
# A cell carries two vectors from step to step: the **cell state** $c$, its memory, and the **hidden
# state** $h$, what it shows of it. With $\odot$ for the elementwise product:
#
# $$\begin{aligned}
# i_t &= \sigma(x_t W_i + h_{t-1} R_i + b_i) &&\text{input gate: what is written}\\
# f_t &= \sigma(x_t W_f + h_{t-1} R_f + b_f) &&\text{forget gate: 0 drops, 1 keeps}\\
# g_t &= \tanh(x_t W_g + h_{t-1} R_g + b_g) &&\text{candidate: what could be written}\\
# c_t &= f_t \odot c_{t-1} + i_t \odot g_t &&\text{the conveyor belt}\\
# o_t &= \sigma(x_t W_o + h_{t-1} R_o + b_o) &&\text{output gate: what is shown}\\
# h_t &= o_t \odot \tanh(c_t) &&\text{a filtered view of the cell}
# \end{aligned}$$

# %%
keras.utils.set_random_seed(1)
cell = LSTMCell(3)
cell.build((None, 2))
x, h, c = rng.normal(size=(1, 2)), rng.normal(size=(1, 3)), rng.normal(size=(1, 3))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step_by_hand(x, h, c):
    """The six equations in NumPy, with the cell's own weights."""
    W, R, b = (v.numpy().astype(float) for v in (cell.kernel, cell.recurrent_kernel, cell.bias))
    z_i, z_f, z_g, z_o = np.split(x @ W + h @ R + b, 4, axis=1)
    i, f, g = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g)
    c = f * c + i * g
    o = sigmoid(z_o)
    return o * np.tanh(c), c, {"input": i, "forget": f, "candidate": g, "output": o, "cell": c}


h_hand, c_hand, by_hand = step_by_hand(x, h, c)
(h_cell, c_cell), gates = cell.gates(*tf.nest.map_structure(np.float32, (x, [h, c])))
for name in GATES:
    print(f"{name:10} by hand {by_hand[name].round(5)}   the cell {gates[name].numpy().round(5)}")
np.testing.assert_allclose(h_hand, h_cell, atol=1e-6)
np.testing.assert_allclose(c_hand, c_cell, atol=1e-6)

# %% [markdown]
# The two curves that make gates: the sigmoid lies in (0, 1), a share of what is let through; the
# hyperbolic tangent in (-1, 1), so that the memory can be raised and lowered.

# %%
z = np.linspace(-6, 6, 200)
assert 0 < sigmoid(z).min() and sigmoid(z).max() < 1 and abs(np.tanh(z)).max() < 1
axes = canvas()
axes.plot(z, sigmoid(z), label="sigmoid(z), the gates")
axes.plot(z, np.tanh(z), label="tanh(z), candidate and view")
axes.legend()
show(axes)

# %% [markdown]
# The forget gate decides how long something stays. Here the belt starts with 1 and nothing is
# written: with $f = 1$ it arrives untouched after a hundred steps (Hochreiter and Schmidhuber's
# *constant error carousel*), with 0.9 it has a half-life of seven steps, with 0 it is gone at once.
# A new cell begins at $f = \sigma(\text{forget bias})$: 0.5 for bias 0, 0.73 for 1, 0.993 for 5.

# %%
axes = canvas()
for f in (1.0, 0.993, 0.9, 0.73, 0.5, 0.0):
    axes.plot(f ** np.arange(101), label=f"f = {f}")
axes.set(xlabel="steps", ylabel="what is left of c", title="c = f c, a hundred times")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(axes)

# %% [markdown]
# ## 2. A sequence
#
# The `LSTM` layer repeats the step. With `return_gates` it also returns its gates. The numbers
# equal those of the step by hand, and of `keras.layers.LSTM` with the same weights.

# %%
layer = LSTM(3, return_sequences=True, return_gates=True)
layer.build((None, None, 2))
layer.set_weights(cell.get_weights())
sequence = rng.normal(size=(1, 50, 2)).astype(np.float32)
outputs, gates = layer(sequence)

h, c = np.zeros((1, 3)), np.zeros((1, 3))
for t in range(50):
    h, c, _ = step_by_hand(sequence[:, t], h, c)
np.testing.assert_allclose(outputs[:, -1], h, atol=1e-6)
assert (abs(h) <= abs(np.tanh(c))).all()  # a filtered view: never more than the cell holds

theirs = keras.layers.LSTM(3, return_sequences=True)
theirs.build((None, None, 2))
theirs.set_weights(cell.get_weights())
np.testing.assert_allclose(outputs, theirs(sequence), atol=1e-6)
print("outputs", outputs.shape, "gates", gates.shape, "=", "batch, steps,", GATES, ", units")

# %% [markdown]
# ## 3. The gates on words
#
# *I have been staying in Spain. ... Now I can speak fluently ___.* A language model learns to
# predict the next word of such sentences. The fillers between cue and answer name other countries,
# so context matters too. The loss of the answer has weight five, because it is one word of thirty.

# %%
CODE = {word: number for number, word in enumerate(["", *memory_tasks.WORDS])}
STEPS = 36


def encode(rows):
    symbols = np.zeros((len(rows), STEPS), np.int32)
    for row, words in zip(symbols, rows, strict=True):
        row[: len(words)] = [CODE[word] for word in words]
    return symbols


def stories(count, longest):
    return [memory_tasks.sentences(rng, int(rng.integers(9, longest))) for _ in range(count)]


keras.utils.set_random_seed(0)
model = vanilla(len(CODE), len(CODE), units=64, embedding=32, layer=partial(LSTM, forget_bias=3.0))
model.compile(
    keras.optimizers.Adam(0.01, clipnorm=1.0),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
    jit_compile=False,
)
for longest in (10, 14, 24):  # short stories first
    symbols = encode(stories(2560, longest))
    counts = (symbols[:, 1:] > 0).astype(np.float32)
    counts[np.arange(len(counts)), (symbols > 0).sum(1) - 2] = 5
    model.fit(
        symbols[:, :-1], symbols[:, 1:], sample_weight=counts, batch_size=32, epochs=2, verbose=0
    )

tests = stories(200, 28)  # longer gaps than it was trained on, too
lengths = np.array([len(words) for words in tests])
guesses = model.predict(encode(tests)[:, :-1], verbose=0)[np.arange(200), lengths - 2].argmax(-1)
right = np.mean([CODE[words[-1]] == guess for words, guess in zip(tests, guesses, strict=True)])
print(f"the last word is right in {right:.0%} of new stories")
assert right > 0.8

# %%
STORY = (
    "I have been staying in {} . Peter wrote a long letter . a friend from Japan came for dinner "
    ". the coffee was good . now I can speak fluently"
)


def read(country):
    """The words, and what the model's LSTM did at each: ``(steps, 5, units)``."""
    words = STORY.format(country).split()
    x = model.get_layer("embed_symbols")(encode([words])[:, : len(words)])
    look = LSTM(64, return_sequences=True, return_gates=True)
    look.build(x.shape)
    look.set_weights(model.get_layer("lstm").get_weights())
    answer = model(encode([words])[:, : len(words)])[0, -1].numpy().argmax()
    print(" ".join(words), "...", list(CODE)[answer])
    return words, look(x)[1][0].numpy()


words, spain = read("Spain")
_, italy = read("Italy")
show(gate_trace(spain, words, units=24, title="Spain"))

# %% [markdown]
# Dark blue rows on top are units that keep their state; they change only where the input gate
# opens. To see which of them carry the answer, the same story is told with Italy: the difference of
# the cell states after the fillers is the memory of the one word that differs.

# %%
difference = np.abs(spain[:, 4] - italy[:, 4])
carriers = np.argsort(-difference[-2])[:5]
axes = canvas(9, 3.4)
axes.plot(difference[:, carriers], color="#2c5fa8", linewidth=1)
axes.plot(difference.mean(1), color="#c0392b", linewidth=2.5, label="mean over all units")
axes.plot([], color="#2c5fa8", linewidth=1, label="the five that differ most at the end")
axes.set_xticks(
    range(len(words)), [w.replace("Spain", "Spain / Italy") for w in words], rotation=90
)
axes.set_title("|c in the story of Spain - c in the story of Italy|")
axes.legend()
show(axes)

# %% [markdown]
# ## 4. The gates on music
#
# The shipped chorale model reads Bach. Notes on top, below them the gates of those units of its
# second layer whose cell state changes most. The stripes are the eighths. Where all voices hold a
# note, under the fermatas at the ends of phrases, the gates stand open. Some cells swing with every
# beat, some with the phrase. `lstm-suite inspect music FILE` draws this for any score.

# %%
score = corpus.parse("bach/bwv269", forceSource=True)
piece = piece_from_score(score, "bwv269", as_written=True)
bach = trace(MUSIC.load_model(MUSIC.find_preset()), piece, 96, "BWV 269")
show(picture(bach, layer=2, units=24))

# %%
kept = bach.layers[1][:, 1].mean(0)  # forget gates, mean over time
half_life = np.log(0.5) / np.log(kept.clip(1e-3, 1 - 1e-3))
axes = canvas()
axes.hist(np.log2(half_life.clip(0.25)), bins=24, color="#2c5fa8")
axes.set_xticks(range(-2, 10, 2), [f"{2.0**k:g}" for k in range(-2, 10, 2)])
axes.set(xlabel="half-life of a unit's memory, 16ths", ylabel="units")
show(axes)

# %% [markdown]
# ## 5. Why a plain RNN forgets
#
# $h_t = \tanh(x_t W + h_{t-1} R + b)$ multiplies its memory by $R$ at every step, and so does the
# gradient on its way back: it shrinks or grows geometrically. Along the belt of an LSTM it is
# multiplied by the forget gate only. Here is the norm of the gradient of the loss with respect to
# the state $k$ steps back, in untrained networks that are to recall the first of 101 symbols.

# %%
TASK = memory_tasks.TASKS["recall"]


def untrained(model, scale=1.0):
    network = long_memory.new_network(model, TASK, seed=0)
    recurrent = network.layer.cell.recurrent_kernel
    recurrent.assign(scale * recurrent)
    return np.array(long_memory.gradients(network, "recall", back=100))


cases = {
    "RNN, R x 0.5: vanishes": untrained("SimpleRNN", 0.5),
    "RNN, R orthogonal": untrained("SimpleRNN"),
    "RNN, R x 2: explodes": untrained("SimpleRNN", 2.0),
    "GRU": untrained("GRU"),
    "LSTM, forget bias 0": untrained("LSTM, forget bias 0"),
    "LSTM, forget bias 1": untrained("LSTM, forget bias 1"),
    "LSTM, forget bias 5": untrained("LSTM, forget bias 5"),
}
axes = canvas(8, 3.6)
for name, norms in cases.items():
    axes.plot(norms / norms[0], "--" if "RNN" in name else "-", label=name)
axes.set(yscale="log", ylim=(1e-12, 1e6), xlabel="k, steps back", ylabel="relative norm")
axes.legend(fontsize=7, ncols=2)
show(axes)
assert cases["RNN, R x 0.5: vanishes"][-1] < 1e-12 * cases["RNN, R x 0.5: vanishes"][0]
assert cases["RNN, R x 2: explodes"][-1] > 10 * cases["RNN, R x 2: explodes"][0]
assert cases["LSTM, forget bias 5"][-1] > 1e-2 * cases["LSTM, forget bias 5"][0]

# %% [markdown]
# An untrained LSTM with forget bias 0 halves what it carries at every step: it is the *learned*
# gate that makes the carousel, and a bias of 1 or more is a head start. A GRU begins at one half,
# too. The plain RNN with an orthogonal $R$, as Keras makes it, is not worse at first. What differs
# is what they can become. The cue and the language again, now with up to 300 words between: a
# network that answers at one gap goes on at the next.

# %%
PLAN = long_memory.Plan(gaps=(10, 30, 100, 300), limit=200)
MODELS = ("SimpleRNN", "GRU", "LSTM, forget bias 1")
results = {name: [long_memory.curriculum(name, "language", 0, PLAN)] for name in MODELS}
chance = {"language": memory_tasks.TASKS["language"].chance}
show(memory_plots.plot_accuracy({"language": results}, PLAN.gaps, chance))
show(memory_plots.plot_gradients({"language": results}))

# %% [markdown]
# After training, the gradient of the plain RNN no longer vanishes either. But nothing protects its
# state from the multiplication by $R$ at each step: it drifts, and beyond the gaps of its training
# the answers are right or wrong by chance. The state of the gated networks is stable.
#
# A gradient that arrives and a memory that stays are two things. The LSTM answers at every gap, and
# yet its gradient is small after training: a state that returns to where it was after a small push
# holds its value safely, and for that reason passes on little of the push (Bengio et al. 1994).
# A gradient is needed while the network learns, not afterwards.

# %% [markdown]
# ## 6. Five architectures
#
# `shared.layers.architectures` builds each in a few lines. `docs/architectures.md` has their
# figures on real music, and says when to choose which.
#
# | | reads | answers | here in |
# |---|---|---|---|
# | vanilla | left to right | at each step, or at the end | the language model above |
# | stacked | left to right, in several layers | the same | music |
# | CNN-LSTM | what convolutions saw | at the end | a photo's features, a recording |
# | bidirectional | both ways | at each step | the melody that music harmonizes |
# | encoder-decoder | a sequence, both ways | another sequence | translation |

# %%
for name, builder in ARCHITECTURES.items():
    example = builder(60, 60, units=32, embedding=16)
    shapes = " and ".join(str(tensor.shape) for tensor in example.inputs)
    print(f"{name:16} {example.count_params():7,} weights   {shapes} -> {example.outputs[0].shape}")

# %% [markdown]
# The last one at work. The encoder reads a number, the decoder writes it backwards, and the
# attention shows where it looks: at the last digit first.

# %%
numbers = rng.integers(2, 12, (2048, 8)).astype(np.int32)  # 0 is padding, 1 the start
backwards = numbers[:, ::-1]
target = np.concatenate([np.ones((2048, 1), np.int32), backwards[:, :-1]], 1)
keras.utils.set_random_seed(0)
model = encoder_decoder(12, 12, units=48, embedding=16)
model.compile(
    keras.optimizers.Adam(0.01),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)
history = model.fit([numbers, target], backwards, batch_size=64, epochs=8, verbose=0)
print("accuracy", [round(value, 2) for value in history.history["accuracy"]])
weights = keras.Model(model.inputs, model.get_layer("attention").output[1])
attention = weights([numbers[:1], target[:1]])[0].numpy()
axes = canvas(3, 3)
axes.imshow(attention, cmap="Blues", vmin=0, vmax=1)
axes.set_xticks(range(8), numbers[0] - 2)
axes.set_yticks(range(8), backwards[0] - 2)
axes.set(xlabel="reads", ylabel="writes")
show(axes)
assert history.history["accuracy"][-1] > 0.9

# %% [markdown]
# ## 7. What else the textbook recommends, and where it is here
#
# | advice | here |
# |---|---|
# | dropout between layers, one mask per sequence inside | `recurrent_dropout` |
# | clip the gradient against explosions | `clipnorm` of the optimizer |
# | Adam with a falling rate; averaged weights | `shared/training/optimizer.py` |
# | start with an open forget gate | `forget_bias=1.0`, more for long gaps |
# | normalize inside the cell | `layer_norm=True` |
# | pad and mask sequences of different lengths | masks are honored everywhere, and tested |
# | stop when validation gets no better | `shared/training/callbacks.py` |
