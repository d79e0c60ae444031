"""Spanish sentences of scenes: gender, adjectives behind, *a* before persons."""

from __future__ import annotations

import re

from apps.translation.scenes.phrase import FUTURE, NOW, PAST, Clause, Phrase, spaced


def determiner(p: Phrase) -> str:
    """The word before the noun."""
    feminine = p.noun.gender["es"] == "f"
    as_masculine = p.noun.masculine_article and not p.plural
    if p.det == "the":
        if p.plural:
            return "las" if feminine else "los"
        return "la" if feminine and not as_masculine else "el"
    if p.det == "a" and not p.plural:
        return "una" if feminine and not as_masculine else "un"
    if p.det == "my":
        return "mis" if p.plural else "mi"
    if p.det == "count":
        return p.count[3] if p.count else ""
    if p.det == "some":
        return "unas" if feminine else "unos"
    return ""


def phrase(p: Phrase, prep: str = "") -> str:
    """As *una manzana roja*, *al niño*, *de mi hermana*."""
    of = f"de {p.of.es[1]}" if p.of else ""
    wearing = phrase(p.wearing, "con") if p.wearing else ""
    other = f"y {phrase(p.other)}" if p.other else ""  # never before i-: an article comes first
    return spaced(_core(p, prep), of, wearing, other)


def _core(p: Phrase, prep: str) -> str:
    noun, feminine = p.noun.es[p.plural], p.noun.gender["es"] == "f"
    adjective = p.adjective.es[2 * p.plural + feminine] if p.adjective else ""
    text = spaced(prep, determiner(p), noun, adjective)
    return re.sub(r"\bde el\b", "del", re.sub(r"(?:^|(?<= ))a el\b", "al", text))


def clause(c: Clause) -> str:
    """A whole sentence."""
    verb, many = c.verb.es, c.subject.several
    form = many + 2 * c.subject.first
    thing = ""
    if c.object:
        prep = verb["prep"] or ("a" if c.object.is_being else "")
        thing = phrase(c.object, prep)
    if c.tense == NOW:
        finite, last = ("está", "están", "estoy", "estamos")[form], verb["gerund"]
    elif c.tense == FUTURE:
        finite, last = ("va a", "van a", "voy a", "vamos a")[form], verb["infinitive"]
    elif c.tense == PAST:
        finite, last = verb["past_plural" if many else "past"], ""
    else:
        one, we = _first(verb)
        finite, last = (verb["third"], verb["third"] + "n", one, we)[form], ""
    finite = spaced("no" if c.negative else "", finite)
    place, time = (words[3] if words else "" for words in (c.place, c.time))
    rest = spaced(verb["particle"], thing, place, time)
    subject = phrase(c.subject)
    if not c.question:
        return sentence(spaced(subject, finite, last, rest))
    if c.tense == NOW:
        return sentence(spaced(finite, subject, last, rest), "?")
    return sentence(spaced(finite, last, subject, rest), "?")


def _first(verb: dict[str, str]) -> tuple[str, str]:
    """The present of *yo* and *nosotros*."""
    infinitive = verb["infinitive"]
    # Behind -er and -ir the polite imperative has the stem: oiga, oigo.
    one = (verb["third"] if infinitive.endswith("ar") else verb["imperative"])[:-1] + "o"
    ending = {"ar": "amos", "er": "emos", "ir": "imos", "ír": "ímos"}[infinitive[-2:]]
    return one, infinitive[:-2] + ending


def sentence(text: str, mark: str = ".") -> str:
    """With a capital first and a mark last; questions and cries have one before, too."""
    opening = {"?": "¿", "!": "¡"}.get(mark, "")
    return opening + text[:1].upper() + text[1:] + mark
