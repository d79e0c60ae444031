"""Every row as a SavedModel and as a LiteRT file of built-in ops: the same numbers.

Rows of one layer share a graph, which halves the time; ``-k`` leaves the row alone in it.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from shared.export.audit import audit
from shared.layers import portable
from tests.conformance.runs import BATCH, close, every, make, values


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory):
    """``family -> {row: results}``, each family exported when it is first asked for."""
    chosen = [
        item.callspec.params["row"]
        for item in request.session.items
        if getattr(item, "originalname", "") == "test_export"
    ]

    @functools.cache
    def export(family):
        return _export([r for r in chosen if r.family == family], tmp_path_factory.mktemp("export"))

    return export


@every()
def test_export(row, exported):
    """``encode`` is the whole sequence, ``step`` a step; the SavedModel's batch is free."""
    expected, saved, light = exported(row.family)[row.name]
    for name in ("encode", "step"):
        close(saved[name], expected[name], 1e-5, f"{name} SavedModel")
        close(light[name], expected[name], 1e-4, f"{name} LiteRT")


def _export(members, folder):
    """For each row its expected, SavedModel's and LiteRT's outputs, by function and name."""
    prefixes = {f"r{k}_": row for k, row in enumerate(members)}
    layers = {prefix: make(row) for prefix, row in prefixes.items()}
    inputs = {"encode": {}, "step": {}}
    for prefix, row in prefixes.items():
        given = values(row, masks=True)
        inputs["encode"] |= {prefix + n: v for n, v in given.items()}
        given = {n: v for n, v in given.items() if n != "mask"}
        if row.step is None:  # the audit wants both functions
            given = {"question": tf.zeros((BATCH, 1))}
        inputs["step"] |= {prefix + n: v[:, 0] if n == "x" else v for n, v in given.items()}

    def encode(prefix, own):
        return prefixes[prefix].run(layers[prefix], own)

    def step(prefix, own):
        if prefixes[prefix].step is None:
            return {"answer": 2.0 * own["question"]}
        outputs, state = prefixes[prefix].step(layers[prefix], own["x"], own)
        # An output that is the same tensor as a new state (an LSTM's is) would lose its name.
        return {f"{name}_out": 2.0 * value for name, value in outputs.items()} | state

    run = {"encode": _all(encode, prefixes), "step": _all(step, prefixes)}
    module = tf.Module()
    module.variables_used = [v.value for layer in layers.values() for v in layer.variables]
    traced = {
        name + suffix: _trace(run[name], inputs[name], batch)
        for name in run
        for suffix, batch in (("", 1), ("_any", None))
    }
    tf.saved_model.save(module, str(folder), signatures=traced)
    signatures = tf.saved_model.load(str(folder)).signatures
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=list(run))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    data = converter.convert()
    audit(data, weights=sum(w.shape.num_elements() for w in module.variables_used))
    interpreter = Interpreter(model_content=data)

    results = {row.name: ({}, {}, {}) for row in members}
    for name, given in inputs.items():
        with portable():
            expected = run[name](given)
        runner = interpreter.get_signature_runner(name)
        lines = [
            runner(**{n: np.asarray(v)[k : k + 1] for n, v in given.items()}) for k in range(BATCH)
        ]
        light = {n: np.concatenate([line[n] for line in lines]) for n in lines[0]}
        for kind, outputs in enumerate((expected, signatures[f"{name}_any"](**given), light)):
            for prefix, row in prefixes.items():
                results[row.name][kind][name] = _own(prefix, outputs)
    return results


def _own(prefix, tensors):
    return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}


def _all(function, prefixes):
    """The function of every row, tensors named with the row's prefix."""

    def run(tensors):
        outputs = {}
        for prefix in prefixes:
            own = function(prefix, _own(prefix, tensors))
            outputs |= {prefix + name: value for name, value in own.items()}
        return outputs

    return run


def _trace(function, inputs, batch):
    """A concrete function of the named inputs, plain loops, nothing rewritten by autograph."""
    specs = {n: tf.TensorSpec((batch, *v.shape[1:]), v.dtype, n) for n, v in inputs.items()}
    with portable():
        return tf.function(lambda **v: function(v), autograph=False).get_concrete_function(**specs)
