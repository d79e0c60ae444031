from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import pytest

from shared.errors import InputError
from shared.typed import from_json


@dataclass(frozen=True)
class Config:
    units: int
    rate: float = 0.5
    sizes: tuple[int, ...] = ()
    pair: tuple[str, str] = ("a", "b")
    on: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.units < 1:
            raise ValueError("units must be 1 or more")


class Figure(TypedDict):
    value: float


class Measured(Figure, total=False):
    floor: float


class Page(TypedDict):
    version: Literal[1, 2]
    config: Config
    figures: Mapping[str, Measured]
    names: list[str]
    seen: str | None


PAGE = {
    "version": 2,
    "config": {"units": 3, "rate": 1, "sizes": [1, 2], "pair": ["x", "y"], "more": {"a": [1]}},
    "figures": {"bleu": {"value": 3, "floor": 2.5}, "chrf": {"value": -1e9}},
    "names": ["a"],
    "seen": None,
}


def test_what_is_right_comes_back_typed():
    config = Config(3, 1, (1, 2), ("x", "y"), False, {"a": [1]})
    assert from_json(PAGE, Page, "f.json") == PAGE | {"config": config}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 3}, "f.json: version must be 1 or 2, not 3"),
        ({"names": "a"}, "f.json: names must be a list, not 'a'"),
        ({"names": [1]}, "f.json: names[0] must be a text, not 1"),
        ({"seen": 1}, "f.json: seen must be a text, not 1"),
        ({"colour": 1}, "f.json: unknown keys colour; restore the file"),
        ({"figures": {"x": {}}}, "f.json: figures: x: missing keys value; restore the file"),
        ({"figures": {"x": {"value": float("nan")}}}, "value must be a number, not nan"),
        ({"figures": []}, "f.json: figures must be an object with keys, not []"),
        ({"config": {}}, "f.json: config: missing keys units; restore the file"),
        ({"config": {"units": 0}}, "f.json: config: units must be 1 or more"),
        ({"config": {"units": "3"}}, "f.json: config: units must be a whole number, not '3'"),
        ({"config": {"units": True}}, "units must be a whole number, not True"),
        ({"config": {"units": 3.0}}, "units must be a whole number, not 3.0"),
        ({"config": {"units": 3, "on": 1}}, "on must be true or false, not 1"),
        ({"config": {"units": 3, "rate": 10**400}}, "rate must be a number, not 1000"),
        ({"config": {"units": 3, "pair": ["x"]}}, "pair must have 2 entries, not 1"),
        ({"config": {"units": 3, "sizes": {}}}, "sizes must be a list, not {}"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(InputError) as caught:
        from_json(PAGE | change, Page, "f.json")
    assert message in str(caught.value) and "\n" not in str(caught.value)
