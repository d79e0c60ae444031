"""The words of the scenes, read from the tables beside this file.

`nouns.tsv`, `verbs.tsv` and `adjectives.tsv` give what no rule tells; the other forms are made
here. A table's line has one column for each language, then tags that say what goes with what.

    noun       en  man/men                  plural, if it is not regular
               de  mw Junge Jungen          gender, w: weak (den Jungen), plural or -
               fr  m œil/yeux               * before an h that is spoken: *hamburger
               es  f! agua                  !: el agua, though feminine
    verb       en  eat ate eaten            or regular; particles behind each: look at
               de  auf|hängen hängt aufgehängt [aux=s] [case=d] [prep=auf/a]
               fr  lire lit lisent lu lisez [aux=e] [prep=de], or a regular -er
               es  pedir [3=pide] [g=pidiendo] [pp=] [past=pidió] [imp=pida] [prep=a] [+con_llave]
               objects: tags, then = and single nouns; - for none
    adjective  de  teuer:teur               stem before endings
               fr  <nouveau nouvelle nouvel <: before the noun; a last form before vowels
               es  rojo, or all four forms; _ in one that never changes
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_VOWELS = "aeiouáéíóú"


@dataclass(frozen=True)
class Noun:
    """Forms are (singular, plural); a mass noun has no plural, and "" for it."""

    en: tuple[str, str]
    de: tuple[str, str]
    fr: tuple[str, str]
    es: tuple[str, str]
    gender: dict[str, str]
    weak: bool  # German: all cases but the nominative end as the plural
    masculine_article: bool  # Spanish: el agua
    tags: frozenset[str]

    def __hash__(self) -> int:
        return hash(self.en)


@dataclass(frozen=True)
class Verb:
    """Forms that the languages' modules need, and what objects and subjects it takes."""

    en: dict[str, str]  # base, third, ing, past, participle, particle
    de: dict[str, str]  # infinitive, prefix, third, participle, aux, case, prep
    fr: dict[str, str]  # infinitive, third, plural, participle, imperative, aux, prep, particle
    es: dict[str, str]  # infinitive, third, gerund, past, past_plural, imperative, prep, particle
    objects: tuple[Noun, ...]
    subjects: tuple[Noun, ...]

    def __hash__(self) -> int:
        return hash((self.en["base"], self.en["particle"], self.de["infinitive"]))


@dataclass(frozen=True)
class Adjective:
    """French and Spanish forms are masculine, feminine, and the plurals of both."""

    en: str
    de: tuple[str, str]  # alone, and before endings
    fr: tuple[str, str, str, str]
    fr_vowel: str  # masculine before a vowel
    fr_before: bool
    es: tuple[str, str, str, str]
    tags: frozenset[str]

    def __hash__(self) -> int:
        return hash(self.en)


def rows(name: str) -> list[list[str]]:
    """The columns of a table's lines, its heading left out."""
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:] if line.strip() and not line.startswith("#")]


# --- nouns ------------------------------------------------------------------------------------


@functools.cache
def nouns() -> tuple[Noun, ...]:
    """All nouns that sentences are made of."""
    return tuple(_noun(*row) for row in rows("nouns.tsv") if row[4] != "skip")


def _noun(en: str, de: str, fr: str, es: str, tags: str) -> Noun:
    kind, german = de.split(" ", 1)
    single, _, many = german.rpartition(" ")
    genders, french, spanish = {"de": kind[0]}, *(text.split(" ", 1) for text in (fr, es))
    genders |= {"fr": french[0][0], "es": spanish[0][0]}
    mass = many == "-"

    def known(forms: tuple[str, str]) -> tuple[str, str]:
        return (forms[0], "") if mass else forms

    return Noun(
        en=known(_forms(en, english_plural)),
        de=known((single, many)),
        fr=known(_forms(french[1], french_plural)),
        es=known(_forms(spanish[1], spanish_plural)),
        gender=genders,
        weak="w" in kind,
        masculine_article="!" in spanish[0],
        tags=frozenset(tags.split(",")),
    )


