"""Sentences that people need, in four languages at once: requests, directions, prices, times.

Each function draws one: a tuple in the order of `apps.translation.scenes.phrase.LANGUAGES`.
"""

from __future__ import annotations

from collections.abc import Callable

from apps.translation.scenes import english, french, german, spanish
from apps.translation.scenes.drawing import PASSING, Draw, fitting, table, tagged
from apps.translation.scenes.french import joined
from apps.translation.scenes.lexicon import Noun, nouns, verbs
from apps.translation.scenes.people import compared, employed, liked, owned_by, travelled
from apps.translation.scenes.phrase import Phrase, Words, finished

_THINGS = ("thing", "clothes", "device", "furniture")


def _all(p: Phrase, case: str = "n", german_prep: str = "", fr: str = "", es: str = "") -> Words:
    return (english.phrase(p), german.phrase(p, case, german_prep), french.phrase(p, fr),
            spanish.phrase(p, es))  # fmt: skip


def scene(d: Draw) -> Words:
    """Somebody does something somewhere."""
    c = d.clause()
    return english.clause(c), german.clause(c), french.clause(c), spanish.clause(c)


def described(d: Draw) -> Words:
    """*The red car is expensive.*"""
    noun = d.one([n for n in nouns() if fitting(n, False) and "mass" not in n.tags])
    adjective = d.one(fitting(noun, False))
    p = d.phrase(noun, "the the my" if noun.tags & {"lose", "pet", "family"} else "the", 0.3, 0.0)
    if p.det == "some":
        p = Phrase(noun, True)
    en, de, fr, es = _all(p)
    many, feminine = p.plural, p.noun.gender["fr"] == "f"
    past = d.chance(0.2)
    no = d.chance(0.12)
    word = adjective.fr[2 * many + feminine]
    being = bool(adjective.tags & PASSING) or adjective.en in ("hot", "cold", "warm")
    ser = (("era", "eran") if past else ("es", "son"))[many]
    estar = (("estaba", "estaban") if past else ("está", "están"))[many]
    word_es = adjective.es[2 * many + (noun.gender["es"] == "f")]
    be = (("was", "were") if past else ("is", "are"))[many]
    sein = (("war", "waren") if past else ("ist", "sind"))[many]
    etre = (("était", "étaient") if past else ("est", "sont"))[many]
    if d.chance(0.15) and not no:
        return finished(
            f"{be} {en} {adjective.en}?", f"{sein} {de} {adjective.de[0]}?",
            f"{joined('est-ce que', fr)} {etre} {word} ?",
            f"¿{estar if being else ser} {es} {word_es}?",
        )  # fmt: skip
    not_fr = f"{joined('ne', etre)} pas" if no else etre
    return finished(
        f"{en} {be} {'not ' if no else ''}{adjective.en}.",
        f"{de} {sein} {'nicht ' if no else ''}{adjective.de[0]}.",
        f"{fr} {not_fr} {word}.",
        f"{es} {'no ' if no else ''}{estar if being else ser} {word_es}.",
    )


def located(d: Draw) -> Words:
    """*There is a book on the table.*, *The book is under the table.*"""
    on = d.one((("on", "auf", "sur", "sobre"), ("under", "unter", "sous", "debajo de"),
                ("next to", "neben", "à côté de", "al lado de"),
                ("behind", "hinter", "derrière", "detrás de"),
                ("in front of", "vor", "devant", "delante de")))  # fmt: skip
    where = tagged("surface") if on[0] in ("on", "under") else tagged("building", "furniture")
    place = Phrase(d.one(where))
    noun = d.one(tagged("thing", "pet"))
    here = _all(place, "d", on[1], "", on[3])
    far = joined("à côté de", here[2]) if on[0] == "next to" else f"{on[2]} {here[2]}"
    if on[0] == "next to":
        far = "à côté " + french.phrase(place, "de")
    if d.chance(0.5):
        p = d.phrase(noun, "a", 0.25, 0.25)
        en, de, fr, es = _all(p)
        many = p.plural
        es = es if p.det != "some" else es
        return finished(
            f"there {'are' if many else 'is'} {en} {on[0]} {here[0]}.",
            f"{here[1]} {'sind' if many else 'ist'} {de}.", f"il y a {fr} {far}.",
            f"hay {es} {here[3]}.",
        )  # fmt: skip
    p = d.phrase(noun, "the my" if "lose" in noun.tags else "the", 0.0, 0.25)
    en, de, fr, es = _all(p)
    return finished(f"{en} is {on[0]} {here[0]}.", f"{de} ist {here[1]}.", f"{fr} est {far}.",
                     f"{es} está {here[3]}.")  # fmt: skip


