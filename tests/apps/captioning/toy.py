"""A few drawn pictures that take seconds to learn, with captions, and models for them."""

import dataclasses
import itertools
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageDraw

from apps.captioning.app import CAPTIONING
from apps.captioning.model import CaptioningModel
from shared.text import START

COLORS = {"red": "#d02020", "green": "#20a020", "blue": "#2030d0"}
SHAPES = ("circle", "square")
TINY = dataclasses.replace(CAPTIONING.stage("tiny").config, vocabulary=40)


def toy_names() -> list[str]:
    """What is drawn, in the order of the files."""
    return [f"{color} {shape}" for color, shape in itertools.product(COLORS, SHAPES)]


def draw(name: str, number: int = 0) -> Image.Image:
    """The picture of a name; others are a bit larger or smaller."""
    color, shape = name.split()
    image = Image.new("RGB", (96, 96), "white")
    box = (16 + number, 16 + number, 80 - number, 80 - number)
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "circle" else pen.rectangle)(box, fill=COLORS[color])
    return image


def captions_of(name: str) -> list[str]:
    """Two ways to say it."""
    return [f"A {name} is drawn on white .", f"There is a {name} ."]


def write_toy(folder: Path, copies: int = 4) -> Path:
    """``images/``, ``captions.txt``, ``splits/``, and weights of a network.

    Each picture is there in several sizes, the first of which are for validation, too.
    """
    (folder / "images").mkdir(parents=True)
    (folder / "splits").mkdir()
    rows = ["image,caption"]
    files = []
    for number, name in itertools.product(range(copies), toy_names()):
        file = f"{name.replace(' ', '_')}_{number}.png"
        draw(name, number).save(folder / "images" / file)
        rows += [f"{file},{text}" for text in captions_of(name)]
        files.append(file)
    (folder / "captions.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for split, some in (("train", files), ("dev", files[: len(toy_names())])):
        (folder / "splits" / f"{split}.txt").write_text("\n".join(some) + "\n")
    random_network().save_weights(folder / "network.weights.h5")
    return folder


def random_network(seed: int = 0) -> keras.Model:
    """The tiny configuration's MobileNetV2 with weights through which pictures stay apart.

    Batch normalization has the statistics of the pictures: without, all look much alike to it.
    """
    network = keras.applications.MobileNetV2(
        (TINY.image_size, TINY.image_size, 3), alpha=TINY.alpha, include_top=False, weights=None
    )
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        for variable in layer.trainable_variables:
            if len(variable.shape) == 4:
                depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
                inputs = np.prod(variable.shape[:2]) * (1 if depthwise else variable.shape[2])
                scale = (2 / inputs) ** 0.5  # He et al. 2015
                variable.assign(rng.normal(size=variable.shape) * scale)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    pictures = np.stack([np.asarray(draw(name, 1), np.float32) for name in toy_names()])
    network(pictures / 127.5 - 1, training=True)
    return network


def random_model(seed: int = 0, **changes) -> CaptioningModel:
    """An untrained model whose weights are large enough to tell outputs apart."""
    keras.utils.set_random_seed(seed)
    model = CaptioningModel(dataclasses.replace(TINY, **changes))
    model.network.set_weights(random_network(seed).get_weights())
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape).astype(np.float32) * 0.3)
    return model


def random_batch(config, photos: int = 2, captions: int = 2, steps: int = 6, seed: int = 0):
    """Captions of several lengths, as `apps.captioning.data.pipeline` would yield them."""
    rng = np.random.default_rng(seed)
    rows = photos * captions
    counts = rng.permutation(np.linspace(2, steps, rows).round().astype(int))[:, None]
    mask = np.arange(steps) < counts

    def ids():
        return rng.integers(4, config.vocabulary, (rows, steps)).astype(np.int32) * mask

    size = config.cells
    return {
        "features": rng.random((photos, size, size, 1280)).astype(np.float16),
        "row": np.arange(photos, dtype=np.int32),
        "start": np.full(photos, START, np.int32),
        "inputs": ids(),
        "targets": ids(),
        "mask": mask,
    }