def _forms(text: str, rule) -> tuple[str, str]:
    one, _, many = text.partition("/")
    return one, many or rule(one)


def english_plural(noun: str) -> str:
    """Of a regular noun."""
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if re.search(r"[^aeiou]y$", noun) else noun + "s"


def french_plural(noun: str) -> str:
    """Of a regular noun; of *pomme de terre* the first word changes."""
    head, space, rest = noun.partition(" ")
    if space:
        return french_plural(head) + space + rest
    if noun[-1] in "sxz":
        return noun
    if noun.endswith("al"):
        return noun[:-2] + "aux"
    return noun + ("x" if re.search(r"(eau|(?<!bl)eu)$", noun) else "s")


def spanish_plural(noun: str) -> str:
    """Of a regular noun; of *cepillo de dientes* the first word changes."""
    head, space, rest = noun.partition(" ")
    if space:
        return spanish_plural(head) + space + rest
    if noun[-1] in "aeiouáéóú":
        return noun + "s"
    if noun[-1] == "z":
        return noun[:-1] + "ces"
    if noun[-2] in "áéíóú" and noun[-1] in "ns":
        return noun[:-2] + "aeiou"["áéíóú".index(noun[-2])] + noun[-1] + "es"
    return noun + "es"


# --- verbs ------------------------------------------------------------------------------------


@functools.cache
def verbs() -> tuple[Verb, ...]:
    """All verbs."""
    return tuple(_verb(*row) for row in rows("verbs.tsv"))


def _verb(en: str, de: str, fr: str, es: str, objects: str, subjects: str) -> Verb:
    return Verb(
        _english(en), _german(de), _french(fr), _spanish(es), _chosen(objects), _chosen(subjects)
    )


def _chosen(text: str) -> tuple[Noun, ...]:
    tags, _, names = text.partition("=")
    wanted, single = set(filter(None, tags.split(","))), set(filter(None, names.split(",")))
    known = {noun.en[0] for noun in nouns()}
    if unknown := single - known:
        raise ValueError(f"no noun {sorted(unknown)} in nouns.tsv")
    return tuple(n for n in nouns() if n.tags & wanted or n.en[0] in single)


_ING = {"see": "seeing", "forget": "forgetting", "travel": "traveling", "cancel": "canceling",
        "tie": "tying", "lie": "lying"}  # fmt: skip


def _english(text: str) -> dict[str, str]:
    words = text.split(" ")
    if len(words) % 3 == 0:
        size = len(words) // 3
        base, past, participle = words[0], words[size], words[2 * size]
        particle = " ".join(words[1:size])
    else:
        base, particle = words[0], " ".join(words[1:])
        past = participle = _regular_past(base)
    third = base + ("es" if re.search(r"(s|x|z|ch|sh|o)$", base) else "s")
    if re.search(r"[^aeiou]y$", base):
        third = base[:-1] + "ies"
    ing = base[:-1] if re.search(r"[^eo]e$", base) else _doubled(base)
    return {
        "base": base, "third": third, "ing": _ING.get(base, ing + "ing"), "past": past,
        "participle": participle, "particle": particle,
    }  # fmt: skip


def _doubled(base: str) -> str:
    return base + (base[-1] if re.match(r"[^aeiou]*[aeiou][bdgklmnprtv]$", base) else "")


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base in ("travel", "cancel"):
        return base + "ed"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    return _doubled(base) + "ed"


def _parts(text: str) -> tuple[list[str], dict[str, str]]:
    """Forms in order, and those with a name; ``+`` marks a particle."""
    words = text.split(" ")
    named = dict(word.split("=") for word in words if "=" in word)
    particle = next((w[1:].replace("_", " ") for w in words if w.startswith("+")), "")
    forms = [w for w in words if "=" not in w and not w.startswith("+")]
    return forms, {**named, "particle": particle}


