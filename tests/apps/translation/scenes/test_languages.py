"""Sentences by people's rules: what agrees with what, word by word."""

import re

import pytest

from apps.translation.scenes import english, french, german, spanish
from apps.translation.scenes.lexicon import adjectives, nouns, verbs
from apps.translation.scenes.phrase import FUTURE, HABIT, NOW, PAST, PRONOUNS, Clause, Phrase

NOUNS = {noun.en[0]: noun for noun in nouns()}
ADJECTIVES = {adjective.en: adjective for adjective in adjectives()}


def noun(name, **options):
    adjective = options.pop("adjective", None)
    return Phrase(NOUNS[name], adjective=ADJECTIVES[adjective] if adjective else None, **options)


def verb(base, particle="", objects=True):
    return next(
        v
        for v in verbs()
        if v.en["base"] == base and v.en["particle"] == particle and bool(v.objects) == objects
    )


PHRASES = [
    (noun("apple", det="a", adjective="red"),
     "a:einen roten Apfel", "a", "une pomme rouge", "una manzana roja"),
    (noun("tree", det="a", adjective="beautiful"),
     "d:einem schönen Baum", "a", "un bel arbre", "un árbol bonito"),
    (noun("house", det="a", adjective="new"),
     "n:ein neues Haus", "a", "une nouvelle maison", "una casa nueva"),
    (noun("dog", det="the", adjective="old"),
     "a:den alten Hund", "the", "le vieux chien", "el perro viejo"),
    (noun("lion", det="the", plural=True, adjective="dangerous"),
     "d:den gefährlichen Löwen", "the", "les lions dangereux", "los leones peligrosos"),
    (noun("lion", det="a"), "a:einen Löwen", "a", "un lion", "un león"),
    (noun("sister", det="my", adjective="young"),
     "d:meiner jungen Schwester", "my", "ma jeune sœur", "mi hermana joven"),
    (noun("orange", det="my"),
     "n:meine Orange", "my", "mon orange", "mi naranja"),
    (noun("water", det="bare"), "a:Wasser", "", "de l'eau", "agua"),
    (noun("milk", det="bare"), "a:Milch", "", "du lait", "leche"),
    (noun("water", det="the"), "d:dem Wasser", "the", "l'eau", "el agua"),
    (noun("tree", det="some", plural=True, adjective="big"),
     "d:einigen großen Bäumen", "some", "de grands arbres", "unos árboles grandes"),
    (noun("cat", det="bare", plural=True, adjective="white"),
     "a:weiße Katzen", "", "des chats blancs", "gatos blancos"),
    (noun("hamburger", det="the"), "a:den Hamburger", "the", "le *hamburger",
     "la hamburguesa"),
    (noun("student", det="count", plural=True, count=("two", "zwei", "deux", "dos")),
     "d:zwei Studenten", "two", "deux étudiants", "dos estudiantes"),
    (noun("university", det="a"), "a:eine Universität", "a", "une université",
     "una universidad"),
]  # fmt: skip


@pytest.mark.parametrize(("p", "de", "en", "fr", "es"), PHRASES)
def test_phrases(p, de, en, fr, es):
    case, expected = de.split(":")
    assert german.phrase(p, case) == expected
    assert english.phrase(p).split(" ")[0] == en or not en
    assert french.phrase(p) == fr
    assert spanish.phrase(p) == es


@pytest.mark.parametrize(
    ("name", "de", "fr", "es"),
    [
        ("park", "im Park", "du parc", "al parque"),
        ("school", "in der Schule", "de l'école", "a la escuela"),
        ("mountain", "in dem Berg", "de la montagne", "a la montaña"),
    ],
)
def test_prepositions_join_their_articles(name, de, fr, es):
    p = noun(name)
    assert german.phrase(p, "d", "in") == de.replace("in dem", "im")
    assert french.phrase(p, "de") == fr
    assert spanish.phrase(p, "a") == es


PARK = ("in the park", "im Park", "dans le parc", "en el parque")
YESTERDAY = ("yesterday", "gestern", "hier", "ayer")
CLAUSES = [
    (Clause(noun("woman", det="a"), verb("slice"), noun("pepper", det="a", adjective="red")),
     "A woman is slicing a red pepper.", "Eine Frau schneidet eine rote Paprika.",
     "Une femme coupe un poivron rouge.", "Una mujer está cortando un pimiento rojo."),
    (Clause(noun("man", det="the"), verb("open"), noun("door"), PAST, time=YESTERDAY),
     "The man opened the door yesterday.", "Der Mann hat gestern die Tür geöffnet.",
     "L'homme a ouvert la porte hier.", "El hombre abrió la puerta ayer."),
    (Clause(noun("child", det="the", plural=True), verb("hang"), noun("picture"), HABIT),
     "The children hang the picture.", "Die Kinder hängen das Bild auf.",
     "Les enfants accrochent l'image.", "Los niños cuelgan la imagen."),
    (Clause(noun("boy", det="a"), verb("follow"), noun("dog"), NOW, negative=True),
     "A boy is not following the dog.", "Ein Junge folgt dem Hund nicht.",
     "Un garçon ne suit pas le chien.", "Un niño no está siguiendo al perro."),
    (Clause(noun("girl", det="the"), verb("wait", "for"), noun("bus"), NOW, True, False, PARK),
     "The girl is not waiting for the bus in the park.",
     "Das Mädchen wartet nicht im Park auf den Bus.",
     "La fille n'attend pas le bus dans le parc.",
     "La niña no está esperando el autobús en el parque."),
    (Clause(noun("singer", det="the", plural=True), verb("arrive", objects=False), None, PAST),
     "The singers arrived.", "Die Sängerinnen sind angekommen.", "Les chanteuses sont arrivées.",
     "Las cantantes llegaron."),
    (Clause(noun("man", det="a"), verb("play"), noun("guitar"), NOW),
     "A man is playing the guitar.", "Ein Mann spielt Gitarre.", "Un homme joue de la guitare.",
     "Un hombre está tocando la guitarra."),
    (Clause(noun("cook", det="the"), verb("fry"), noun("egg", det="a"), FUTURE, question=True),
     "Will the cook fry an egg?", "Wird der Koch ein Ei braten?",
     "Est-ce que le cuisinier va faire frire un œuf ?", "¿Va a freír el cocinero un huevo?"),
    (Clause(noun("actor", det="a"), verb("read"), noun("letter"), PAST,
            question=True),
     "Did an actor read the letter?", "Hat ein Schauspieler den Brief gelesen?",
     "Est-ce qu'un acteur a lu la lettre ?", "¿Leyó un actor la carta?"),
]  # fmt: skip


