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
# # Handwriting, point by point
#
# A trained LSTM writes a text by hand. This notebook loads it, lets it write, shows what bias and
# style do, looks at the window through which it reads the text and at the mixtures that it draws
# from, fine-tunes it on a few lines of one hand, and exports the result to a `.tflite` file.
#
# Up to the fine-tuning nothing here needs TensorFlow: the model is a file of a few MB.

# %%
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from IPython.display import SVG, Image, display

from apps.handwriting import drawing
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.generate import build_model, condition
from apps.handwriting.ink import strokes_json, to_strokes
from apps.handwriting.page import Layout, break_text, place
from apps.handwriting.pictures import window
from apps.handwriting.write import write_lines
from shared.presets.catalog import find_preset
from shared.presets.open import load_model, open_preset
from shared.presets.store import config_from_json

WORK = Path(tempfile.mkdtemp())
opened = open_preset("handwriting", None, "litert", build_model)
config = config_from_json(HandwritingConfig, opened.config, opened.name)


def show(lines, **layout):
    """Lines as a picture."""
    [page] = place([line.rows for line in lines], Layout(**layout))
    display(SVG(drawing.svg(page)))


# %% [markdown]
# ## Write
#
# The text goes in as symbols, and with it a style. Out come points: how far the pen goes, whether
# it is lifted there, and, where it is, whether that was the end.

# %%
TEXT = "Dear reader, nobody wrote this by hand."
lines = write_lines(opened.generator, config, break_text(TEXT, 40), seed=1)
show(lines)
print(f"{len(TEXT)} characters, {sum(len(line.rows) for line in lines)} points; the first four:")
print(np.round(lines[0].rows[:4], 2))

# %% [markdown]
# Another seed is another drawing:

# %%
for seed in (2, 3):
    show(write_lines(opened.generator, config, [TEXT], seed=seed))

# %% [markdown]
# ## Bias
#
# Each point is drawn from a mixture of Gaussians. A bias makes them narrower and prefers the
# likely ones: neater, less like anybody. At 0 people's own untidiness is drawn, and errors of the
# model add up to letters that nobody can read.

# %%
for bias in (0.0, 0.5, 1.0, 3.0):
    print(f"bias {bias}")
    show(write_lines(opened.generator, config, ["The quick brown fox, 1846."], bias=bias, seed=1))

# %% [markdown]
# ## Style
#
# Every writer of the training data has a vector of numbers, learned with the rest. Some of the time
# it was hidden, so that the model also knows "any" hand, and any printed or cursive one.

# %%
singles = [name for name in config.style_names if name.endswith(("-1", "-2"))]
for name in ["printed", "cursive", *singles[:4]]:
    print(name)
    style = config.style_id(name)
    show(write_lines(opened.generator, config, ["Winter came late that year."], style, seed=4))

# %% [markdown]
# ## The window
#
# The lowest layer sees the text through ten Gaussians that only move forward. Below the ink: the
# density that every point was drawn from, and for each point the characters that it attended to.
# The steps of the staircase are letters. No one told the model where a letter begins: it has found
# out from lines and their texts.

# %%
[line] = write_lines(opened.generator, config, ["a window moves"], seed=1)
display(Image(window(line)))
attended = line.result.attention[:, : len(line.text)].argmax(1)
print("".join(line.text[k] for k in attended))
assert attended[-1] >= len(line.text) - 3

# %% [markdown]
# ## A page
#
# Long texts are broken into lines. The same strokes can be had as JSON, or as an SVG that is
# written while one looks on (`lstm-suite write TEXT --animate FILE.svg`).

# %%
LETTER = """Dear Ada,

the garden has recovered from the storm. We found two of the chairs in the pond, and the third
in a tree.

Come and see for yourself!"""
parts = break_text(LETTER, 36)
written = iter(write_lines(opened.generator, config, [p for p in parts if p], seed=5))
rows = [next(written).rows if part else None for part in parts]
[page] = place(rows, Layout(size=3, paper="ruled"))
display(SVG(drawing.svg(page, width="speed")))

# %% [markdown]
# ## Fine-tune it on one hand
#
# From here on TensorFlow is needed. The lines are of one writer of the training data whose ink is
# CC BY 4.0 (UNIPEN, doi:10.5281/zenodo.1195803). They are told apart from "any" hand here, and the
# model is trained on them a little further as if they were its reader's: on the command line
# `lstm-suite train handwriting --start unipen --data mine.json --learning-rate 3e-4`.

# %%
import dataclasses

import apps.handwriting
from apps.handwriting.data import DataOptions, read_own
from apps.handwriting.evaluate import nats_of
from apps.handwriting.train import RECIPE, train
from shared.backends.keras_model import KerasBackend

SAMPLE = Path(apps.handwriting.__file__).parent / "sample.json"
ink = read_own(SAMPLE, config.arc, config.turning)
held_out, training = ink[::5], [item for k, item in enumerate(ink) if k % 5]
print(f"{len(training)} lines to train on, {len(held_out)} to see whether anything is gained")
for item in training[:3]:
    [page] = place([item.rows], Layout())
    display(SVG(drawing.svg(page)))

# %%
preset = find_preset("handwriting")
options = dataclasses.replace(
    RECIPE, epochs=4, learning_rate=3e-4, warmup_steps=4, ema_momentum=0.8, max_minutes=4
)
data = DataOptions(points=2400, word_share=0.0, any_style=1.0, any_of_kind=0.0)
many = training * 6  # an epoch is as many points as all lines have
model, result = train(config, many, held_out, options, data, WORK / "run", start=preset)

# %% [markdown]
# How likely are the lines that it has not seen, before and after, in nats a point?

# %%
before, after = (
    nats_of(KerasBackend(m), config, held_out)["nats_per_point"]
    for m in (load_model(preset, build_model), model)
)
print(f"{before:.3f} before, {after:.3f} after")
assert after < before
for backend in (opened.generator, KerasBackend(model)):
    show(write_lines(backend, config, ["Is this my own hand?"], bias=0.7, seed=2))

# %% [markdown]
# ## Export and run it

# %%
from apps.handwriting.evaluate import example
from shared.export.pipeline import export_bundle
from shared.presets.store import save_preset

tuned_preset = save_preset(WORK / "preset", "handwriting", "mine", config, model, preset.card)
bundle = export_bundle(
    model,
    tuned_preset,
    WORK / "bundle",
    [example(item, config) for item in ink[:3]],
    decoding={"strategy": "mixture", "bias": 1.0},
    keep=["int8"],
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
small = bundle.open()
[line] = write_lines(small, config, ["Written by a file of a few MB"], seed=1)
show([line])
content = json.dumps(strokes_json([(line.text, to_strokes(line.rows))]))
print(f"{len(content)} bytes of strokes")
state = small.encode(condition(config, [line.text], [0]))
print({name: value.shape for name, value in state.items()})
