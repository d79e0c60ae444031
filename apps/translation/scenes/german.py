"""German sentences of scenes: gender, four endings of adjectives, verbs in second place."""

from __future__ import annotations

from apps.translation.scenes.lexicon import Noun
from apps.translation.scenes.phrase import FUTURE, PAST, Clause, Phrase, sentence, spaced

_THE = {
    "n": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "a": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "d": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
}
_A = {  # after ein, mein
    "n": {"m": "", "f": "e", "n": "", "p": "e"},
    "a": {"m": "en", "f": "e", "n": "", "p": "e"},
    "d": {"m": "em", "f": "er", "n": "em", "p": "en"},
}
_MIXED = {"nm": "er", "nf": "e", "nn": "es", "am": "en", "af": "e", "an": "es"}
_STRONG = {"n": {"m": "er", "f": "e", "n": "es", "p": "e"},
           "a": {"m": "en", "f": "e", "n": "es", "p": "e"},
           "d": {"m": "em", "f": "er", "n": "em", "p": "en"}}  # fmt: skip
_JOINED = {("in", "dem"): "im", ("an", "dem"): "am", ("zu", "dem"): "zum", ("zu", "der"): "zur",
           ("von", "dem"): "vom", ("bei", "dem"): "beim", ("in", "das"): "ins",
           ("an", "das"): "ans"}  # fmt: skip


def noun_form(noun: Noun, plural: bool, case: str) -> str:
    """The noun alone in a case: ``n``, ``a`` or ``d``."""
    single, many = noun.de
    if plural:
        return many + ("n" if case == "d" and many[-1] not in "ns" else "")
    return many if noun.weak and case != "n" else single


def ending(p: Phrase, case: str) -> str:
    """Of the phrase's adjective."""
    gender = "p" if p.plural else p.noun.gender["de"]
    if p.det in ("bare", "count", "some"):
        return _STRONG[case][gender]
    if case == "d" or gender == "p" or (p.det == "the" and case == "a" and gender == "m"):
        return "en"
    return "e" if p.det == "the" else _MIXED[case + gender]


def determiner(p: Phrase, case: str) -> str:
    """The word before adjective and noun."""
    gender = "p" if p.plural else p.noun.gender["de"]
    if p.det == "the":
        return _THE[case][gender]
    if p.det == "count":
        return p.count[1] if p.count else ""
    stem = {"a": "ein", "my": "mein", "some": "einig"}.get(p.det, "")
    return stem and stem + _A[case][gender]


def phrase(p: Phrase, case: str = "n", prep: str = "") -> str:
    """As *mit einem roten Apfel*; preposition and article are joined where they usually are."""
    of = f"von {noun_form(p.of, True, 'd')}" if p.of else ""
    wearing = phrase(p.wearing, "d", "mit") if p.wearing else ""
    other = f"und {phrase(p.other, case)}" if p.other else ""
    return spaced(_core(p, case, prep), of, wearing, other)


def _core(p: Phrase, case: str, prep: str) -> str:
    first = determiner(p, case)
    adjective = p.adjective.de[1] + ending(p, case) if p.adjective else ""
    if (prep, first) in _JOINED:
        prep, first = _JOINED[prep, first], ""
    return spaced(prep, first, adjective, noun_form(p.noun, p.plural, case))


def _first(infinitive: str) -> str:
    """The verb behind *ich*, of its infinitive."""
    if infinitive.endswith("eln"):
        return infinitive[:-3] + "le"
    return infinitive.removesuffix("n").removesuffix("e") + "e"


def clause(c: Clause) -> str:
    """A whole sentence."""
    verb = c.verb.de
    form = 1 if c.subject.several else 2 if c.subject.first else 0
    prep, _, case = verb["prep"].partition("/")
    instrument = verb["case"] == "n"
    thing = ""
    if c.object:
        case = case or ("a" if instrument else verb["case"])
        thing = noun_form(c.object.noun, False, "a") if instrument else phrase(c.object, case, prep)
    no = "nicht" if c.negative else ""
    place, time = (words[1] if words else "" for words in (c.place, c.time))
    direct = c.object is not None and not prep and not instrument
    middle = [time, thing, no, place] if direct else [time, no, place, thing]
    if c.tense == PAST:
        auxiliary = {"h": ("hat", "haben", "habe"), "s": ("ist", "sind", "bin")}[verb["aux"]]
        finite, last = auxiliary[form], verb["participle"]
    elif c.tense == FUTURE:
        finite, last = ("wird", "werden", "werde")[form], verb["infinitive"]
    else:
        finite, last = (verb["third"], verb["stem"], _first(verb["stem"]))[form], verb["prefix"]
    subject = phrase(c.subject)
    if c.question:
        return sentence(spaced(finite, subject, *middle, last), "?")
    return sentence(spaced(subject, finite, *middle, last))
