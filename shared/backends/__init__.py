"""Who answers ``encode`` and ``step``: a Keras model, a SavedModel or a LiteRT file.

All three are a `shared.generator.Generator`: NumPy in, NumPy out, any batch size. A module is
imported when its kind is opened, so that LiteRT runs without TensorFlow.
"""

from __future__ import annotations

from typing import Any

from shared.generator import Generator, Signature

KINDS = ("litert", "keras", "saved_model")


def open_backend(
    kind: str, source: Any, signature: Signature | None = None, *, num_threads: int = 1
) -> Generator:
    """Open a generator.

    Args:
        kind: One of `KINDS`.
        source: For ``litert`` the path of a ``.tflite`` file, for ``saved_model`` its folder,
            for ``keras`` the built model itself.
        signature: What crosses ``encode`` and ``step``; needed for ``litert``. A Keras model
            has its own, and a SavedModel that `shared.export` wrote carries it.
        num_threads: LiteRT's threads.

    Raises:
        ValueError: Unknown kind, or ``litert`` without a signature.
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
