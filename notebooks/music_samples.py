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
# # Chorales, note by note
#
# A trained LSTM composes four-part chorales in the manner of Bach. This notebook loads it, lets it
# compose, shows what temperature and the rules of four-part writing do, harmonizes a tune, trains
# the model a little further on other music, and exports the result to a `.tflite` file.
#
# Up to the training nothing here needs TensorFlow: the model is a file of about 2 MB.

# %%
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from IPython.display import Audio, Image, display

from apps.music.compare import measure, table
from apps.music.config import MusicConfig
from apps.music.continuation import cut
from apps.music.generate import build_model, compose, plan
from apps.music.key import parse_key
from apps.music.output import DECODING, roll
from apps.music.rules import RULES, choose_rules
from apps.music.score import musicxml, render_png, render_svg
from apps.music.sound import RATE, synthesize
from shared.decoding import DecodingOptions
from shared.presets.catalog import find_preset
from shared.presets.open import load_model, open_preset
from shared.presets.store import config_from_json

WORK = Path(tempfile.mkdtemp())


def show(piece):
    """The score of a piece."""
    display(Image(render_png(render_svg(musicxml(piece)), zoom=1.0)))


def hear(piece):
    """A piece, played by a plain synthesizer."""
    display(Audio(synthesize(piece), rate=RATE))


# %% [markdown]
# ## Compose
#
# The plan is an empty piece: its length, metre and key, and where the phrases end. The model fills
# it voice by voice, 16th by 16th: soprano, bass, alto, tenor.

# %%
opened = open_preset("music", None, "litert", build_model)
config = config_from_json(MusicConfig, opened.config, opened.name)
outline = plan(8, parse_key("G major"), upbeat=4)
piece = compose(opened.generator, config, outline, DecodingOptions(**DECODING, seed=4))
show(piece)
hear(piece)

# %% [markdown]
# The same as a piano roll, a color for each voice:

# %%
display(Image(roll(piece)))

# %% [markdown]
# ## Temperature
#
# The model gives every note a probability. Temperature bends these before one is drawn: near 0 the
# likeliest note wins almost always, and the music comes to a standstill; above 1 rare notes come up
# more often, and it loses its way.


# %%
def variants(count=2, bars=8, rules=tuple(RULES), **changes):
    """A few pieces, other decoding options apart the same as above."""
    options = [DecodingOptions(**{**DECODING, **changes}, seed=seed) for seed in range(count)]
    keys = [parse_key(name) for name in ("G major", "E minor")]
    plans = [plan(bars, keys[seed % 2], upbeat=4) for seed in range(count)]
    return [
        compose(opened.generator, config, outline, how, rules=rules)
        for outline, how in zip(plans, options, strict=True)
    ]


by_temperature = {t: variants(temperature=t, top_p=1.0) for t in (0.3, 0.9, 1.5)}
print(table({f"T = {t}": measure(pieces) for t, pieces in by_temperature.items()}))

# %%
for temperature, pieces in by_temperature.items():
    print(f"temperature {temperature}")
    show(pieces[0])

# %% [markdown]
# ## Rules
#
# Two voices that move from one fifth to another, or from one octave to another, sound like one. No
# rule was better known to Bach, yet a model that only imitates breaks it often: a single such step
# hardly changes the likelihood. So the rules act while notes are chosen, and each can be left out.

# %%
for name, meaning in RULES.items():
    print(f"{name:10} {meaning}")

# %%
kept = variants(count=4)
without_parallels = variants(count=4, rules=choose_rules("parallels"))
free = variants(count=4, rules=())
columns = {"all rules": kept, "parallels free": without_parallels, "no rules": free}
print(table({name: measure(pieces) for name, pieces in columns.items()}))

# %% [markdown]
# `lstm-suite evaluate music --generate 24` prints this table with Bach's own chorales beside.
#
# ## Harmonize a tune
#
# Given a melody, the encoder reads all of it first, so that every chord knows what is to come. The
# tune can be MIDI, MusicXML or ABC.

