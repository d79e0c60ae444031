import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bundle_table as table
from shared.errors import InputError
from shared.export.goldens import LARGE, STEPS, TOLERANCE, _difference, _entry, check_goldens
from shared.export.pipeline import export_bundle
from shared.files import checksums
from shared.generator import Signature, TensorSpec, with_one_memory
from shared.presets.attach import attach
from shared.presets.bundle import (
    BundleFacts,
    graphs_from_signature,
    load_bundle,
    seal,
    signature_from_graphs,
)
from shared.presets.store import load_preset
from tests.shared.export.toy import Toy, conditions, symbols, toy

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(bundle, tmp_path):
    """A bundle to damage."""
    return Path(shutil.copytree(bundle.folder, tmp_path / "music-toy"))


def refused(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_folder_holds_what_it_says(bundle):
    names = {path.name for path in bundle.folder.iterdir()}
    kept = {"model_int8.tflite", "goldens.json", "parity.json", "vocabulary.txt"}
    assert names == kept | {"bundle.json", "checksums.json"}
    assert set(bundle.sidecar["files"]) == kept
    assert (bundle.app, bundle.preset, bundle.precision) == ("music", "toy", "int8")
    assert bundle.config == {"units": 48}
    assert bundle.signature == Toy.signature
    side = bundle.sidecar
    assert (side["license"], side["commercial_use"], side["data"]) == ("mit", True, ["none"])
    assert side["special_ids"] == {"start": 0, "end": 1}
    assert side["figures"]["loss"]["value"] == 3.4
    assert side["versions"]["tensorflow"] and side["versions"]["ai-edge-litert"]
    for precision in ("float32", "float16", "int8"):
        facts = side["precisions"][precision]
        assert facts["shipped"] == (precision == "int8")
        assert facts["bytes"] > 0 and facts["milliseconds"]["step"] > 0 and facts["metric"]["loss"]
    assert "no float16 model; it has int8" in refused(bundle.model_path, "float16")


def test_signatures_in_the_sidecar_round_trip():
    bare = Signature({}, {"symbol": TensorSpec((), "int32")}, {"h": TensorSpec((3,))}, {})
    for signature in (Toy.signature, bare):
        assert signature_from_graphs(graphs_from_signature(signature)) == signature


def test_a_beam_has_a_graph_of_its_own(bundle, examples):
    assert bundle.sidecar["precisions"]["int8"]["milliseconds"]["beam_step"] > 0
    graph = bundle.sidecar["signatures"]["beam_step"]
    shapes = {t["name"]: t["shape"] for t in graph["inputs"]}
    assert (shapes["symbol"], shapes["h"], shapes["memory"]) == ([3], [3, 48], [1, 6, 48])
    assert bundle.sidecar["ops"]["beam_step"]
    parity = json.loads((bundle.folder / "parity.json").read_text())
    assert parity["float32"]["tensors"]["beam_step/logits"]["max_rel"] < 1e-5
    cases = json.loads((bundle.folder / "goldens.json").read_text())["cases"]
    assert cases[0]["beam_step"]["outputs"]["logits"]["shape"] == [3, 30]
    generator = bundle.open()
    assert generator.beam == 3
    state, symbol = generator.encode(examples[0].condition), examples[0].beam_symbols(5)
    symbol["voice"][:] = 0
    outputs, following = generator.step(symbol, with_one_memory(state, Toy.signature.memory, 5))
    for row in range(5):  # of two calls, the second padded
        one = {name: value[[row]] for name, value in symbol.items()}
        alone, then = generator.step(one, state)
        np.testing.assert_allclose(outputs["logits"][[row]], alone["logits"], atol=1e-4)
        np.testing.assert_allclose(following["c"][[row]], then["c"], atol=1e-4)


def test_a_file_of_the_applications_own_is_added(copy, bundle):
    attach(copy, "more.json", {"weights": [1.0]})
    assert load_bundle(copy).sidecar["files"].keys() - bundle.sidecar["files"] == {"more.json"}
    preset = Path(shutil.copytree(bundle.folder.parent / "toy", copy.parent / "toy"))
    attach(preset, "more.json", {"weights": [1.0]})
    names = sorted(path.name for path in load_preset(preset).extra_files)
    assert names == ["more.json", "vocabulary.txt"]


def test_goldens_hold_and_catch_another_model(bundle, copy, tmp_path, examples):
    assert check_goldens(bundle) < 0.5
    assert len(json.loads((copy / "goldens.json").read_text())["cases"]) == 3
    preset = load_preset(bundle.folder.parent / "toy")
    other = export_bundle(toy(1), preset, tmp_path / "other", examples, BundleFacts({}))
    shutil.copy(other.model_path(), copy)
    sidecar = json.loads((copy / "bundle.json").read_text())
    sidecar["files"] = checksums(copy, sidecar["files"])
    (copy / "bundle.json").write_text(json.dumps(sidecar))
    seal(copy)
    assert "differs from the golden of case 0" in refused(check_goldens, copy)


def test_goldens_are_small_and_still_see_every_column_and_frame():
    value = np.random.default_rng(0).normal(size=(1, 640, 192)).astype(np.float32)
    entry = _entry(value, LARGE)
    assert len(entry["base64"]) <= 4 / 3 * 4 * LARGE + 4
    assert _difference(entry, value) == 0
    for wrong in (
        np.roll(value, 1, axis=1),
        np.roll(value, 1, axis=2),
        np.concatenate([value[..., 96:], value[..., :96]], axis=-1),
        np.where(np.arange(192) == 77, 0, value),
        np.where(np.arange(640)[:, None] == 639, 0, value),
    ):
        assert _difference(entry, wrong) > max(TOLERANCE.values())
    with pytest.raises(ValueError, match="shapes differ"):
        _difference(entry, value.reshape(1, 192, 640))
    for path in (ROOT / "tflite").glob("*/goldens.json"):
        cases = json.loads(path.read_text())["cases"]
        assert all(1 < len(case["steps"]) <= STEPS for case in cases)


def test_every_damaged_or_missing_file_is_named(bundle, copy):
    for name in bundle.sidecar["files"]:
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-1])
        assert name in refused(load_bundle, copy) and "checksum" in refused(load_bundle, copy)
        (copy / name).unlink()
        assert "missing" in refused(load_bundle, copy)
        (copy / name).write_bytes(data)
    load_bundle(copy)


