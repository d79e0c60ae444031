"""The second judge learns to read ink that was drawn here."""

import csv
import dataclasses

import numpy as np
import pytest

from apps.handwriting.cleaning import resample
from apps.handwriting.ink import Ink, to_rows, to_strokes
from apps.handwriting.judge import error_rate
from apps.handwriting.recognizer import FIT, Recognizer, own_judge, train
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import TEXTS, drawn


def ink(count, first):
    return [
        Ink(text, to_rows(resample(drawn(text, 1.0, 0.02, first + k), 1.0, 90)), f"w{k}")
        for k in range(count)
        for text in TEXTS
    ]


def test_its_loss_falls_and_the_folder_holds_a_judge(tmp_path):
    options = dataclasses.replace(FIT, epochs=3, learning_rate=1e-2, ema_momentum=0.5)
    items, valid = ink(8, 0), ink(1, 90)
    model = train(items, valid, options, tmp_path, points=1200, units=16)
    with (tmp_path / "run" / "log.csv").open() as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.8 * losses[0]
    judge = own_judge(tmp_path)
    again = [judge(to_strokes(item.rows)) for item in valid]
    assert error_rate(model.read([item.rows for item in valid]), again) < 0.1


def test_padding_changes_nothing():
    model = Recognizer(8)
    rows = [item.rows for item in ink(1, 0)]
    assert model.read(rows) == [model.read([row])[0] for row in rows]
    assert isinstance(model.read(rows)[0], str) and np.isfinite(model.count_params())


def test_a_folder_without_one_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no recognizer"):
        own_judge(tmp_path)
