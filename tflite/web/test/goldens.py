"""Writes what the page's modules must find, too: ``python tflite/web/test/goldens.py``.

The numbers, subwords, notes and strokes of the Python modules, on the shipped bundles.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # installed or not

from PIL import Image

from apps.captioning.caption import Captioner
from apps.captioning.photos import SAMPLES, resize
from apps.handwriting.drawing import svg
from apps.handwriting.spelling import letters_of, spell
from apps.handwriting.write import Writer
from apps.music.compose import Composer, Sampling, as_piece
from apps.music.decoding import fill
from apps.music.key import parse_key
from apps.music.piece import Piece
from apps.music.planning import plan_harmony
from apps.music.rules import RULES
from apps.music.score import midi
from apps.translation.lifting import WHOLE, finished, form_of
from apps.translation.names import mark_names, translated_names
from apps.translation.placing import Placing
from apps.translation.search import DECODING, translate
from apps.translation.translate import Translator
from shared.decoding import DecodingOptions
from shared.export.goldens import GOLDENS
from shared.files import write_bytes
from shared.readers import read_json
from shared.text import train_tokenizer
from shared.text.sentences import split_sentences

ROOT = Path(__file__).resolve().parents[3]
FILE = Path(__file__).with_name("goldens.json")
BUNDLES = ROOT / "tflite"
PHRASES = ROOT / "apps" / "translation" / "scenes" / "phrases.tsv"

ODD = [
    "", " ", "a\x85b\x1cc", "Ça va?  Très   bien!", "e\u0301 é", "👩‍👩‍👧 🇩🇪", "日本語とПривет",
    "<s> </s> <2de> <0x41> ▁▁x", "\ufeffBOM\x00\x07", "نص عربي", "ÄÖÜ ß ẞ", "1,000.50 €",
    "a" * 60, "\u200d\u0301x", "don't — “quoted” ‘x’", "Ǆ ŉ İi ıI ﬁ", "한국어 e\u0323\u0307",
]  # fmt: skip
LIFTED = [
    "Pay $48.87 at 3:30 on https://a.example <b>now</b>!", "- [Anna] I love it! 😀", "2) MEET ANNA",
    "iPhone and McDonald's in the USA, B2B and COVID-19", "{name} has 1,000 emails at x@y.org :)",
    "Um 15h30 zahlt er 1.000,50 € für 北京 大学.", "I think I am OK", "ÉCOLE ouverte à 8h00", "OK",
    "1 2 3 4 5 6 7 8 9 10", "%(count)s of %s &amp; #tag @handle [x]", "Straße ŁÓDŹ Łódź ǅ", "...",
    "<i>Where is it?</i>", "(a) Hello", "see www.a.de/b_c, or example.org.", "-5 °C, 3–4 %, -2",
]  # fmt: skip
PARAGRAPHS = [
    "Mr. Smith came. He saw 3 dogs! “Why?” she asked.\n\nz.B. so. Und dann? Ja… Nein.",
    "On the 3. of May, we left. A. B. met us (at home.) Then we slept.",
    "¿Dónde está? ¡Aquí! élan. Été.",
]
SENTENCES = [
    ("Where is the station?", "de"), ("A man is riding a bike.", "fr"), ("I love you.", "es"),
    ("Wo ist der Bahnhof?", "en"), ("Je ne sais pas.", "en"), ("¿Cómo te llamas?", "en"),
    ("Kowalski lives in Gdansk with Wyszkowska.", "de"), ("Her flight 4711 leaves soon.", "fr"),
    ("Although it was raining, we went for a walk, and nobody complained about it.", "de"),
]  # fmt: skip
NAMED = [
    ("Mr. Okafor met Oliver Novak and Priya Nakamura-Smith in Boston.", "en"),
    ("Priya's brother saw Kowalski.", "en"), ("Unripe apples are sour: Wyszkowska ate them.", "en"),
    ("I fly to Russia at Easter with Kenji, a USA fan.", "en"), ("WHERE IS OKAFOR?", "en"),
    ("Write to okafor@example.org, {Okafor} or www.Okafor.com, #Okafor.", "en"), ("", "en"),
    ("Kenji and Éowyn said: “Ask Łukasz Żółć’s aunt.”", "en"), ("No. Yes, Nowak-Okafor!", "xx"),
    ("Ich heiße Tanaka und kaufe eine Schreibtischlampe.", "de"),
    ("Herr Wyszkowski traf gestern Mbeki in Łódź.", "de"), ("Die Straßenbahn hält hier.", "de"),
    ("J'ai vu Kenji à la gare avec M. Okafor.", "fr"), ("Nkechi et Éloïse vont à Pâques.", "fr"),
    ("¿Conoces a Kenji? Ayodele y Ñuflo viven en Polonia.", "es"),
    ("La señora Okonkwo habla con Ingeborg.", "es"), ("Kai y Nkechi, " * 9, "es"),
]  # fmt: skip
NAMED_SENTENCES = [
    ("Nobody knows where Okafor lives.", "en", "de"), ("Kenji and Tom are here.", "en", "fr"),
    ("Frau Tanaka wohnt in Berlin.", "de", "en"),
]  # fmt: skip
MELODY = (
    "X:1\nT:Tune\nM:4/4\nL:1/4\nQ:1/4=96\nK:G\n"
    "D|G2 A B|c3 B|A2 G A|B3 d|\nd>c B A|G A/B/ c2|B2 A2|G3|]\n"
)


def numbers() -> list[dict[str, Any]]:
    """Random numbers of some seeds."""
    rows = []
    for seed, key in ((0, ()), (7, ()), (123_456_789_012, ()), (0, (0, 0)), (41, (0, 3))):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        uniform, normal = rng.random(4).tolist(), rng.standard_normal(4000)
        rows.append({"seed": seed, "key": key, "uniform": uniform, "normal": normal[:6].tolist(),
                     "sum": float(np.abs(normal).sum())})  # fmt: skip
    return rows


def texts(translator: Translator) -> list[dict[str, Any]]:
    """Texts as subwords: phrases of four languages, odd ones, and random code points."""
    rng = np.random.default_rng(0)
    lines = [line for row in PHRASES.read_text("utf-8").splitlines() for line in row.split("\t")]
    spread = [lines[int(k)] for k in np.linspace(0, len(lines) - 1, 240)]
    made = []
    for _ in range(60):
        codes = rng.choice([0x80, 0x250, 0x3000, 0x1F700], size=12) * rng.random(12)
        made.append("".join(chr(int(code)) for code in codes))
    tokenizer, rows = translator.opened.tokenizer, []
    for text in [*spread, *ODD, *made]:
        ids = tokenizer.encode(text)
        rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)})
    for _ in range(60):
        ids = rng.integers(tokenizer.vocabulary, size=8).tolist()
        rows.append({"text": None, "ids": ids, "decoded": tokenizer.decode(ids)})
    return rows


def lifted() -> dict[str, Any]:
    """Forms, subwords and constraints of a small model that lifts."""
    forms = [form_of(text) for text in LIFTED]
    with tempfile.TemporaryDirectory() as folder:
        lines = [form.text for form in forms] * 3
        tokenizer = train_tokenizer(lines, Path(folder) / "m", 640, ["<2de>"], WHOLE)
    rows = []
    placing, rng = Placing(tokenizer), np.random.default_rng(1)
    for text, form in zip(LIFTED, forms, strict=True):
        ids = tokenizer.encode(form.text)
        constraint = placing.constraint([form.slots], len(ids) + 2)
        values = np.log(rng.dirichlet(np.ones(tokenizer.vocabulary), 1)).astype(np.float32)
        prefix = np.array([ids[:2]], np.int32)
        left = np.isfinite(constraint(prefix, values.copy()))
        rows.append({
            "text": text, "parts": [form.text, form.before, form.after, *form.style, form.left],
            "slots": [[slot.symbol, slot.text] for slot in form.slots],
            "finished": finished(form, form.text), "ids": ids, "prefix": prefix[0].tolist(),
            "allowed": hashlib.sha256(left.astype(np.uint8).tobytes()).hexdigest(),
        })  # fmt: skip
    return {"tokenizer": base64.b64encode(tokenizer.proto).decode(), "forms": rows}


def translations(translator: Translator) -> list[dict[str, Any]]:
    """Sentences and what a beam of five finds for them."""
    opened, rows = translator.opened, []
    for text, target in SENTENCES:
        options = DecodingOptions(**{**DECODING, "n_best": 2})
        rest = (opened.config, opened.tokenizer, [text], [target], options)
        [found] = translate(opened.generator, *rest)
        rows.append({"text": text, "to": target,
                     "n_best": [[one.text, one.score, one.pieces] for one in found]})  # fmt: skip
    return rows


def names(translator: Translator) -> dict[str, Any]:
    """Names that have a translation, sentences with marked names, and translated ones."""
    tokenizer = translator.opened.tokenizer
    return {
        "translated": {language: sorted(words) for language, words in translated_names().items()},
        "marked": [[text, language, mark_names(text, tokenizer, language)]
                   for text, language in NAMED],
        "translations": [[text, source, to, translator(text, source_language=source, to=to).text]
                         for text, source, to in NAMED_SENTENCES],
    }  # fmt: skip


def captions(captioner: Captioner) -> dict[str, Any]:
    """Resized pixels, and the captions of the bundle's goldens and of the sample photos."""
    pixels = (np.arange(97 * 61 * 3) * 2_654_435_761 >> 7).astype(np.uint8).reshape(61, 97, 3)
    resized = [
        [w, h, fit, hashlib.sha256(resize(Image.fromarray(pixels[:h, :w]), 224, fit)).hexdigest()]
        for w, h in ((97, 61), (40, 61), (97, 3))
        for fit in ("squash", "pad")
    ]
    sizes = [hashlib.sha256(resize(Image.fromarray(pixels), size, "squash")).hexdigest()
             for size in (16, 61, 97)]  # fmt: skip
    cases = read_json(BUNDLES / "captioning-flickr8k-scst" / GOLDENS)["cases"]
    entries = [case["condition"]["photo"] for case in cases]
    photos = [np.frombuffer(base64.b64decode(entry["base64"]), np.uint8).reshape(entry["shape"])[0]
              for entry in entries]  # fmt: skip
    return {
        "resized": resized,
        "sizes": sizes,
        "cases": [found.text for found in captioner(photos)],
        "samples": {p.name: captioner(p).text for p in sorted(SAMPLES.glob("*.jpg"))},
    }


