"""Every public layer, one row per way to use it; `test_layers.py` holds all rows to the same rules.

A row says how a layer is made, which arrays it reads, and how it is run over a whole sequence and
step by step, as functions of dicts of named tensors. A new layer or architecture adds a row here
and nothing else (the idea is sonnet's conformance table).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops

from shared.layers import (
    LSTM,
    AttentionDecoder,
    BahdanauAttention,
    GaussianWindow,
    LSTMCell,
    LuongAttention,
    MixtureDensity,
    StackedLSTM,
    WindowLSTM,
)
from shared.layers.architectures import ARCHITECTURES
from shared.layers.states import flat, nested

TIME, FEATURES, UNITS, MEMORY, WIDTH, SYMBOLS = 5, 4, 6, 3, 7, 8
Tensors = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One way to use one layer.

    Args:
        name: of the row.
        covers: the public names that it tests.
        make: the layer, unbuilt, of a dtype policy.
        build: creates the layer's variables.
        inputs: shape of every float input, without batch; ``x`` is ``(TIME, ...)``, those named
            in ``state`` are the first state.
        masks: length of every bool input; ``mask`` is over time.
        symbols: shape of every int32 input, without batch; 0 is padding.
        run: the whole sequence, ``(layer, values) -> outputs``. ``values`` may lack the masks.
            Outputs named like a state are the last state, the others have a time axis.
        step: one step, ``(layer, x_t, values) -> (outputs, new state)``; ``values`` holds the
            state. None for what reads a sequence as a whole.
        repeat: ``(row, layer, values) -> outputs``, what ``run`` must equal.
        masked_output: a masked step's output: "held" from the step before, "zero", or None if
            it is neither.
    """

    name: str
    covers: tuple[str, ...]
    make: Callable[[str], keras.Layer]
    build: Callable[[keras.Layer], None]
    inputs: dict[str, tuple[int, ...]]
    masks: dict[str, int]
    run: Callable[[keras.Layer, Tensors], Tensors]
    step: Callable[[keras.Layer, Any, Tensors], tuple[Tensors, Tensors]] | None = None
    masked_output: str | None = None
    state: tuple[str, ...] = ()
    repeat: Callable[[Row, keras.Layer, Tensors], Tensors] = field(
        default=lambda row, layer, values: repeat_step(row, layer, values)
    )
    symbols: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def family(self) -> str:
        """The rows that are exported together."""
        return self.name.partition(" ")[0]


def repeat_step(row: Row, layer: keras.Layer, values: Tensors) -> Tensors:
    """The row's step for every time step, outputs stacked, and the last state."""
    collected: dict[str, list] = {}
    for t in range(values["x"].shape[1]):
        outputs, state = row.step(layer, values["x"][:, t], values)
        values = values | state
        for name, value in outputs.items():
            collected.setdefault(name, []).append(value)
    return {name: ops.stack(v, 1) for name, v in collected.items()} | state


def _build_sequence(layer):
    layer.build((None, None, FEATURES))


# LSTM and LSTMCell: outputs y, and gates if asked for; state h, c.


def _run_lstm(layer, v):
    y, *rest = layer(v["x"], initial_state=[v["h"], v["c"]], mask=v.get("mask"))
    return {"y": y} | dict(zip(("h", "c", "gates"), rest, strict=False))


def _step_lstm(layer, x, v):
    (h, c), gates = layer.cell.gates(x, [v["h"], v["c"]])
    outputs = {"y": h}
    if getattr(layer, "return_gates", False):
        outputs["gates"] = ops.stack(list(gates.values()), 1)
    return outputs, {"h": h, "c": c}


def _lstm(name, covers, layer, output=UNITS):
    return Row(
        name,
        covers,
        lambda dtype: layer(return_sequences=True, return_state=True, dtype=dtype),
        _build_sequence,
        {"x": (TIME, FEATURES), "h": (output,), "c": (UNITS,)},
        {"mask": TIME},
        _run_lstm,
        _step_lstm,
        "held",
        ("h", "c"),
    )


def _layer(name, output=UNITS, **options):
    return _lstm(f"LSTM {name}", ("LSTM",), lambda **k: LSTM(UNITS, **options, **k), output)


def _cell(name, output=UNITS, **options):
    def make(dtype, **k):
        cell = LSTMCell(UNITS, dtype=dtype, **options)
        return keras.layers.RNN(cell, dtype=dtype, **k)

    return _lstm(f"LSTMCell {name}", ("LSTMCell",), make, output)


EVERYTHING = {
    "peephole": True,
    "layer_norm": True,
    "coupled": True,
    "projection": 2,
    "recurrent_dropout": 0.2,
    "zoneout": (0.1, 0.2),
}


# StackedLSTM: state h0, c0, h1, c1, ...


def _run_stack(layer, v):
    states = nested(v, len(layer.units))
    y, states = layer(v["x"], initial_state=states, mask=v.get("mask"))
    return {"y": y} | flat(states)


def _step_stack(layer, x, v):
    y, states = layer.step(x, nested(v, len(layer.units)))
    return {"y": y}, flat(states)


