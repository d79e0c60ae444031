"""More sentences in four languages: what people like and are, where they go, what is bigger.

As `apps.translation.scenes.templates`.
"""

from __future__ import annotations

from dataclasses import replace

from apps.translation.scenes import english, french, german, spanish
from apps.translation.scenes.drawing import PASSING, Draw, fitting, table, tagged
from apps.translation.scenes.french import joined
from apps.translation.scenes.lexicon import Noun, rows
from apps.translation.scenes.phrase import Phrase, Words, finished

_JOBS = (
    "teacher doctor nurse cook waiter waitress baker butcher farmer gardener policeman soldier "
    "firefighter painter musician singer dancer actor writer photographer lawyer engineer dentist "
    "mechanic hairdresser journalist secretary pilot carpenter electrician plumber tailor judge"
).split()
_LIKED = ("fruit", "veg", "food", "drink", "animal", "clothes", "instrument", "vehicle", "doc")


def liked(d: Draw) -> Words:
    """*My sister does not like tomatoes.*"""
    noun = d.one(tagged(*_LIKED))
    bare = Phrase(noun, bool(noun.en[1]) and "mass" not in noun.tags, "bare")
    if not bare.plural and "mass" not in noun.tags:
        return liked(d)
    the = replace(bare, det="the")
    en, de, fr, es = (english.phrase(bare), german.phrase(bare, "a"), french.phrase(the),
                      spanish.phrase(the))  # fmt: skip
    s = "n" if bare.plural else ""
    who = Phrase(d.one(tagged("family")), False, "my")
    en2, de2, fr2, es2 = (english.phrase(who), german.phrase(who), french.phrase(who),
                          spanish.phrase(who, "a"))  # fmt: skip
    none = {"m": "keinen", "f": "keine", "n": "kein"}[noun.gender["de"]]
    no_de = f"{'keine' if bare.plural else none} {de}"
    return finished(*d.one((
        (f"I like {en}.", f"ich mag {de}.", f"j'aime {fr}.", f"me gusta{s} {es}."),
        (f"I don't like {en}.", f"ich mag {no_de}.", f"je n'aime pas {fr}.",
         f"no me gusta{s} {es}."),
        (f"do you like {en}?", f"magst du {de}?", f"aimes-tu {fr} ?", f"¿te gusta{s} {es}?"),
        (f"do you like {en}?", f"mögen Sie {de}?", f"aimez-vous {fr} ?", f"¿le gusta{s} {es}?"),
        (f"{en2} likes {en}.", f"{de2} mag {de}.", f"{fr2} aime {fr}.", f"{es2} le gusta{s} {es}."),
        (f"{en2} does not like {en}.", f"{de2} mag {no_de}.",
         f"{fr2} n'aime pas {fr}.",
         f"{es2} no le gusta{s} {es}."),
        (f"we like {en} very much.", f"wir mögen {de} sehr.", f"nous aimons beaucoup {fr}.",
         f"nos gusta{s} mucho {es}."),
    )))  # fmt: skip


def employed(d: Draw) -> Words:
    """*My brother is a doctor.*"""
    job: Noun = d.one([n for n in tagged("person") if n.en[0] in _JOBS])
    gender = job.gender["fr"]
    family = [n for n in tagged("family") if n.gender["fr"] == n.gender["de"] == gender]
    who = Phrase(d.one(family), False, "my")
    en, de, fr, es = (english.phrase(who), german.phrase(who), french.phrase(who),
                      spanish.phrase(who))  # fmt: skip
    a = english.phrase(Phrase(job, False, "a"))
    he, er, il = ("he", "er", "il") if gender == "m" else ("she", "sie", "elle")
    sein, etre, ser = job.de[0], job.fr[0], job.es[0]
    return finished(*d.one((
        (f"{en} is {a}.", f"{de} ist {sein}.", f"{fr} est {etre}.", f"{es} es {ser}."),
        (f"{en} works as {a}.", f"{de} arbeitet als {sein}.", f"{fr} travaille comme {etre}.",
         f"{es} trabaja de {ser}."),
        (f"{en} wants to become {a}.", f"{de} will {sein} werden.", f"{fr} veut devenir {etre}.",
         f"{es} quiere ser {ser}."),
        (f"I am {a}.", f"ich bin {sein}.", f"je suis {etre}.", f"soy {ser}."),
        (f"{he} was {a}.", f"{er} war {sein}.", f"{il} était {etre}.", f"era {ser}."),
        (f"is {he} {a}?", f"ist {er} {sein}?", f"est-ce qu'{il} est {etre} ?",
         f"¿es {ser}?"),
        (f"{he} is not {a}.", f"{er} ist kein{'e' if gender == 'f' else ''} {sein}.",
         f"{il} n'est pas {etre}.", f"no es {ser}."),
    )))  # fmt: skip