def notes(piece: Piece) -> dict[str, Any]:
    """A piece, step by step."""
    strikes = (piece.strikes * [8, 4, 2, 1]).sum(1)
    return {"pitches": piece.pitches.tolist(), "strikes": strikes.tolist()}


def music(composer: Composer) -> dict[str, Any]:
    """Chorales with rules and without, and a melody as it is read, planned and harmonized."""
    few = tuple(name for name in RULES if name not in ("parallels", "spacing"))
    composed = []
    for key, bars, metre, seed, rules, heat in (
        ("G major", 4, "4/4", 0, tuple(RULES), 0.9), ("F# minor", 4, "3/4", 5, few, 1.1),
        ("Bb major", 3, "4/4", 2, (), 0.8),
    ):  # fmt: skip
        sampling = Sampling(heat, rules=rules)
        made = composer.compose(key=key, bars=bars, metre=metre, seed=seed, sampling=sampling)
        composed.append({"key": parse_key(key), "bars": bars, "metre": metre, "seed": seed,
                         "rules": rules, "temperature": heat, **notes(made.piece)})  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tune.abc"
        path.write_text(MELODY)
        melody = as_piece(path, True)
        (Path(folder) / "tune.mid").write_bytes(midi(composer.harmonize(path, seed=1).piece, None))
        again = (Path(folder) / "tune.mid").read_bytes()
        read = as_piece(Path(folder) / "tune.mid", True)
    outline, _ = plan_harmony(melody)
    opened, options = composer.opened, Sampling().options(1)
    made = fill(opened.generator, opened.config, outline, options, melody=True)
    return {
        "composed": composed,
        "abc": MELODY,
        "melody": {
            "soprano": melody.pitches[:, 0].tolist(), "position": outline.position.tolist(),
            "fermata": outline.fermata.astype(int).tolist(), "key": [outline.tonic, outline.mode],
        },
        "harmonized": {"seed": 1, **notes(made)},
        "midi": base64.b64encode(again).decode(),
        "read": {"soprano": read.pitches[:, 0].tolist(), "position": read.position.tolist(),
                 "key": [read.tonic, read.mode]},
    }  # fmt: skip


