"""English sentences of scenes."""

from __future__ import annotations

import re

from apps.translation.scenes.phrase import (
    FUTURE,
    HABIT,
    NOW,
    PAST,
    Clause,
    Phrase,
    sentence,
    spaced,
)


def phrase(p: Phrase) -> str:
    """As *a red apple*, *my sister*, *three dogs*."""
    of = f"of {p.of.en[1]}" if p.of else ""
    wearing = f"in {phrase(p.wearing)}" if p.wearing else ""
    other = f"and {phrase(p.other)}" if p.other else ""
    return spaced(_core(p), of, wearing, other)


def _core(p: Phrase) -> str:
    noun = spaced(p.adjective.en if p.adjective else "", p.noun.en[p.plural])
    if p.det == "a":
        # By sound, not by letter: a university, an hour.
        vowel = re.match(r"[aeiou]|hour", noun) and not re.match(r"uni|eu|one|use", noun)
        return f"an {noun}" if vowel else f"a {noun}"
    first = {"bare": "", "none": "", "count": p.count[0] if p.count else ""}.get(p.det, p.det)
    return spaced(first, noun)


def _verb(c: Clause, form: str) -> str:
    return c.verb.en[form]


def clause(c: Clause) -> str:
    """A whole sentence."""
    subject, many = phrase(c.subject), c.subject.several
    be = "are" if many else "am" if c.subject.first else "is"
    many = many or c.subject.first
    rest = spaced(
        c.verb.en["particle"], phrase(c.object) if c.object else "", c.place[0] if c.place else "",
        c.time[0] if c.time else "",
    )  # fmt: skip
    no = "not" if c.negative else ""
    if c.tense == NOW:
        first, then = be, spaced(no, _verb(c, "ing"))
    elif c.tense == FUTURE:
        first, then = "will", spaced(no, _verb(c, "base"))
    elif c.question or c.negative:
        first = "did" if c.tense == PAST else "do" if many else "does"
        then = spaced(no, _verb(c, "base"))
    else:
        form = "past" if c.tense == PAST else "base" if many else "third"
        first, then = _verb(c, form), ""
    assert c.tense in (NOW, HABIT, PAST, FUTURE), c.tense
    if c.question:
        return sentence(spaced(first, subject, then, rest), "?")
    return sentence(spaced(subject, first, then, rest))