def _stack(name, units, masked_output="held", **options):
    sizes = {f"{n}{k}": (size,) for k, size in enumerate(units) for n in "hc"}
    return Row(
        f"StackedLSTM {name}",
        ("StackedLSTM",),
        lambda dtype: StackedLSTM(units, dtype=dtype, **options),
        _build_sequence,
        {"x": (TIME, FEATURES), **sizes},
        {"mask": TIME},
        _run_stack,
        _step_stack,
        masked_output,
        tuple(sizes),
    )


# Bidirectional(LSTM): a step is that of both halves; they do not read the same steps.

_HALVES = ("forward_h", "forward_c", "backward_h", "backward_c")


def _run_bidirectional(layer, v):
    states = [v[name] for name in _HALVES]
    y, *states = layer(v["x"], initial_state=states, mask=v.get("mask"))
    return {"y": y} | dict(zip(_HALVES, states, strict=True))


def _step_bidirectional(layer, x, v):
    forward, (fh, fc) = layer.forward_layer.cell(x, [v["forward_h"], v["forward_c"]])
    backward, (bh, bc) = layer.backward_layer.cell(x, [v["backward_h"], v["backward_c"]])
    state = dict(zip(_HALVES, (fh, fc, bh, bc), strict=True))
    return {"y": ops.concatenate([forward, backward], -1)}, state


def _repeat_bidirectional(row, layer, v):
    """Forward over the sequence and backward over its reverse, which is then turned round."""
    there = repeat_step(row, layer, v)
    back = repeat_step(row, layer, v | {"x": v["x"][:, ::-1]})
    y = [there["y"][..., :UNITS], back["y"][:, ::-1, UNITS:]]
    state = {n: (there if n.startswith("forward") else back)[n] for n in _HALVES}
    return {"y": ops.concatenate(y, -1)} | state


def _bidirectional(name, **options):
    def make(dtype):
        half = LSTM(UNITS, return_sequences=True, return_state=True, dtype=dtype, **options)
        return keras.layers.Bidirectional(half, dtype=dtype)

    return Row(
        f"Bidirectional {name}",
        ("LSTM",),
        make,
        _build_sequence,
        {"x": (TIME, FEATURES), **{half: (UNITS,) for half in _HALVES}},
        {"mask": TIME},
        _run_bidirectional,
        _step_bidirectional,
        "zero",
        _HALVES,
        _repeat_bidirectional,
    )


# Attention and its decoder: the memory is prepared once, its state is a dict by name already.


def _build_attention(layer):
    layer.build((None, None, WIDTH), (None, None, WIDTH))


def _build_decoder(layer):
    layer.build((None, None, FEATURES), (None, None, WIDTH))


def _run_attending(names, output, mask_name):
    def run(layer, v):
        y, weights, state = layer(
            v["x"],
            v["memory"],
            memory_mask=v.get("memory_mask"),
            **{mask_name: v.get("mask")},
            initial_state={name: v[name] for name in names},
        )
        return {output: y, "weights": weights} | state

    return run


def _step_attending(names, output):
    def step(layer, x, v):
        memory = layer.prepare(v["memory"], v.get("memory_mask"))
        y, weights, state = layer.step(x, memory, {name: v[name] for name in names})
        return {output: y, "weights": weights}, state

    return step


def _attending(name, covers, make, build, features, state, output, mask_name):
    names = tuple(state)
    return Row(
        name,
        covers,
        make,
        build,
        {"x": (TIME, features), "memory": (MEMORY, WIDTH), **state},
        {"mask": TIME, "memory_mask": MEMORY},
        _run_attending(names, output, mask_name),
        _step_attending(names, output),
        "zero",
        names,
    )


def _attention(name, kind, *args, **options):
    state = {"coverage": (MEMORY,)} if options.get("coverage") else {}
    if options.get("location_filters"):
        state["previous_weights"] = (MEMORY,)
    return _attending(
        f"{kind.__name__} {name}",
        (kind.__name__,),
        lambda dtype: kind(*args, dtype=dtype, **options),
        _build_attention,
        WIDTH,
        state,
        "context",
        "queries_mask",
    )


def _decoder(name, attention, units=(UNITS,), state=None, **options):
    sizes = {f"{n}{k}": (size,) for k, size in enumerate(units) for n in "hc"}
    return _attending(
        f"AttentionDecoder {name}",
        ("AttentionDecoder",),
        lambda dtype: AttentionDecoder(units, attention(dtype), dtype=dtype, **options),
        _build_decoder,
        FEATURES,
        sizes | (state or {}),
        "y",
        "inputs_mask",
    )


# The window over a text, alone and in an LSTM: attentions with a position.


def _window(name, components):
    return _attending(
        f"GaussianWindow {name}",
        ("GaussianWindow",),
        lambda dtype: GaussianWindow(components, 0.5, dtype=dtype),
        _build_attention,
        WIDTH,
        {"position": (components,)},
        "context",
        "queries_mask",
    )


