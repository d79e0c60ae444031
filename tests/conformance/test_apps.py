"""What every application must do, from one table: `app_rows.py`."""

import dataclasses
import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from apps import APPS, application
from apps.verbs.cli import GENERAL, PER_APP, main
from shared.readers import read_json
from shared.recipe import recipe_from_json
from tests.conformance.app_rows import ROWS

EXAMPLE = {"prose": "docs.examples.prose.app:PROSE"}  # a fifth application: one registry line
every = pytest.mark.parametrize("row", ROWS, ids=str)


@pytest.fixture(scope="module", autouse=True)
def registry():
    with pytest.MonkeyPatch.context() as patch:
        for name, module in EXAMPLE.items():
            patch.setitem(APPS, name, module)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """For each application a folder with data, a run, its preset and its bundle, made once.

    The commands after the first are those that the one before prints.
    """
    folders = {}

    def make(row, capsys):
        if row.app not in folders:
            folder = tmp_path_factory.mktemp(row.app)
            data = [*row.write_data(folder), *(word.format(folder) for word in row.places)]
            words = ["train", row.app, "--recipe", "tiny", *data, "--run", folder / "run"]
            out = run(capsys, *words, *row.train)
            export = shlex.split(out.partition("next: lstm-suite ")[2])
            assert export[:2] == ["export", row.app]
            out = run(capsys, *export)
            trial = shlex.split(out.partition("next: lstm-suite ")[2])
            (folder / "bundle").symlink_to(trial[-1])
            folders[row.app] = folder, data, trial
        return folders[row.app]

    return make


