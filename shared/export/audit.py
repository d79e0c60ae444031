"""What a ``.tflite`` file really holds, read from its flatbuffer; TensorFlow is not needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from shared.backends.arrays import encode_inputs, encode_outputs, step_inputs, step_outputs
from shared.generator import Signature

_OP_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_TYPE_NAMES = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
# Branches and loop bodies are subgraphs of their own: these options' fields name them.
_CALLED = {
    "IfOptions": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "WhileOptions": ("condSubgraphIndex", "bodySubgraphIndex"),
    "CallOnceOptions": ("initSubgraphIndex",),
}


@dataclass(frozen=True)
class Audit:
    """Ops by signature, with how often each stands in the graph, and the number of weights."""

    ops: dict[str, dict[str, int]]
    weights: int


def audit(data: bytes, signature: Signature | None = None, weights: int = 1) -> Audit:
    """Read a ``.tflite`` file's bytes and refuse what would not run elsewhere.

    Args:
        data: The file.
        signature: If given, the file's tensors must be exactly these, at batch 1.
        weights: The model's number of weights, of which the file must hold at least half
            (those that the two functions turn out not to need are dropped).

    Raises:
        ValueError: Flex or custom ops; weights lost; signatures other than ``encode`` and
            ``step``; tensors that are not the signature's; an output that is an input or another
            output, of a branch or loop too.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    defs = {_text(d.signatureKey): d for d in model.signatureDefs or []}
    if defs.keys() != {"encode", "step"}:
        raise ValueError(f"signatures {sorted(defs)}: expected encode and step")
    ops = {key: dict(sorted(_ops(model, d.subgraphIndex).items())) for key, d in defs.items()}
    foreign = sorted(
        {name for names in ops.values() for name in names if name not in _OP_NAMES.values()}
    )
    if foreign:
        raise ValueError(f"ops that the plain interpreter lacks: {', '.join(foreign)}")
    found = _weights(model)
    if found < max(1, weights / 2):
        raise ValueError(f"the file holds {found} weights, the model has {weights}")
    for key, definition in defs.items():
        _check_outputs(key, definition)
        if signature is not None:
            _check_tensors(key, model, definition, signature)
    return Audit(ops, found)


def _ops(model: Any, index: int) -> Counter[str]:
    """The ops of a subgraph and of those it calls; a custom op by its own name."""
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
            if len(set(outputs)) < len(outputs):  # the second would be left unwritten
                raise ValueError(
                    f"a branch of {name} returns one tensor twice, which LiteRT gets wrong; return "
                    "one concatenated tensor and split it outside"
                )
            count += _ops(model, called)
    return count


def _weights(model: Any) -> int:
    """Elements of all constant tensors that are not integers wider than a byte; shared ones once.

    Shapes and axes are int32, weights are float32, float16 or int8.
    """
    sizes = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            kind = _TYPE_NAMES[tensor.type]
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data) and kind in ("float32", "float16", "int8"):
                sizes[tensor.buffer] = int(np.prod(tensor.shape))
    return sum(sizes.values())


def _check_outputs(key: str, definition: Any) -> None:
    """One tensor under two names: LiteRT.js loses a name, or computes with the wrong buffer."""
    inputs = {entry.tensorIndex: _text(entry.name) for entry in definition.inputs}
    seen: dict[int, str] = {}
    for entry in definition.outputs:
        name = _text(entry.name)
        source = inputs.get(entry.tensorIndex)
        if source is not None:
            raise ValueError(
                f"{key}: output {name!r} is the input {source!r} itself; compute it (cast a mask "
                "to float32), or let the caller keep it"
            )
        if entry.tensorIndex in seen:
            raise ValueError(
                f"{key}: outputs {seen[entry.tensorIndex]!r} and {name!r} are one tensor; compute "
                "them apart, or leave constants to the caller"
            )
        seen[entry.tensorIndex] = name


def _check_tensors(key: str, model: Any, definition: Any, signature: Signature) -> None:
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
        want = {name: ([1, *spec.shape], spec.dtype) for name, spec in specs.items()}
        if got != want:
            raise ValueError(f"{key}: the file has {got}, the signature says {want}")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