def _window_lstm(name, components, **options):
    return _attending(
        f"WindowLSTM {name}",
        ("WindowLSTM",),
        lambda dtype: WindowLSTM(UNITS, components, 0.5, dtype=dtype, **options),
        _build_decoder,
        FEATURES,
        {
            "h0": (UNITS,),
            "c0": (UNITS,),
            "attention_vector": (WIDTH,),
            "position": (components,),
        },
        "y",
        "inputs_mask",
    )


# The mixture density head: no state, the same at every step.


def _head(name, components):
    return Row(
        f"MixtureDensity {name}",
        ("MixtureDensity",),
        lambda dtype: MixtureDensity(components, dtype=dtype),
        _build_sequence,
        {"x": (TIME, FEATURES)},
        {},
        lambda layer, v: {"y": layer(v["x"])},
        lambda layer, x, v: ({"y": layer(x)}, {}),
    )


# The five architectures: models of whole sequences of symbols.


def _architecture(name, **options):
    read = {"source": (8,), "target": (3,)} if name == "encoder_decoder" else {"symbols": (8,)}

    def make(dtype):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            sizes = {"units": UNITS, "embedding": FEATURES, "dropout": 0.2}
            return ARCHITECTURES[name](SYMBOLS, SYMBOLS, **sizes, **options)
        finally:
            keras.config.set_dtype_policy(before)

    def run(model, v):
        symbols = [v[n] for n in read]
        return {"logits": model(symbols if len(symbols) > 1 else symbols[0])}

    return Row(f"architecture {name}", (), make, lambda model: None, {}, {}, run, symbols=read)


LOCATION = {"coverage": True, "location_filters": 2, "location_width": 3}

ROWS = {
    row.name: row
    for row in (
        _cell("plain"),
        _cell("everything", 2, **EVERYTHING),
        _lstm("LSTM", ("LSTM",), lambda **k: LSTM(UNITS, **k)),
        _layer("peephole", peephole=True),
        _layer("layer norm", layer_norm=True),
        _layer("coupled", coupled=True),
        _layer("projection", 2, projection=2),
        _layer("dropout", dropout=0.3, recurrent_dropout=0.3),
        _layer("zoneout", zoneout=(0.2, 0.3)),
        _layer("without bias", use_bias=False, unroll=True),
        _layer("everything", 2, return_gates=True, **EVERYTHING),
        _stack("residual", (UNITS, UNITS), None, residual=True, between=0.3, peephole=True),
        _stack("of unequal sizes", (UNITS, 3), coupled=True, recurrent_dropout=0.2),
        _bidirectional("plain"),
        _bidirectional("dropout", peephole=True, dropout=0.2, recurrent_dropout=0.2),
        _attention("plain", BahdanauAttention, UNITS),
        _attention("everything", BahdanauAttention, UNITS, normalize=True, **LOCATION),
        _attention("dot", LuongAttention, "dot"),
        _attention("general, scaled", LuongAttention, "general", scale=True),
        _attention("concat", LuongAttention, "concat"),
        _attention("coverage", LuongAttention, "general", coverage=True),
        _decoder("Luong", lambda dtype: LuongAttention(dtype=dtype), attention_layer_size=6),
        _decoder(
            "stacked, as for translation",
            lambda dtype: BahdanauAttention(UNITS, dtype=dtype),
            (UNITS, UNITS),
            attention_layer_size=FEATURES,
            residual=True,
            between=0.3,
            layer_norm=True,
        ),
        _decoder(
            "input feeding",
            lambda dtype: LuongAttention(scale=True, dtype=dtype),
            (UNITS, UNITS),
            {"attention_vector": (5,)},
            input_feeding=True,
            attention_layer_size=5,
            residual=True,
            between=0.3,
        ),
        _decoder(
            "attention first",
            lambda dtype: BahdanauAttention(UNITS, coverage=True, dtype=dtype),
            (UNITS,),
            {"coverage": (MEMORY,)},
            attention_first=True,
            output_attention=False,
            peephole=True,
            recurrent_dropout=0.2,
        ),
        _decoder(
            "attention first, gated, as for captions",
            lambda dtype: BahdanauAttention(UNITS, dtype=dtype),
            (UNITS,),
            attention_first=True,
            gated_context=True,
            attention_layer_size=FEATURES,
        ),
        _decoder(
            "attention between",
            lambda dtype: BahdanauAttention(UNITS, dtype=dtype),
            (UNITS, 3),
            attention_between=True,
            gated_context=True,
            attention_layer_size=FEATURES,
            recurrent_dropout=0.2,
        ),
        _decoder(
            "gated",
            lambda dtype: LuongAttention(dtype=dtype),
            gated_context=True,
        ),
        _window("of one", 1),
        _window("of three", 3),
        _window_lstm("with peepholes", 3),
        _window_lstm("plain", 2, peephole=False),
        _window_lstm("everything", 2, layer_norm=True, recurrent_dropout=0.2, zoneout=(0.1, 0.2)),
        _head("of three", 3),
        *(_architecture(name) for name in ARCHITECTURES if name != "stacked"),
        _architecture("stacked", depth=2),
    )
}
