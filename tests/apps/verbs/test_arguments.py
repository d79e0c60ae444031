import argparse
from dataclasses import dataclass, field, fields, replace

import pytest

from apps import APPS, application
from apps.verbs.arguments import add_fields, chosen_fields, field_help
from shared.errors import InputError
from shared.training import FitOptions


@dataclass(frozen=True)
class Place:
    """Where.

    Args:
        data: A folder, of 100% text.
    """

    data: str = "here"


@dataclass(frozen=True)
class Options(Place):
    """How.

    Args:
        units: Of each layer,
            from the bottom up.
        rate: A share.
        flip: Whether it turns.
        kind: What it is.
        hidden: Not for the command.

    Raises:
        ValueError: Never.
    """

    units: tuple[int, ...] = (3, 4)
    rate: float = 0.25
    flip: bool = True
    kind: str = field(default="a", metadata={"choices": ("a", "b")})
    hidden: int = field(default=1, metadata={"option": False})


def parse(*words):
    parser = argparse.ArgumentParser()
    add_fields(parser, "options", Options())
    return parser, parser.parse_args(words)


def test_the_docstring_is_the_help():
    assert field_help(Options) == {
        "data": "A folder, of 100% text.",
        "units": "Of each layer, from the bottom up.",
        "rate": "A share.",
        "flip": "Whether it turns.",
        "kind": "What it is.",
        "hidden": "Not for the command.",
    }
    text = " ".join(parse()[0].format_help().split())
    for words in ("A folder, of 100% text. Default: here.", "up. Default: 3 4.", "Default: 0.25.",
                  "turns. Default: on."):  # fmt: skip
        assert words in text
    assert "hidden" not in text


def test_only_what_the_command_names_is_chosen():
    assert chosen_fields(parse()[1], Options) == {}
    words = ("--units", "5", "--rate", "0.5", "--no-flip", "--kind", "b", "--data", "x")
    expected = {"units": (5,), "rate": 0.5, "flip": False, "kind": "b", "data": "x"}
    assert chosen_fields(parse(*words)[1], Options) == expected


def test_a_choice_that_there_is_not_is_refused(capsys):
    with pytest.raises(SystemExit):
        parse("--kind", "c")
    assert "invalid choice" in capsys.readouterr().err


def test_every_training_option_has_a_help_text():
    told = field_help(FitOptions)
    assert told.keys() == FitOptions().to_json().keys() and all(told.values())


@pytest.mark.parametrize("app", APPS)
def test_numbers_out_of_range_are_refused_before_anything_is_done(app):
    stage = application(app).stage()
    for options in (stage.config, stage.data, stage.fit):
        for one in fields(options):
            value = getattr(options, one.name)
            if type(value) not in (int, float):
                continue
            for bad in (-1, float("nan"), float("inf")) if isinstance(value, float) else (-1,):
                with pytest.raises(InputError):
                    replace(options, **{one.name: bad})
                    pytest.fail(f"{one.name} = {bad}")
