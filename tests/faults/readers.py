"""The readers of files that may come from strangers: one table.

Each has a folder of small files in ``seeds/``. These are damaged one at a time, and the reader is
given the folder and the damaged file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from apps import application
from apps.captioning import formats, photos, torch_file, words
from apps.handwriting import data as ink
from apps.music import canonical, corpus
from apps.translation import data as pairs
from apps.translation import files
from shared.files import checksums, write_json
from shared.presets.bundle import load_bundle, seal
from shared.readers import read_json
from shared.recipe import recipe_from_json
from shared.text import Tokenizer

SEEDS = Path(__file__).parent / "seeds"
MUSIC = application("music")


@dataclass(frozen=True)
class Reader:
    """One row.

    Args:
        read: Given the folder and the damaged file, returns what the program would work with.
        seeds: The folder in ``seeds/``; by default the row's name.
        sealed: Whether a checksum covers all: what is accepted must equal the original.
        mend: Makes the folder's checksums right again, as one who means harm would.
    """

    read: Callable[[Path, Path], Any]
    seeds: str = ""
    sealed: bool = False
    mend: Callable[[Path], None] | None = None


def _words(folder: Path, path: Path) -> Any:
    tokenizer = words.WordTokenizer(path)
    return [tokenizer.decode(tokenizer.encode("a dog .", name)) for name in tokenizer.starts]


def _tokenizer(folder: Path, path: Path) -> Any:
    tokenizer = Tokenizer(path)
    ids = tokenizer.encode("The dog sees 12 cafés.")
    return tokenizer.decode(ids), tokenizer.pieces(ids)


def _recipe(path: Path) -> Any:
    return recipe_from_json(read_json(path), "music", MUSIC.config_class, MUSIC.data_class, path)


def _preset(folder: Path, path: Path) -> Any:
    preset = MUSIC.find_preset(folder)
    config = MUSIC.config_from(preset.config, folder)
    return [config, preset.card, preset.figures, _recipe(folder / "recipe.json"), preset.weights()]


def _bundle(folder: Path, path: Path) -> Any:
    bundle = load_bundle(folder)
    return [bundle.sidecar, bundle.signature, MUSIC.config_from(bundle.config, folder)]


def _checkpoint(folder: Path, path: Path) -> Any:
    from shared.training.checkpoint import Checkpoint, load_state  # imports TensorFlow

    def variable(*shape: int) -> Any:
        return SimpleNamespace(shape=shape, assign=loaded.append)

    loaded: list[Any] = []
    metric, optimizer = (SimpleNamespace(variables=[variable()]) for _ in range(2))
    model = SimpleNamespace(
        metrics=[metric], variables=[variable(2, 3), variable(3)], optimizer=optimizer
    )
    state = load_state(path)
    Checkpoint(path, model, SimpleNamespace(scale=variable(2, 3))).load()
    return [state, loaded]


def _mend_preset(folder: Path) -> None:
    names = [path.name for path in folder.iterdir() if path.name != "checksums.json"]
    write_json(folder / "checksums.json", checksums(folder, names))


def _score(folder: Path, path: Path) -> Any:
    return corpus.read_score(path, melody=path.suffix == ".abc")


def _ink(folder: Path, path: Path) -> Any:
    return ink.load(folder, "all", 0.6, 60.0)


READERS = {
    "photos": Reader(lambda folder, path: photos.resize(photos.open_photo(path), 32, "pad")),
    "captions": Reader(lambda folder, path: formats.read_captions(path)),
    "splits": Reader(lambda folder, path: formats.read_split(path)),
    "words": Reader(_words),
    "torch": Reader(lambda folder, path: torch_file.read_bytes(path.read_bytes(), path.name)),
    "tsv": Reader(lambda folder, path: files.read_tsv(path, ("en", "de"))),
    "parallel": Reader(
        lambda folder, path: files.read_parallel(
            folder / "pairs.en.gz", folder / "pairs.de.gz", ("en", "de")
        )
    ),
    "tatoeba": Reader(lambda folder, path: pairs.load(folder, "train", [("en", "de")])),
    "tokenizer": Reader(_tokenizer),
    "unipen": Reader(_ink),
    "iam": Reader(_ink),
    "strokes": Reader(_ink),
    "ink": Reader(_ink),
    "canonical": Reader(lambda folder, path: canonical.read_canonical(path)),
    "abc": Reader(_score),
    "midi": Reader(_score),
    "musicxml": Reader(_score),
    "mxl": Reader(_score),
    "recipe": Reader(lambda folder, path: _recipe(path)),
    "preset": Reader(_preset, sealed=True),
    "preset, resealed": Reader(_preset, seeds="preset", mend=_mend_preset),
    "bundle": Reader(_bundle, sealed=True),
    "bundle, resealed": Reader(_bundle, seeds="bundle", mend=seal),
    "checkpoint": Reader(_checkpoint),
}


def sound(value: Any) -> bool:
    """Whether all numbers in nested containers, arrays and dataclasses are finite."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
    if isinstance(value, float):
        return bool(np.isfinite(value))
    if isinstance(value, dict):
        return all(map(sound, value.values()))
    if isinstance(value, list | tuple):
        return all(map(sound, value))
    return sound(vars(value)) if hasattr(value, "__dataclass_fields__") else True
