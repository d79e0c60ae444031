"""One int8 table where the converter writes two.

A table that embeds symbols and is the softmax's too comes out of the converter twice: with a scale
for all of it, which is what GATHER reads, and with a scale for each row, for FULLY_CONNECTED. Here
GATHER reads the second as well, and the row's scale besides: the file is smaller by a table, and
what is embedded is nearer to the model's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_LARGE = 4096  # weights; a smaller table is not worth three more ops


def share_tables(model: Any) -> int:
    """Let lookups read the tables of products, in place.

    Args:
        model: The flatbuffer's object, ``schema.ModelT``.

    Returns:
        How many lookups were changed.
    """
    by_row = [
        tensor for graph in model.subgraphs for tensor in graph.tensors
        if _is_table(model, tensor) and len(tensor.quantization.scale) == tensor.shape[0] > 1
    ]  # fmt: skip
    changed = 0
    scales: dict[int, int] = {}  # from the table's buffer to that of its scales
    for graph in model.subgraphs:
        for gather in [op for op in graph.operators if _code(model, op) == "GATHER"]:
            tensor = graph.tensors[gather.inputs[0]]
            if not _is_table(model, tensor) or len(tensor.quantization.scale) != 1:
                continue
            twin = next((other for other in by_row if _is_same(model, tensor, other)), None)
            readers = [op for op in graph.operators if gather.outputs[0] in op.inputs]
            if twin is None or [_code(model, op) for op in readers] != ["DEQUANTIZE"]:
                continue
            _rewrite(model, graph, gather, readers[0], twin, scales)
            changed += 1
    read = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    read |= {metadata.buffer for metadata in model.metadata or []}
    for number, buffer in enumerate(model.buffers):
        if number not in read:
            buffer.data = None
    return changed


def _code(model: Any, op: Any) -> str:
    code = model.operatorCodes[op.opcodeIndex].builtinCode
    return {schema.BuiltinOperator.GATHER: "GATHER",
            schema.BuiltinOperator.DEQUANTIZE: "DEQUANTIZE"}.get(code, "")  # fmt: skip


def _is_table(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    quantized = tensor.quantization is not None and tensor.quantization.scale is not None
    return (
        tensor.type == schema.TensorType.INT8 and quantized and data is not None
        and len(data) >= _LARGE and len(tensor.shape) == 2
    )  # fmt: skip


def _values(model: Any, tensor: Any) -> np.ndarray:
    """``(rows, columns)`` float32; the converter's weights have no zero point."""
    numbers = np.asarray(model.buffers[tensor.buffer].data).view(np.int8).reshape(tensor.shape)
    return numbers * np.asarray(tensor.quantization.scale, np.float32).reshape(-1, 1)


def _is_same(model: Any, tensor: Any, other: Any) -> bool:
    if list(tensor.shape) != list(other.shape):
        return False
    step = float(tensor.quantization.scale[0])  # of rounding
    difference = np.abs(_values(model, tensor) - _values(model, other))
    return bool(difference.max() <= 0.51 * step + 0.51 * max(other.quantization.scale))


def _rewrite(
    model: Any, graph: Any, gather: Any, dequantize: Any, twin: Any, stored: dict[int, int]
) -> None:
    """``gather, dequantize`` to ``gather, cast, gather the scales, multiply``."""
    table, ids = gather.inputs
    scales = np.asarray(twin.quantization.scale, np.float32).reshape(-1, 1)
    numbers, result = gather.outputs[0], dequantize.outputs[0]
    shape = list(graph.tensors[numbers].shape)
    graph.tensors[table].buffer = twin.buffer
    # Plain integers: no kernel is to think that it knows what they mean.
    graph.tensors[table].quantization = graph.tensors[numbers].quantization = None
    kind = schema.TensorType.FLOAT32
    if twin.buffer not in stored:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(scales.tobytes(), np.uint8)
        model.buffers.append(buffer)
        stored[twin.buffer] = len(model.buffers) - 1
    name = graph.tensors[numbers].name
    by_row = _tensor(graph, kind, list(scales.shape), stored[twin.buffer], name + b"/scales")
    drawn = _tensor(graph, kind, [*shape[:-1], 1], 0, name + b"/scale")
    raw = _tensor(graph, kind, shape, 0, name + b"/raw")
    cast = _op(model, "CAST", [numbers], [raw])
    cast.builtinOptionsType = schema.BuiltinOptions.CastOptions
    cast.builtinOptions = schema.CastOptionsT()
    cast.builtinOptions.inDataType, cast.builtinOptions.outDataType = schema.TensorType.INT8, kind
    second = _op(model, "GATHER", [by_row, ids], [drawn])
    second.builtinOptionsType = gather.builtinOptionsType
    second.builtinOptions = gather.builtinOptions
    multiply = _op(model, "MUL", [raw, drawn], [result])
    multiply.builtinOptionsType = schema.BuiltinOptions.MulOptions
    multiply.builtinOptions = schema.MulOptionsT()
    place = next(k for k, op in enumerate(graph.operators) if op is dequantize)
    graph.operators[place : place + 1] = [cast, second, multiply]


def _tensor(graph: Any, kind: int, shape: list[int], buffer: int, name: bytes) -> int:
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.hasRank = kind, shape, True
    tensor.buffer, tensor.name = buffer, name
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _op(model: Any, name: str, inputs: list[int], outputs: list[int]) -> Any:
    wanted = getattr(schema.BuiltinOperator, name)
    index = next((k for k, c in enumerate(model.operatorCodes) if c.builtinCode == wanted), None)
    if index is None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = wanted
        code.version = 1
        model.operatorCodes.append(code)
        index = len(model.operatorCodes) - 1
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = index, inputs, outputs
    return op