def ordered(d: Draw) -> Words:
    """*I would like a coffee, please.*"""
    drink = d.chance(0.4)
    p = d.phrase(d.one(tagged("order", "dish") if drink else tagged("dish", "fruit")), "a", 0.3)
    if p.noun.tags & {"order"}:
        p = Phrase(p.noun, False, "a")
    if p.det == "some":
        p = Phrase(p.noun, True, "count", None, d.one(table("calendar.tsv", "count")))
    en, de, fr, es = _all(p, "a")
    return finished(*d.one((
        (f"I would like {en}, please.", f"ich hätte gern {de}, bitte.",
         f"je voudrais {fr}, s'il vous plaît.", f"quisiera {es}, por favor."),
        (f"I'd like {en}.", f"ich möchte {de}.", f"je voudrais {fr}.", f"me gustaría {es}."),
        (f"can I have {en}, please?", f"kann ich bitte {de} haben?",
         f"puis-je avoir {fr}, s'il vous plaît ?", f"¿puedo tomar {es}, por favor?"),
        (f"{en}, please.", f"{de}, bitte.", f"{fr}, s'il vous plaît.", f"{es}, por favor."),
    )))  # fmt: skip


def asked_for(d: Draw) -> Words:
    """*Where is the nearest pharmacy?* and how one gets there."""
    noun: Noun = d.one(tagged("town"))
    the, a = Phrase(noun), Phrase(noun, False, "a")
    en, de, fr, es = _all(the)
    gender = noun.gender
    fr_near = "la plus proche" if gender["fr"] == "f" else "le plus proche"
    es_near = f"{es} más {'cercana' if gender['es'] == 'f' else 'cercano'}"
    near = {"m": "der nächste", "f": "die nächste", "n": "das nächste"}[gender["de"]]
    to = german.phrase(the, "d", "zu")
    any_de = german.phrase(a, "a")
    mark = d.one(("excuse me, ", "", "", ""))
    sorry = {"excuse me, ": ("Entschuldigung, ", "excusez-moi, ", "disculpe, "), "": ("",) * 3}[
        mark
    ]
    here_fr, here_es = french.phrase(a), spanish.phrase(a)
    options = (
        (f"where is the nearest {noun.en[0]}?", f"wo ist {near} {noun.de[0]}?",
         f"où est {fr} {fr_near} ?", f"¿dónde está {es_near}?"),
        (f"where is {en}?", f"wo ist {de}?", f"où est {fr} ?", f"¿dónde está {es}?"),
        (f"is there {english.phrase(a)} near here?", f"gibt es hier in der Nähe {any_de}?",
         f"y a-t-il {here_fr} près d'ici ?", f"¿hay {here_es} cerca de aquí?"),
        (f"how do I get to {en}?", f"wie komme ich {to}?",
         f"comment aller {french.phrase(the, 'à')} ?",
         f"¿cómo llego {spanish.phrase(the, 'a')}?"),
        (f"how far is it to {en}?", f"wie weit ist es bis {to}?",
         f"à quelle distance est {fr} ?", f"¿a qué distancia está {es}?"),
        (f"I am looking for {en}.", f"ich suche {german.phrase(the, 'a')}.",
         f"je cherche {fr}.", f"estoy buscando {es}."),
    )  # fmt: skip
    chosen = d.one(options)
    if mark and chosen[0].startswith("I am"):
        mark, sorry = "", ("",) * 3
    prefixed = [chosen[0], *chosen[1:]]
    if mark:
        prefixed = [m + text for m, text in zip((mark, *sorry[:2]), chosen[:3], strict=True)]
        prefixed.append(f"{sorry[2]}{chosen[3]}")
        en, de, fr, es = prefixed
        return en[:1].upper() + en[1:], de, fr[:1].upper() + fr[1:], es[:1].upper() + es[1:]
    return finished(*prefixed)


