"""What handwriting is: recipes, data, model, figures, samples."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import (
    SHAPES,
    Data,
    Source,
    batches,
    dataset,
    find_ink,
    lines_of,
    load_splits,
    plan_epoch,
    read_lines,
    rows_of,
    short_of,
    stack,
    whole,
)
from apps.handwriting.ink import Ink
from apps.handwriting.splits import writer_kinds
from shared.application import (
    Application,
    BundleFacts,
    Card,
    Example,
    FitOptions,
    Progress,
    Sample,
    Stage,
    Training,
    Verb,
)
from shared.decoding.mixture import START, PointOptions, decode_points
from shared.errors import InputError
from shared.generator import Generator
from shared.presets.open import Opened
from shared.presets.store import Preset, assign_weights

if TYPE_CHECKING:
    from apps.handwriting.model import HandwritingModel

_FIT = FitOptions(
    epochs=20,
    optimizer="adam",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=100,
    final_fraction=1 / 6,  # 5e-4
    ema_momentum=0.998,
    monitor="val_nats_per_point",
)
_TINY = HandwritingConfig(
    units=(40, 40), components=3, mixtures=3, length=24, style_size=4, cell={}
)
_LINE = "Winter came late, Olga.."  # of 24 characters
_GOLDEN_POINTS = 24
_TEXT = (
    "Dear reader, nobody wrote this by hand. A network read the text, letter by letter, "
    "and moved a pen: about ten points for each of them."
)


class Handwriting(Application):
    """A text is written by hand, point by point, in a chosen style."""

    name = "handwriting"
    default_preset = "unipen"
    config_class = HandwritingConfig
    source_class = Source
    data_class = Data
    unit = "lines"
    trial = 'write "Dear reader,"'
    verbs = {
        "write": "write a text by hand",
        "sheets": "draw sheets of ink, to look at data",
        "recognizer": "train a recognizer of handwriting, a judge for evaluate",
        "hands": "measure in whose hand a handwriting model writes",
    }
    recipes = {
        "base": Stage(HandwritingConfig(), _FIT, Data()),
        "small": Stage(HandwritingConfig(units=(256, 256)), _FIT, Data()),
        "tiny": Stage(_TINY, dataclasses.replace(_FIT, epochs=2), Data(points=800)),
    }
    tunable = ("dropout",)

    def commands(self) -> Mapping[str, Verb]:
        from apps.handwriting.verbs import COMMANDS

        return COMMANDS

    def build(self, config: HandwritingConfig) -> HandwritingModel:
        from apps.handwriting.model import HandwritingModel

        return HandwritingModel(config)

    def read(self, source: Source, split: str, config: HandwritingConfig) -> list[Ink]:
        """The lines of a split that are not too long; words if it has no lines."""
        return read_lines(source.data, split, config)

    def prepare(self, stage: Stage, folder: Path, start: Preset | None) -> Training:
        """Without a preset to start from, the writers of the ink are the model's styles, in the
        order of `writer_kinds`; with one all ink is in the style "any"."""
        config, data, options = stage.config, stage.data, stage.fit
        found = load_splits(data.data, ("train", "valid"), config.arc, config.turning)
        strict = find_ink(data.data).suffix == ".json"  # own ink, which was drawn to be used
        items, valid = (
            short_of(found[split], data.data, config.length, strict) for split in ("train", "valid")
        )
        valid = lines_of(valid, data.data, config.length)
        kinds = {} if start else writer_kinds(items)
        if not start:
            config = dataclasses.replace(config, styles=tuple(kinds.values()))
        if "printed" not in kinds.values():
            config = dataclasses.replace(config, default_style="any")
        model = self.build(config)
        if start:
            assign_weights(model, start)
        seeds = [(options.seed, number) for number in range(options.epochs)]
        plans = [
            plan_epoch(items, seed, number / options.epochs, data)
            for number, seed in enumerate(seeds)
        ]

        def epoch(number: int) -> Any:
            plan, seed = plans[number], seeds[number]
            return dataset(lambda: batches(items, config, list(kinds), plan, seed, data), len(plan))

        watched = list(whole(valid))
        lines, writers = sum(not item.word for item in items), {item.writer for item in items}
        return Training(
            config=config,
            model=model,
            epoch=epoch,
            steps=sum(map(len, plans)),
            valid=dataset(lambda: watched, len(watched)),
            held=valid,
            examples=f"{lines} lines and {len(items) - lines} words of {len(writers)} writers",
        )

    def card(self, config: HandwritingConfig, data: Data, tuned: bool) -> Card:
        from apps.handwriting.card import card

        return card(config, data, tuned)

    def figures(
        self, opened: Opened, items: Sequence[Ink], progress: Progress = lambda count: None
    ) -> dict[str, float]:
        """Nats per point and per character, in the style "any"."""
        from apps.handwriting.evaluate import nats_of

        return nats_of(opened.generator, opened.config, items, progress=progress)

    def examples(self, opened: Opened, items: Sequence[Ink]) -> list[Example]:
        """The beginnings of four lines; fewer lines are repeated."""
        from apps.handwriting.lines import condition

        examples = []
        for item in [*items, *items, *items][:4]:
            rows = [np.array(START, np.float32), *item.rows[: _GOLDEN_POINTS - 1]]
            given = condition(opened.config, [item.text], [0])
            examples.append(Example(given, [{"point": row[None]} for row in rows]))
        return examples

    def bundle_facts(self, opened: Opened) -> BundleFacts:
        from apps.handwriting.lines import BIAS

        return BundleFacts(
            decoding={"strategy": "mixture", "bias": BIAS},
            special_ids={"padding": 0, "space": 1},
            normalization={
                "text": "character code - 31, 0 is padding",
                "point": "dx, dy in x-heights, y up; 1 where the pen is lifted; 0, 0, 1 at first",
                "mixture": "6 M + 2: see shared/layers/mixture.py",
            },
        )

    def example(self, config: HandwritingConfig) -> Example:
        """A line of 24 characters, and points of noise."""
        from apps.handwriting.lines import condition

        offsets = np.random.default_rng(0).normal(0, 0.4, (16, 1, 2))
        points = np.concatenate([offsets, np.zeros((16, 1, 1))], -1).astype(np.float32)
        return Example(condition(config, [_LINE], [0]), [{"point": point} for point in points])

    def generate(
        self, generator: Generator, config: HandwritingConfig, greedy: bool = False
    ) -> Any:
        """As many points as the line has on average, wherever the pen goes."""
        from apps.handwriting.lines import BIAS

        state = generator.encode(self.example(config).condition)
        count = round(len(_LINE) * config.points_per_character)
        return decode_points(generator, state, PointOptions(BIAS, count), [0])

    def random_batch(
        self, config: HandwritingConfig, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """A batch of the middle shape: 36 lines of 264 points and 48 characters."""
        shape = SHAPES[len(SHAPES) // 2]
        count = rows_of(shape, Data().points)
        rows = rng.normal(0, 0.4, (count, shape[0], 3)).astype(np.float32)
        rows[..., 2] = rng.random(rows.shape[:2]) < 0.1
        codes = rng.integers(32, 127, (count, shape[1]))
        texts = ["".join(map(chr, row)) for row in codes]
        return stack(list(rows), texts, rng.integers(0, config.style_count, count), shape)

    def samples(self, folder: Path, seed: int) -> list[Sample]:
        """A note in three styles, still, animated and as JSON."""
        from apps.handwriting.page import Layout
        from apps.handwriting.write import Writer

        try:
            self.find_bundle()
        except InputError:
            return []
        writer = Writer.from_preset()
        samples = []
        for style in ("printed", "cursive", "mixed"):
            note = writer.write(_TEXT, style=style, seed=seed, layout=Layout(paper="ruled"))
            ends = (".svg", "-moving.svg", ".json")
            picture, moving, ink = (folder / f"handwriting-{style}{end}" for end in ends)
            note.save(picture)
            note.animate(moving)
            note.save(ink)
            words = ["write", _TEXT, "--style", style, "--paper", "ruled", "--seed", str(seed)]
            samples.append(
                Sample(
                    title=f"A note, {style}",
                    command=shlex.join(["lstm-suite", *words, "-o", picture.name]),
                    given=note.summary,
                    made=(
                        (picture, "one path for each stroke"),
                        (moving, "the same as it is written"),
                        (ink, "the strokes as JSON"),
                    ),
                )
            )
        return samples


HANDWRITING = Handwriting()