def test_sidecars_that_cannot_be_trusted_are_refused(copy):
    good = json.loads((copy / "bundle.json").read_text())

    def with_sidecar(text):
        (copy / "bundle.json").write_text(text)
        seal(copy)
        return refused(load_bundle, copy)

    assert "format version 2, this program reads 1" in with_sidecar('{"format_version": 2}')
    assert "format version None" in with_sidecar("[]")
    assert "not valid JSON" in with_sidecar(json.dumps(good)[:200])
    for key in good.keys() - {"format_version"}:
        message = with_sidecar(json.dumps({k: v for k, v in good.items() if k != key}))
        assert f"bundle.json: missing keys {key}; " in message
    assert "bundle.json: unknown keys colour; " in with_sidecar(json.dumps(good | {"colour": 1}))
    for change in ({"license": 1}, {"config": []}, {"precision": "int4"}, {"files": {}}):
        assert str(copy) in with_sidecar(json.dumps(good | change))
    for name in ("../../x", ".x", "a/b", "", "a\nb"):
        assert "is no name" in with_sidecar(json.dumps(good | {"preset": name}))
    outside = good | {"files": {"../secret": {"bytes": 0, "sha256": ""}}}
    assert "missing" in with_sidecar(json.dumps(outside))
    assert "not a bundle" in refused(load_bundle, copy.parent)


def test_one_flipped_bit_is_refused_or_changes_nothing(bundle, copy):
    for name, every in (("bundle.json", 127), ("checksums.json", 1)):
        data = (copy / name).read_bytes()
        for bit in range(0, 8 * len(data), every):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            (copy / name).write_bytes(flipped)
            try:
                assert load_bundle(copy).sidecar == bundle.sidecar
            except InputError as error:
                assert str(copy) in str(error) and "\n" not in str(error)
        (copy / name).write_bytes(data)
    (copy / "checksums.json").unlink()
    assert "no checksums.json" in refused(load_bundle, copy)
    seal(copy)
    assert load_bundle(copy).sidecar == bundle.sidecar


def test_a_bundle_needs_three_examples(bundle, tmp_path, examples):
    preset = load_preset(bundle.folder.parent / "toy")
    with pytest.raises(InputError, match="three examples"):
        export_bundle(toy(), preset, tmp_path / "new", examples[:2], BundleFacts({}))
    assert not (tmp_path / "new").exists()


def test_int8_file_runs_in_batches(bundle):
    backend = bundle.open()
    state = backend.encode(conditions(4))
    outputs, _ = backend.step(symbols(4, 1)[0], state)
    assert outputs["logits"].shape == (4, 30) and np.isfinite(outputs["logits"]).all()


def test_table_goes_stale_with_the_bundles(copy, capsys):
    folder = copy.parent
    arguments = ["--folder", str(folder)]
    assert table.main(["--check", *arguments]) == 2
    assert "README.md" in capsys.readouterr().err
    (folder / "README.md").write_text("No markers.")
    assert table.main(arguments) == 2 and "markers" in capsys.readouterr().err
    (folder / "README.md").write_text(f"Before.\n{table.BEGIN}\nOutdated.\n{table.END}\nAfter.\n")
    assert table.main(["--check", *arguments]) == 1 and "stale" in capsys.readouterr().err
    assert table.main(arguments) == 0 and table.main(["--check", *arguments]) == 0
    page = (folder / "README.md").read_text()
    assert page.startswith("Before.\n") and page.endswith("\nAfter.\n") and "Outdated" not in page
    for shown in ("music-toy", "`words` int32 (1, 6) condition", "| int8 | yes |", "| loss |"):
        assert shown in page
    shutil.rmtree(copy)
    assert table.main(["--check", *arguments]) == 1


def test_the_committed_page_and_bundles_are_sound():
    assert table.main(["--check", "--folder", str(ROOT / "tflite")]) == 0
    for sidecar in (ROOT / "tflite").glob("*/bundle.json"):
        assert check_goldens(sidecar.parent) < 1


def test_the_readme_s_python_runs(bundle, capsys):
    page = (ROOT / "tflite" / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    assert len(code.splitlines()) <= 20
    exec(compile(code.replace("tflite/music-chorales", str(bundle.folder)), "README", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and "'logits': (1, 30)" in lines[-1]
