"""Recipes: how a model came about, as data. ``recipe.json`` beside the weights holds one.

A recipe is a list of named steps in the order of their doing. Each is a `Stage`, which trains, or
a `Mean`, which averages; a later one refers to an earlier one by name, and the last is the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import InputError, check_name
from shared.presets.store import config_from_json
from shared.training import FitOptions

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        config: Sizes, the application's ``Config``.
        fit: How to train, the seed included.
        data: Where data is and how batches are made of it, the application's ``Data``.
        start: The step, or the trained model, whose weights it starts from; "" for first weights.
        ran: What the run took, when it is over: ``examples`` in words, ``steps``, ``minutes`` and
            ``cores``.
    """

    config: Any
    fit: FitOptions
    data: Any
    start: str = ""
    ran: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Mean:
    """The weights of earlier steps averaged.

    Attributes:
        of: Their names.
        shares: Of each in the mean; they need not sum to 1.
    """

    of: tuple[str, ...]
    shares: tuple[float, ...]


Recipe = Mapping[str, Stage | Mean]


def recipe_to_json(app: str, recipe: Recipe) -> dict[str, Any]:
    """JSON values. Of paths only the last part is kept: they differ from machine to machine."""

    def value(step: Stage | Mean) -> dict[str, Any]:
        entries = dataclasses.asdict(step)
        if isinstance(step, Stage):
            entries["data"] = {key: file_name(entry) for key, entry in entries["data"].items()}
            for key in ("start", "ran"):
                if not entries[key]:
                    del entries[key]
        return entries

    steps = {name: value(step) for name, step in recipe.items()}
    return {"format_version": FORMAT_VERSION, "app": app, "steps": steps}


def recipe_from_json(
    value: Any, app: str, config_class: type[Any], data_class: type[Any], source: str | Path
) -> dict[str, Stage | Mean]:
    """The inverse of `recipe_to_json`.

    Raises:
        InputError: It is no recipe, or another application's; ``source`` is named.
    """
    if not isinstance(value, dict) or value.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{source}: not a recipe of format version {FORMAT_VERSION}")
    if value.get("app") != app:
        raise InputError(f"{source}: a recipe for {value.get('app')}, not for {app}")
    steps = value.get("steps")
    if not isinstance(steps, dict) or not steps:
        raise InputError(f"{source}: a recipe without steps")
    recipe: dict[str, Stage | Mean] = {}
    for name, entries in steps.items():
        where = f"{source}: {name}"
        check_name(name, source)
        if not isinstance(entries, dict):
            raise InputError(f"{where}: not a step; restore the file")
        if "of" in entries:
            mean = config_from_json(Mean, entries, where)
            if not mean.of or not set(mean.of) <= recipe.keys():
                raise InputError(f"{where}: a mean of steps that are not before it")
            if len(mean.of) != len(mean.shares):
                raise InputError(f"{where}: a mean needs a share for each step")
            recipe[name] = mean
            continue
        stage = config_from_json(Stage, entries, where)
        if stage.start:
            check_name(stage.start, where)
        recipe[name] = dataclasses.replace(
            stage,
            config=config_from_json(config_class, stage.config, where),
            data=config_from_json(data_class, stage.data, where),
        )
    return recipe


def extend(recipe: Recipe, name: str, step: Stage | Mean) -> dict[str, Stage | Mean]:
    """A recipe with one more step at the end, under that name or the next one that is free."""
    free = name
    number = 2
    while free in recipe and recipe[free] != step:
        free, number = f"{name}-{number}", number + 1
    return {**{key: old for key, old in recipe.items() if key != free}, free: step}


def describe(app: str, recipe: Recipe, defaults: Stage) -> str:
    """How a model was trained, for its card.

    Args:
        app: The application's name.
        recipe: Its steps.
        defaults: The recipe ``base``: only options that differ from it are told, and of a stage
            that starts from an earlier step only sizes that differ from that step's.
    """
    parts = []
    for step in recipe.values():
        if isinstance(step, Mean):
            parts.append(_describe_mean(step))
        else:
            config = _config_of(recipe, step.start) or defaults.config
            parts.append(_describe_stage(step, dataclasses.replace(defaults, config=config)))
    if len(parts) > 1:
        parts = [f"{name}: {part}" for name, part in zip(recipe, parts, strict=True)]
    again = f"`lstm-suite train {app} --recipe PRESET` runs all of recipe.json again."
    return "; ".join(parts) + f". {again}"


def _config_of(recipe: Recipe, name: str) -> Any:
    """The sizes of a step's model; None if there is no such step."""
    step = recipe.get(name)
    return _config_of(recipe, step.of[0]) if isinstance(step, Mean) else step and step.config


def _describe_mean(step: Mean) -> str:
    names = [f"{name} ({share:g})" for name, share in zip(step.of, step.shares, strict=True)]
    return f"the mean of {' and '.join(names)}"


def _describe_stage(stage: Stage, defaults: Stage) -> str:
    ran = stage.ran
    words = [str(ran["examples"])] if "examples" in ran else []
    words.append(f"{ran['steps']} steps" if "steps" in ran else f"{stage.fit.epochs} epochs")
    if "minutes" in ran:
        words.append(f"{ran['minutes']:.0f} minutes on {ran['cores']} cores")
    options = [
        *(f"--start {stage.start}" for _ in range(bool(stage.start))),
        *(
            flag
            for part in ("config", "fit", "data")
            for flag in changed_flags(getattr(stage, part), getattr(defaults, part))
        ),
        f"--seed {stage.fit.seed}",
    ]
    return f"{', '.join(words)}, `{' '.join(options)}`"


def changed_flags(value: Any, defaults: Any) -> list[str]:
    """The fields of a dataclass that differ from the defaults, as command-line options."""
    flags = []
    for entry in dataclasses.fields(value):
        chosen = getattr(value, entry.name)
        if entry.name == "seed" or not entry.metadata.get("option", True):
            continue
        if chosen == getattr(defaults, entry.name, None):
            continue
        flag = entry.metadata.get("flags", [f"--{entry.name.replace('_', '-')}"])[0]
        if isinstance(chosen, bool):
            flags.append(flag if chosen else f"--no-{flag.removeprefix('--')}")
        else:
            shown = file_name(chosen)
            shown = " ".join(map(str, shown)) if isinstance(shown, tuple) else shown
            flags.append(f"{flag} {shown}")
    return flags


def file_name(value: Any) -> Any:
    """The last part of a path, also of ``KEY=PATH`` and in a tuple; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(map(file_name, value))
    if not isinstance(value, str) or "/" not in value:
        return value
    key, equals, path = value.partition("=")
    return f"{key}={Path(path).name}" if equals and "/" not in key else Path(value).name