def _german(text: str) -> dict[str, str]:
    [infinitive, third, participle], named = _parts(text)
    prefix, bar, stem = infinitive.rpartition("|")
    return {
        "infinitive": prefix + stem, "stem": stem, "prefix": prefix if bar else "", "third": third,
        "participle": participle, "aux": named.get("aux", "h"), "case": named.get("case", "a"),
        "prep": named.get("prep", ""),
    }  # fmt: skip


def _french(text: str) -> dict[str, str]:
    words, named = _parts(text)
    infinitive = words[0]
    if len(words) == 1:
        stem = infinitive[:-2]
        words = [infinitive, stem + "e", stem + "ent", stem + "é", stem + "ez"]
        if not infinitive.endswith("er"):
            raise ValueError(f"{infinitive}: give all forms of a verb that is not regular")
    names = ("infinitive", "third", "plural", "participle", "imperative")
    return {
        **dict(zip(names, words, strict=True)), "aux": named.get("aux", "a"),
        "prep": named.get("prep", ""), "particle": named["particle"],
    }  # fmt: skip


def _spanish(text: str) -> dict[str, str]:
    prep = ""
    if found := re.search(r" prep=(.+)$", text):  # may have several words
        prep, text = found[1], text[: found.start()]
    [infinitive], named = _parts(text)
    stem, ar = infinitive[:-2], infinitive.endswith("ar")
    third = named.get("3", stem + ("a" if ar else "e"))
    past = named.get("past", stem + ("ó" if ar else "ió"))
    return {
        "infinitive": infinitive,
        "third": third,
        "gerund": named.get("g", stem + ("ando" if ar else "iendo")),
        "past": past,
        "past_plural": _spanish_past_plural(past, ar),
        "imperative": named.get("imp", _usted(third, ar)),
        "prep": prep,
        "particle": named["particle"],
    }


def _spanish_past_plural(past: str, ar: bool) -> str:
    for ending, plural in (("jo", "jeron"), ("vo", "vieron"), ("yó", "yeron"), ("ió", "ieron")):
        if past.endswith(ending) and not (ar and ending in ("ió", "jo", "yó")):
            return past[: -len(ending)] + plural
    if past == "vio":
        return "vieron"
    return past[:-1] + "aron"


def _usted(third: str, ar: bool) -> str:
    """The polite imperative of a regular verb."""
    if not ar:
        return third[:-1] + "a"
    stem = third[:-1]
    for old, new in (("c", "qu"), ("g", "gu"), ("z", "c")):
        if stem.endswith(old):
            return stem[: -len(old)] + new + "e"
    return stem + "e"


# --- adjectives -------------------------------------------------------------------------------


@functools.cache
def adjectives() -> tuple[Adjective, ...]:
    """All adjectives."""
    return tuple(_adjective(*row) for row in rows("adjectives.tsv"))


def _adjective(en: str, de: str, fr: str, es: str, tags: str) -> Adjective:
    alone, _, stem = de.partition(":")
    before, words = fr.startswith("<"), fr.removeprefix("<").split(" ")
    if "_" in fr:
        french = (fr.replace("_", " "),) * 4
    else:
        masculine = words[0]
        feminine = words[1] if len(words) > 1 else masculine + ("" if masculine[-1] == "e" else "e")
        plural = masculine if masculine[-1] in "sx" else french_plural(masculine)
        french = (masculine, feminine, plural, feminine + "s")
    vowel = words[2] if len(words) == 3 else french[0]
    return Adjective(
        en, (alone, stem or alone.removesuffix("e")), french, vowel, before, _spanish_adjective(es),
        frozenset(tags.split(",")),
    )  # fmt: skip


def _spanish_adjective(text: str) -> tuple[str, str, str, str]:
    if "_" in text:
        return (text.replace("_", " "),) * 4
    words = text.split(" ")
    if len(words) == 4:
        return tuple(words)  # type: ignore[return-value]
    [word] = words
    if word.endswith("o"):
        return word, word[:-1] + "a", word + "s", word[:-1] + "as"
    plural = word + ("s" if word[-1] in _VOWELS else "es")
    return word, word, plural, plural
