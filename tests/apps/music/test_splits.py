import json

import numpy as np
import pytest

from apps.music import splits
from apps.music.piece import piece_from_pitches
from apps.music.splits import bach_splits, split_by_tune, tunes
from shared.errors import InputError


def piece(name, seed, alto=0, steps=40):
    """A tune by seed, other voices by seed and `alto`, a note a beat."""
    soprano = np.random.default_rng(seed).integers(65, 80, steps)
    others = np.random.default_rng([seed, alto]).integers(40, 60, (steps, 3))
    return piece_from_pitches(name, np.repeat(np.column_stack([soprano, others]), 4, axis=0))


def test_the_same_tune_in_another_key_and_setting_stays_together():
    pieces = [piece("a", 1), piece("b", 2), piece("a2", 1, alto=1).transpose(3), piece("c", 3)]
    assert sorted(sorted(g) for g in tunes(pieces)) == [[0, 2], [1], [3]]


def test_the_same_chords_under_another_tune_stay_together():
    # Transposed, with a note more in front, and the tune ornamented between beats.
    one = piece("a", 1)
    other = piece_from_pitches("b", np.vstack([one.pitches[:4], one.transpose(2).pitches]))
    assert len(tunes([one, other])) == 1


def test_split():
    pieces = [piece(f"{tune}/{alto}", tune, alto) for tune in range(20) for alto in range(2)]
    pieces.append(pieces[0].transpose(1))
    object.__setattr__(pieces[-1], "name", "copy")
    parts = split_by_tune(pieces, seed=1)
    assert parts == split_by_tune(pieces, seed=1) != split_by_tune(pieces, seed=2)
    assert {part: len(names) for part, names in parts.items()} == {
        "train": 32, "valid": 4, "test": 4
    }  # fmt: skip
    assert sorted(sum(parts.values(), [])) == sorted(p.name for p in pieces[:-1])
    heads = [{name.split("/")[0] for name in names} for names in parts.values()]
    assert not (heads[0] & heads[1] | heads[0] & heads[2] | heads[1] & heads[2])


def test_the_list_in_the_repository(monkeypatch):
    parts = json.loads(splits.LIST.read_text())
    names = sum(parts.values(), [])
    assert len(names) == len(set(names)) == 365
    # The passion chorale, of which Bach made eleven settings, is on one side.
    settings = {"bwv135.6", "bwv153.5", "bwv244.15", "bwv248.5", "bwv270", "bwv271"}
    assert [settings <= set(part) for part in parts.values()].count(True) == 1
    have = [piece(name, 1, steps=10) for name in names]
    monkeypatch.setattr(splits, "read_bach", lambda folder: (have, {}))
    assert {part: [p.name for p in ps] for part, ps in bach_splits().items()} == parts
    monkeypatch.setattr(splits, "read_bach", lambda folder: (have[2:], {}))
    with pytest.raises(InputError, match=f"lacks {names[0]} and 1 more"):
        bach_splits()
