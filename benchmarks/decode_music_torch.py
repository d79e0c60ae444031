"""The step of `apps.music.model.MusicModel` in PyTorch, on the same weights, for comparison.

`encode` is here too, as eager PyTorch: a melody is read only as far as it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding

from apps.music.piece import (
    AGES,
    END,
    FEATURES,
    HOLD,
    PITCH,
    SILENCE,
    START,
    VOCABULARY,
    VOICE_ORDER,
)

VOICES = len(VOICE_ORDER)
KEY = ("tonic", "mode")
PAIRS = torch.tensor([(a, b) for b in range(VOICES) for a in range(b)])
STEP_FEATURES = [name for name in FEATURES if name not in KEY]


class Music(nn.Module):
    """The model's weights, and `step` on tensors of batch 1.

    Args:
        weights: By path, as `shared.presets.weights.model_weights` names them.
        config: The model's configuration.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> None:
        super().__init__()
        if set(config["cell"]) - {"peephole"}:
            raise ValueError(f"only plain and peephole cells are written here: {config['cell']}")
        self.config = config
        self.layers = len(config["units"])
        for path, array in weights.items():
            value = torch.from_numpy(np.asarray(array, np.float32))
            self.register_buffer(path.replace("/", "_").removesuffix("_embeddings"), value)
        forbidden = np.zeros((VOICES, VOCABULARY), np.float32)
        forbidden[:, START] = forbidden[1:, END] = -1e9
        if not config["holds"]:
            forbidden[:, HOLD] = -1e9
        self.register_buffer("forbidden", torch.from_numpy(forbidden))

    def of(self, name: str) -> torch.Tensor:
        """A weight by its name."""
        return getattr(self, name)

    def notes_of(self, table: torch.Tensor, sounding, age) -> torch.Tensor:
        """Embeddings of the four notes, one after the other."""
        voices = torch.arange(VOICES, dtype=torch.int32)
        notes = embedding(sounding + voices * VOCABULARY, table)
        return (notes + embedding(age + AGES * voices, self.of("ages"))).flatten(1)

    def place(self, features) -> torch.Tensor:
        """Sum of the embeddings of a frame's features, without the key."""
        return sum(
            embedding(features[..., k], self.of(f"feature_{name}"))
            for k, name in enumerate(STEP_FEATURES)
        )

    def advance(self, x, *flat):
        """One step of the LSTM layers: the output, then ``h`` and ``c`` of each."""
        result = []
        for k, units in enumerate(self.config["units"]):
            h, c = flat[2 * k : 2 * k + 2]
            cell = f"lstm_layer_{k}_lstm_cell_"
            z = x @ self.of(cell + "kernel") + self.of(cell + "bias")
            i, f, g, o = (z + h @ self.of(cell + "recurrent_kernel")).chunk(4, -1)
            peephole = self.config["cell"].get("peephole")
            if peephole:
                p = self.of(cell + "peephole_kernel")
                i, f = i + p[0] * c, f + p[1] * c
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o + p[2] * c if peephole else o) * torch.tanh(c)
            result += [h, c]
            x = x + h if self.config["residual"] and x.shape[-1] == units else h
        return x, *result

    def head(self, voice: int, top, now, before, chord) -> torch.Tensor:
        """Logits of one voice; ``top`` with the memory of this frame, if there is one."""
        seen = voice * self.config["embedding"]
        inputs = torch.cat([top, now[:, :seen], before[:, seen:], chord], -1)
        hidden = inputs @ self.of(f"hidden_{voice}_kernel") + self.of(f"hidden_{voice}_bias")
        logits = torch.relu(hidden) @ self.of(f"logits_{voice}_kernel")
        return logits + self.of(f"logits_{voice}_bias") + self.forbidden[voice]

    def listen(self, voice, symbol, sounding, age):
        """``sounding`` and ``age`` with what the last voice has emitted."""
        just = (torch.arange(VOICES) == (voice - 1) % VOICES).to(torch.int32)
        emitted = symbol[:, None]
        again = (emitted == sounding) & (emitted != START)
        if self.config["holds"]:
            again = again & (emitted == SILENCE)
        goes_on = ((emitted == HOLD) | again).to(torch.int32)
        age = age + just * (goes_on * (age + 1).clamp(max=AGES - 1) - age)
        holding = (emitted == HOLD).to(torch.int32)
        return sounding + just * (1 - holding) * (emitted - sounding), age

    def here(self, memory, frame):
        """The memory of this frame, in a list; empty without an encoder."""
        return [] if memory is None else [memory.index_select(1, frame)[:, 0]]

    def inputs(self, sounding, age, features, key, here):
        """What the LSTM reads."""
        place = key + self.place(features) + self.intervals_of("intervals", sounding)
        return torch.cat([self.notes_of(self.of("notes"), sounding, age), place, *here], -1)

    def intervals_of(self, table: str, sounding) -> torch.Tensor:
        """Sum of the embeddings of those between all voices."""
        lower, upper = sounding[:, PAIRS[:, 0]], sounding[:, PAIRS[:, 1]]
        heard = torch.minimum(lower, upper) >= PITCH
        intervals = torch.where(heard, (upper - lower) % 12, 12) + 13 * torch.arange(len(PAIRS))
        return embedding(intervals, self.of(table)).sum(-2)

    def heard(self, sounding, age):
        """Embeddings of the notes as those of this frame, as those of the last, and the chord."""
        notes = [self.notes_of(self.of(table), sounding, age) for table in ("chain", "notes")]
        return *notes, self.intervals_of("chain_intervals", sounding)

    def forward(
        self, symbol, voice, features, frame, sounding, age, top, key_embedding, memory, *flat
    ):
        """`step` as one graph, with branches that ONNX can express."""
        sounding, age = self.listen(voice[0], symbol, sounding, age)
        here = self.here(memory, frame)

        def advance(sounding, age, features, top, key_embedding, *rest):
            read, flat = rest[: len(here)], rest[len(here) :]
            x = self.inputs(sounding, age, features, key_embedding, read)
            top, *flat = self.advance(x, *flat)
            return top.clone(), *flat  # the last h, and two outputs may not be one tensor

        def stay(sounding, age, features, top, key_embedding, *rest):
            return top.clone(), *(v.clone() for v in rest[len(here) :])

        operands = (sounding, age, features, top, key_embedding, *here, *flat)
        top, *flat = torch.cond(voice[0] == 0, advance, stay, operands)
        notes = self.heard(sounding, age)
        top_here = torch.cat([top, *here], -1)

        def outer(voice, *seen):
            return torch.cond(
                voice[0] == 0,
                lambda *seen: self.head(0, *seen),
                lambda *seen: self.head(1, *seen),
                seen,
            )

        def inner(voice, *seen):
            return torch.cond(
                voice[0] == 2,
                lambda *seen: self.head(2, *seen),
                lambda *seen: self.head(3, *seen),
                seen,
            )

        logits = torch.cond(voice[0] < 2, outer, inner, (voice, top_here, *notes))
        return logits, sounding, age, top, *flat


