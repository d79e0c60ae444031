"""Replaces accented letters, signs and typographic marks by ASCII, for ``--fallback``."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = (
    "ÆAE æae ŒOE œoe ØO øo ŁL łl ĐD đd ÐD ðd ÞTh þth ßss ẞSS ĦH ħh ıi ĸk ŊNg ŋng ŦT ŧt ƒf əe ƏE"
)
_SIGNS = (
    "‘' ’' ‚, ‛' “\" ”\" „\" ‟\" «\" »\" ‹' ›' ′' ″\" ‴''' ´' ʻ' ʼ' ¨\" ¸, ¯- "
    "‐- ‑- ‒- –- —- ―- −- ⁃- •- ‣- ·. ‧. ⋅. ∙. †+ ‡++ ‖|| ¦| ⁄/ ∕/ ÷/ ×x ±+/- ¬~ "
    "→-> ←<- ↔<-> ⇒=> ≤<= ≥>= ≠!= ≈~ ¡! ¿? °deg §Sec. ¶Par. ©(c) ®(R) ‰0/00 µu μu "
    "€EUR £GBP ¥JPY ¢c ¤$ ₹INR ₽RUB"
)
_TABLE = str.maketrans({word[0]: word[1:] for word in f"{_LETTERS} {_SIGNS}".split()})
_FRACTION = re.compile("(?<=[0-9])(?=[¼-¾⅐-⅞])")
_POWER = re.compile("(?<=[0-9])(?=[²³¹⁰⁴-⁹⁻])")


def transliterate(text: str) -> str:
    """Replaces accented letters and signs by ASCII; characters without an equivalent stay.

    Marks that show nothing, such as soft hyphens, are left out. Numbers keep their value: 1½ is
    1 1/2, and 10² is 10^2.
    """
    spelled = _POWER.sub("^", _FRACTION.sub(" ", text)).translate(_TABLE)
    parts = unicodedata.normalize("NFKD", spelled).translate(_TABLE)
    return "".join(c for c in parts if not _is_dropped(c))


def _is_dropped(character: str) -> bool:
    """Whether it is an accent, or shows nothing; a stroke that negates a sign is neither."""
    return unicodedata.category(character) in ("Mn", "Cf") and character != "\u0338"
