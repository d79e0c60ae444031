"""Language identification with py3langid (Lui and Baldwin 2012)."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from typing import Any

from shared.errors import InputError

NAMES = dict(
    entry.split(" ", 1)
    for entry in """af Afrikaans,am Amharic,ar Arabic,as Assamese,az Azerbaijani,be Belarusian,
bg Bulgarian,bn Bengali,br Breton,bs Bosnian,ca Catalan,cs Czech,cy Welsh,da Danish,de German,
el Greek,en English,eo Esperanto,es Spanish,et Estonian,eu Basque,fa Persian,fi Finnish,fr French,
fy Frisian,ga Irish,gd Gaelic,gl Galician,gu Gujarati,ha Hausa,he Hebrew,hi Hindi,hr Croatian,
ht Haitian,hu Hungarian,hy Armenian,id Indonesian,is Icelandic,it Italian,ja Japanese,jv Javanese,
ka Georgian,kk Kazakh,km Khmer,kn Kannada,ko Korean,ku Kurdish,ky Kyrgyz,la Latin,lo Lao,
lt Lithuanian,lv Latvian,mg Malagasy,mk Macedonian,ml Malayalam,mn Mongolian,mr Marathi,ms Malay,
mt Maltese,my Burmese,ne Nepali,nl Dutch,nn Norwegian Nynorsk,no Norwegian,oc Occitan,or Odia,
pa Punjabi,pl Polish,ps Pashto,pt Portuguese,qu Quechua,ro Romanian,ru Russian,rw Kinyarwanda,
si Sinhala,sk Slovak,sl Slovenian,so Somali,sq Albanian,sr Serbian,sv Swedish,sw Swahili,ta Tamil,
te Telugu,th Thai,tl Tagalog,tr Turkish,tt Tatar,ug Uyghur,uk Ukrainian,ur Urdu,uz Uzbek,
vi Vietnamese,xh Xhosa,yo Yoruba,yue Cantonese,zh Chinese,zu Zulu""".replace("\n", "").split(",")
)
"""English names of languages, by ISO 639 code."""
# How many times as probable as the usual language another must be: to be taken for a word or
# two, and to be returned though it is not among those asked for.
_SURE, _CLEAR = 3.0, 5.0
_NO_LANGUAGE = "zxx"


def name_of(language: str) -> str:
    """The English name of a language with its code, such as ``German (de)``."""
    return f"{NAMES[language]} ({language})" if language in NAMES else language


def is_short(text: str) -> bool:
    """Whether a text is a word or two, too little to tell its language."""
    return 0 < len(re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text)) < 3


def guess_language(text: str, languages: Sequence[str], known: Collection[str] = ()) -> str:
    """Returns the most probable language of a text.

    A word or two are of the first language, unless another one is much more probable.

    Args:
        text: Any text.
        languages: ISO 639-1 codes to choose from, the usual one first.
        known: Other languages that the caller can name.

    Returns:
        One of ``languages``; or another one, if the text is clearly of none of them: one of
        ``known``, or any that py3langid knows.

    Raises:
        InputError: There are several languages, and py3langid does not know one of them.
    """
    if not re.search(r"[^\W\d_]", text):
        return languages[0]
    identifier = _identifier()
    if strange := set(languages) - set(identifier.nb_classes):
        if len(languages) == 1:
            return languages[0]
        raise InputError(
            f"cannot identify {', '.join(sorted(strange))}; name the source language with --from"
        )
    shares = {
        name: float(p) for name, p in identifier.rank(text.lower() if text.isupper() else text)
    }
    best = max(languages, key=lambda name: shares[name])
    short = is_short(text)
    mine = {*languages, *known} & shares.keys()
    # Found on Tatoeba's sentences: those of three words and more have, of their four languages,
    # one and a half times the probability that chance gives; single words a tenth of it.
    least = len(mine) / len(shares) / (30 if short else 2)
    likely = max(shares, key=lambda name: shares[name])
    if sum(shares[name] for name in mine) < least and likely != _NO_LANGUAGE:
        return likely
    if short:
        return best if shares[best] > _SURE * shares[languages[0]] else languages[0]
    other = max(mine, key=lambda name: shares[name])
    return other if shares[other] > _CLEAR * shares[best] else best


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