ME, WE, _, SHE, _ = PRONOUNS
CLAUSES += [
    (Clause(ME, verb("open"), noun("door"), HABIT), "I open the door.", "Ich öffne die Tür.",
     "J'ouvre la porte.", "Abro la puerta."),
    (Clause(ME, verb("listen", "to"), noun("singer"), NOW, True),
     "I am not listening to the singer.",
     "Ich höre der Sängerin nicht zu.", "Je n'écoute pas la chanteuse.",
     "No estoy escuchando a la cantante."),
    (Clause(WE, verb("eat"), noun("egg", plural=True), HABIT), "We eat the eggs.",
     "Wir essen die Eier.", "Nous mangeons les œufs.", "Comemos los huevos."),
    (Clause(SHE, verb("arrive", objects=False), None, PAST, question=True), "Did she arrive?",
     "Ist sie angekommen?", "Est-ce qu'elle est arrivée ?", "¿Llegó?"),
    (Clause(noun("group", det="a", of=NOUNS["child"]), verb("wait", "for"), noun("bus")),
     "A group of children is waiting for the bus.", "Eine Gruppe von Kindern wartet auf den Bus.",
     "Un groupe d'enfants attend le bus.", "Un grupo de niños está esperando el autobús."),
    (Clause(noun("man", det="a", wearing=noun("shirt", det="a", adjective="red")),
            verb("sleep", objects=False)),
     "A man in a red shirt is sleeping.", "Ein Mann mit einem roten Hemd schläft.",
     "Un homme avec une chemise rouge dort.", "Un hombre con una camisa roja está durmiendo."),
    (Clause(noun("man", det="a", other=noun("woman", det="a")), verb("dance", objects=False)),
     "A man and a woman are dancing.", "Ein Mann und eine Frau tanzen.",
     "Un homme et une femme dansent.", "Un hombre y una mujer están bailando."),
]  # fmt: skip


@pytest.mark.parametrize(("c", "en", "de", "fr", "es"), CLAUSES)
def test_clauses(c, en, de, fr, es):
    assert english.clause(c) == en
    assert german.clause(c) == de
    assert french.clause(c) == fr
    assert spanish.clause(c) == es


def test_tables_are_whole():
    assert len(nouns()) > 400 and len(verbs()) > 150 and len(adjectives()) > 60
    for n in nouns():
        assert n.gender["de"] in "mfn" and n.gender["fr"] in "mf" and n.gender["es"] in "mf", n
        assert all(one for one, _ in (n.en, n.de, n.fr, n.es)), n
        assert n.de[0][0].isupper() and " " not in n.de[0], n
        assert bool(n.en[1]) == bool(n.fr[1]) == bool(n.es[1]) == bool(n.de[1]), n
    for v in verbs():
        assert v.subjects, v
        assert v.de["infinitive"].endswith("n") and re.search(r"(t|n)$", v.de["participle"]), v
        assert v.es["gerund"].endswith("ndo") and v.es["past_plural"].endswith("ron"), v
        assert v.fr["plural"].endswith("nt") and v.en["ing"].endswith("ing"), v
    names = [n.en[0] for n in nouns()]
    assert len(set(names)) == len(names)


def test_spanish_endings_tell_the_gender():
    feminine_o, masculine_a = (
        {"mano", "foto", "moto", "radio"},
        {"mapa", "problema", "poema", "día", "tranvía"},
    )
    people = re.compile(r"(ista|colega|policía|panda|guardia)$")
    for n in nouns():
        word = n.es[0].split(" ")[0]
        if word.endswith("o") and word not in feminine_o:
            assert n.gender["es"] == "m", word
        if word.endswith("a") and word not in masculine_a and not people.search(word):
            assert n.gender["es"] == "f", word
        if word.endswith("ción") or word.endswith("dad"):
            assert n.gender["es"] == "f", word


def test_german_endings_tell_the_gender():
    for n in nouns():
        word = n.de[0]
        if re.search(r"(ung|heit|keit|schaft|tät|ion)$", word) and word != "Stadion":
            assert n.gender["de"] == "f", word
        if re.search(r"(chen|lein)$", word) and word != "Kuchen" and word not in (
            "Drachen", "Pfannkuchen", "Knochen",
        ):  # fmt: skip
            assert n.gender["de"] == "n", word
        if n.weak:
            assert n.gender["de"] == "m" and n.de[1].endswith("n"), word
