"""Convolutions with int8 weights and float activations.

The converter's hybrid convolutions quantize their inputs as they run, each kernel with its own
rounding, and a deep CNN magnifies that: one bit of one pixel may move its features by several
percent, and another processor computes others. Here the weights stay int8, with a scale for each
output channel, and are made float when the interpreter starts: the file is as small, the results
agree between processors, and XNNPACK runs its float kernels, which are faster.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def dequantize_filters(model: Any) -> int:
    """Puts a DEQUANTIZE op between int8 filters and their convolutions, in place.

    Args:
        model: The flatbuffer's object, ``schema.ModelT``.

    Returns:
        How many convolutions were changed.
    """
    changed = 0
    for graph in model.subgraphs:
        made: dict[int, int] = {}  # from the int8 filter to the float one
        ops = []
        for op in graph.operators:
            code = model.operatorCodes[op.opcodeIndex].builtinCode
            if code in _CONVOLUTIONS and _is_quantized(model, graph, op.inputs[1]):
                source = int(op.inputs[1])
                if source not in made:
                    made[source] = _float_twin(graph, source)
                    ops.append(_dequantize(model, source, made[source]))
                op.inputs = [op.inputs[0], made[source], *op.inputs[2:]]
                changed += 1
            ops.append(op)
        graph.operators = ops
    return changed


def _is_quantized(model: Any, graph: Any, index: int) -> bool:
    tensor = graph.tensors[index]
    data = model.buffers[tensor.buffer].data
    return tensor.type == schema.TensorType.INT8 and data is not None and len(data) > 0


def _float_twin(graph: Any, index: int) -> int:
    source = graph.tensors[index]
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.hasRank = schema.TensorType.FLOAT32, source.shape, True
    tensor.buffer, tensor.name = 0, source.name + b"/float"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _dequantize(model: Any, source: int, result: int) -> Any:
    op = schema.OperatorT()
    op.opcodeIndex = _code(model)
    op.inputs, op.outputs = [source], [result]
    op.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    op.builtinOptions = schema.DequantizeOptionsT()
    return op


def _code(model: Any) -> int:
    """Returns the index of DEQUANTIZE among the model's op codes, and adds it if missing."""
    wanted = schema.BuiltinOperator.DEQUANTIZE
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == wanted:
            code.version = max(code.version, 5)  # with a scale for each channel
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = wanted
    code.version = 5
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
