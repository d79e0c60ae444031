import dataclasses

import numpy as np
import pytest

from apps.music.app import MUSIC
from apps.music.decoding import DECODING, fill
from apps.music.piece import FEATURES, HOLD, features
from apps.music.planning import plan
from shared.decoding import DecodingOptions
from tests.apps.music.toy_data import Uniform

OPTIONS = DecodingOptions(**DECODING, seed=3)


@pytest.mark.parametrize("recipe", ["base", "plain"])
def test_the_plan_is_filled(recipe):
    config = dataclasses.replace(MUSIC.stage(recipe).config, encoder_units=0)
    generator = Uniform(config.holds)
    piece = fill(generator, config, plan(2, (9, 1)), OPTIONS)
    assert piece.pitches.shape == (32, 4)
    assert [int(a["voice"][0]) for a in generator.asked] == [0, 1, 2, 3] * 32
    told = np.stack([a["features"][0] for a in generator.asked[::4]])
    position = told[:, FEATURES.index("position")]
    if config.placed:
        assert generator.key.tolist() == [[9, 1]]
        assert position.tolist() == features(plan(2, (9, 1)))[:, 0].tolist()
    else:
        assert generator.key.tolist() == [[12, 2]]
        assert set(position) == {24}


def test_nothing_is_held_that_does_not_sound():
    generator = Uniform()
    fill(generator, MUSIC.stage().config, plan(8, (0, 0)), OPTIONS, rules=())
    emitted = np.array([int(a["symbol"][0]) for a in generator.asked[1:]])
    rows = np.append(emitted, 4).reshape(-1, 4)
    assert (rows[0] != HOLD).all()
    held = rows[1:] == HOLD
    assert held.any() and (rows[:-1][held] != 0).all()


def test_the_seed_decides():
    pieces = [
        fill(
            Uniform(),
            MUSIC.stage("plain").config,
            plan(1, (0, 0)),
            DecodingOptions("sample", seed=seed),
        )
        for seed in (1, 1, 2)
    ]
    assert (pieces[0].pitches == pieces[1].pitches).all()
    assert (pieces[0].pitches != pieces[2].pitches).any()


def test_the_example_is_what_decoding_feeds():
    config = MUSIC.stage("plain").config
    example = MUSIC.example(config)
    generator = Uniform(holds=False)
    MUSIC.generate(generator, config)
    assert generator.condition.keys() == example.condition.keys()
    assert [len(e["voice"]) for e in example.symbols] == [1] * 64
    for fed, made in zip(example.symbols, generator.asked, strict=False):
        assert fed.keys() == made.keys()
        for name, value in fed.items():
            assert value.dtype == made[name].dtype and value.shape == made[name].shape
