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
# A trained LSTM generates handwriting. This notebook loads it, writes text, shows the effects of
# bias and style, the soft window over the text and the mixtures of the points, fine-tunes the model
# on a few lines of one writer, and exports the result to a `.tflite` file.
#
# Everything before the fine-tuning runs without TensorFlow: the model is a file of a few MB.

# %%
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from IPython.display import SVG, Image, display

from apps.handwriting import drawing
from apps.handwriting.page import Layout, place
from lstm_suite import Writer

WORK = Path(tempfile.mkdtemp())
writer = Writer.from_preset()

# %% [markdown]
# ## Write
#
# The inputs are the symbols of the text and a style. The outputs are points: the offset of the pen,
# whether it is lifted, and if so, whether the text ends there.

# %%
TEXT = "Dear reader, nobody wrote this by hand."
note = writer.write(TEXT, seed=1)
display(note)
[line] = note.lines
print(f"{len(TEXT)} characters, {len(line.rows)} points; the first four:")
print(np.round(line.rows[:4], 2))

# %% [markdown]
# Another seed gives another sample:

# %%
for seed in (2, 3):
    display(writer.write(TEXT, seed=seed))

# %% [markdown]
# ## Bias
#
# Each point is sampled from a mixture of Gaussians. A bias narrows them and favors the most
# probable ones: the writing gets neater and less personal. At 0 it is as untidy as people's, and
# errors of the model add up to illegible letters.

# %%
for bias in (0.0, 0.5, 1.0, 3.0):
    print(f"bias {bias}")
    display(writer.write("The quick brown fox, 1846.", bias=bias, seed=1))

# %% [markdown]
# ## Style
#
# Every writer of the training data has a learned embedding. It was sometimes masked in training, so
# that the model also has the styles "any", and any printed or cursive. Printed is the most legible
# one, and the default.

# %%
singles = [name for name in writer.styles if name.endswith(("-1", "-2"))]
for name in ["printed", "cursive", *singles[:4]]:
    print(name)
    display(writer.write("Winter came late that year.", style=name, seed=4))

# %% [markdown]
# ## The window
#
# The first layer reads the text through ten Gaussians that only move forward. Below the ink: the
# density that every point was sampled from, and the characters that it attends to. The steps of the
# staircase are letters. The data does not mark where a letter begins: the model has learned it from
# lines and their texts.

# %%
note = writer.write("a window moves", seed=1)
display(Image(note.window))
[line] = note.lines
attended = line.result.attention[:, : len(line.text)].argmax(1)
print("".join(line.text[k] for k in attended))
assert attended[-1] >= len(line.text) - 3

# %% [markdown]
# ## A page
#
# Long texts are broken into lines, all in one hand. The same strokes can be saved as JSON, or as an
# animated SVG (`letter.animate("moving.svg")`).

# %%
LETTER = """Dear Ada,

the garden has recovered from the storm. We found two of the chairs in the pond, and the third
in a tree.

Come and see for yourself!"""
letter = writer.write(LETTER, seed=5, layout=Layout(size=3, paper="ruled", width="speed"))
display(letter)
letter.save(WORK / "letter.svg")
letter.save(WORK / "letter.json")
print(f"{letter}, in the hand {letter.style}")

# %% [markdown]
# ## Fine-tune it on one hand
#
# From here on TensorFlow is needed. The lines are by one writer of the training data whose ink is
# CC BY 4.0 (UNIPEN, doi:10.5281/zenodo.1195803); they stand for your own. Every fifth is held out;
# the model is fine-tuned on the others, in the style "any". On the command line this is `lstm-suite
# train handwriting --start unipen --data mine.json --learning-rate 3e-4`.

# %%
import dataclasses

import apps.handwriting
from apps.handwriting.app import HANDWRITING
from apps.handwriting.data import Data
from apps.handwriting.own import read_own
from apps.verbs.train import train
from shared.recipe import Stage

SAMPLE = Path(apps.handwriting.__file__).parent / "sample.json"
samples = json.loads(SAMPLE.read_text())
for name, part in (("kept", samples[::5]), ("mine", [s for k, s in enumerate(samples) if k % 5])):
    (WORK / f"{name}.json").write_text(json.dumps(part))

preset = HANDWRITING.find_preset()
before = HANDWRITING.open_model(HANDWRITING.load_model(preset), preset)
config = before.config
kept = read_own(WORK / "kept.json", config.arc, config.turning)
mine = read_own(WORK / "mine.json", config.arc, config.turning)
print(f"{len(mine)} lines to train on, {len(kept)} to see whether anything is gained")
for item in mine[:3]:
    [page] = place([item.rows], Layout())
    display(SVG(drawing.svg(page)))

# %%
stage = Stage(
    config,
    dataclasses.replace(
        HANDWRITING.stage().fit,
        epochs=12, learning_rate=3e-4, warmup_steps=4, ema_momentum=0.8, max_minutes=4,
    ),
    Data(str(WORK / "mine.json"), points=2400, any_style=1.0, any_of_kind=0.0),
    start=preset.name,
)  # fmt: skip
tuned, summary = train(HANDWRITING, stage, preset, WORK / "run", WORK / "mine")

# %% [markdown]
# The negative log-likelihood of the held-out lines before and after, in nats per point:

# %%
model = HANDWRITING.load_model(tuned)
after = HANDWRITING.open_model(model, tuned)
nats = [HANDWRITING.figures(opened, kept)["nats_per_point"] for opened in (before, after)]
print(f"{nats[0]:.3f} before, {nats[1]:.3f} after")
assert nats[1] < nats[0]
for opened in (before, after):
    display(Writer(opened).write("Is this my own hand?", style="any", bias=0.7, seed=2))

# %% [markdown]
# ## Export and run it

# %%
from shared.export.pipeline import export_bundle

bundle = export_bundle(
    model,
    tuned,
    WORK / "bundle",
    HANDWRITING.examples(after, kept),
    HANDWRITING.bundle_facts(after),
    keep=["int8"],
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
note = Writer.from_preset(WORK / "bundle").write("Written by a file of a few MB", seed=1)
display(note)
print(f"{len(json.dumps(note.strokes))} bytes of strokes")
