import dataclasses
import json
from dataclasses import dataclass, field

import pytest

from shared.errors import InputError
from shared.recipe import (
    Mean,
    Stage,
    describe,
    extend,
    file_name,
    recipe_from_json,
    recipe_to_json,
)
from shared.training import FitOptions


@dataclass(frozen=True)
class Config:
    units: tuple[int, ...] = (8,)


@dataclass(frozen=True)
class Data:
    data: str = "bach"
    batch: int = 16
    to: str = field(default="", metadata={"flags": ("--into", "--to")})


FIRST = Stage(Config((4, 4)), FitOptions(epochs=3), Data("/home/me/scores"), ran={"steps": 9})
RECIPE = {
    "first": FIRST,
    "second": Stage(Config((4, 4)), FitOptions(seed=1), Data(batch=8, to="a"), start="first"),
    "mean": Mean(("first", "second"), (0.25, 0.75)),
}


def read(value):
    return recipe_from_json(value, "music", Config, Data, "recipe.json")


def test_a_recipe_goes_to_json_and_back_and_names_no_folder_of_this_machine():
    value = json.loads(json.dumps(recipe_to_json("music", RECIPE)))
    back = read(value)
    assert list(back) == ["first", "second", "mean"]
    assert back["mean"] == RECIPE["mean"] and back["second"] == RECIPE["second"]
    assert back["first"] == dataclasses.replace(FIRST, data=Data("scores"))


def test_of_a_path_the_name_is_kept():
    assert file_name(("de=/a/b=c/de.csv", "/a/b=c/fr.csv")) == ("de=de.csv", "fr.csv")
    assert file_name("imagenet") == "imagenet" and file_name(3) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: [], "not a recipe"),
        (lambda v: v | {"format_version": 2}, "format version 1"),
        (lambda v: v | {"app": "captioning"}, "for captioning, not for music"),
        (lambda v: v | {"steps": {}}, "without steps"),
        (lambda v: v | {"steps": {"mean": {"of": ["first"], "shares": [1]}}}, "not before it"),
        (lambda v: v | {"steps": {"a": 1}}, "not a step"),
        (lambda v: v | {"steps": {"../../a": v["steps"]["first"]}}, "'../../a' is no name"),
        (lambda v: v | {"steps": {"a": v["steps"]["first"] | {"start": "/a"}}}, "'/a' is no name"),
        (lambda v: v | {"steps": {"a": v["steps"]["first"] | {"fit": {"epochs": "3"}}}}, "whole"),
        (
            lambda v: v | {"steps": v["steps"] | {"mean": {"of": ["first"], "shares": []}}},
            "a share for each step",
        ),
        (lambda v: v | {"steps": {"a": v["steps"]["first"] | {"oven": 1}}}, "unknown keys oven"),
        (lambda v: v | {"steps": {"a": v["steps"]["first"] | {"config": {"x": 1}}}}, "keys x"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_line(change, message):
    value = json.loads(json.dumps(recipe_to_json("music", RECIPE)))
    with pytest.raises(InputError, match=message) as caught:
        read(change(value))
    assert "\n" not in str(caught.value) and str(caught.value).startswith("recipe.json")


def test_a_step_gets_the_next_free_name_unless_it_is_the_same():
    other = dataclasses.replace(FIRST, fit=FitOptions(seed=7))
    assert list(extend({"first": FIRST}, "first", FIRST)) == ["first"]
    assert list(extend({"first": FIRST}, "first", other)) == ["first", "first-2"]


def test_the_card_tells_what_differs_from_the_defaults():
    base = Stage(Config((4, 4)), FitOptions(), Data())
    told = describe("music", {"first": FIRST}, base)
    assert told.startswith("9 steps, `--epochs 3 --data scores --seed 0`")
    assert "lstm-suite train music --recipe" in told
    told = describe("music", RECIPE, base)
    assert "second: 10 epochs, `--start first --batch 8 --into a --seed 1`" in told
    assert "mean: the mean of first (0.25) and second (0.75)" in told
    wide = dataclasses.replace(FIRST, config=Config((8, 8)))
    told = describe(
        "music", {"first": wide, "next": dataclasses.replace(wide, start="first")}, base
    )
    assert told.count("--units 8 8") == 1  # --start keeps the sizes