def owned_by(d: Draw) -> Words:
    """*My sister's car is red.*, *This is my brother.*"""
    who: Noun = d.one(tagged("family"))
    mine = Phrase(who, False, "my")
    things = [
        n for n in tagged("thing", "clothes", "vehicle", "pet", "device") if fitting(n, False)
    ]
    noun = d.one(things)
    adjective = d.one([a for a in fitting(noun) if "color" in a.tags or "size" in a.tags]
                      or fitting(noun))  # fmt: skip
    the = Phrase(noun)
    feminine = noun.gender["fr"] == "f", noun.gender["es"] == "f"
    masculine = who.gender["de"] == "m"
    of_de = f"meines {_genitive(who.de[0])}" if masculine else f"meiner {who.de[0]}"
    of_fr, of_es = french.phrase(mine, "de"), spanish.phrase(mine, "de")
    en = f"{english.phrase(mine)}'s {noun.en[0]}"
    de, fr, es = german.phrase(the), french.phrase(the), spanish.phrase(the)
    return finished(*d.one((
        (f"{en} is {adjective.en}.", f"{de} {of_de} ist {adjective.de[0]}.",
         f"{fr} {of_fr} est {adjective.fr[feminine[0]]}.",
         f"{es} {of_es} es {adjective.es[feminine[1]]}."),
        (f"this is {en}.", f"das ist {de} {of_de}.", f"c'est {fr} {of_fr}.", f"es {es} {of_es}."),
        (f"where is {en}?", f"wo ist {de} {of_de}?", f"où est {fr} {of_fr} ?",
         f"¿dónde está {es} {of_es}?"),
        (f"this is {english.phrase(mine)}.", f"das ist {german.phrase(mine)}.",
         f"c'est {french.phrase(mine)}.",
         f"{'este' if who.gender['es'] == 'm' else 'esta'} es {spanish.phrase(mine)}."),
        (f"{english.phrase(mine)} lives here.", f"{german.phrase(mine)} wohnt hier.",
         f"{french.phrase(mine)} habite ici.", f"{spanish.phrase(mine)} vive aquí."),
    )))  # fmt: skip


def _genitive(noun: str) -> str:
    return noun + ("es" if noun in ("Sohn", "Mann") else "s")