def writing(writer: Writer) -> dict[str, Any]:
    """Lines as strokes, those with accents apart, and texts as letters and marks."""
    rows = []
    for text, style, bias, seed in (
        ("Dear reader,", 7, 1.0, 0), ("The quick brown fox.\nJumps!", 200, 0.5, 3),
        ("minimum", 0, 2.0, 11), ("Für ¡Łą! Maß", 6, 1.0, 2),
    ):  # fmt: skip
        note = writer.write(text, style=style, bias=bias, seed=seed)
        rows.append({"text": text, "style": style, "bias": bias, "seed": seed,
                     "lines": [{"draws": line.draws, "problems": line.problems,
                                "points": np.round(line.rows, 4).tolist()} for line in note.lines],
                     "svg": svg(note.pages[0])})  # fmt: skip
    odd = ["Fünf Äpfel für 3 € – “ja”…", "½ x² ≠ Łódź", "e\u0301\u00ad→", "日本", "¿Cœur? ¡", "ďťľ"]
    spelled = [(text, spell(text, fallback=True)) for text in odd]
    return {"written": rows[:-1], "accented": rows[-1:], "styles": writer.styles,
            "spelled": [(*pair, *letters_of(pair[1])) for pair in spelled]}  # fmt: skip


def main() -> None:
    """Writes the table."""
    translator = Translator.from_preset(BUNDLES / "translation-tatoeba")
    table = {
        "random": numbers(),
        "texts": texts(translator),
        "lifted": lifted(),
        "sentences": [[text, split_sentences(text)] for text in PARAGRAPHS],
        "translations": translations(translator),
        "names": names(translator),
        "captions": captions(Captioner.from_preset(BUNDLES / "captioning-flickr8k-scst")),
        "music": music(Composer.from_preset(BUNDLES / "music-chorales")),
        "writing": writing(Writer.from_preset(BUNDLES / "handwriting-unipen")),
    }
    write_bytes(FILE, json.dumps(table, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
