"""What a scene's sentence says, before it is said in any language."""

from __future__ import annotations

from dataclasses import dataclass

from apps.translation.scenes.lexicon import Adjective, Noun, Verb

NOW, HABIT, PAST, FUTURE = "now", "habit", "past", "future"
Words = tuple[str, str, str, str]
"""The same in English, German, French, Spanish."""
LANGUAGES = ("en", "de", "fr", "es")


@dataclass(frozen=True)
class Phrase:
    """A noun with what goes with it.

    Args:
        noun: The noun.
        plural: Whether there are several.
        det: ``a``, ``the``, ``my``, ``count``, ``some``, ``bare`` or, of pronouns, ``none``.
        adjective: Of the noun.
        count: With ``count``, the number in all languages.
        of: Of a group, what it is of: *a group of children*.
        wearing: Clothes, or what somebody has: *a man in a red shirt*.
        other: Joined by *and*.
        first: Whether it is *I* or *we*.
    """

    noun: Noun
    plural: bool = False
    det: str = "the"
    adjective: Adjective | None = None
    count: Words | None = None
    of: Noun | None = None
    wearing: Phrase | None = None
    other: Phrase | None = None
    first: bool = False

    @property
    def several(self) -> bool:
        """Whether the verb is in the plural."""
        return self.plural or self.other is not None

    @property
    def is_being(self) -> bool:
        """Whether it is somebody, as Spanish asks."""
        return bool(self.noun.tags & {"person", "family", "pet"})


@dataclass(frozen=True)
class Clause:
    """Somebody does something.

    Args:
        subject: Who.
        verb: Does.
        object: What; with the verb's preposition, if it has one.
        tense: `NOW`, `HABIT`, `PAST` or `FUTURE`.
        negative: Whether not.
        question: Whether it is asked.
        place: Where.
        time: When.
    """

    subject: Phrase
    verb: Verb
    object: Phrase | None = None
    tense: str = NOW
    negative: bool = False
    question: bool = False
    place: Words | None = None
    time: Words | None = None


def _pronoun(en: str, de: str, fr: str, gender: str, plural: bool, first: bool) -> Phrase:
    genders = dict.fromkeys(("de", "fr", "es"), gender)
    spanish = ("", "")  # has it in the verb
    person = frozenset({"person"})
    noun = Noun((en, en), (de, de), (fr, fr), spanish, genders, False, False, person)
    return Phrase(noun, plural, "none", first=first)


PRONOUNS = (
    _pronoun("I", "ich", "je", "m", False, True),
    _pronoun("we", "wir", "nous", "m", True, True),
    _pronoun("he", "er", "il", "m", False, False),
    _pronoun("she", "sie", "elle", "f", False, False),
    _pronoun("they", "sie", "ils", "m", True, False),
)


def spaced(*words: str) -> str:
    """The words that are not empty, with spaces between."""
    return " ".join(word for word in words if word)


def sentence(text: str, mark: str = ".") -> str:
    """With a capital first and a mark last."""
    return text[:1].upper() + text[1:] + mark


def finished(en: str, de: str, fr: str, es: str) -> Words:
    """With capitals first, and the mark of the end: it is the last character of all."""
    mark = en[-1]
    opening = {"?": "¿", "!": "¡"}.get(mark, "")
    es = es if es.startswith(("¿", "¡")) else opening + es
    capital = [text[:1].upper() + text[1:] for text in (en, de, fr.replace("*", ""))]
    places = next(k for k, c in enumerate(es) if c.isalpha())
    return capital[0], capital[1], capital[2], es[:places] + es[places].upper() + es[places + 1 :]
