"""The configuration of a handwriting model: sizes and styles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.errors import InputError, check_range

CHARACTERS = "".join(map(chr, range(32, 127)))
"""Printable ASCII, which can be written. The symbols of a text begin at 1; 0 is padding."""
SYMBOLS = len(CHARACTERS) + 1

KINDS = ("printed", "cursive", "mixed")
"""Kinds of writing: letters apart, letters joined, or both."""


@dataclass(frozen=True)
class HandwritingConfig:
    """Saved as JSON beside the weights.

    Args:
        units: Units of each LSTM layer, from the bottom up; the first reads the text through a
            window.
        components: Gaussians of the window.
        mixtures: Gaussians in the distribution of a point.
        points_per_character: Average of the training data. The window is initialized to advance by
            its inverse.
        length: Characters of the longest text.
        styles: Kind of each writer of the training data, one of `KINDS` or "", see `style_id`.
        style_size: Size of the style embedding.
        cell: Options of `shared.layers.LSTMCell` for the layers above the first.
        dropout: Dropout rate between the layers and before the head.
        arc: Resampling of the ink, x-heights between two points on a straight line.
        turning: Resampling of the ink, degrees between two points in a bend.
        default_style: Name of the style that is written in by default: "printed" is the most
            legible one, and a model that was fine-tuned on one hand has that as "any".

    Raises:
        InputError: A value is out of range.
    """

    units: tuple[int, ...] = (320, 320, 320)
    components: int = 10
    mixtures: int = 20
    points_per_character: float = 9.6
    length: int = 160
    styles: tuple[str, ...] = field(default=(), metadata={"option": False})
    style_size: int = 32
    cell: dict[str, Any] = field(
        default_factory=lambda: {"peephole": True}, metadata={"option": False}
    )
    dropout: float = 0.0
    arc: float = 1.0
    turning: float = 90.0
    default_style: str = field(default="printed", metadata={"option": False})

    def __post_init__(self) -> None:
        """Validates the values."""
        if not self.units:
            raise InputError("units are empty: a model needs a layer")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}: give 0 or more, and below 1")
        for name in ("components", "mixtures", "length", "style_size"):
            check_range(name, getattr(self, name), 1, 100_000)
        check_range("points_per_character", self.points_per_character, 0.1, 1000)
        check_range("arc", self.arc, 0.01, 100)
        check_range("turning", self.turning, 0.1, 1000)
        if unknown := set(self.styles) - {*KINDS, ""}:
            raise InputError(f"styles are of {KINDS}, not {sorted(unknown)}")

    @property
    def style_count(self) -> int:
        """Number of styles: any, any of each kind, and the writers."""
        return 1 + len(KINDS) + len(self.styles)

    @property
    def style_names(self) -> list[str]:
        """Names of all styles: ``any``, ``printed``, ..., then ``printed-1``, ``cursive-1``, ...

        Writers are numbered within their kind, in the order of `styles`; a writer of no known
        kind is ``hand-1`` and on.
        """
        counts: dict[str, int] = {}
        names = ["any", *KINDS]
        for kind in self.styles:
            counts[kind] = counts.get(kind, 0) + 1
            names.append(f"{kind or 'hand'}-{counts[kind]}")
        return names

    def writer_style(self, writer: int) -> int:
        """Number of the style of a writer of the training data, by its index in `styles`."""
        return 1 + len(KINDS) + writer

    def kind_style(self, style: int) -> int:
        """Number of the style for the kind of a writer's style; 0 if it has none."""
        kind = self.styles[style - 1 - len(KINDS)] if style > len(KINDS) else ""
        return 1 + KINDS.index(kind) if kind else 0

    def style_id(self, name: str | int) -> int:
        """Number of a style, given its name or number.

        Raises:
            InputError: There is none; the message lists the styles.
        """
        names = self.style_names
        if str(name).isdecimal() and int(name) < len(names):
            return int(name)
        if str(name) in names:
            return names.index(str(name))
        last = {text.rpartition("-")[0]: text for text in names[1 + len(KINDS) :]}
        ranges = [f"{kind}-1 to {text}" for kind, text in last.items()]
        known = ", ".join([*names[: 1 + len(KINDS)], *ranges])
        raise InputError(
            f"no style {str(name)!r}: choose from {known}, or a number, 0 to {len(names) - 1}"
        )