class TorchGenerator:
    """`Music` as a `shared.generator.Generator` of batch 1, in eager PyTorch."""

    def __init__(self, weights, config, signature) -> None:
        self.signature = signature
        self.model = Music(weights, config)
        self.names = [f"{name}{k}" for k in range(self.model.layers) for name in "hc"]
        encoder = config.get("encoder_units")
        self.encoder = _encoder(weights, encoder) if encoder else None

    @torch.inference_mode()
    def encode(self, condition):
        """See `shared.generator.Generator.encode`."""
        model, key = self.model, torch.from_numpy(condition["key"])
        embedded = model.of("feature_tonic")[key[:, 0]] + model.of("feature_mode")[key[:, 1]]
        first = embedded @ model.of("first_states_kernel") + model.of("first_states_bias")
        sizes = [size for units in model.config["units"] for size in (units, units)]
        state = dict(zip(self.names, torch.tanh(first).split(sizes, -1), strict=True))
        state["top"] = torch.zeros_like(state[self.names[-1]])
        state["key_embedding"] = embedded
        if self.encoder:
            state["melody_memory"] = self._read(condition, embedded)
        notes = torch.full((1, VOICES), START, dtype=torch.int32)
        state |= {"sounding": notes, "age": torch.zeros_like(notes)}
        return {name: value.numpy() for name, value in state.items()}

    def _read(self, condition, key):
        spec = self.signature.memory["melody_memory"]
        memory = torch.zeros((1, *spec.shape))
        length = int(condition["melody_mask"].sum())
        if length:
            melody, age, features = (
                torch.from_numpy(condition[f"melody{name}"][:, :length])
                for name in ("", "_age", "_features")
            )
            notes = self.model.of("notes")[melody] + self.model.of("ages")[age]
            x = torch.cat([notes, key[:, None] + self.model.place(features)], -1)
            memory[:, :length] = self.encoder(x)[0]
        return memory

    @torch.inference_mode()
    def step(self, symbol, state):
        """See `shared.generator.Generator.step`."""
        model, voice = self.model, int(symbol["voice"][0])
        tensors = {name: torch.from_numpy(value) for name, value in (symbol | state).items()}
        sounding, age = model.listen(voice, tensors["symbol"], tensors["sounding"], tensors["age"])
        here = model.here(tensors.get("melody_memory"), tensors.get("frame"))
        top, flat = tensors["top"], [tensors[name] for name in self.names]
        if voice == 0:
            x = model.inputs(sounding, age, tensors["features"], tensors["key_embedding"], here)
            top, *flat = model.advance(x, *flat)
        logits = model.head(voice, torch.cat([top, *here], -1), *model.heard(sounding, age))
        new = {"sounding": sounding, "age": age, "top": top}
        new |= dict(zip(self.names, flat, strict=True))
        memory = {name: state[name] for name in self.signature.memory}
        return {"logits": logits.numpy()}, {k: v.numpy() for k, v in new.items()} | memory


