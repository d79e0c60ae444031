"""The rows of `test_apps.py`: for every application toy data, and what is particular to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps import application
from shared.backends.keras_model import KerasBackend
from shared.decoding.likelihood import score

Changes = Mapping[str, Any]
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class AppRow:
    """One application.

    Args:
        app: Its name in the registry.
        write_data: Writes toy data into a folder and returns the options that name it.
        train: More options of ``train``.
        places: More options that name files; ``{}`` stands for the folder with the toy data.
        figure: One that training records.
        close: How far the figure of the int8 file may be from Keras'.
        inspect: Returns what ``inspect`` is given, from the folder with the toy data.
        evaluate: More options of ``evaluate``.
        missing: Options that name data that is not there.
        variants: Changes of the tiny configuration to check the model with.
        passes: Runs an untrained model over whole sequences and step by step; yields pairs of
            arrays that must be equal.
        padding: Runs it with and without padding; yields pairs of arrays that must be equal.
    """

    app: str
    write_data: Callable[[Path], list[str]]
    train: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    figure: str
    close: float
    inspect: Callable[[Path], list[str]]
    evaluate: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("--data", "no/such/place")
    variants: tuple[Changes, ...] = ({},)
    passes: Callable[[Any], Iterable[Pair]]
    padding: Callable[[Any], Iterable[Pair]]

    def __str__(self) -> str:
        return self.app

    def model(self, changes: Changes) -> Any:
        """The tiny model with random weights, large enough to tell outputs apart."""
        app = application(self.app)
        keras.utils.set_random_seed(1)
        model = app.build(dataclasses.replace(app.stage("tiny").config, **changes))
        rng = np.random.default_rng(0)
        for variable in model.trainable_variables:
            variable.assign_add(rng.normal(size=variable.shape).astype(np.float32) * 0.2)
        return model


def tensors(batch: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value) for name, value in batch.items()}


# --- music --------------------------------------------------------------------------------------


def write_music(folder: Path) -> list[str]:
    from tests.apps.music.toy_data import write_canonical

    return ["--data", str(write_canonical(folder / "toy.json", train=3, valid=3))]


def score_for_inspect(folder: Path) -> list[str]:
    from lstm_suite import Composer

    Composer.from_preset(folder / "bundle").compose(bars=2).write(folder / "c.musicxml")
    return [str(folder / "c.musicxml")]


def music_passes(model: Any) -> Iterable[Pair]:
    from apps.music.data import whole_pieces
    from apps.music.evaluate import nats
    from apps.music.piece import piece_from_pitches
    from tests.apps.music.toy_data import scale_piece

    pieces = [piece_from_pitches("toy", np.array(scale_piece(2, shift))) for shift in range(3)]
    for given in (False, True) if model.encoder else (False,):
        stepped = nats(KerasBackend(model), pieces, model.config, given)
        [batch] = whole_pieces(pieces, 3, model.config.holds)
        logits = model(tensors(batch) | {"given": tf.fill((3,), given)})
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["frames"][:, 1:], logits)
        for row, index in enumerate(batch["index"]):
            yield losses.numpy()[row, : len(pieces[index])], stepped[index]


def music_padding(model: Any) -> Iterable[Pair]:
    from apps.music.evaluate import nats
    from apps.music.piece import piece_from_pitches
    from tests.apps.music.toy_data import scale_piece

    short, long = (piece_from_pitches("toy", np.array(scale_piece(n, n))) for n in (1, 2))
    backend = KerasBackend(model)
    [alone], [padded, _] = (nats(backend, some, model.config) for some in ([short], [short, long]))
    yield alone, padded


# --- handwriting ----------------------------------------------------------------------------------


def write_handwriting(folder: Path) -> list[str]:
    from tests.apps.handwriting.toy_ink import write_unipen

    write_unipen(folder / "unipen", writers=4)
    return ["--data", str(folder / "unipen")]


def toy_items() -> list[Any]:
    from apps.handwriting.cleaning import resample
    from apps.handwriting.ink import Ink, to_rows
    from tests.apps.handwriting.toy_ink import TEXTS, drawn

    return [Ink(text, to_rows(resample(drawn(text), 1.0, 90)), "me") for text in TEXTS]


def point_losses(model: Any, batch: Mapping[str, np.ndarray]) -> np.ndarray:
    from shared.layers.mixture import negative_log_likelihood

    targets = batch["targets"]
    mixture = model(tensors(batch))
    found = negative_log_likelihood(mixture, targets[..., :2], targets[..., 2], batch["end"])
    return found.numpy()


def handwriting_passes(model: Any) -> Iterable[Pair]:
    from apps.handwriting.data import whole
    from apps.handwriting.evaluate import losses

    for style in (0, 5):
        found = []
        for batch in whole(toy_items(), 64):
            batch["style"][:] = style
            values = point_losses(model, batch)
            found += [row[mask] for row, mask in zip(values, batch["mask"], strict=True)]
        stepped = losses(KerasBackend(model), model.config, toy_items(), style)
        yield from zip(found, stepped, strict=True)


def handwriting_padding(model: Any) -> Iterable[Pair]:
    from apps.handwriting.data import whole

    batch = next(whole(toy_items()[:1]))
    before = model(tensors(batch)).numpy()
    for name in ("text", "text_mask"):
        batch[name] = np.pad(batch[name], ((0, 0), (0, 5)))
    batch["text"][:, -3:] = 7  # what stands in the padding must not matter
    yield model(tensors(batch)).numpy(), before


# --- translation ----------------------------------------------------------------------------------


def write_translation(folder: Path) -> list[str]:
    from tests.apps.translation.toy import write_toy

    source, target = map(str, write_toy(folder))
    return ["--source", source, "--target", target]


def attended(model: Any, batch: Mapping[str, np.ndarray], generator: Any, state: Any):
    """Pairs of the logits and the attention weights of every step of a batch of texts."""
    predicted = model(tensors(batch))
    logits, attention = model.softmax.logits(predicted["vectors"]), predicted["attention"]
    allowed = model.softmax.mask == 0
    for t in range(batch["inputs"].shape[1]):
        outputs, state = generator.step({"symbol": batch["inputs"][:, t]}, state)
        rows, width = batch["mask"][:, t], attention.shape[2]
        yield logits.numpy()[rows, t][:, allowed], outputs["logits"][rows][:, allowed]
        yield attention.numpy()[rows, t], outputs["attention"][rows, :width]
        assert not outputs["attention"][:, width:].any()


def translation_passes(model: Any) -> Iterable[Pair]:
    from apps.translation.search import condition
    from tests.apps.translation.toy import random_batch

    batch, backend = random_batch(model.config), KerasBackend(model)
    lengths = batch["source_mask"].sum(1)
    sources = [list(row[:n]) for row, n in zip(batch["source"], lengths, strict=True)]
    state = backend.encode(condition(sources, model.config.length))
    yield from attended(model, batch, backend, state)


def translation_padding(model: Any) -> Iterable[Pair]:
    from apps.translation.model import buckets
    from apps.translation.search import condition
    from shared.text import START

    sources, at = [[5, 6, 7, 3], [8, 9, 10, 11, 12, 13, 3]], buckets(model)
    answers: dict[int, list[Any]] = {8: [], 16: []}
    for length, found in answers.items():
        given = condition(sources, length)
        if length == 16:  # what stands in the padding must not matter either
            given["source"] = np.where(given["source_mask"] == 0, 99, given["source"])
        state = at(length).encode(given)
        for symbol in (START, 20, 21):
            output, state = at(length).step({"symbol": np.full(2, symbol, np.int32)}, state)
            found.append(output)
    for short, long in zip(*answers.values(), strict=True):
        yield short["logits"], long["logits"]
        yield short["attention"], long["attention"][:, :8]
        assert not long["attention"][:, 8:].any()


# --- captioning -----------------------------------------------------------------------------------


def write_captioning(folder: Path) -> list[str]:
    from tests.apps.captioning.toy import write_toy

    return ["--data", str(write_toy(folder / "toy"))]


def captioning_passes(model: Any) -> Iterable[Pair]:
    from apps.captioning.model import FromFeatures
    from tests.apps.captioning.toy import random_batch

    batch, backend = random_batch(model.config), KerasBackend(FromFeatures(model))
    each = len(batch["inputs"]) // len(batch["features"])
    state = backend.encode({"features": batch["features"].astype(np.float32)})
    state = {name: np.repeat(value, each, axis=0) for name, value in state.items()}
    yield from attended(model, batch, backend, state)


def captioning_padding(model: Any) -> Iterable[Pair]:
    from tests.apps.captioning.toy import random_batch

    batch = random_batch(model.config)
    before = model(tensors(batch))["vectors"].numpy()[batch["mask"]]
    batch["inputs"] = np.where(batch["mask"], batch["inputs"], 9)
    yield before, model(tensors(batch))["vectors"].numpy()[batch["mask"]]


# --- prose, the example of docs/examples ----------------------------------------------------------


def write_prose(folder: Path) -> list[str]:
    from docs.examples.prose.app import Data

    lines = Path(Data().data).read_text().splitlines()[:60]
    (folder / "prose.txt").write_text("\n".join(lines) + "\n")
    return ["--data", str(folder / "prose.txt")]


def prose_passes(model: Any) -> Iterable[Pair]:
    from docs.examples.prose.app import END, symbols_of

    symbols = np.stack([symbols_of("wisdom"), symbols_of("a fool")])
    inputs = np.concatenate([np.full((2, 1), END, np.int32), symbols[:, :-1]], 1)
    logits = model({"inputs": tf.constant(inputs)})
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(symbols, logits).numpy()
    backend = KerasBackend(model)
    yield losses, score(backend, backend.encode({}, 2), symbols, start=END)


ROWS = [
    AppRow(
        app="music",
        write_data=write_music,
        figure="nats_per_note",
        close=0.02,
        inspect=score_for_inspect,
        variants=(
            {"frames": 128, "encoder_units": 4},
            {"frames": 128, "encoder_units": 4, "holds": True, "placed": True},
            {"holds": True, "residual": True, "cell": {"peephole": True, "layer_norm": True}},
        ),
        passes=music_passes,
        padding=music_padding,
    ),
    AppRow(
        app="handwriting",
        write_data=write_handwriting,
        train=("--points", "800"),
        figure="nats_per_point",
        close=0.05,
        inspect=lambda folder: ["an ant"],
        evaluate=("--judge", "none"),
        variants=(
            {"styles": ("printed", "cursive")},
            {"styles": ("printed", "cursive"), "units": (24,)},
            {
                "styles": ("printed", "cursive"),
                "units": (16, 16, 16),
                "cell": {"peephole": True, "layer_norm": True},
            },
        ),
        passes=handwriting_passes,
        padding=handwriting_padding,
    ),
    AppRow(
        app="translation",
        write_data=write_translation,
        train=("--epochs", "2", "--vocabulary", "400", "--bleu-sentences", "4"),
        figure="bleu",
        close=20,
        inspect=lambda folder: ["the man sees the dog"],
        missing=("--source", "no/such/place", "--target", "no/such/place"),
        variants=(
            {},
            {
                "input_feeding": True,
                "attention": "additive",
                "encoder_units": (12, 12),
                "decoder_units": (24, 24),
                "cell": {"layer_norm": True},
            },
        ),
        passes=translation_passes,
        padding=translation_padding,
    ),
    AppRow(
        app="captioning",
        write_data=write_captioning,
        train=("--epochs", "2"),
        places=("--backbone-weights", "{}/toy/network.weights.h5"),
        figure="bleu1",
        close=20,
        inspect=lambda folder: [str(folder / "toy" / "images" / "red_circle_0.png")],
        variants=(
            {"vocabulary": 40},
            {"vocabulary": 40, "decoder": "up-down", "cell": {"layer_norm": True}},
        ),
        passes=captioning_passes,
        padding=captioning_padding,
    ),
    AppRow(
        app="prose",
        write_data=write_prose,
        figure="bits_per_char",
        close=0.05,
        inspect=lambda folder: ["a wise man"],
        variants=({}, {"units": (16,)}),
        passes=prose_passes,
        padding=lambda model: [],
    ),
]
