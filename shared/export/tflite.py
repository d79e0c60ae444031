"""Conversion of a Keras model to ``.tflite``: built-in ops only, static shapes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from shared.backends.arrays import BEAM_STEP
from shared.backends.saved_model import export_saved_model
from shared.export.audit import audit
from shared.export.convolutions import dequantize_filters
from shared.export.tables import share_tables
from shared.files import write_bytes
from shared.presets.bundle import PRECISIONS
from shared.stderr import silent_stderr

# Constants of zeros below this size, in bytes, are not replaced by a FILL op, which takes some 200.
_WORTH_FILLING = 1024


def export_tflite(
    model: Any, folder: str | Path, precisions: Iterable[str] = PRECISIONS, beam: int = 0
) -> dict[str, Path]:
    """Converts a model to each precision and audits the files.

    There is no full-integer quantization: its calibration crashes on a graph with a loop.

    Args:
        model: Built, with ``signature``, ``encode`` and ``step``.
        folder: Folder to write to.
        precisions: Some of `PRECISIONS`.
        beam: Rows of a third graph, ``beam_step``, or 0 for none.

    Returns:
        ``{precision: folder/model_<precision>.tflite}``.

    Raises:
        ValueError: A precision is unknown, or the model needs ops that are not built in; the
            message names them.
    """
    paths = {}
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "saved_model"
        weights = export_saved_model(model, source, 1, beam)
        for precision in precisions:
            path = Path(folder) / f"model_{precision}.tflite"
            data = _convert(source, precision, beam > 0)
            audit(data, model.signature, weights, beam)
            write_bytes(path, data)
            paths[precision] = path
    return paths


def _convert(saved_model: Path, precision: str, beam: bool) -> bytes:
    keys = ["encode", "step", BEAM_STEP] if beam else ["encode", "step"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=keys)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision in ("float16", "int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: choose from {', '.join(PRECISIONS)}")
    try:
        with silent_stderr():  # on failure it prints the whole graph, which is in `__cause__` too
            data = converter.convert()
    except Exception as error:  # the converter's exception class is private
        raise ValueError(_summarize(str(error))) from error
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    _move_step_first(model)
    share_tables(model)
    dequantize_filters(model)
    for graph in model.subgraphs:
        _replace_zeros(model, graph)
    _share_scales(model)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _move_step_first(model: Any) -> None:
    """Makes ``step`` the first graph.

    The interpreter resizes and allocates all graphs but the first at every call. The two graphs
    that are swapped are not called by others.
    """
    [old] = {d.subgraphIndex for d in model.signatureDefs if d.signatureKey == b"step"}
    graphs = model.subgraphs
    graphs[0], graphs[old] = graphs[old], graphs[0]
    for definition in model.signatureDefs:
        index = definition.subgraphIndex
        definition.subgraphIndex = {0: old, old: 0}.get(index, index)


class _Shared:
    """A flatbuffer's object that is written once, however many others refer to it."""

    def __init__(self, original: Any) -> None:
        self.original, self.place = original, None

    def Pack(self, builder: Any) -> Any:
        if self.place is None:
            self.place = self.original.Pack(builder)
        return self.place


def _share_scales(model: Any) -> None:
    """Shares the scales of weights that several graphs read, as the weights themselves are."""
    shared: dict[tuple[int, bytes], _Shared] = {}
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        found = tensor.quantization
        if tensor.buffer and found is not None and found.scale is not None:
            key = tensor.buffer, np.asarray(found.scale, np.float32).tobytes()
            tensor.quantization = shared.setdefault(key, _Shared(found))


def _replace_zeros(model: Any, graph: Any) -> None:
    """Replaces the zeros that loops write into by a FILL op.

    The converter stores the zeros of a TensorArray as a constant of the full sequence length,
    which quantization does not shrink. Only constants that are used by loops alone are replaced:
    other ops may require a constant.
    """
    codes = model.operatorCodes
    loops = {k for k, c in enumerate(codes) if c.builtinCode == schema.BuiltinOperator.WHILE}
    for index, tensor in enumerate(list(graph.tensors)):
        data = model.buffers[tensor.buffer].data
        users = [op for op in graph.operators if index in op.inputs]
        if (
            tensor.type != schema.TensorType.FLOAT32
            or data is None
            or len(data) < _WORTH_FILLING
            or np.any(data)
            or index in graph.outputs
            or not users
            or any(op.opcodeIndex not in loops for op in users)
        ):
            continue
        shape = _constant(model, graph, np.array(tensor.shape, np.int32), tensor.name + b"/shape")
        zero = _constant(model, graph, np.array(0, np.float32), tensor.name + b"/zero")
        if not any(other.buffer == tensor.buffer for other in _others(model, tensor)):
            model.buffers[tensor.buffer].data = None
        tensor.buffer = 0  # by convention the empty buffer
        fill = schema.OperatorT()
        fill.opcodeIndex = _fill_code(codes)
        fill.inputs, fill.outputs = [shape, zero], [index]
        fill.builtinOptionsType = schema.BuiltinOptions.FillOptions
        fill.builtinOptions = schema.FillOptionsT()
        graph.operators.insert(0, fill)


def _constant(model: Any, graph: Any, value: np.ndarray, name: bytes) -> int:
    """Adds a constant, int32 or float32, to the graph and returns its index."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(value.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    kinds = {"int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}
    tensor.type, tensor.shape, tensor.hasRank = kinds[str(value.dtype)], list(value.shape), True
    tensor.buffer, tensor.name = len(model.buffers) - 1, name
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _others(model: Any, tensor: Any) -> Iterator[Any]:
    return (t for graph in model.subgraphs for t in graph.tensors if t is not tensor)


def _fill_code(codes: list[Any]) -> int:
    """Returns the index of FILL among the model's op codes, and adds it if missing."""
    for index, code in enumerate(codes):
        if code.builtinCode == schema.BuiltinOperator.FILL:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FILL
    code.version = 1
    codes.append(code)
    return len(codes) - 1


def _summarize(message: str) -> str:
    """Shortens the converter's page-long message to one line."""
    ops = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", message)))
    if ops:
        return f"no built-in LiteRT op for: {', '.join(ops)}"
    faults = [line.rpartition("error: ")[2] for line in message.splitlines() if "error: " in line]
    return f"LiteRT's converter: {(faults or [message])[0][:200]}"
