"""French sentences of scenes: gender, elision, articles that join prepositions."""

from __future__ import annotations

import re

from apps.translation.scenes.phrase import FUTURE, PAST, Clause, Phrase, sentence, spaced

_JOINED = {"à le": "au", "à les": "aux", "de le": "du", "de les": "des"}
_VOWEL = re.compile(r"[aeiouhâàéèêëîïôœûùy]", re.IGNORECASE)


def starts_with_vowel(word: str) -> bool:
    """Whether words before it lose their vowel."""
    return bool(_VOWEL.match(word)) and not word.startswith("yaourt")


def joined(first: str, second: str) -> str:
    """Two words, the first elided or both contracted where they must be."""
    head = second.split(" ")[0]
    if f"{first} {head}" in _JOINED:
        return _JOINED[f"{first} {head}"] + second[len(head) :]
    if first in ("le", "la", "de", "ne", "que", "je", "est-ce que") and starts_with_vowel(second):
        return first[:-1] + "'" + second
    return spaced(first, second)


def core(p: Phrase) -> str:
    """Adjective and noun."""
    noun = p.noun.fr[p.plural]
    if p.adjective is None:
        return noun
    form = p.adjective.fr[2 * p.plural + (p.noun.gender["fr"] == "f")]
    if not p.adjective.fr_before:
        return f"{noun} {form}"
    if not p.plural and p.noun.gender["fr"] == "m" and starts_with_vowel(noun):
        form = p.adjective.fr_vowel
    return f"{form} {noun}"


def phrase(p: Phrase, prep: str = "") -> str:
    """As *à une pomme rouge*, *de l'eau*, *mes sœurs*."""
    of = joined("de", p.of.fr[1]) if p.of else ""
    wearing = phrase(p.wearing, "avec") if p.wearing else ""
    other = f"et {phrase(p.other)}" if p.other else ""
    return spaced(_article_and_core(p, prep), of, wearing, other)


def _article_and_core(p: Phrase, prep: str) -> str:
    words, feminine = core(p), p.noun.gender["fr"] == "f"
    before = p.adjective is not None and p.adjective.fr_before
    if p.det == "none":
        text = words
    elif p.det == "the":
        text = joined("les" if p.plural else "la" if feminine else "le", words)
    elif p.det == "my":
        one = "ma" if feminine and not starts_with_vowel(words) else "mon"
        text = spaced("mes" if p.plural else one, words)
    elif p.det == "count":
        text = spaced(_count(p), words)
    elif p.det == "a" and not p.plural:
        text = spaced("une" if feminine else "un", words)
    elif prep == "de":  # des and du fall away behind it
        text = words
    elif p.plural:
        text = joined("de", words) if before else f"des {words}"
    else:
        text = joined("de", joined("la" if feminine else "le", words))
    return joined(prep, text) if prep else text


def _count(p: Phrase) -> str:
    count = p.count[2] if p.count else ""
    return "une" if count == "un" and p.noun.gender["fr"] == "f" else count


def clause(c: Clause) -> str:
    """A whole sentence."""
    verb, many = c.verb.fr, c.subject.several
    named = [p for p in (c.subject, c.subject.other) if p]
    feminine = all(p.noun.gender["fr"] == "f" for p in named)
    form = many + 2 * c.subject.first
    if c.tense == PAST:
        agreement = ("e" if feminine else "") + ("s" if many else "")
        being = verb["aux"] == "e"
        finite = (("est", "sont", "suis", "sommes") if being else ("a", "ont", "ai", "avons"))[form]
        last = verb["participle"] + (agreement if being else "")
    elif c.tense == FUTURE:
        finite, last = ("va", "vont", "vais", "allons")[form], verb["infinitive"]
    else:
        one, we = _first(verb)
        finite, last = (verb["third"], verb["plural"], one, we)[form], ""
    if c.negative:
        finite = spaced(joined("ne", finite), "pas")
    thing = phrase(c.object, verb["prep"]) if c.object else ""
    place, time = (words[2] if words else "" for words in (c.place, c.time))
    rest = spaced(finite, last, verb["particle"], thing, place, time)
    text = joined(phrase(c.subject), rest)
    if c.question:
        return clean(sentence(joined("est-ce que", text), " ?"))
    return clean(sentence(text))


def _first(verb: dict[str, str]) -> tuple[str, str]:
    """What stands behind *je* and *nous*, of the third person and the imperative."""
    third, stem = verb["third"], verb["imperative"].removesuffix("ez")
    if third[-1] == "e":
        one = third
    elif third in ("bat", "met") or third[-1] == "d":
        one = third + "s"
    else:
        one = third[:-1].removesuffix("î") + ("is" if third.endswith("ît") else "s")
    if verb["imperative"] == "faites":
        return one, "faisons"
    soft = "e" if stem.endswith("g") else ""
    if stem.endswith("c"):
        stem = stem[:-1] + "ç"
    return one, stem + soft + "ons"


def clean(text: str) -> str:
    """Without the stars before an h that is spoken."""
    text = text.replace("*", "")
    return text[:1].upper() + text[1:]
