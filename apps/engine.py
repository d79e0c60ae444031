"""What the engines share: `Captioner`, `Translator`, `Composer` and `Writer` are opened alike."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from apps import application
from shared.presets.open import Opened


class Engine:
    """A trained model that generates, on any backend. Runs without TensorFlow on LiteRT.

    Attributes:
        opened: The model, with its configuration and tokenizer.
    """

    app: ClassVar[str]

    def __init__(self, opened: Opened) -> None:
        """Wraps a model that is open; `from_preset` opens one by name."""
        self.opened = opened

    @classmethod
    def from_preset(cls, preset: str | Path | None = None, *, backend: str = "litert") -> Self:
        """Opens a trained model.

        Args:
            preset: Its name or its folder; by default the application's own.
            backend: ``"litert"``; or ``"keras"`` or ``"saved_model"``, which need TensorFlow.

        Raises:
            InputError: There is no such preset, or TensorFlow is needed and not installed.
        """
        return cls(application(cls.app).open(preset, backend))
