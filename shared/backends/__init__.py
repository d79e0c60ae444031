"""Backends that run a model: Keras, SavedModel or LiteRT.

All three are a `shared.generator.Generator` on NumPy arrays, for any batch size. A backend's module
is imported when it is opened, so that LiteRT runs without TensorFlow.
"""

from __future__ import annotations

from typing import Any

from shared.generator import Generator, Signature

KINDS = ("litert", "keras", "saved_model")


def open_backend(
    kind: str, source: Any, signature: Signature | None = None, *, num_threads: int = 1
) -> Generator:
    """Opens a model as a generator.

    Args:
        kind: One of `KINDS`.
        source: For ``litert`` the path of a ``.tflite`` file, for ``saved_model`` its folder,
            for ``keras`` the built model.
        signature: The model's signature; needed for ``litert``. A Keras model has it, and a
            SavedModel that `shared.export` wrote holds it.
        num_threads: Number of threads of LiteRT.

    Raises:
        ValueError: The kind is unknown, or ``litert`` is opened without a signature.
    """
    if kind == "litert":
        if signature is None:
            raise ValueError("the litert backend needs a signature; a bundle's sidecar has it")
        from shared.backends.litert import LiteRTBackend

        return LiteRTBackend(source, signature, num_threads=num_threads)
    if kind == "saved_model":
        from shared.backends.saved_model import SavedModelBackend

        return SavedModelBackend(source, signature)
    if kind == "keras":
        from shared.backends.keras_model import KerasBackend

        return KerasBackend(source)
    raise ValueError(f"unknown backend {kind!r}: choose from {', '.join(KINDS)}")