# %%
from apps.music.corpus import read_score
from apps.music.harmonize import prepare

(WORK / "ode.abc").write_text("""X:1
T:Ode to Joy
L:1/4
M:4/4
K:G
BBcd|dcBA|GGAB|B3/2A/2A2|BBcd|dcBA|GGAB|A3/2G/2G2|]
""")
melody, octaves = prepare(read_score(WORK / "ode.abc", melody=True))
joy = compose(opened.generator, config, melody, DecodingOptions(**DECODING, seed=1), melody=True)
assert (joy.pitches[:, 0] == melody.pitches[:, 0]).all()
show(joy)
hear(joy)

# %% [markdown]
# ## Train it further
#
# From here on TensorFlow is needed. Only a tenth of the chorales that the model knows are in triple
# time. Six of those stand for music of your own, two that it was not trained on tell whether
# anything is gained. On the command line this is `lstm-suite train music --data FOLDER --start
# chorales`, with a folder of your scores.

# %%
from music21 import corpus

from apps.music.corpus import piece_from_score
from apps.music.train import train
from shared.training import FitOptions

names = ("bwv11.6", "bwv122.6", "bwv145.5", "bwv269", "bwv306", "bwv321", "bwv295", "bwv299")
movements = [piece_from_score(corpus.parse(f"bach/{name}"), name) for name in names]
training, held_out = movements[:-2], movements[-2:]
for movement in movements:
    print(f"{movement.name:10} {len(movement) // 12} bars of 3/4")

# %%
options = FitOptions(
    epochs=12,
    learning_rate=2e-4,
    schedule="cosine",
    warmup_steps=10,
    total_steps=96,
    clip_norm=1.0,
    max_minutes=2,
    monitor="val_nats_per_note",
)
preset = find_preset("music")
model, result = train(config, training, held_out, options, WORK / "run", start=preset)

# %% [markdown]
# How likely are the two chorales to the model before and after, in nats a note?

# %%
from apps.music.evaluate import nats, summarize
from shared.backends.keras_model import KerasBackend

excerpts = [cut(movement, 4) for movement in held_out]
before, after = (
    summarize(nats(KerasBackend(m), excerpts, config))["nats_per_note"]
    for m in (load_model(preset, build_model), model)
)
print(f"{before:.3f} before, {after:.3f} after")
assert after < before

# %% [markdown]
# And it writes in triple time. The rules stay the same.

# %%
outline = plan(8, parse_key("D major"), bar_length=12)
tuned = compose(KerasBackend(model), config, outline, DecodingOptions(**DECODING, seed=4))
show(tuned)
hear(tuned)

# %% [markdown]
# ## Export and run it
#
# The tuned model becomes a preset (weights, configuration, model card) and then a bundle: a
# `.tflite` file with the two functions `encode` and `step`, beside it what a program must know to
# run it.

# %%
from apps.music.evaluate import export_parts
from shared.export.pipeline import export_bundle
from shared.presets.store import save_preset

card = preset.card
tuned_preset = save_preset(WORK / "preset", "music", "triple", config, model, card)
parts = {**export_parts(config, "valid"), "metric": lambda generator: {}}
bundle = export_bundle(model, tuned_preset, WORK / "bundle", keep=["int8"], **parts)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %% [markdown]
# Its weights are rounded to 8 bits. How likely real music is to it hardly changes, but now and then
# a draw falls on the other side of an edge, and from there on it writes another piece.

# %%
small = bundle.open()
rounded = summarize(nats(small, excerpts, config))["nats_per_note"]
print(f"{after:.3f} nats a note in float32, {rounded:.3f} in int8")
assert abs(rounded - after) < 0.02
again = compose(small, config, outline, DecodingOptions(**DECODING, seed=4))
apart = np.flatnonzero((again.pitches != tuned.pitches).any(axis=1))
print(f"the same notes for {apart[0] if len(apart) else len(again)} of {len(again)} steps")
show(again)