def priced(d: Draw) -> Words:
    """*The shoes cost $48.87.*"""
    p = d.phrase(d.one(tagged(*_THINGS, "fruit", "dish")), "the", 0.3, 0.25)
    if p.det == "count" or p.det == "some":
        p = Phrase(p.noun, True, "the", p.adjective)
    en, de, fr, es = _all(p)
    m = p.plural
    price, n = d.price(), d.number()
    return finished(*d.one((
        (f"{en} cost{'' if m else 's'} {price}.", f"{de} koste{'n' if m else 't'} {price}.",
         f"{fr} coûte{'nt' if m else ''} {price}.", f"{es} cuesta{'n' if m else ''} {price}."),
        (f"how much {'do' if m else 'does'} {en} cost?", f"wie viel koste{'n' if m else 't'} {de}?",
         f"combien coûte{'nt' if m else ''} {fr} ?", f"¿cuánto cuesta{'n' if m else ''} {es}?"),
        (f"how much {'are' if m else 'is'} {en}?", f"was koste{'n' if m else 't'} {de}?",
         f"combien coûte{'nt' if m else ''} {fr} ?", f"¿cuánto cuesta{'n' if m else ''} {es}?"),
        (f"I paid {price} for {en}.", f"ich habe {price} für {german.phrase(p, 'a')} bezahlt.",
         f"j'ai payé {price} pour {fr}.", f"pagué {price} por {es}."),
        (f"that makes {price}, please.", f"das macht {price}, bitte.",
         f"ça fait {price}, s'il vous plaît.", f"son {price}, por favor."),
        (f"that is {n} euros.", f"das sind {n} Euro.", f"ça fait {n} euros.", f"son {n} euros."),
        (f"{en} cost{'' if m else 's'} {n} dollars.", f"{de} koste{'n' if m else 't'} {n} Dollar.",
         f"{fr} coûte{'nt' if m else ''} {n} dollars.",
         f"{es} cuesta{'n' if m else ''} {n} dólares."),
    )))  # fmt: skip


def timed(d: Draw) -> Words:
    """*The train leaves at 9:30.*"""
    p = Phrase(d.one(tagged("transport")))
    e = Phrase(d.one(tagged("event", "meal", "watch")))
    s = Phrase(d.one(tagged("town")))
    (en, de, fr, es), (en2, de2, fr2, es2), (en3, de3, fr3, es3) = _all(p), _all(e), _all(s)
    a, b = d.hour(), d.hour()
    day = d.one(table("calendar.tsv", "day"))
    n = d.number()
    return finished(*d.one((
        (f"{en} leaves at {a}.", f"{de} fährt um {a} Uhr ab.", f"{fr} part à {a}.",
         f"{es} sale a las {a}."),
        (f"{en} arrives at {a}.", f"{de} kommt um {a} Uhr an.", f"{fr} arrive à {a}.",
         f"{es} llega a las {a}."),
        (f"{en} is {n} minutes late.", f"{de} hat {n} Minuten Verspätung.",
         f"{fr} a {n} minutes de retard.", f"{es} lleva {n} minutos de retraso."),
        (f"{en2} starts at {a}.", f"{de2} beginnt um {a} Uhr.", f"{fr2} commence à {a}.",
         f"{es2} empieza a las {a}."),
        (f"{en2} is on {day[0]} at {a}.", f"{de2} ist am {day[1]} um {a} Uhr.",
         f"{fr2} a lieu {day[2]} à {a}.", f"{es2} es el {day[3]} a las {a}."),
        (f"{en3} is open from {a} to {b}.", f"{de3} ist von {a} bis {b} Uhr geöffnet.",
         f"{fr3} est {'ouverte' if s.noun.gender['fr'] == 'f' else 'ouvert'} de {a} à {b}.",
         f"{es3} está {'abierta' if s.noun.gender['es'] == 'f' else 'abierto'} de {a} a {b}."),
        (f"{en3} closes at {a}.", f"{de3} schließt um {a} Uhr.", f"{fr3} ferme à {a}.",
         f"{es3} cierra a las {a}."),
        (f"when does {en2} start?", f"wann beginnt {de2}?", f"quand commence {fr2} ?",
         f"¿cuándo empieza {es2}?"),
        (f"what time does {en} leave?", f"um wie viel Uhr fährt {de} ab?",
         f"à quelle heure part {fr} ?", f"¿a qué hora sale {es}?"),
        (f"it is {a}.", f"es ist {a} Uhr.", f"il est {a}.", f"son las {a}."),
        (f"let's meet on {day[0]} at {a}.", f"treffen wir uns am {day[1]} um {a} Uhr.",
         f"retrouvons-nous {day[2]} à {a}.", f"quedamos el {day[3]} a las {a}."),
        (f"I'll call you at {a}.", f"ich rufe dich um {a} Uhr an.", f"je t'appelle à {a}.",
         f"te llamo a las {a}."),
        (f"see you on {day[0]}.", f"bis {day[1]}.", f"à {day[2]}.", f"hasta el {day[3]}."),
        (f"today is {day[0]}.", f"heute ist {day[1]}.", f"aujourd'hui, c'est {day[2]}.",
         f"hoy es {day[3]}."),
    )))  # fmt: skip


