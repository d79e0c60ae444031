"""What the gates of the LSTM do while it reads a piece. Needs TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from apps.music.data import whole_pieces
from apps.music.piece import Piece
from shared.application import Trace


def trace(model: Any, piece: Piece, steps: int, title: str = "") -> Trace:
    """The gates while a Keras model reads the first 16ths of a piece.

    Args:
        model: An `apps.music.model.MusicModel`.
        piece: What it reads.
        steps: How many 16ths at most.
        title: Of the picture.
    """
    import tensorflow as tf

    [batch] = whole_pieces([piece], 1, model.config.holds)
    count = min(steps, len(piece))
    extra = {"frames": 1, "sounding": 1, "ages": 1, "features": 0, "mask": 0}
    cut = {name: tf.constant(batch[name][:, : count + more]) for name, more in extra.items()}
    return Trace(
        layers=[gates[0].numpy() for gates in model.gates(cut)],
        title=title,
        notes={
            "pitches": piece.pitches[:count],
            "strikes": piece.strikes[:count],
            "bars": np.flatnonzero(piece.position[:count] == 0).tolist(),
        },
    )
