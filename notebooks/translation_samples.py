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

from lstm_suite import Translator

WORK = Path(tempfile.mkdtemp())
PRESET = "tatoeba"  # short sentences of all kinds, between English and German, French, Spanish

# %% [markdown]
# ## Translate

# %%
translator = Translator.from_preset(PRESET)
texts = [
    "A man is riding a bike.",
    "I would like to learn another language next year.",
    "She asked me where the station was, but I did not know.",
    "Rufus Oxley paid 4,711 euros for his guitar.",
]
for text in texts:
    print(text)
    for to in ("de", "fr", "es"):
        print(f"    {to}  {translator(text, to=to).text}")

# %% [markdown]
# One model translates all directions: the first source symbol names the target language. For
# English as the target, the source language is identified automatically:

# %%
others = ["Wo ist der Bahnhof?", "Je ne sais pas encore.", "Mañana voy a trabajar."]
for text in others:
    print(f"{text}\n    {translator(text, to='en').text}")

# %% [markdown]
# The name in the last English sentence is not in the training data: the model copies it letter by
# letter. The training sentences were written for language learners.
#
# ## Attention
#
# The model generates subwords: frequent words are one, rare words several (`▁` stands for the space
# before a word). The attention weights show how much each subword of the source counts.

# %%
display(Image(translator(texts[1], to="de").attention_map()))

# %% [markdown]
# ## Beam search against greedy decoding
#
# Greedy decoding takes the most probable subword at each step. Beam search keeps the five best
# hypotheses, so that a bad choice can be undone. Its result has a higher score, normalized by
# length (otherwise the shortest would win); most of the time it is also better.

# %%
long = [
    "If it rains tomorrow, we will stay at home and watch a movie.",
    "My sister has been living in a small village near the sea for ten years.",
    "Nobody told me that the last train leaves before midnight.",
]
for text in long:
    print(text)
    for beam_size in (1, 5):
        found = translator(text, to="de", beam_size=beam_size)
        print(f"    beam {beam_size} {found.score:6.2f}  {found.text}")

# %% [markdown]
# ## Fine-tuning
#
# From here on TensorFlow is needed. The model learns ten new pairs, about a subject that it hardly
# knows, in some seconds. On the command line this is `lstm-suite train translation --tsv mine.tsv
# --to de --start tatoeba --learning-rate 3e-4`.

# %%
from apps.translation.app import TRANSLATION
from apps.translation.data import Data
from apps.verbs.train import train
from shared.recipe import Stage
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
pairs = WORK / "mine.tsv"
pairs.write_text("".join(f"{source}\t{target}\n" for source, target in own), encoding="utf-8")
start = TRANSLATION.find_preset(PRESET)
stage = Stage(
    TRANSLATION.config_from(start.config, start.folder),
    FitOptions(
        epochs=15,
        optimizer="adam",
        learning_rate=1e-3,
        clip_norm=5.0,
        monitor="loss",  # one pair is held out, too few to tell the best epoch by
        max_minutes=10,
    ),
    Data(tsv=str(pairs), source_language="en", target_language="de", batch_tokens=64),
    start=PRESET,
)
tuned, summary = train(TRANSLATION, stage, start, WORK / "run", WORK / "workshop")

# %%
workshop = Translator.from_preset(tuned.folder, backend="keras")
before = [found.text for found in translator(new, to="de")]
after = [found.text for found in workshop(new, to="de")]
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
# Training saved the fine-tuned model as a preset (weights, tokenizer, recipe, model card). It is
# exported as a bundle: a `.tflite` file with the functions `encode` and `step`, and the files that
# running it takes. On the command line this is `lstm-suite export translation --preset workshop`.

# %%
from shared.export.pipeline import export_bundle

opened = workshop.opened
items = TRANSLATION.read(stage.data, "", opened.config)
bundle = export_bundle(
    TRANSLATION.load_model(tuned),
    tuned,
    WORK / "bundle",
    TRANSLATION.examples(opened, items),
    TRANSLATION.bundle_facts(opened),
    metric=lambda generator: TRANSLATION.figures(opened.on(generator), items),
    measured=f"{len(items)} pairs",
    keep=["int8"],
)
for path in sorted(bundle.folder.iterdir()):
    print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

# %%
small = Translator.from_preset(bundle.folder)
for text in new:
    print(f"{text}\n    {small(text, to='de').text}")