def dated(d: Draw) -> Words:
    """*My birthday is on May 3.*, telephone numbers, rooms, years, ages."""
    month = d.one(table("calendar.tsv", "month"))
    day = d.one(table("calendar.tsv", "day"))
    n, y = str(d.rng.integers(2, 32)), str(d.rng.integers(1900, 2100))
    k, phone = d.number(), f"{d.rng.integers(100, 1000)}-{d.rng.integers(1000, 10000)}"
    e = Phrase(d.one(tagged("event")))
    en, de, fr, es = _all(e)
    english_day = d.one((f"{month[0]} {n}", f"{month[0]} {n}th", f"{n} {month[0]}"))
    if english_day.endswith("th") and n in ("2", "3", "21", "22", "23", "31"):
        english_day = f"{month[0]} {n}"
    return finished(*d.one((
        (f"my birthday is on {english_day}.", f"ich habe am {n}. {month[1]} Geburtstag.",
         f"mon anniversaire est le {n} {month[2]}.", f"mi cumpleaños es el {n} de {month[3]}."),
        (f"{en} is on {english_day}.", f"{de} ist am {n}. {month[1]}.",
         f"{fr} est le {n} {month[2]}.", f"{es} es el {n} de {month[3]}."),
        (f"today is {day[0]}, {english_day}.", f"heute ist {day[1]}, der {n}. {month[1]}.",
         f"aujourd'hui, nous sommes le {day[2]} {n} {month[2]}.",
         f"hoy es {day[3]}, {n} de {month[3]}."),
        (f"I was born on {english_day}, {y}.", f"ich wurde am {n}. {month[1]} {y} geboren.",
         f"je suis né le {n} {month[2]} {y}.", f"nací el {n} de {month[3]} de {y}."),
        (f"I was born in {y}.", f"ich wurde {y} geboren.", f"je suis né en {y}.", f"nací en {y}."),
        (f"in {y} I lived in Berlin.", f"{y} habe ich in Berlin gewohnt.",
         f"en {y}, j'habitais à Berlin.", f"en {y} vivía en Berlín."),
        (f"I am {n} years old.", f"ich bin {n} Jahre alt.", f"j'ai {n} ans.", f"tengo {n} años."),
        (f"my phone number is {phone}.", f"meine Telefonnummer ist {phone}.",
         f"mon numéro de téléphone est le {phone}.", f"mi número de teléfono es el {phone}."),
        (f"my room number is {k}.", f"meine Zimmernummer ist {k}.",
         f"mon numéro de chambre est le {k}.", f"mi número de habitación es el {k}."),
        (f"it is {n} degrees.", f"es sind {n} Grad.", f"il fait {n} degrés.", f"hay {n} grados."),
        (f"we will meet in {month[0]}.", f"wir treffen uns im {month[1]}.",
         f"nous nous verrons en {month[2]}.", f"nos veremos en {month[3]}."),
        (f"it is {k} kilometers from here.", f"es ist {k} Kilometer von hier entfernt.",
         f"c'est à {k} kilomètres d'ici.", f"está a {k} kilómetros de aquí."),
        (f"on {day[0]} I have to work.", f"am {day[1]} muss ich arbeiten.",
         f"{day[2]}, je dois travailler.", f"el {day[3]} tengo que trabajar."),
        (f"I'll be back in {n} minutes.", f"ich bin in {n} Minuten zurück.",
         f"je reviens dans {n} minutes.", f"vuelvo en {n} minutos."),
        (f"there are {k} people here.", f"hier sind {k} Leute.", f"il y a {k} personnes ici.",
         f"hay {k} personas aquí."),
    )))  # fmt: skip