def run(capsys, *words, status=0):
    """Runs a command; returns what it prints, or what it prints to stderr if it must fail."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def test_the_table_has_every_application():
    assert sorted(row.app for row in ROWS) == sorted(APPS)


@every
@pytest.mark.parametrize("variant", range(3))
def test_steps_repeated_are_the_training_pass(row, variant):
    if variant >= len(row.variants):
        pytest.skip("it has fewer variants")
    for whole, stepped in row.passes(row.model(row.variants[variant])):
        np.testing.assert_allclose(whole, stepped, rtol=1e-3, atol=1e-3)


@every
def test_padding_changes_nothing(row):
    for one, other in row.padding(row.model(row.variants[0])):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@every
def test_a_configuration_and_a_recipe_go_to_json_and_back(row):
    from shared.recipe import recipe_to_json

    app = application(row.app)
    assert {"base", "tiny"} <= app.recipes.keys()
    for name, stage in app.recipes.items():
        value = json.loads(json.dumps(dataclasses.asdict(stage.config)))
        assert app.config_from(value, "config.json") == stage.config
        stage = dataclasses.replace(stage, data=app.data_class())
        value = json.loads(json.dumps(recipe_to_json(app.name, {name: stage})))
        back = recipe_from_json(value, app.name, app.config_class, app.data_class, "recipe.json")
        assert back[name].config == stage.config and back[name].fit == stage.fit
    with pytest.raises(ValueError, match=r"config\.json: unknown keys oven"):
        app.config_from({"oven": 1}, "config.json")


@every
def test_a_data_option_is_a_source_too_and_every_option_is_documented(row):
    from apps.verbs.arguments import field_help

    app = application(row.app)
    assert issubclass(app.data_class, app.source_class)
    for cls in (app.config_class, app.data_class):
        names = {f.name for f in dataclasses.fields(cls) if f.metadata.get("option", True)}
        assert names <= field_help(cls).keys()


@every
def test_an_example_is_what_the_signature_says_and_generates(row):
    from shared.backends.keras_model import KerasBackend

    app = application(row.app)
    config = dataclasses.replace(app.stage("tiny").config, **row.variants[0])
    generator = KerasBackend(app.build(config))
    example = app.example(config)
    outputs, _ = generator.step(example.symbols[0], generator.encode(example.condition))
    assert all(np.isfinite(value).all() for value in outputs.values())
    assert app.generate(generator, config) is not None


@every
def test_a_run_becomes_a_preset_with_figures_and_a_recipe(row, made, capsys):
    folder, _, _ = made(row, capsys)
    preset = application(row.app).find_preset(folder / "run" / "preset")
    assert np.isfinite(preset.figures[row.figure]["value"])
    assert "lstm-suite evaluate" in preset.figures[row.figure]["command"]
    assert preset.recipe["steps"]["preset"]["ran"]["steps"] > 0
    card = (preset.folder / "README.md").read_text()
    assert card.startswith("---\n") and "--recipe PRESET" in card
    texts = [(preset.folder / name).read_text() for name in ("README.md", "recipe.json")]
    assert not [text for text in texts if str(folder.parent) in text]
    assert (preset.folder / "examples.npz").is_file()


@every
def test_the_bundle_runs_and_the_command_that_export_prints_works(row, made, capsys, tmp_path):
    folder, _, trial = made(row, capsys)
    assert read_json(folder / "bundle" / "bundle.json")["app"] == row.app
    (tmp_path / "here").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "here")
        run(capsys, *trial)


def test_a_single_example_is_enough_to_export():
    from apps.verbs.export import three_or_more

    assert [three_or_more(list("abcd"[:n])) for n in (1, 2, 3, 4)] == [
        list(word) for word in ("aaa", "aba", "abc", "abcd")
    ]


@every
def test_all_backends_measure_the_same(row, made, capsys):
    folder, data, _ = made(row, capsys)
    figures = {}
    for backend in ("keras", "saved_model", "litert"):
        preset = folder / "bundle" if backend == "litert" else folder / "run" / "preset"
        words = [
            "evaluate",
            row.app,
            *data[: len(data) - len(row.places)],
            "--split",
            "valid",
            "--preset",
            preset,
        ]
        values = json.loads(run(capsys, *words, "--backend", backend, "--json", *row.evaluate))
        assert list(values)[:4] == ["n", "preset", "backend", "precision"]
        assert values["n"] > 0 and values["backend"] == backend
        assert all(not isinstance(value, dict | list) for value in values.values())
        figures[backend] = values[row.figure]
    assert figures["saved_model"] == pytest.approx(figures["keras"], abs=1e-4)
    assert figures["litert"] == pytest.approx(figures["keras"], abs=row.close)


@every
def test_a_finished_run_is_not_trained_again(row, made, capsys):
    folder, data, _ = made(row, capsys)
    before = (folder / "run" / "log.csv").read_text()
    run(
        capsys,
        "train",
        row.app,
        "--recipe",
        "tiny",
        *data,
        "--run",
        folder / "run",
        *row.train,
    )
    assert (folder / "run" / "log.csv").read_text() == before


@every
def test_the_recipe_of_a_preset_is_run_again(row, made, capsys, tmp_path):
    folder, data, _ = made(row, capsys)
    words = ["--recipe", folder / "run" / "preset", *data, "--run", tmp_path / "run"]
    run(capsys, "train", row.app, *words)
    one, other = (
        read_json(place / "preset" / "metrics.json")[row.figure]["value"]
        for place in (folder / "run", tmp_path / "run")
    )
    assert other == pytest.approx(one, rel=1e-3)


@every
def test_inspect_draws_the_gates(row, made, capsys, tmp_path):
    folder, _, _ = made(row, capsys)
    preset = ["--preset", folder / "run" / "preset"]
    words = ["inspect", row.app, *row.inspect(folder), *preset]
    means = json.loads(run(capsys, *words, "-o", tmp_path / "g.png", "--json"))["means"]
    assert all(0 < means[gate] < 1 for gate in ("input", "forget", "output"))
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    error = run(capsys, *words, "-o", tmp_path / "g.pdf", status=2)
    assert "g.pdf" in error and error.count("\n") == 1
    error = run(capsys, *words, "--layer", "99", status=2)
    assert "--layer must be 1 to" in error and error.count("\n") == 1


@every
def test_missing_data_and_presets_are_one_line(row, made, capsys, tmp_path):
    folder, _, _ = made(row, capsys)
    preset = ["--preset", folder / "run" / "preset"]
    for words in (
        ["train", row.app, "--recipe", "tiny", *row.missing, "--run", tmp_path / "run"],
        ["evaluate", row.app, *row.missing, *preset, *row.evaluate],
        ["export", row.app, *row.missing, *preset, "-o", tmp_path / "bundle"],
        ["train", row.app, "--recipe", "no such recipe", "--run", tmp_path / "run"],
        ["evaluate", row.app, "--preset", "no such preset", *row.evaluate],
        ["inspect", row.app, *row.inspect(folder), "--preset", "no such preset"],
    ):
        error = run(capsys, *words, status=2)
        assert error.startswith(f"lstm-suite {words[0]}: ") and error.count("\n") == 1
    assert not (tmp_path / "bundle").exists()


@every
def test_an_output_that_cannot_be_written_is_refused_before_training(row, capsys, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    words = ["train", row.app, "--recipe", "tiny", "--run", tmp_path / "run"]
    error = run(capsys, *words, "-o", tmp_path / "thesis", status=2)
    assert "holds other files" in error and not (tmp_path / "run").exists()


def test_every_verb_has_help(capsys):
    own = [[verb] for name in APPS for verb in application(name).verbs]
    for words in [*own, *([v] for v in GENERAL), *([v, name] for v in PER_APP for name in APPS)]:
        with pytest.raises(SystemExit) as stop:
            main([*words, "--help"])
        assert stop.value.code == 0
        assert "usage: lstm-suite" in capsys.readouterr().out


def test_training_has_the_same_options_in_every_application(capsys):
    from shared.training import FitOptions

    texts = {}
    for name in APPS:
        with pytest.raises(SystemExit):
            main(["train", name, "--help"])
        texts[name] = capsys.readouterr().out
    for field in dataclasses.fields(FitOptions):
        if field.metadata.get("option", True):
            flag = f"--{field.name.replace('_', '-')} "
            assert all(flag in text for text in texts.values()), flag


def test_the_example_is_as_short_as_the_guide_says():
    folder = Path(__file__).parents[2] / "docs" / "examples" / "prose"
    assert sum(len(path.read_text().splitlines()) for path in folder.glob("*.py")) <= 200
