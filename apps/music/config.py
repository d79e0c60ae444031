"""What a chorale model is made of, and the named configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MusicConfig:
    """Saved as JSON beside the weights.

    Args:
        holds: Whether a note that goes on is a symbol of its own, so that repeated notes are
            heard; the canonical JSON does not know them.
        placed: Whether the training pieces told their metre, fermatas and keys; if not, these
            are unknown to the model in composing too.
        embedding: Size of a note's embedding, per voice.
        feature_embedding: Size of the embedding of metre, fermatas and key.
        units: Of each LSTM layer, from the bottom up.
        head_units: Of the hidden layer of each voice's head.
        residual: Whether LSTM layers of equal size have residual connections.
        cell: Options of `shared.layers.LSTMCell`.
        encoder_units: Of each direction of the LSTM that reads a given melody; 0 for none.
        frames: The longest piece with a melody, in 16ths.
        dropout: Rate on the LSTM's inputs, between layers and on its outputs.
        head_dropout: Rate inside the heads.
    """

    holds: bool = False
    placed: bool = False
    embedding: int = 64
    feature_embedding: int = 64
    units: tuple[int, ...] = (256, 256)
    head_units: int = 256
    residual: bool = False
    cell: dict[str, Any] = field(default_factory=dict)
    encoder_units: int = 0
    frames: int = 640
    dropout: float = 0.45
    head_dropout: float = 0.3


PRESETS = {
    "tiny": MusicConfig(
        embedding=8, feature_embedding=8, units=(16, 16), head_units=16, dropout=0, head_dropout=0
    ),
    "jsb16": MusicConfig(),
    "chorales": MusicConfig(holds=True, placed=True, encoder_units=96, head_units=160),
}