def told(d: Draw) -> Words:
    """*Close the door.*, *Can you open the window, please?*"""
    verb = d.one([v for v in verbs() if v.objects and v.de["case"] != "n" and not v.fr["particle"]])
    noun = d.one(verb.objects)
    p = d.phrase(noun, "the the my" if noun.tags & {"lose", "pet", "clothes"} else "the", 0.15, 0.2)
    if p.det in ("count", "some"):
        p = Phrase(noun, True, "the", p.adjective)
    prep, _, case = verb.de["prep"].partition("/")
    en, de, fr, es = _all(p, case or verb.de["case"], prep, verb.fr["prep"],
                          verb.es["prep"] or ("a" if p.is_being else ""))  # fmt: skip
    es = f"{verb.es['particle']} {es}".strip()
    do = f"{verb.en['base']} {verb.en['particle']}".strip() + f" {en}"
    stem, prefix = verb.de["stem"], verb.de["prefix"]
    tail = f" {prefix}" if prefix else ""
    direct = not prep
    no_de = f"{de} nicht" if direct else f"nicht {de}"
    infinitive = verb.de["infinitive"]
    to = f"{prefix}zu{stem}" if prefix else f"zu {infinitive}"
    vous, usted = verb.fr["imperative"], verb.es["imperative"]
    fr_inf, es_inf = verb.fr["infinitive"], verb.es["infinitive"]
    return finished(*d.one((
        (f"{do}.", f"{stem} Sie {de}{tail}.", f"{vous} {fr}.", f"{usted} {es}."),
        (f"{do}, please.", f"bitte {stem} Sie {de}{tail}.", f"{vous} {fr}, s'il vous plaît.",
         f"{usted} {es}, por favor."),
        (f"please {do}.", f"bitte {stem} Sie {de}{tail}.", f"veuillez {fr_inf} {fr}.",
         f"por favor, {usted} {es}."),
        (f"don't {do}.", f"{stem} Sie {no_de}{tail}.", f"{joined('ne', vous)} pas {fr}.",
         f"no {usted} {es}."),
        (f"can you {do}, please?", f"können Sie bitte {de} {infinitive}?",
         f"pouvez-vous {fr_inf} {fr}, s'il vous plaît ?", f"¿puede {es_inf} {es}, por favor?"),
        (f"could you {do}?", f"könnten Sie {de} {infinitive}?", f"pourriez-vous {fr_inf} {fr} ?",
         f"¿podría {es_inf} {es}?"),
        (f"I have to {do}.", f"ich muss {de} {infinitive}.", f"je dois {fr_inf} {fr}.",
         f"tengo que {es_inf} {es}."),
        (f"I want to {do}.", f"ich will {de} {infinitive}.", f"je veux {fr_inf} {fr}.",
         f"quiero {es_inf} {es}."),
        (f"we can't {do}.", f"wir können {no_de} {infinitive}.",
         f"nous ne pouvons pas {fr_inf} {fr}.", f"no podemos {es_inf} {es}."),
        (f"would you like to {do}?", f"möchten Sie {de} {infinitive}?",
         f"voulez-vous {fr_inf} {fr} ?", f"¿quiere {es_inf} {es}?"),
        (f"he forgot to {do}.", f"er hat vergessen, {de} {to}.",
         f"il a oublié {joined('de', fr_inf)} {fr}.", f"se olvidó de {es_inf} {es}."),
    )))  # fmt: skip


