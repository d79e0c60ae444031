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
# # Image captioning with an LSTM
#
# A CNN encoder turns a photo into a grid of 7 x 7 feature vectors. An LSTM generates a caption word
# by word, with attention over the grid. This notebook captions photos, shows the attention,
# compares training on captions with training on a metric, fine-tunes the model on four photos, and
# exports the result to a `.tflite` file.
#
# Everything before the training runs without TensorFlow: the model is a file of eight megabytes.

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
# The model was trained on 6,000 photos of people, dogs and sport. None of them shows a rocket, so
# it describes the most similar thing that it knows.
#
# ## Attention
#
# The photo once per word, bright where attention weights are high. `a` and `is` follow from the
# words before them, so their attention means little.

# %%
for path in photos[:2]:
    display(Image(attention_picture(path, told[path][0], config)))

# %% [markdown]
# ## Several captions
#
# Beam search keeps the five best hypotheses. They are often variations of one sentence; sampling
# gives more variety, and more mistakes.

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
# `flickr8k` was trained with cross-entropy on reference captions, `flickr8k-scst` then on the
# metric CIDEr. The captions of the second are shorter, and now and then repeat a probable word,
# because CIDEr rewards it.

# %%
plain_preset = find_preset("captioning", "flickr8k")
plain = open_preset("captioning", "flickr8k", "keras", build_model)
before = captions(generator=plain.generator, tokens=open_tokenizer(plain.folder))
for path in photos:
    print(f"{path.name}\n    flickr8k       {before[path][0].text}")
    print(f"    flickr8k-scst  {told[path][0].text}")

# %% [markdown]
# ## Fine-tuning
#
# From here on TensorFlow is needed. The model learns new captions for these photos, of words in its
# vocabulary, in some seconds. On the command line this is `lstm-suite train captioning --images DIR
# --captions FILE --start flickr8k --learning-rate 3e-4`.

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
# With four photos the model merely memorizes them; for more than a demonstration use hundreds.
#
# ## Export and run it
#
# The fine-tuned model is saved as a preset (weights, tokens, model card) and exported as a bundle:
# a `.tflite` file with the functions `encode`, which includes the CNN encoder, and `step`, and the
# files needed to run it.

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
