import dataclasses

import numpy as np
import pytest

from apps.music.app import MUSIC
from apps.music.data import Source, read_pieces
from apps.music.evaluate import figures, nats
from shared.errors import InputError
from tests.apps.music.toy_data import Uniform, write_canonical


@pytest.fixture
def pieces(tmp_path):
    data = write_canonical(tmp_path / "toy.json", train=2, valid=3, test=1)
    return read_pieces(Source(str(data)), "valid")


def test_a_piece_too_long_is_refused_before_anything_is_computed(pieces):
    config = dataclasses.replace(MUSIC.stage().config, frames=16)
    with pytest.raises(InputError, match="16ths are more than this model's 16"):
        figures(None, pieces, config)


def test_a_model_that_knows_nothing_finds_all_notes_alike(pieces):
    config = MUSIC.stage("plain").config
    # START and END are not forbidden by this model; HOLD is.
    uniform = np.log(len(Uniform().logits) - 1)
    for losses, piece in zip(nats(Uniform(False), pieces, config), pieces, strict=True):
        assert losses.shape == piece.pitches.shape
        np.testing.assert_allclose(losses, uniform, rtol=1e-5)


@pytest.mark.parametrize("encoder_units", [0, 4])
def test_progress_counts_each_piece_once(pieces, encoder_units):
    config = dataclasses.replace(MUSIC.stage().config, encoder_units=encoder_units)
    counts = []
    made = figures(Uniform(), pieces, config, counts.append)
    assert sum(counts) == len(pieces) and len(made) == (6 if encoder_units else 2)
