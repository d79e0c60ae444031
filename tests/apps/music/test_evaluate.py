import dataclasses
import json

import numpy as np
import pytest

from apps.music import evaluate
from apps.music.compare import FIGURES
from apps.music.config import PRESETS
from apps.music.evaluate import KEYS, generate
from apps.music.generate import compose, plan
from apps.music.output import DECODING
from apps.music.piece import HOLD, SILENCE
from apps.verbs.cli import main
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.presets.open import Opened
from tests.apps.music.test_generate import Uniform
from tests.apps.music.toy_data import write_canonical


@pytest.fixture
def data(tmp_path):
    return str(write_canonical(tmp_path / "toy.json", train=2, valid=3, test=1))


def test_a_piece_too_long_is_refused_before_anything_is_computed(data):
    config = dataclasses.replace(PRESETS["chorales"], frames=16)
    pieces = evaluate.load_pieces(data, "valid")
    with pytest.raises(InputError, match="16ths are more than this model's 16"):
        evaluate.figures_of(None, pieces, config)


@pytest.fixture
def opened(monkeypatch):
    """A way to let the verb open a model that knows nothing."""

    def use(**changes):
        config = dataclasses.replace(PRESETS["chorales"], **changes)
        generator = Uniform(config.holds)
        monkeypatch.setattr(
            evaluate,
            "open_music",
            lambda args: (Opened(generator, "made", {}, args.backend, "float16"), config),
        )

    return use


def test_generated_and_real_pieces_side_by_side(data, opened, capsys, tmp_path):
    opened(frames=48)
    words = ["--data", data, "--generate", "2", "--bars", "2", "-o", str(tmp_path / "made")]
    assert main(["evaluate", "music", *words, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    columns = ("real", "generated", "no_rules", "harmonized")
    head = {"n": 2, "n_real": 3, "bars": 2, "preset": "made", "backend": "keras"}
    assert head.items() <= values.items()
    assert set(values) == {*head, "precision"} | {f"{c}_{f}" for c in columns for f in FIGURES}
    assert values["generated_crossing"] == 0 < values["no_rules_crossing"]
    assert values["real_copied_run"] > 8  # the toy's pieces are transposed copies
    files = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert len(files) == 6 and files[0] == "generated-00.musicxml"


def test_a_model_that_does_not_harmonize_has_no_such_column(data, opened, capsys):
    opened(encoder_units=0, holds=False, placed=False)
    assert main(["evaluate", "music", "--data", data, "--generate", "1", "--bars", "1"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["real", "generated", "no_rules"]
    assert "parallels" in out and len(out.splitlines()) == len(FIGURES) + 1


def test_the_pieces_are_those_that_compose_makes():
    config = PRESETS["chorales"]
    plans = [plan(1, KEYS[k]) for k in range(2)]
    made = generate(Uniform(), config, plans, rules=())
    options = DecodingOptions(**DECODING, seed=1)
    alone = compose(Uniform(), config, plans[1], options, rules=())
    assert (made[1].pitches == alone.pitches).all()
    assert (made[0].pitches != made[1].pitches).any()


def test_likelihood_is_of_the_test_split_unless_said(data, opened, capsys):
    opened(holds=False, encoder_units=0)
    for words, count in (([], 1), (["--split", "valid"], 3)):
        assert main(["evaluate", "music", "--data", data, "--json", *words]) == 0
        values = json.loads(capsys.readouterr().out)
        assert values["n"] == count
        # START and END are not forbidden by this model; HOLD is.
        uniform = np.log(len(Uniform(holds=False).logits) - 1)
        assert values["nats_per_note"] == pytest.approx(uniform, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--generate", "0"], "--generate must be 1 to"),
        (["--generate", "1", "--bars", "99"], "--bars must be 1 to"),
        (["--generate", "1", "--split", "none"], "has no split 'none'"),
    ],
)
def test_bad_options_are_one_line(data, opened, capsys, words, message):
    opened()
    assert main(["evaluate", "music", "--data", data, *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_export_is_told_what_the_symbols_mean(data):
    parts = evaluate.export_parts(PRESETS["chorales"], "valid", data)
    assert parts["special_ids"]["hold"] == HOLD and parts["special_ids"]["silence"] == SILENCE
    assert len(parts["examples"]) == 3 and parts["decoding"]["temperature"] > 0