def owned(d: Draw) -> Words:
    """*I have lost my key.*, *Do you have a pen?*"""
    mine = Phrase(d.one(tagged("lose")), False, "my")
    p = d.phrase(d.one(tagged(*_THINGS, "room")), "a", 0.0, 0.3)
    en, de, fr, es = _all(mine, "a")
    en2, de2, fr2, es2 = _all(p, "a")
    nobody = {"m": "keinen", "f": "keine", "n": "kein"}[p.noun.gender["de"]]
    no_de = nobody + de2[len(german.determiner(p, "a")) :]
    no_fr = joined("de", french.core(p))
    bare_es = es2.split(" ", 1)[1]
    body = Phrase(d.one(tagged("body")), False, "my")
    en3, de3, fr3, es3 = _all(body)
    return finished(*d.one((
        (f"I have lost {en}.", f"ich habe {de} verloren.", f"j'ai perdu {fr}.",
         f"he perdido {es}."),
        (f"I can't find {en}.", f"ich kann {de} nicht finden.", f"je ne trouve pas {fr}.",
         f"no encuentro {es}."),
        (f"where is {en}?", f"wo ist {german.phrase(mine)}?", f"où est {fr} ?",
         f"¿dónde está {es}?"),
        (f"I forgot {en} on the train.", f"ich habe {de} im Zug vergessen.",
         f"j'ai oublié {fr} dans le train.", f"olvidé {es} en el tren."),
        (f"someone stole {en}.", f"jemand hat {de} gestohlen.", f"on a volé {fr}.",
         f"alguien robó {es}."),
        (f"do you have {en2}?", f"haben Sie {de2}?", f"avez-vous {fr2} ?", f"¿tiene {es2}?"),
        (f"I have {en2}.", f"ich habe {de2}.", f"j'ai {fr2}.", f"tengo {es2}."),
        (f"I don't have {en2}.", f"ich habe {no_de}.", f"je n'ai pas {no_fr}.",
         f"no tengo {bare_es}."),
        (f"I need {en2}.", f"ich brauche {de2}.", f"j'ai besoin {joined('de', fr2)}.",
         f"necesito {es2}."),
        (f"she bought {en2}.", f"sie hat {de2} gekauft.", f"elle a acheté {fr2}.",
         f"compró {es2}."),
        (f"this is {en2}.", f"das ist {german.phrase(p)}.", f"c'est {fr2}.", f"esto es {es2}."),
        (f"I am looking for {en2}.", f"ich suche {de2}.", f"je cherche {fr2}.",
         f"busco {es2}."),
        (f"{en3} hurts.", f"{de3} tut weh.", f"{fr3} me fait mal.", f"me duele {_the(body)}."),
        (f"here is {en}.", f"hier ist {german.phrase(mine)}.", f"voici {fr}.", f"aquí está {es}."),
    )))  # fmt: skip


def _the(p: Phrase) -> str:
    return spanish.phrase(Phrase(p.noun))


def named(d: Draw) -> Words:
    """One noun, as in a dictionary: alone, with an article, or several."""
    noun = d.one(nouns())
    kinds = ["word", "the"] + ["a"] * ("mass" not in noun.tags) + ["many"] * bool(noun.en[1])
    kind = d.one(kinds)
    if kind == "word":
        words: Words = (noun.en[0], noun.de[0], noun.fr[0].replace("*", ""), noun.es[0])
    elif kind == "many":
        if "mass" in noun.tags:
            return named(d)
        words = (noun.en[1], noun.de[1], noun.fr[1].replace("*", ""), noun.es[1])
    else:
        p = Phrase(noun, False, kind, d.one((None, *fitting(noun))))
        en, de, fr, es = _all(p)
        words = (en, de, fr.replace("*", ""), es)
    if d.chance(0.5):
        return words
    en, de, fr, es = (text[:1].upper() + text[1:] for text in words)
    return en, de, fr, es


def said(d: Draw) -> Words:
    """A line of `phrases.tsv`, written by hand."""
    return d.one(table("phrases.tsv"))


TEMPLATES: tuple[tuple[Callable[[Draw], Words], float], ...] = (
    (scene, 0.38), (described, 0.07), (located, 0.05), (ordered, 0.03), (asked_for, 0.04),
    (priced, 0.05), (timed, 0.06), (dated, 0.06), (told, 0.08), (owned, 0.05), (named, 0.04),
    (said, 0.05), (liked, 0.03), (employed, 0.02), (owned_by, 0.03), (compared, 0.02),
    (travelled, 0.03),
)  # fmt: skip
"""What is drawn from, and how often."""
