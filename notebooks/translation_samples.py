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
# # From English to German with an LSTM
#
# A bidirectional LSTM encodes a sentence, and another LSTM generates its translation with
# attention. This notebook translates, shows the attention, compares greedy decoding with beam
# search, fine-tunes the model on ten sentences, and exports the result to a `.tflite` file.
#
# Everything before the training runs without TensorFlow: the model is a file of a few megabytes.

# %%
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from IPython.display import Image, display

from apps.translation.config import TranslationConfig
from apps.translation.generate import build_model, joined, open_tokenizer, translate_texts
from apps.translation.translate import DECODING, translate
from shared.decoding import DecodingOptions
from shared.plots import attention_map
from shared.presets.catalog import find_preset
from shared.presets.open import open_preset
from shared.presets.store import config_from_json

WORK = Path(tempfile.mkdtemp())
PRESET = "tatoeba"  # short sentences of all kinds, between English and German, French, Spanish
BEAM = DecodingOptions(**DECODING)

# %% [markdown]
# ## Translate

# %%
opened = open_preset("translation", PRESET, "litert", build_model)
config = config_from_json(TranslationConfig, opened.config, opened.name)
tokenizer = open_tokenizer(opened.folder)


def told(texts, to, options=BEAM, generator=opened.generator):
    """The best translation of each text into a language."""
    found = translate_texts(generator, config, tokenizer, texts, to, options)
    return [joined(sentences) for sentences in found]


texts = [
    "A man is riding a bike.",
    "I would like to learn another language next year.",
    "She asked me where the station was, but I did not know.",
    "Rufus Oxley paid 4,711 euros for his guitar.",
]
for text in texts:
    print(text)
    for to in ("de", "fr", "es"):
        print(f"    {to}  {told([text], to)[0]}")

# %% [markdown]
# One model translates all directions: the first source symbol names the target language. For
# English as the target, the source language is identified automatically:

# %%
others = ["Wo ist der Bahnhof?", "Je ne sais pas encore.", "Mañana voy a trabajar."]
for text, translation in zip(others, told(others, "en"), strict=True):
    print(f"{text}\n    {translation}")

# %% [markdown]
# The name in the last English sentence is not in the training data: the model copies it letter by
# letter. The training sentences were written for language learners.
#
# ## Attention
#
# The model generates subwords: frequent words are one, rare words several (`▁` stands for the space
# before a word). The attention weights show how much each subword of the source counts.

# %%
[[found]] = translate(opened.generator, config, tokenizer, texts[1:2], ["de"], BEAM)
picture = attention_map(found.attention, found.source_pieces, found.pieces, title=found.text)
display(Image(picture))

# %% [markdown]
# ## Beam search against greedy decoding
#
# Greedy decoding takes the most probable subword at each step. Beam search keeps the five best
# hypotheses, so that a bad choice can be undone. Its result has a higher score, normalized by
# length (otherwise the shortest would win); most of the time it is also better.

# %%
GREEDY = DecodingOptions(strategy="greedy", max_length=128)
long = [
    "If it rains tomorrow, we will stay at home and watch a movie.",
    "My sister has been living in a small village near the sea for ten years.",
    "Nobody told me that the last train leaves before midnight.",
]
[greedy], [beam] = (
    [translate(opened.generator, config, tokenizer, long, ["de"] * 3, how)]
    for how in (GREEDY, BEAM)
)
for text, one, several in zip(long, greedy, beam, strict=True):
    print(text)
    for name, translation in (("greedy", one[0]), ("beam 5", several[0])):
        print(f"    {name} {translation.log_probability:6.2f}  {translation.text}")

# %% [markdown]
# ## Fine-tuning
#
# From here on TensorFlow is needed. The model learns ten new pairs, about a subject that it hardly
# knows, in some seconds. On the command line this is `lstm-suite train translation --tsv mine.tsv
# --start tatoeba --learning-rate 3e-4`.

# %%
from apps.translation.data import Pair
from apps.translation.train import DataOptions, train
from shared.training import FitOptions

own = [
    ("The kettle is boiling.", "Der Kessel kocht."),
    ("The kettle is empty.", "Der Kessel ist leer."),
    ("The soldering iron is hot.", "Der Lötkolben ist heiß."),
    ("The soldering iron is broken.", "Der Lötkolben ist kaputt."),
    ("The printer is out of paper.", "Der Drucker hat kein Papier mehr."),
    ("The printer is broken.", "Der Drucker ist kaputt."),
    ("Please turn off the kettle.", "Bitte schalte den Kessel aus."),
    ("Please turn off the printer.", "Bitte schalte den Drucker aus."),
    ("Please turn on the printer.", "Bitte schalte den Drucker ein."),
    ("Please turn on the soldering iron.", "Bitte schalte den Lötkolben ein."),
]
new = ["The soldering iron is empty.", "Please turn off the soldering iron.", "The kettle is hot."]
pairs = [Pair(source, target, "en", "de") for source, target in own]
options = FitOptions(
    epochs=15,
    optimizer="adam",
    learning_rate=1e-3,
    clip_norm=5.0,
    total_steps=1,  # set from the number of batches
    max_minutes=2,
    monitor="val_nats_per_token",
)
small_batches = DataOptions(batch_tokens=64)
preset = find_preset("translation", PRESET)
model, result = train(
    config,
    tokenizer,
    pairs,
    pairs[:2],
    options,
    DataOptions(batch_tokens=64),
    WORK / "run",
    start=preset,
)

# %%
from shared.backends.keras_model import KerasBackend

before = told(new, "de")
after = told(new, "de", generator=KerasBackend(model))
for text, one, two in zip(new, before, after, strict=True):
    print(f"{text}\n    before  {one}\n    after   {two}")
assert any("Lötkolben" in text for text in after)

# %% [markdown]
# These three sentences are not among the ten. The model has learned the new words, but may still
# confuse on and off. The price: it forgets some of what it knew. For more than a demonstration, mix
# old and new pairs.
#
# ## Export and run it
#
# The fine-tuned model is saved as a preset (weights, tokenizer, model card) and exported as a
# bundle: a `.tflite` file with the functions `encode` and `step`, and the files needed to run it.

# %%
from apps.translation.generate import TOKENIZER
from shared.export.pipeline import export_bundle
from shared.presets.store import save_preset

(WORK / "mine").mkdir()
for split in ("train", "val"):
    for language, column in (("en", 0), ("de", 1)):
        lines = "".join(f"{pair[column]}\n" for pair in own)
        (WORK / "mine" / f"{split}.{language}").write_text(lines, encoding="utf-8")
tuned = save_preset(
    WORK / "preset",
    "translation",
    "workshop",
    config,
    model,
    preset.card,
    extra_files=[preset.folder / TOKENIZER],
)

# %%
import dataclasses

from apps.translation.evaluate import export_parts

german = dataclasses.replace(config, directions=(("en", "de"),))  # what the ten pairs can measure
parts = export_parts(german, "valid", tuned.folder, str(WORK / "mine"))
bundle = export_bundle(model, tuned, WORK / "bundle", keep=["int8"], **parts)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
small = bundle.open()
for text, translation in zip(new, told(new, "de", generator=small), strict=True):
    print(f"{text}\n    {translation}")
