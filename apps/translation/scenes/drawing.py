"""Draws words that go together, and numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from apps.translation.scenes.lexicon import Adjective, Noun, Verb, adjectives, nouns, rows, verbs
from apps.translation.scenes.phrase import (
    FUTURE,
    HABIT,
    NOW,
    PAST,
    PRONOUNS,
    Clause,
    Phrase,
    Words,
)

# Which nouns an adjective may describe, by a tag of its own; and whether it is a passing state.
_MEANT = {
    "color": "thing clothes vehicle furniture open plant ball container",
    "size": "thing animal clothes furniture building vehicle room nature fruit veg town",
    "animal": "animal", "person": "person", "thing": "thing clothes furniture vehicle device",
    "long": "write cross", "age": "vehicle building device clothes furniture",
    "high": "building climb", "view": "view", "food": "food dish",
    "price": "thing clothes device vehicle", "heavy": "heavy", "state": "thing clothes",
    "clean": "clean room clothes", "broken": "device vehicle repair", "full": "container",
    "opened": "open", "warm": "dish drink", "fresh": "fruit veg", "ripe": "fruit",
    "sweet": "fruit", "dish": "dish", "mood": "person", "character": "person", "hair": "person",
    "wild": "animal", "speed": "vehicle", "modern": "building device", "soft": "cloth",
    "wood": "furniture", "hard": "ask solve", "story": "watch doc", "quiet": "town room",
}  # fmt: skip
PASSING = {"state", "broken", "full", "opened", "mood", "dish", "ripe"}
_ATTRIBUTES = set(_MEANT) - {"opened", "dish"}
_COMMON = "man woman boy girl child person dog cat bird".split()
_PAIRED = "shoe boot sock glove sandal slipper".split()
_ONLY = {"bald": "man", "round": "table carpet mirror", "dangerous": "bear wolf lion tiger snake"}


@functools.cache
def fitting(noun: Noun, attribute: bool = True) -> tuple[Adjective, ...]:
    """Adjectives that may describe it: before or behind it, or in a sentence with *is*."""
    kinds = {kind for kind, tags in _MEANT.items() if noun.tags & set(tags.split())}
    kinds &= _ATTRIBUTES if attribute else set(_MEANT)
    return tuple(
        a
        for a in adjectives()
        if (noun.en[0] in _ONLY[a.en].split() if a.en in _ONLY else a.tags & kinds)
    )


@functools.cache
def tagged(*tags: str) -> tuple[Noun, ...]:
    """All nouns that have one of the tags."""
    return tuple(noun for noun in nouns() if noun.tags & set(tags))


@functools.cache
def _named(word: str) -> Noun:
    return next(noun for noun in nouns() if noun.en[0] == word)


@functools.cache
def table(name: str, tag: str = "") -> tuple[Words, ...]:
    """Lines of a table in four languages; with a tag those that have it in the last column."""
    return tuple(tuple(r[:4]) for r in rows(name) if not tag or tag in r[4].split(","))  # type: ignore[misc]


class Draw:
    """Draws with one generator of random numbers."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return bool(self.rng.random() < probability)

    def one(self, items: Sequence[Any]) -> Any:
        """One of them."""
        return items[int(self.rng.integers(len(items)))]

    def phrase(
        self, noun: Noun, dets: str = "a the", plural: float = 0.25, adjective: float = 0.35
    ) -> Phrase:
        """A noun with what may go with it.

        Args:
            noun: The noun.
            dets: Its determiners if it is singular.
            plural: Probability of several.
            adjective: Probability of an adjective.
        """
        many = bool(noun.en[1]) and "mass" not in noun.tags and self.chance(plural)
        mass = "mass" in noun.tags
        det = self.one(("bare", "the") if mass else (dets + " count" if many else dets).split())
        if "family" in noun.tags and "person" not in noun.tags:
            det = "my"
        count = None
        if many and det == "a":
            det = "some"
        if det == "count":
            count = self.one(table("calendar.tsv", "count"))
            if self.chance(0.3):
                count = (str(self.rng.integers(2, 100)),) * 4
        known = fitting(noun)
        chosen = self.one(known) if known and not mass and self.chance(adjective) else None
        return Phrase(noun, many, det, chosen, count)

    def subject(self, verb: Verb) -> Phrase:
        """Who does it: mostly the people and pets that one sees most."""
        if self.chance(0.12) and any("person" in noun.tags for noun in verb.subjects):
            return self.one(PRONOUNS)
        common = [noun for noun in verb.subjects if noun.en[0] in _COMMON]
        p = self.phrase(self.one(common if common and self.chance(0.55) else verb.subjects))
        if "person" not in p.noun.tags:
            return p
        if self.chance(0.06) and p.noun.en[1]:
            return Phrase(_named("group"), False, "a", None, None, p.noun)
        if self.chance(0.15) and not p.plural:
            worn = [noun for noun in tagged("clothes") if noun.en[0] not in _PAIRED]
            clothes = self.phrase(self.one(worn), "a", 0.0, 0.7)
            return replace(p, wearing=clothes)
        if self.chance(0.05) and p.det in ("a", "the") and p.noun in verb.subjects:
            return replace(p, other=Phrase(self.one(common or verb.subjects), False, p.det))
        return p

    def clause(self) -> Clause:
        """A scene with or without an object."""
        verb: Verb = self.one(verbs())
        if not verb.objects and self.chance(0.5):
            verb = self.one(verbs())
        subject = self.subject(verb)
        thing = None
        if verb.objects:
            noun = self.one(verb.objects)
            if verb.de["case"] == "n":
                thing = Phrase(noun)
            else:
                dets = "a the my" if noun.tags & {"lose", "clothes", "pet"} else "a the the"
                thing = self.phrase(noun, dets, 0.2, 0.3)
                if thing.det == "some" and not verb.de["prep"]:
                    thing = Phrase(noun, True, "bare", thing.adjective)
        tense = self.one((NOW, NOW, NOW, NOW, NOW, PAST, PAST, FUTURE, HABIT))
        definite = thing is not None and thing.det in ("the", "my") and verb.de["case"] != "n"
        negative = (definite or not verb.objects) and self.chance(0.12)
        if subject.first and tense == PAST:  # the tables have no Spanish past of yo
            tense = NOW
        kind = {PAST: "past", FUTURE: "future", HABIT: "always", NOW: "present"}[tense]
        timed = tense == HABIT or self.chance(0.5 if tense in (PAST, FUTURE) else 0.05)
        placed = not (set(verb.de["prep"].split("/")) & {"in", "auf", "hinter"})
        return Clause(
            subject, verb, thing, tense, negative, self.chance(0.12),
            self.one(table("places.tsv")) if placed and self.chance(0.35) else None,
            self.one(table("times.tsv", kind)) if timed else None,
        )  # fmt: skip

    def number(self) -> str:
        """A whole number, small ones more often."""
        return str(self.rng.integers(1, 10 ** int(self.rng.integers(1, 5))))

    def hour(self) -> str:
        """A time of day, as 9:30."""
        return f"{self.rng.integers(0, 24)}:{self.rng.integers(0, 60):02d}"

    def price(self) -> str:
        """An amount with its sign before or behind."""
        amount = self.number() + (f".{self.rng.integers(100):02d}" if self.chance(0.6) else "")
        return self.one((f"${amount}", f"€{amount}", f"{amount} €", f"£{amount}"))