def _encoder(weights, units: int) -> nn.LSTM:
    """Keras' two directions in one PyTorch layer; the gates have the same order."""
    width = next(a for p, a in weights.items() if p.endswith("encoder/lstm_cell/kernel")).shape[0]
    layer = nn.LSTM(width, units, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for suffix, direction in (("", "forward"), ("_reverse", "backward")):
            cell = f"encoder/{direction}_encoder/lstm_cell/"
            for name, path in (("weight_ih", "kernel"), ("weight_hh", "recurrent_kernel")):
                value = torch.from_numpy(np.asarray(weights[cell + path], np.float32).T.copy())
                getattr(layer, f"{name}_l0{suffix}").copy_(value)
            bias = torch.from_numpy(np.asarray(weights[cell + "bias"], np.float32))
            getattr(layer, f"bias_ih_l0{suffix}").copy_(bias)
            getattr(layer, f"bias_hh_l0{suffix}").zero_()
    return layer


class OnnxGenerator(TorchGenerator):
    """`step` in ONNX Runtime, exported from `Music`; `encode` stays in PyTorch."""

    def __init__(self, weights, config, signature, path, threads: int) -> None:
        super().__init__(weights, config, signature)
        import onnxruntime

        self._export(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options)
        self.taken = [value.name for value in self.session.get_inputs()]
        self.given = [value.name for value in self.session.get_outputs()]

    def _export(self, path) -> None:
        specs = self.signature.symbol | self.signature.state | self.signature.memory
        order = ["symbol", "voice", "features", "frame", "sounding", "age", "top"]
        order += ["key_embedding", "melody_memory", *self.names]
        arguments = [
            torch.zeros((1, *specs[n].shape), dtype=getattr(torch, specs[n].dtype))
            if n in specs
            else None
            for n in order
        ]
        torch.onnx.export(
            self.model.eval(),
            tuple(arguments),
            str(path),
            input_names=[n for n in order if n in specs],
            output_names=["logits", *(f"{n}_new" for n in ("sounding", "age", "top"))]
            + [f"{n}_new" for n in self.names],
            dynamo=True,
            verbose=False,
        )

    def step(self, symbol, state):
        """See `shared.generator.Generator.step`."""
        arrays = symbol | state
        results = self.session.run(None, {name: arrays[name] for name in self.taken})
        new = dict(zip(self.given, results, strict=True))
        logits = new.pop("logits")
        memory = {name: state[name] for name in self.signature.memory}
        return {"logits": logits}, {n.removesuffix("_new"): v for n, v in new.items()} | memory
