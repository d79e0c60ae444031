"""What an application is: all that training, export, the command and the tests know of one.

An application subclasses `Application` and has one instance, in ``apps/<app>/app.py``. What is
missing is noticed when that module is imported, for the class is abstract. Modules that need
TensorFlow, or are slow to import, are imported inside of its methods.
"""

from __future__ import annotations

import argparse
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import InputError
from shared.export.goldens import Example
from shared.generator import Generator
from shared.presets.bundle import Bundle, BundleFacts
from shared.presets.card import Card
from shared.presets.catalog import find_bundle, find_preset
from shared.presets.open import Opened, load_model, open_preset
from shared.presets.store import Preset, config_from_json
from shared.recipe import Stage
from shared.training import FitOptions

__all__ = [
    "Application",
    "BundleFacts",
    "Card",
    "Example",
    "FitOptions",
    "Progress",
    "Sample",
    "Stage",
    "Trace",
    "Training",
    "Verb",
]

Progress = Callable[[int], None]
"""Called with the number of items finished since the last call."""


@dataclass(frozen=True)
class Verb:
    """A subcommand, such as ``compose`` or an application's part of ``evaluate``.

    Attributes:
        add_arguments: Adds its options to a parser.
        run: Runs it. A verb of the application's own takes the parsed options and reports for
            itself. ``evaluate`` takes the options, the `Opened` model and the source, and returns
            the figures, ``n`` first, or a pair of them and a text to print in their place;
            ``calibrate`` takes the same and returns a `shared.calibration.Calibration`;
            ``inspect`` takes the options and the `Opened` model, and returns a `Trace`.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[..., Any]


@dataclass(frozen=True)
class Sample:
    """What an application was given and what it made, for the page of ``lstm-suite demo``.

    Attributes:
        title: A heading.
        command: The command that makes the same.
        given: The input in words.
        made: Files with a caption each; pictures and sounds are shown, others linked.
    """

    title: str
    command: str
    given: str
    made: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, eq=False)
class Trace:
    """The gates of an LSTM layer while it reads or writes, for ``lstm-suite inspect``.

    Attributes:
        layers: For each layer, from the bottom up, float32 ``(steps, 5, units)`` in the order of
            `shared.layers.GATES`.
        title: Of the picture; the frame adds the layer.
        labels: A label for each step, or none.
        text: What the model said, printed before the means; empty if it said nothing.
        values: More entries of the JSON object.
        notes: More arguments of `shared.plots.gate_trace`, such as the notes of a piece.
    """

    layers: Sequence[np.ndarray]
    title: str
    labels: Sequence[str] = ()
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Training:
    """A training that is ready to begin: what `Application.prepare` makes of a stage.

    Attributes:
        config: The stage's, with what only the data tells, such as the size of the vocabulary.
        model: The built Keras model, with its first weights or the start's.
        epoch: The batches of a 0-based epoch, a `tf.data.Dataset`.
        steps: Batches of all epochs together.
        valid: The batches to validate with, a `tf.data.Dataset`.
        held: The validation items, as `Application.read` returns them.
        examples: What it trains on in words, such as ``"229 pieces"``; for the card.
        callbacks: For `shared.training.fit.fit`.
        files: The tokenizer's files.
        figures: Measures a finished model on ``held``; by default `Application.figures` does.
        left_out: What is not trained on, by the reason, such as ``{"empty on a side": 3}``.
    """

    config: Any
    model: Any
    epoch: Callable[[int], Any]
    steps: int
    valid: Any
    held: Sequence[Any]
    examples: str
    callbacks: Sequence[Any] = ()
    files: Sequence[Path] = ()
    figures: Callable[[Opened], Mapping[str, float]] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


class Application(ABC):
    """One generative application of the suite.

    ``Config``, ``Source`` and ``Data`` below stand for the application's three dataclasses. From
    them and from `shared.training.FitOptions` the command line is made.
    """

    # --- what it is ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def name(self) -> str:
        """Its folder in ``apps/``, and the word on the command line."""

    @property
    @abstractmethod
    def default_preset(self) -> str:
        """The trained model that runs if none is named."""

    @property
    @abstractmethod
    def config_class(self) -> type[Any]:
        """``Config``: the sizes of a model, a frozen dataclass saved beside its weights."""

    @property
    @abstractmethod
    def source_class(self) -> type[Any]:
        """``Source``: where data is, a frozen dataclass; the same for train, evaluate, export."""

    @property
    @abstractmethod
    def data_class(self) -> type[Any]:
        """``Data``: how batches are made of it for training; a subclass of ``Source``."""

    @property
    @abstractmethod
    def recipes(self) -> Mapping[str, Stage]:
        """Sizes, fit options and data options by name: ``base``, which is the default, ``tiny``,
        which learns a toy in seconds, and others of its own."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """What its data consists of, in the plural: ``"pairs"``, ``"photos"``."""

    @property
    @abstractmethod
    def verbs(self) -> Mapping[str, str]:
        """The verbs of its own that generate, each with a line of help."""

    @property
    def trial(self) -> str:
        """The words that try a model out, such as ``write "Dear reader,"``."""
        return next(iter(self.verbs))

    @abstractmethod
    def commands(self) -> Mapping[str, Verb]:
        """A `Verb` for each of `verbs`, for ``inspect``, for ``evaluate`` where it does more than
        `figures` of all items, and for ``calibrate`` where outputs have a confidence."""

    # --- the model ----------------------------------------------------------------------------

    @abstractmethod
    def build(self, config: Any) -> Any:
        """The built Keras model of a ``Config``, with ``signature``, ``encode`` and ``step``.

        Imports TensorFlow.
        """

    def tokenizer(self, folder: Path) -> Any:
        """The tokenizer in a preset's or a bundle's folder; None, as here, if there is none."""
        return None

    def layers(self, config: Any) -> int:
        """How many LSTM layers ``inspect`` can show; here as many as ``config.units`` names."""
        return len(config.units)

    @property
    def tunable(self) -> Sequence[str]:
        """Fields of ``Config`` that may change when training starts from a trained model."""
        return ()

    # --- data and training --------------------------------------------------------------------

    @abstractmethod
    def read(self, source: Any, split: str, config: Any) -> Sequence[Any]:
        """Reads the items of a split.

        Args:
            source: A ``Source``.
            split: ``"train"``, ``"valid"`` or ``"test"``, or a name of the data's own; "" for its
                test part, or all of it if it has none. Of data without parts every twentieth
                item is held out for validation, see `shared.datasets.split.hold_out`.
            config: The model's ``Config``.

        Raises:
            InputError: The data is missing or bad, or has no such split.
        """

    @abstractmethod
    def prepare(self, stage: Stage, folder: Path, start: Preset | None) -> Training:
        """Reads the data, learns a tokenizer and builds the model.

        Args:
            stage: Sizes, fit options and data options.
            folder: The run's, in which a tokenizer and features are kept for when it resumes.
            start: The trained model to start from, or None.

        Raises:
            InputError: The data is missing or bad, or is not what the run began with.
        """

    @abstractmethod
    def card(self, config: Any, data: Any, tuned: bool) -> Card:
        """The model card of a model trained with a ``Config`` and a ``Data``.

        ``training`` is left empty: `shared.recipe.describe` writes it. ``tuned`` says whether it
        started from a trained model.
        """

    # --- evaluation and export ----------------------------------------------------------------

    @abstractmethod
    def figures(
        self, opened: Opened, items: Sequence[Any], progress: Progress = lambda count: None
    ) -> dict[str, float]:
        """The task's figures of a model on any backend, by name, default decoding."""

    def notes(self, items: Sequence[Any], figures: Mapping[str, float]) -> dict[str, str]:
        """For each figure what it was measured on: ``"76 {} pieces"``, {} to name the split."""
        return dict.fromkeys(figures, f"{len(items)} {{}} {self.unit}")

    def examples(self, opened: Opened, items: Sequence[Any]) -> list[Example]:
        """Inputs on which exports are compared with the Keras model; here `example` alone."""
        return [self.example(opened.config)]

    @abstractmethod
    def bundle_facts(self, opened: Opened) -> BundleFacts:
        """What ``bundle.json`` tells beside the signatures."""

    @abstractmethod
    def example(self, config: Any) -> Example:
        """A made-up input that needs no data: a condition, and symbols to be fed in a cycle."""

    @abstractmethod
    def generate(self, generator: Generator, config: Any, greedy: bool = False) -> Any:
        """Decodes one output of a fixed length from `example`, as the application does.

        Args:
            generator: A model on any backend.
            config: The model's.
            greedy: Whether to decode greedily what beam search is the default for.
        """

    @abstractmethod
    def random_batch(self, config: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """A random batch in the size that training has, as the model's ``fit`` takes it."""

    # --- the demo -----------------------------------------------------------------------------

    def samples(self, folder: Path, seed: int) -> list[Sample]:
        """Writes samples into a folder with the default bundle; none, as here, without one."""
        return []

    # --- what follows from it -----------------------------------------------------------------

    def config_from(self, value: Mapping[str, Any], source: str | Path) -> Any:
        """A ``Config`` from JSON values.

        Raises:
            InputError: An unknown key, or a value out of range; ``source`` is named.
        """
        return config_from_json(self.config_class, value, source)

    def find_preset(self, name: str | Path | None = None) -> Preset:
        """A preset by name or path; `default_preset` if there are several and none is named."""
        return find_preset(self.name, name, self.default_preset)

    def find_bundle(self, name: str | Path | None = None) -> Bundle:
        """A bundle by name or path; `default_preset` if there are several and none is named."""
        return find_bundle(self.name, name, self.default_preset)

    def load_model(self, preset: Preset) -> Any:
        """The preset's Keras model with its weights.

        Raises:
            InputError: TensorFlow is not installed, or the weights are not this model's.
        """
        return load_model(preset, self._build_from_json)

    def open(self, name: str | Path | None = None, backend: str = "litert") -> Opened:
        """Opens a trained model by name or path on a backend, with its ``Config`` and tokenizer.

        Raises:
            InputError: There is no such preset, or TensorFlow is needed and not installed.
        """
        opened = open_preset(self.name, name, backend, self._build_from_json, self.default_preset)
        return self._typed(opened)

    def open_model(self, model: Any, preset: Preset) -> Opened:
        """A Keras model in memory as if it had been opened from its preset."""
        from shared.backends.keras_model import KerasBackend

        generator = KerasBackend(model)
        return self._typed(
            Opened(generator, preset.name, preset.config, "keras", "float16", preset.folder)
        )

    def _typed(self, opened: Opened) -> Opened:
        config = self.config_from(opened.config, opened.folder)
        return dataclasses.replace(opened, config=config, tokenizer=self.tokenizer(opened.folder))

    def _build_from_json(self, config: Mapping[str, Any]) -> Any:
        return self.build(self.config_from(config, "config.json"))

    def stage(self, name: str = "base") -> Stage:
        """A recipe by name.

        Raises:
            InputError: There is none of that name.
        """
        if name not in self.recipes:
            known = ", ".join(self.recipes)
            raise InputError(f"{self.name}: no recipe {name!r}; known recipes: {known}")
        return self.recipes[name]