def compared(d: Draw) -> Words:
    """*The blue car is faster than the old bus.*"""
    known = {row[0]: (row[1], row[2]) for row in rows("comparatives.tsv")}
    kind = d.one(("vehicle", "animal", "building", "clothes", "person", "furniture", "device"))
    first, second = (d.one(tagged(kind)) for _ in range(2))
    common = [a for a in fitting(first, False) if a in fitting(second, False) and a.en in known]
    if first == second or not common:
        return compared(d)
    adjective = d.one(common)
    more, mehr = known[adjective.en]
    a, b = Phrase(first), Phrase(second)
    form_fr = adjective.fr[first.gender["fr"] == "f"]
    form_es = adjective.es[first.gender["es"] == "f"]
    no = d.chance(0.2)
    not_fr = "n'est pas" if no else "est"
    be_es = ("no " if no else "") + ("está" if adjective.tags & PASSING else "es")
    if d.chance(0.75):
        return finished(
            f"{english.phrase(a)} is {'not ' if no else ''}{more} than {english.phrase(b)}.",
            f"{german.phrase(a)} ist {'nicht ' if no else ''}{mehr} als {german.phrase(b)}.",
            f"{french.phrase(a)} {not_fr} plus {form_fr} {joined('que', french.phrase(b))}.",
            f"{spanish.phrase(a)} {be_es} más {form_es} que {spanish.phrase(b)}.",
        )  # fmt: skip
    return finished(
        f"{english.phrase(a)} is as {adjective.en} as {english.phrase(b)}.",
        f"{german.phrase(a)} ist so {adjective.de[0]} wie {german.phrase(b)}.",
        f"{french.phrase(a)} est aussi {form_fr} {joined('que', french.phrase(b))}.",
        f"{spanish.phrase(a)} {be_es.removeprefix('no ')} tan {form_es} como {spanish.phrase(b)}.",
    )


def travelled(d: Draw) -> Words:
    """*Tomorrow I am going to Rome.*, weather and names of cities."""
    (en, de, fr, es), (en2, de2, fr2, es2) = (d.one(table("cities.tsv")) for _ in range(2))
    day = d.one(table("calendar.tsv", "day"))
    who = Phrase(d.one(tagged("family")), False, "my")
    my = (english.phrase(who), german.phrase(who), french.phrase(who), spanish.phrase(who))
    from_fr = joined("de", fr)
    degrees = str(d.rng.integers(2, 40))
    return finished(*d.one((
        (f"I am going to {en} tomorrow.", f"ich fahre morgen nach {de}.", f"je vais à {fr} demain.",
         f"mañana voy a {es}."),
        (f"I live in {en}.", f"ich wohne in {de}.", f"j'habite à {fr}.", f"vivo en {es}."),
        (f"{my[0]} lives in {en}.", f"{my[1]} wohnt in {de}.", f"{my[2]} habite à {fr}.",
         f"{my[3]} vive en {es}."),
        (f"I come from {en}.", f"ich komme aus {de}.", f"je viens {from_fr}.", f"soy de {es}."),
        (f"have you ever been to {en}?", f"warst du schon einmal in {de}?",
         f"es-tu déjà allé à {fr} ?", f"¿has estado alguna vez en {es}?"),
        (f"it is raining in {en}.", f"in {de} regnet es.", f"il pleut à {fr}.",
         f"está lloviendo en {es}."),
        (f"it is snowing in {en}.", f"in {de} schneit es.", f"il neige à {fr}.",
         f"está nevando en {es}."),
        (f"it is {degrees} degrees in {en}.", f"in {de} sind es {degrees} Grad.",
         f"il fait {degrees} degrés à {fr}.", f"hay {degrees} grados en {es}."),
        (f"the weather in {en} is nice.", f"das Wetter in {de} ist schön.",
         f"il fait beau à {fr}.", f"hace buen tiempo en {es}."),
        (f"the train to {en} leaves on {day[0]}.", f"der Zug nach {de} fährt am {day[1]}.",
         f"le train pour {fr} part {day[2]}.", f"el tren a {es} sale el {day[3]}."),
        (f"we flew from {en} to {en2}.", f"wir sind von {de} nach {de2} geflogen.",
         f"nous avons pris l'avion {from_fr} à {fr2}.", f"volamos de {es} a {es2}."),
        (f"how far is it from {en} to {en2}?", f"wie weit ist es von {de} nach {de2}?",
         f"quelle est la distance {from_fr} à {fr2} ?",
         f"¿qué distancia hay de {es} a {es2}?"),
        (f"a ticket to {en}, please.", f"eine Fahrkarte nach {de}, bitte.",
         f"un billet pour {fr}, s'il vous plaît.", f"un billete a {es}, por favor."),
        (f"{en} is a beautiful city.", f"{de} ist eine schöne Stadt.",
         f"{fr} est une belle ville.", f"{es} es una ciudad bonita."),
    )))  # fmt: skip
