"""Audit of a ``.tflite`` file's flatbuffer, without TensorFlow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from shared.backends.arrays import (
    BEAM_STEP,
    beam_rows,
    encode_inputs,
    encode_outputs,
    step_inputs,
    step_outputs,
)
from shared.generator import Signature

_OP_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_TYPE_NAMES = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
# Branches and loop bodies are subgraphs, which these fields of the op's options name.
_CALLED = {
    "IfOptions": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "WhileOptions": ("condSubgraphIndex", "bodySubgraphIndex"),
    "CallOnceOptions": ("initSubgraphIndex",),
}


@dataclass(frozen=True)
class Audit:
    """The number of ops by signature and name, and the number of weights."""

    ops: dict[str, dict[str, int]]
    weights: int


def audit(
    data: bytes, signature: Signature | None = None, weights: int = 1, beam: int = 0
) -> Audit:
    """Checks that a ``.tflite`` file runs in the plain interpreter.

    Args:
        data: The content of the file.
        signature: Expected tensors, at batch size 1. None does not check them.
        weights: The model's number of weights. The file must hold at least half of them: the
            converter drops those that no function uses.
        beam: Rows of ``beam_step``; 0 if the file need not have it.

    Raises:
        ValueError: The file contains Flex or custom ops; weights are missing; the signatures are
            not ``encode``, ``step`` and ``beam_step``, or the last has weights of its own; the
            tensors are not those of ``signature``; an output is also an input or another output,
            of a branch or loop body too.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    defs = {_text(d.signatureKey): d for d in model.signatureDefs or []}
    if defs.keys() - {BEAM_STEP} != {"encode", "step"} or (beam and BEAM_STEP not in defs):
        wanted = "encode, step and beam_step" if beam else "encode and step"
        raise ValueError(f"signatures {sorted(defs)}: expected {wanted}")
    ops = {key: dict(sorted(_ops(model, d.subgraphIndex).items())) for key, d in defs.items()}
    foreign = sorted(
        {name for names in ops.values() for name in names if name not in _OP_NAMES.values()}
    )
    if foreign:
        raise ValueError(f"ops that the plain interpreter lacks: {', '.join(foreign)}")
    found = sum(_weights(model, model.subgraphs).values())
    if BEAM_STEP in defs:
        graph = model.subgraphs[defs[BEAM_STEP].subgraphIndex]
        others = [other for other in model.subgraphs if other is not graph]
        if own := _weights(model, [graph]).keys() - _weights(model, others).keys():
            raise ValueError(f"{BEAM_STEP} has {len(own)} weights of its own; share those of step")
    if found < max(1, weights / 2):
        raise ValueError(f"the file holds {found} weights, the model has {weights}")
    for key, definition in defs.items():
        _check_outputs(key, definition)
        if signature is not None:
            _check_tensors(key, model, definition, signature, beam)
    return Audit(ops, found)


def _ops(model: Any, index: int) -> Counter[str]:
    """Counts the ops of a subgraph and of those it calls; custom ops by their own name."""
    count: Counter[str] = Counter()
    for operator in model.subgraphs[index].operators or []:
        code = model.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = _OP_NAMES[builtin]
        count[_text(code.customCode) if name == "CUSTOM" else name] += 1
        options = operator.builtinOptions
        for field in _CALLED.get(type(options).__name__.removesuffix("T"), ()):
            called = getattr(options, field)
            outputs = list(model.subgraphs[called].outputs)
            if len(set(outputs)) < len(outputs):  # LiteRT does not write the second
                raise ValueError(
                    f"a branch of {name} returns one tensor twice, which LiteRT gets wrong; return "
                    "one concatenated tensor and split it outside"
                )
            count += _ops(model, called)
    return count


def _weights(model: Any, graphs: Iterable[Any]) -> dict[int, int]:
    """Counts the elements of the constant tensors of some graphs, by their buffer.

    Weights are float32, float16 or int8. Shapes and axes are int32 and do not count.
    """
    sizes = {}
    for graph in graphs:
        for tensor in graph.tensors:
            kind = _TYPE_NAMES[tensor.type]
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data) and kind in ("float32", "float16", "int8"):
                sizes[tensor.buffer] = int(np.prod(tensor.shape))
    return sizes


def _check_outputs(key: str, definition: Any) -> None:
    """Refuses a tensor with two names: LiteRT.js loses one, or uses the wrong buffer."""
    inputs = {entry.tensorIndex: _text(entry.name) for entry in definition.inputs}
    seen: dict[int, str] = {}
    for entry in definition.outputs:
        name = _text(entry.name)
        source = inputs.get(entry.tensorIndex)
        if source is not None:
            raise ValueError(
                f"{key}: output {name!r} is the input {source!r} itself; compute it (cast a mask "
                "to float32), or do not return it"
            )
        if entry.tensorIndex in seen:
            raise ValueError(
                f"{key}: outputs {seen[entry.tensorIndex]!r} and {name!r} are one tensor; compute "
                "them separately, or do not return constants"
            )
        seen[entry.tensorIndex] = name


def _check_tensors(key: str, model: Any, definition: Any, signature: Signature, beam: int) -> None:
    if key == "encode":
        expected = encode_inputs(signature), encode_outputs(signature)
    else:
        expected = step_inputs(signature), step_outputs(signature)
    tensors = model.subgraphs[definition.subgraphIndex].tensors
    for entries, specs in zip((definition.inputs, definition.outputs), expected, strict=True):
        got = {}
        for entry in entries:
            tensor = tensors[entry.tensorIndex]
            shape = [] if tensor.shape is None else [int(n) for n in tensor.shape]
            got[_text(entry.name)] = (shape, _TYPE_NAMES[tensor.type])
        rows = {name: beam_rows(signature, name, beam) if key == BEAM_STEP else 1 for name in specs}
        want = {name: ([rows[name], *spec.shape], spec.dtype) for name, spec in specs.items()}
        if got != want:
            raise ValueError(f"{key}: the file has {got}, the signature says {want}")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
