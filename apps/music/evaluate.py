"""How likely real pieces are to a chorale model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.music.config import MusicConfig
from apps.music.data import whole_pieces
from apps.music.decoding import check_length, condition, step_inputs
from apps.music.piece import START, VOICE_ORDER, Piece
from shared.application import Progress
from shared.decoding.likelihood import score
from shared.generator import Generator

_ROWS = 16


def nats(
    generator: Generator,
    pieces: Sequence[Piece],
    config: MusicConfig,
    given: bool = False,
    alone: bool = False,
    progress: Progress = lambda count: None,
) -> list[np.ndarray]:
    """Negative log-likelihood of every note of every piece, through `encode` and `step`.

    Args:
        generator: A music model on any backend.
        pieces: What to score, each from its beginning.
        config: The model's.
        given: Whether the model is told the melody beforehand, as to harmonize it.
        alone: Whether it hears the soprano alone; what it says of the other voices means little.
        progress: Called with the number of pieces of each batch.

    Returns:
        For each piece float32 ``(steps, 4)``, voices in `VOICE_ORDER`; every voice of every step
        counts, silence too, the end does not.
    """
    results: dict[int, np.ndarray] = {}
    for batch in whole_pieces(pieces, _ROWS, config.holds):
        frames, features = batch["frames"], batch["features"]
        chosen = [pieces[index] for index in batch["index"]]
        state = generator.encode(condition(config, chosen, features, given))

        def inputs(place, last, features=features):
            t, voice = divmod(place, len(VOICE_ORDER))
            if alone and voice != 1:  # only the soprano, the first voice, is heard
                last = np.full_like(last, START)
            return step_inputs(config, last, t, voice, features[:, t])

        notes = frames[:, 1 : features.shape[1] + 1]
        symbols = notes.reshape(len(notes), -1)
        losses = score(generator, state, symbols, start=START, inputs=inputs)
        losses = losses.reshape(notes.shape).astype(np.float32)
        for row, index in enumerate(batch["index"]):
            results[int(index)] = losses[row, : len(pieces[index])]
        progress(len(frames))
    return [results[index] for index in range(len(pieces))]


def summarize(losses: Sequence[np.ndarray]) -> dict[str, float]:
    """``nats_per_note``, the mean over notes, and ``nats_per_note_piece``, of pieces' means."""
    return {
        "nats_per_note": float(np.concatenate([loss.ravel() for loss in losses]).mean()),
        "nats_per_note_piece": float(np.mean([loss.mean() for loss in losses])),
    }


def figures(
    generator: Generator,
    pieces: Sequence[Piece],
    config: MusicConfig,
    progress: Progress = lambda count: None,
) -> dict[str, float]:
    """`summarize`, and for a model that harmonizes the same for some of the voices.

    ``nats_lower`` is of the three lower voices, without the melody being known beforehand,
    ``nats_lower_harmonized`` with. ``nats_melody`` is of the soprano among the other voices,
    ``nats_melody_alone`` of the soprano when none of them is heard.
    """
    if not config.encoder_units:
        return summarize(nats(generator, pieces, config, progress=progress))
    for piece in pieces:
        check_length(piece, config)  # now, not after minutes
    done = 0

    def third(count: int) -> None:
        """Progress in a piece is made three times."""
        nonlocal done
        before, done = done // 3, done + count
        progress(done // 3 - before)

    losses = nats(generator, pieces, config, progress=third)
    told = nats(generator, pieces, config, given=True, progress=third)
    alone = nats(generator, pieces, config, alone=True, progress=third)
    lower, melody = slice(1, None), slice(0, 1)
    result = summarize(losses)
    for name, values, voices in (
        ("nats_lower", losses, lower),
        ("nats_lower_harmonized", told, lower),
        ("nats_melody", losses, melody),
        ("nats_melody_alone", alone, melody),
    ):
        result[name] = summarize([loss[:, voices] for loss in values])["nats_per_note"]
    return result
