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
# A trained LSTM composes four-part chorales in the style of Bach. This notebook loads it, composes,
# shows the effects of temperature and of the rules of four-part writing, harmonizes a tune,
# fine-tunes the model on other music, and exports the result to a `.tflite` file.
#
# Everything before the training runs without TensorFlow: the model is a file of about 2 MB.

# %%
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from IPython.display import Audio, Image, display

from apps.music.compare import measure, table
from apps.music.compose import Sampling
from apps.music.planning import cut
from apps.music.rules import RULES, choose_rules
from apps.music.score import musicxml, render_png, render_svg
from apps.music.sound import RATE, synthesize
from lstm_suite import Composer

WORK = Path(tempfile.mkdtemp())


def show(made):
    """The score of a composition."""
    display(Image(render_png(render_svg(musicxml(made.piece)), zoom=1.0)))


def hear(made):
    """A composition, played by a plain synthesizer."""
    display(Audio(synthesize(made.piece), rate=RATE))


# %% [markdown]
# ## Compose
#
# A plan says what is to be written: length, metre and key, and where the phrases end. The model
# fills it voice by voice, 16th by 16th: soprano, bass, alto, tenor. `made.write("chorale.mid",
# "chorale.musicxml")` would keep the result, and `made.score` is a music21 stream.

# %%
composer = Composer.from_preset()
made = composer.compose(key="G major", bars=8, seed=4)
show(made)
hear(made)

# %% [markdown]
# The same as a piano roll, a color for each voice:

# %%
display(Image(made.roll()))

# %% [markdown]
# ## Temperature
#
# The model assigns every note a probability. Temperature changes the distribution before sampling:
# near 0 the most probable note is chosen almost always, and the music comes to a standstill; above
# 1 rare notes are more frequent, and the music loses direction.


# %%
def variants(sampling, count=2):
    """A few pieces, in two keys by turns."""
    return [
        composer.compose(key=("G major", "E minor")[seed % 2], bars=8, seed=seed, sampling=sampling)
        for seed in range(count)
    ]


def compare(columns):
    """The figures of pieces side by side."""
    print(table({name: measure([m.piece for m in made]) for name, made in columns.items()}))


by_temperature = {t: variants(Sampling(temperature=t, top_p=1.0)) for t in (0.3, 0.9, 1.5)}
compare({f"T = {t}": made for t, made in by_temperature.items()})

# %%
for temperature, variant in by_temperature.items():
    print(f"temperature {temperature}")
    show(variant[0])

# %% [markdown]
# ## Rules
#
# Two voices that move from one fifth to another, or from one octave to another, sound like one. No
# rule was better known to Bach, yet a model that only imitates breaks it often: a single such step
# hardly changes the likelihood. So rules are enforced during decoding; each can be switched off.

# %%
for name, meaning in RULES.items():
    print(f"{name:10} {meaning}")

# %%
rules = {"all rules": tuple(RULES), "parallels free": choose_rules("parallels"), "no rules": ()}
compare({name: variants(Sampling(rules=kept), count=4) for name, kept in rules.items()})

# %% [markdown]
# `lstm-suite evaluate music --generate 24` prints this table with Bach's own chorales beside.
#
# ## Harmonize a tune
#
# The encoder reads the whole melody first, so that every chord is conditioned on what follows. The
# tune can be MIDI, MusicXML or ABC.

# %%
(WORK / "ode.abc").write_text("""X:1
T:Ode to Joy
L:1/4
M:4/4
K:G
BBcd|dcBA|GGAB|B3/2A/2A2|BBcd|dcBA|GGAB|A3/2G/2G2|]
""")
joy = composer.harmonize(WORK / "ode.abc", seed=1)
print(f"{joy.key}, moved {joy.octaves} octaves up")
show(joy)
hear(joy)

# %% [markdown]
# ## Fine-tuning
#
# From here on TensorFlow is needed. Only a tenth of the training chorales are in triple time. Six
# of them stand for music of your own; two held-out ones measure the gain. On the command line this
# is `lstm-suite train music --data FOLDER --start chorales`, with a folder of your scores.

# %%
from music21 import corpus

from apps.music.app import MUSIC
from apps.music.corpus import piece_from_score
from apps.music.data import Data, epoch_pipeline, validation_pipeline
from shared.training import FitOptions
from shared.training.fit import fit

names = ("bwv11.6", "bwv122.6", "bwv145.5", "bwv269", "bwv306", "bwv321", "bwv295", "bwv299")
scores = [corpus.parse(f"bach/{name}", forceSource=True) for name in names]
movements = [piece_from_score(s, n, as_written=True) for s, n in zip(scores, names, strict=True)]
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
preset = MUSIC.find_preset()
model = MUSIC.load_model(preset)
config, data = model.config, Data()
result = fit(
    model,
    lambda epoch: epoch_pipeline(training, data, options.seed, epoch, holds=config.holds),
    validation_pipeline(held_out, data.batch, config.holds),
    options,
    WORK / "run",
)

# %% [markdown]
# The negative log-likelihood of the two chorales before and after, in nats per note:

# %%
excerpts = [cut(movement, 4) for movement in held_out]
tuned = MUSIC.open_model(model, preset)
before, after = (
    MUSIC.figures(opened, excerpts)["nats_per_note"]
    for opened in (MUSIC.open(backend="keras"), tuned)
)
print(f"{before:.3f} before, {after:.3f} after")
assert after < before

# %% [markdown]
# The model composes in triple time, with the same rules:

# %%
waltz = Composer(tuned).compose(key="D major", bars=8, metre="3/4", phrase=2, seed=4)
show(waltz)
hear(waltz)

# %% [markdown]
# ## Export and run it
#
# The fine-tuned model is saved as a preset (weights, configuration, model card) and exported as a
# bundle: a `.tflite` file with the functions `encode` and `step`, and the files needed to run it.

# %%
from shared.export.pipeline import export_bundle
from shared.presets.store import save_preset

tuned_preset = save_preset(WORK / "triple", "music", config, model, preset.card)
bundle = export_bundle(
    model,
    tuned_preset,
    WORK / "bundle",
    MUSIC.examples(tuned, training),
    MUSIC.bundle_facts(tuned),
    keep=["int8"],
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %% [markdown]
# The weights are quantized to 8 bits. The likelihood of real music hardly changes, but now and then
# rounding changes a sampled note, and from there on the piece is another one.

# %%
small = Composer.from_preset(WORK / "bundle")
rounded = MUSIC.figures(small.opened, excerpts)["nats_per_note"]
print(f"{after:.3f} nats a note in float32, {rounded:.3f} in int8")
assert abs(rounded - after) < 0.02
again = small.compose(key="D major", bars=8, metre="3/4", phrase=2, seed=4)
steps, notes = len(again.piece), again.piece.pitches
apart = np.flatnonzero((notes != waltz.piece.pitches).any(axis=1))
print(f"the same notes for {apart[0] if len(apart) else steps} of {steps} steps")
show(again)
