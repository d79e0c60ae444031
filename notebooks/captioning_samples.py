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
# # What is in a photo, with an LSTM
#
# A convolutional network sees a photo as 7 x 7 cells, an LSTM writes a sentence about it, and looks
# at other cells for each word. This notebook captions photos, shows where the model looks, compares
# training on captions with training on the measure itself, teaches it what four photos show, and
# exports the result to a `.tflite` file.
#
# Up to the training nothing here needs TensorFlow: the model is a file of eight megabytes.

# %%
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from IPython.display import Image, display

from apps.captioning.caption import DECODING
from apps.captioning.config import CaptioningConfig
from apps.captioning.demo import PHOTOS
from apps.captioning.generate import attention_picture, build_model, caption_photos
from apps.captioning.photos import find_photos
from apps.captioning.words import open_tokenizer
from shared.decoding import DecodingOptions
from shared.presets.catalog import find_preset
from shared.presets.open import load_model, open_preset
from shared.presets.store import config_from_json

WORK = Path(tempfile.mkdtemp())
PRESET = "flickr8k-scst"
BEAM = DecodingOptions(**DECODING)
photos = find_photos([PHOTOS])

# %% [markdown]
# ## Caption

# %%
opened = open_preset("captioning", PRESET, "litert", build_model)
config = config_from_json(CaptioningConfig, opened.config, opened.name)
tokenizer = open_tokenizer(opened.folder)


def captions(options=BEAM, generator=opened.generator, tokens=tokenizer):
    """What the model says of each photo, best first."""
    found, bad = caption_photos(generator, config, tokens, photos, options)
    assert not bad
    return found


told = captions()
for path, found in told.items():
    display(Image(path.read_bytes(), width=280))
    print(found[0].text)

# %% [markdown]
# It learned from 6,000 photos of people, dogs and sport. A rocket is in none of them: there it says
# what of all that it knows looks most like one.
#
# ## Where it looks
#
# The photo once per word, bright where the word's attention is. `a` and `is` follow from the words
# before them, and then the model looks anywhere.

# %%
for path in photos[:2]:
    display(Image(attention_picture(path, told[path][0], config)))

# %% [markdown]
# ## Several captions
#
# Beam search keeps the five best beginnings. What it ends with are often variations of one
# sentence; drawing words at random gives more of a choice, and more mistakes.

# %%
several = captions(DecodingOptions(**{**DECODING, "n_best": 3}))
drawn = captions(
    DecodingOptions(strategy="sample", n_best=3, temperature=0.8, max_length=30, seed=1)
)
for path in photos[:2]:
    print(path.name)
    for name, found in (("beam", several[path]), ("drawn", drawn[path])):
        for one in found:
            print(f"    {name:6} {one.log_probability:7.2f}  {one.text}")

# %% [markdown]
# ## Two ways to train
#
# `flickr8k` was trained to find the words of people likely, `flickr8k-scst` then to write captions
# that the measure CIDEr finds close to theirs. The second's are shorter, and now and then say a
# likely word twice, for that pays.

# %%
plain_preset = find_preset("captioning", "flickr8k")
plain = open_preset("captioning", "flickr8k", "keras", build_model)
before = captions(generator=plain.generator, tokens=open_tokenizer(plain.folder))
for path in photos:
    print(f"{path.name}\n    flickr8k       {before[path][0].text}")
    print(f"    flickr8k-scst  {told[path][0].text}")

# %% [markdown]
# ## Train it further
#
# From here on TensorFlow is needed. Captions of one's own for these photos, with words that the
# model knows, are learned in some seconds. On the command line this is `lstm-suite train captioning
# --images DIR --captions FILE --start flickr8k --learning-rate 3e-4`.

# %%
from apps.captioning.data import Photo
from apps.captioning.train import DataOptions, train
from shared.training import FitOptions

own = {
    "astronaut.jpg": ["a smiling woman in an orange suit", "a woman smiles in front of a flag"],
    "cat.jpg": ["a brown cat looks at the camera", "the face of a brown cat with big eyes"],
    "photographer.jpg": ["a man with a camera stands in a field", "a man takes a picture outside"],
    "rocket.jpg": ["fire and smoke in front of a blue sky", "a white tower with fire under it"],
}
tokens = open_tokenizer(plain.folder)
plain_config = config_from_json(CaptioningConfig, plain.config, plain.name)
mine = [Photo(path, tuple(own[path.name])) for path in photos]
options = FitOptions(
    epochs=12,
    optimizer="adam",
    learning_rate=1e-3,
    clip_norm=2.0,
    total_steps=1,  # set from the number of batches
    max_minutes=2,
    monitor="loss",
)
trained = train(
    plain_config,
    tokens,
    mine * 5,  # five steps an epoch
    mine,
    options,
    DataOptions(batch=4, captions_per_photo=2),
    WORK / "run",
    start=plain_preset,
)

# %%
from shared.backends.keras_model import KerasBackend

after = captions(generator=KerasBackend(trained.model), tokens=tokens)
for path in photos:
    print(f"{path.name}\n    before  {before[path][0].text}\n    after   {after[path][0].text}")
assert any(found[0].plain in own[path.name] for path, found in after.items())

# %% [markdown]
# Four photos are learned by heart and nothing else; for more than a demonstration take hundreds.
#
# ## Export and run it
#
# The tuned model becomes a preset (weights, tokens, model card) and then a bundle: a `.tflite` file
# with the two functions `encode` and `step`, the network that sees in the first, and beside it what
# a program must know to run it.

# %%
from apps.captioning.evaluate import export_parts
from apps.captioning.words import tokenizer_file
from shared.export.pipeline import export_bundle
from shared.presets.store import save_preset

tuned = save_preset(
    WORK / "preset",
    "captioning",
    "mine",
    plain_config,
    trained.model,
    plain_preset.card,
    extra_files=[plain_preset.folder / tokenizer_file(plain_config)],
)
parts = export_parts(plain_config, "valid", tuned.folder)
bundle = export_bundle(
    load_model(tuned, build_model), tuned, WORK / "bundle", keep=["int8"], **parts
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
for path, found in captions(generator=bundle.open(), tokens=tokens).items():
    print(f"{path.name:18} {found[0].text}")
