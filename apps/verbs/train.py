"""Train a model on your own data: ``lstm-suite train APP``.

From raw data to a preset: one recipe, which `shared.recipe` describes, step by step.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import math
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.verbs.arguments import add_fields, add_json, add_seed, chosen_fields, report
from apps.verbs.progress import say_left_out
from shared.application import Application, Training
from shared.errors import InputError
from shared.export.examples import write_examples
from shared.files import write_json
from shared.lock import locked
from shared.presets.average import average_presets
from shared.presets.store import (
    EXAMPLES,
    RECIPE,
    Preset,
    add_figures,
    check_preset_folder,
    figure,
    save_preset,
)
from shared.readers import read_json
from shared.recipe import (
    Mean,
    Recipe,
    Stage,
    changed_flags,
    describe,
    extend,
    recipe_from_json,
    recipe_to_json,
)
from shared.training import FitOptions


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``train APP``."""
    add = parser.add_argument
    base = app.stage()
    add("--recipe", default="base", metavar="NAME", help=f"{', '.join(app.recipes)}; or a trained "
        "model or a recipe.json, whose steps are run again; default: %(default)s")  # fmt: skip
    add("--start", default="", metavar="NAME", help="go on from a trained model, by name or path, "
        "with its sizes; lower the --learning-rate")  # fmt: skip
    add("--run", default=f"runs/{app.name}", metavar="DIR", help="checkpoints and logs; an "
        "unfinished run goes on; default: %(default)s")  # fmt: skip
    add("-o", "--output", metavar="DIR", help="the preset; default: RUN/preset")
    add("--minutes", type=float, default=0.0, metavar="X", help="stop then, to go on later")
    add_seed(parser)
    add_json(parser)
    add_fields(parser, "the data; defaults of the recipe base", base.data)
    add_fields(parser, "the training; defaults of the recipe base", base.fit)
    add_fields(parser, "the model; defaults of the recipe base", base.config)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite train APP``."""
    recipe = read_recipe(args, args.app)
    output = check_preset_folder(args.output or Path(args.run) / "preset")
    if Path(args.run).resolve().is_relative_to(output):
        raise InputError(f"{output}: the run is in it; name another folder with --output")
    with locked(args.run):
        _run(args, recipe)


def _run(args: argparse.Namespace, recipe: Recipe) -> None:
    """Runs every step of a recipe, in a locked folder."""
    app: Application = args.app
    folder = Path(args.run)
    made: dict[str, Preset] = {}
    for number, (name, step) in enumerate(recipe.items(), 1):
        last = number == len(recipe)
        place = folder if len(recipe) == 1 else folder / f"{number}-{name}"
        output = Path(args.output or folder / "preset") if last else place / name
        if isinstance(step, Mean):
            preset = average(app, [made[of] for of in step.of], step.shares, output)
            values: dict[str, Any] = {}
        else:
            step = dataclasses.replace(
                step, fit=dataclasses.replace(step.fit, max_minutes=args.minutes)
            )
            start = made.get(step.start) or (app.find_preset(step.start) if step.start else None)
            try:
                finished, values = train(app, step, start, place, output)
            except KeyboardInterrupt:
                print(f"stopped; the same command goes on with {place}", file=sys.stderr)
                raise
            except OSError as error:
                if (place / "last.npz").exists():
                    error.add_note(f"then the same command goes on with {place}")
                raise
            if finished is None or not (last or values["finished"]):
                when = "the first epoch" if finished is None else name
                report(args, values, f"stopped before {when} ended; run again: {place}")
                return
            preset = finished
        made[name] = preset
    figures = {name: entry["value"] for name, entry in preset.figures.items()}
    lines = [f"{name:20} {value:.4f}" for name, value in figures.items()]
    bundle = output.with_name(f"{output.name}-bundle")
    words = ["lstm-suite", "export", app.name, "--preset", str(output), "-o", str(bundle)]
    lines.append(f"wrote {output}; next: {shlex.join(words)}")
    report(args, {**values, **figures, "preset": str(output)}, "\n".join(lines))


def read_recipe(args: argparse.Namespace, app: Application) -> Recipe:
    """The recipe that the options name, with what they change.

    Raises:
        InputError: There is no such recipe, or an option does not go with it.
    """
    if args.recipe not in app.recipes:
        places = {k: v for k, v in chosen_fields(args, app.data_class).items() if k in _places(app)}
        if args.start or any(
            chosen_fields(args, cls).keys() - places.keys() - {"seed"}
            for cls in (app.config_class, FitOptions, app.data_class)
        ):
            raise InputError("a recipe that was trained by is run as it is; only what names the "
                             "data may be given with it")  # fmt: skip
        recipe = load_recipe(app, args.recipe)
        return {
            name: dataclasses.replace(step, data=dataclasses.replace(step.data, **places))
            if isinstance(step, Stage)
            else step
            for name, step in recipe.items()
        }
    stage = app.stage(args.recipe)
    config, sizes = stage.config, chosen_fields(args, app.config_class)
    if args.start:
        preset = app.find_preset(args.start)
        config = app.config_from(preset.config, preset.folder)
        if fixed := sorted(sizes.keys() - set(app.tunable)):
            raise InputError(f"--start keeps the model's sizes; leave out {', '.join(fixed)}")
    fit = chosen_fields(args, FitOptions) | {"seed": args.seed}
    data = chosen_fields(args, app.data_class)
    stage = Stage(
        dataclasses.replace(config, **sizes),
        dataclasses.replace(stage.fit, **fit),
        dataclasses.replace(stage.data, **data),
        args.start or stage.start,
    )
    return {args.recipe: stage}


def _places(app: Application) -> set[str]:
    """The options that name data, files and folders, which differ from machine to machine."""
    files = {
        field.name
        for field in dataclasses.fields(app.data_class)
        if field.metadata.get("metavar", "").endswith(("DIR", "FILE"))
    }
    return files | {field.name for field in dataclasses.fields(app.source_class)}


def load_recipe(app: Application, name: str) -> Recipe:
    """The recipe in a file, or of a trained model by name or path.

    Raises:
        InputError: There is none.
    """
    if Path(name).is_file():
        return _from_json(app, read_json(name), name)
    preset = app.find_preset(name)
    if preset.recipe is None:
        raise InputError(f"{preset.folder}: has no {RECIPE}, so its training cannot be repeated")
    return _from_json(app, preset.recipe, preset.folder / RECIPE)


def train(
    app: Application, stage: Stage, start: Preset | None, folder: Path, output: Path
) -> tuple[Preset | None, dict[str, Any]]:
    """Runs one stage, or goes on with it; writes the preset with its figures.

    Returns:
        The preset, None if no epoch was completed, and the summary of the run.

    Raises:
        InputError: The training diverged. The preset has the best epoch's weights, if there is one.
    """
    import keras

    from shared.training.checkpoint import NonFiniteError
    from shared.training.fit import SUMMARY, fit

    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(stage.fit.seed)
    ready = app.prepare(stage, folder, start)
    left_out = {reason: count for reason, count in ready.left_out.items() if count}
    say_left_out(left_out)
    options = stage.fit.with_steps(ready.steps)
    batches = ready.epoch, ready.valid
    diverged = None
    try:
        result = fit(ready.model, *batches, options, folder, callbacks=ready.callbacks)
    except NonFiniteError as error:
        diverged, result = error, error.result
        if not result or not result.best_weights:
            raise
    summary = {**result.summary, "examples": ready.examples, "left_out": left_out}
    write_json(folder / SUMMARY, summary)
    if result.best_weights is None:
        return None, summary
    ran = {
        "examples": ready.examples,
        "steps": summary["steps"],
        "minutes": round(summary["minutes"], 1),
        "cores": summary["hardware"]["cores"],
    }
    fitted = dataclasses.replace(stage.fit, max_minutes=0.0)
    before = _recipe_of(app, start) if start else {}
    origin = list(before)[-1] if before else stage.start
    # What may change from stage to stage is recorded as it was in this one.
    tunable = {name: getattr(stage.config, name) for name in app.tunable}
    config = dataclasses.replace(ready.config, **tunable)
    done = Stage(config, fitted, stage.data, origin, ran)
    recipe = extend(before, output.resolve().name, done)
    card = dataclasses.replace(
        app.card(config, stage.data, start is not None),
        training=describe(app.name, recipe, app.stage()),
    )
    preset = save_preset(
        output,
        app.name,
        ready.config,
        ready.model,
        card,
        extra_files=ready.files,
        recipe=recipe_to_json(app.name, recipe),
    )
    measured = measure(app, preset, ready, stage.data)
    if diverged:
        best = summary["best_epoch"]
        diverged.add_note(f"{output} has the weights of epoch {best}, the best one before")
        raise diverged
    return measured, summary


def measure(app: Application, preset: Preset, ready: Training, data: Any) -> Preset:
    """Adds to the preset the figures of its weights as stored, in float16, and examples."""
    opened = app.open_model(app.load_model(preset), preset)
    write_examples(preset.folder / EXAMPLES, app.examples(opened, ready.held))
    figures = ready.figures(opened) if ready.figures else app.figures(opened, ready.held)
    notes = app.notes(ready.held, figures)
    command = evaluate_command(app, preset.name, data, "valid")
    today = datetime.date.today().isoformat()
    return add_figures(
        preset.folder,
        {
            name: figure(value, notes[name].format("validation"), command, today)
            for name, value in figures.items()
            if math.isfinite(value)  # not of a model whose training diverged
        },
    )


def evaluate_command(app: Application, preset: str, source: Any, split: str) -> str:
    """The command that measures a preset on a split again."""
    known = {field.name for field in dataclasses.fields(app.source_class)}
    own = app.source_class(**{name: getattr(source, name) for name in known})
    words = [f"lstm-suite evaluate {app.name} --preset {preset}"]
    words += changed_flags(own, app.source_class())
    return " ".join([*words, f"--split {split}"])


def average(app: Application, presets: list[Preset], shares: Any, output: Path) -> Preset:
    """Writes the mean of presets, and how it came about."""
    recipe: Mapping[str, Any] = {}
    names = []
    for preset in presets:
        for name, step in _recipe_of(app, preset).items():
            recipe = extend(recipe, name, step)
        names.append(list(recipe)[-1])
    recipe = extend(recipe, output.resolve().name, Mean(tuple(names), tuple(shares)))
    training = describe(app.name, recipe, app.stage())
    return average_presets(presets, shares, output, training, recipe_to_json(app.name, recipe))


def _recipe_of(app: Application, preset: Preset) -> Recipe:
    """A preset's recipe; of one that has none nothing is known but its sizes."""
    if preset.recipe is not None:
        return _from_json(app, preset.recipe, preset.folder / RECIPE)
    base = app.stage()
    return {preset.name: Stage(app.config_from(preset.config, preset.folder), base.fit, base.data)}


def _from_json(app: Application, value: Any, source: str | Path) -> Recipe:
    return recipe_from_json(value, app.name, app.config_class, app.data_class, source)
