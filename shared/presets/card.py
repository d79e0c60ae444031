"""The model card: ``README.md`` of a preset, with the front matter that Hugging Face reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict


class _Figure(TypedDict):
    value: float
    data: str
    command: str
    date: str


class Figure(_Figure, total=False):
    """One entry of ``metrics.json``; the date as 2025-01-31."""

    floor: float  # that later measurements must not go below


@dataclass(frozen=True)
class Card:
    """What only its maker knows about a model.

    Texts are Markdown. ``license`` is a Hugging Face identifier (``apache-2.0``, ``cc-by-4.0``,
    ``other``); ``license_note`` says in one or two sentences what it rests on and whom to credit.
    """

    title: str
    summary: str
    training: str
    limits: str
    license: str
    license_note: str
    commercial_use: bool
    data: tuple[str, ...]
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def model_card(app: str, preset: str, card: Card, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The card's Markdown; ``figures`` are those of ``metrics.json``."""
    matter: dict[str, Any] = {
        "license": card.license,
        "library_name": "keras",
        "language": list(card.languages),
        "tags": list(dict.fromkeys(["lstm", app, *card.tags])),
        "datasets": list(card.data),
        "metrics": sorted(figures),
    }
    if card.license == "other":
        matter |= {"license_name": card.license_note}
    # JSON is YAML, and quotes for us what YAML would take for something else ("no").
    front = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in matter.items()]
    rows = [
        f"| {name} | {figure['value']:.4g} | {_cell(figure['data'])} | `{figure['command']}` "
        f"| {figure['date']} |"
        for name, figure in sorted(figures.items())
    ]
    table = ["| figure | value | data | command | date |", "|---|---|---|---|---|", *rows]
    allowed = "allowed" if card.commercial_use else "**not allowed**"
    return "\n".join(
        [
            *("---", *front, "---", "", f"# {card.title}", "", card.summary.strip(), ""),
            *("## How it was trained", "", card.training.strip(), ""),
            *("Data:", "", *(f"* {name}" for name in card.data), ""),
            *("## Figures", "", *(table if rows else ["None has been recorded yet."]), ""),
            *("## Limits", "", card.limits.strip(), ""),
            *("## License and commercial use", ""),
            *(f"License: {card.license}. Commercial use is {allowed}. {card.license_note}", ""),
            *("## Use", "", "```sh", f"lstm-suite evaluate {app} --preset {preset}", "```", ""),
        ]
    )


def _cell(text: str) -> str:
    """In a table a bar would end the cell."""
    return text.replace("|", "\\|")
