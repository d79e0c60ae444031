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

from apps.captioning.photos import SAMPLES, find_photos
from lstm_suite import Captioner

WORK = Path(tempfile.mkdtemp())
photos = find_photos([SAMPLES])

# %% [markdown]
# ## Caption

# %%
captioner = Captioner.from_preset()
captions = captioner(photos)
for path, caption in zip(photos, captions, strict=True):
    display(Image(path.read_bytes(), width=280))
    print(f"{caption.said}  (confidence {caption.confidence:.2f})")

# %% [markdown]
# The model was trained on 6,000 photos of people, dogs and sport. None of them shows a rocket, so
# it describes the most similar thing that it knows. Before the caption of a photo that is unlike
# those it says that it is not sure.
#
# ## Attention
#
# The photo once per word, colored where attention weights are above their mean. `a` and `of` follow
# from the words before them, so their attention means little.

# %%
Image(captioner.attention_picture(photos[0], captions[0]))

# %% [markdown]
# ## Several captions
#
# Beam search keeps the five best hypotheses. They are often variations of one sentence; sampling
# gives more variety, and more mistakes.

# %%
several = captioner(photos[:2], n_best=3)
sampled = captioner(photos[:2], strategy="sample", n_best=3, temperature=0.8, seed=1)
for path, beam, sample in zip(photos, several, sampled, strict=False):
    print(path.name)
    for name, best in (("beam", beam), ("sample", sample)):
        for one in best.n_best:
            print(f"    {name:6} {one.log_probability:7.2f}  {one.text}")

# %% [markdown]
# ## Two ways to train
#
# `flickr8k` was trained with cross-entropy on reference captions, `flickr8k-scst` then on the
# metric CIDEr. The captions of the second are shorter, and now and then repeat a probable word,
# because CIDEr rewards it.

# %%
before = Captioner.from_preset("flickr8k", backend="keras")(photos)
for path, plain, scst in zip(photos, before, captions, strict=True):
    print(f"{path.name}\n    flickr8k       {plain.text}\n    flickr8k-scst  {scst.text}")

# %% [markdown]
# ## Fine-tuning
#
# From here on TensorFlow is needed. The model learns new captions for these photos, of words in its
# vocabulary, in some seconds. On the command line this is `lstm-suite train captioning --images DIR
# --captions FILE --start flickr8k --learning-rate 1e-3`.

# %%
from apps.captioning.app import CAPTIONING
from apps.captioning.data import Data
from apps.verbs.train import train
from shared.recipe import Stage
from shared.training import FitOptions

own = {
    "astronaut.jpg": ["a smiling woman in an orange suit", "a woman smiles in front of a flag"],
    "cat.jpg": ["a brown cat looks at the camera", "the face of a brown cat with big eyes"],
    "photographer.jpg": ["a man with a camera stands in a field", "a man takes a picture outside"],
    "rocket.jpg": ["fire and smoke in front of a blue sky", "a white tower with fire under it"],
}
rows = [f"{name},{text}" for name, texts in own.items() for text in texts]
(WORK / "captions.txt").write_text("\n".join(["image,caption", *rows]) + "\n")
(WORK / "names.txt").write_text("\n".join(own) + "\n")  # to train on and to validate with
start = CAPTIONING.find_preset("flickr8k")
stage = Stage(
    CAPTIONING.config_from(start.config, start.folder),
    FitOptions(
        epochs=12,
        optimizer="adam",
        learning_rate=1e-3,
        clip_norm=2.0,
        max_minutes=2,
        monitor="val_loss",
    ),
    Data(
        images=str(SAMPLES),
        captions=str(WORK / "captions.txt"),
        split_file=str(WORK / "names.txt"),
        valid_split_file=str(WORK / "names.txt"),
        batch=1,
        captions_per_photo=2,
    ),
    start="flickr8k",
)
preset, summary = train(CAPTIONING, stage, start, WORK / "run", WORK / "mine")

# %%
after = Captioner.from_preset(preset.folder, backend="keras")(photos)
for path, old, new in zip(photos, before, after, strict=True):
    print(f"{path.name}\n    before  {old.text}\n    after   {new.text}")
assert any(new.plain in own[path.name] for path, new in zip(photos, after, strict=True))

# %% [markdown]
# With four photos the model merely memorizes them; for more than a demonstration use hundreds.
#
# ## Export and run it
#
# The fine-tuned model is a preset (weights, tokens, model card, recipe). Exported, it is a bundle:
# a `.tflite` file with `encode`, which includes the CNN encoder, and `step`, and the other
# files needed to run it.

# %%
from shared.export.pipeline import export_bundle

opened = CAPTIONING.open(preset.folder, "keras")
bundle = export_bundle(
    CAPTIONING.load_model(preset),
    preset,
    WORK / "bundle",
    CAPTIONING.examples(opened, []),
    CAPTIONING.bundle_facts(opened),
    keep=["int8"],
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
for path, caption in zip(photos, Captioner.from_preset(bundle.folder)(photos), strict=True):
    print(f"{path.name:18} {caption.text}")
