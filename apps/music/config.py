"""The sizes of a chorale model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import check_range

_SIZES = ("embedding", "feature_embedding", "head_units", "frames")
_RATES = ("dropout", "head_dropout")


@dataclass(frozen=True)
class MusicConfig:
    """Saved as JSON beside the weights.

    Args:
        holds: Whether a note that goes on is a symbol of its own, so that repeated notes are
            heard. The canonical JSON has no repeated notes.
        placed: Whether the model is told metre, fermatas and key. If the training pieces lack
            them, leave it off.
        embedding: Size of a note's embedding, for each voice.
        feature_embedding: Size of the embeddings of metre, fermatas and key.
        units: Units of each LSTM layer, from the bottom up.
        head_units: Units of the hidden layer in each voice's head.
        residual: Whether LSTM layers of equal size have residual connections.
        cell: Options of `shared.layers.LSTMCell`.
        encoder_units: Units of each direction of the bidirectional LSTM that reads a given
            melody; 0 for a model that does not harmonize.
        frames: Length of the longest piece, in 16ths.
        dropout: Dropout rate on the LSTM's inputs, between its layers and on its outputs.
        head_dropout: Dropout rate inside the heads.

    Raises:
        InputError: A value is out of range.
    """

    holds: bool = True
    placed: bool = True
    embedding: int = 64
    feature_embedding: int = 64
    units: tuple[int, ...] = (256, 256)
    head_units: int = 160
    residual: bool = False
    cell: dict[str, Any] = field(default_factory=dict, metadata={"option": False})
    encoder_units: int = 96
    frames: int = field(default=640, metadata={"flags": ("--max-frames",)})
    dropout: float = 0.45
    head_dropout: float = 0.3

    def __post_init__(self) -> None:
        """Checks the ranges."""
        for units in self.units or (0,):
            check_range("units", units, 1)
        for name in _SIZES:
            check_range(name, getattr(self, name), 1)
        check_range("encoder_units", self.encoder_units, 0)
        for name in _RATES:
            check_range(name, getattr(self, name), 0, 0.99)
