import numpy as np
import pytest

from apps.music.app import MUSIC
from apps.verbs.cli import main
from shared.presets.store import load_preset


def test_a_model_and_its_mean_with_itself_are_the_same(tmp_path, capsys):
    names = ["chorales", "chorales", "--shares", "2", "1"]
    assert main(["average", "music", *names, "-o", str(tmp_path / "mean")]) == 0
    assert "next: lstm-suite evaluate music" in capsys.readouterr().out
    preset, made = MUSIC.find_preset("chorales"), load_preset(tmp_path / "mean")
    weights = made.weights()
    for name, array in preset.weights().items():
        np.testing.assert_allclose(weights[name], array, rtol=2**-8, atol=1e-6)  # as it is stored
    assert "mean: the mean of chorales (2) and chorales (1)" in made.card.training
    assert list(made.recipe["steps"])[-1] == "mean"
    assert (made.config, made.figures) == (preset.config, {})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chorales"], "name two or more"),
        (["chorales", "jsb16"], "other weights"),
        (["chorales", "chorales", "--shares", "1"], "give one above 0 for each of the 2 models"),
        (["chorales", "chorales", "--shares", "1", "0"], "give one above 0"),
        (["chorales", "chorales", "--shares", "1", "nan"], "give one above 0"),
        (["chorales", "sonatas"], "sonatas"),
    ],
)
def test_what_cannot_be_averaged_is_one_line(words, message, tmp_path, capsys):
    assert main(["average", "music", *words, "-o", str(tmp_path / "mean")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "mean").exists()
