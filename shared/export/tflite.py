"""From a Keras model to ``.tflite`` files: built-in ops only, batch 1, both signatures."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flatbuffers
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from shared.backends.litert import silent_stderr
from shared.export.audit import audit
from shared.export.saved_model import export_saved_model
from shared.files import write_bytes

PRECISIONS = ("float32", "float16", "int8")  # int8: weights; activations quantized as it runs


def export_tflite(
    model: Any, folder: str | Path, precisions: Iterable[str] = PRECISIONS
) -> dict[str, Path]:
    """Convert the model once per precision and audit every file.

    Full-integer quantization is not offered: its calibration crashes on a graph with a loop.

    Returns:
        ``{precision: folder/model_<precision>.tflite}``.

    Raises:
        ValueError: an unknown precision, or a model that built-in ops cannot express; the
            message names the ops.
    """
    paths = {}
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "saved_model"
        weights = export_saved_model(model, source, batch=1)
        for precision in precisions:
            path = Path(folder) / f"model_{precision}.tflite"
            data = _convert(source, precision)
            audit(data, model.signature, weights)
            write_bytes(path, data)
            paths[precision] = path
    return paths


def _convert(saved_model: Path, precision: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=["encode", "step"]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision in ("float16", "int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose from {', '.join(PRECISIONS)}")
    try:
        with silent_stderr():  # on failure it prints the whole graph; `__cause__` has it too
            data = converter.convert()
    except Exception as error:  # the converter's own class is private
        raise ValueError(_why(str(error))) from error
    return _step_first(data)


def _step_first(data: bytes) -> bytes:
    """The file with ``step`` as its first graph.

    That one alone the interpreter runs with no more than copying what changed; all others it
    resizes and allocates at every call. No graph calls the two that change places.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    [old] = {d.subgraphIndex for d in model.signatureDefs if d.signatureKey == b"step"}
    graphs = model.subgraphs
    graphs[0], graphs[old] = graphs[old], graphs[0]
    for definition in model.signatureDefs:
        definition.subgraphIndex = {0: old, old: 0}[definition.subgraphIndex]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _why(message: str) -> str:
    """The converter's page-long message in one line."""
    ops = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", message)))
    if ops:
        return f"no built-in LiteRT op for: {', '.join(ops)}"
    faults = [line.rpartition("error: ")[2] for line in message.splitlines() if "error: " in line]
    return f"LiteRT's converter: {(faults or [message])[0][:200]}"
