"""Stock: a number, or words in several languages that say yes or no."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .numbers import BadValue, Style, ascii_digits, is_ambiguous, parse_number
from .text import word_set

_YES = word_set(
    """in stock|instock|available|yes|y|true|on stock|limited|low stock|available for order|ja|j
    |auf lager|lagernd|lieferbar|verfügbar|sofort lieferbar|en stock|disponible|oui|si|sí
    |en existencia|disponibile|in magazzino|disponível|em stock|em estoque|sim
    |σε απόθεμα|διαθέσιμο|άμεσα διαθέσιμο|ναι|w magazynie|dostępny|na stanie|tak
    |skladem|na skladě|ano|i lager|finns i lager|в наличии|есть|да|backorder|preorder"""
)
_NO = word_set(
    """out of stock|outofstock|sold out|soldout|unavailable|no|n|false|discontinued|nein
    |nicht auf lager|ausverkauft|nicht lieferbar|nicht verfügbar|non disponibile|esaurito
    |épuisé|rupture de stock|en rupture|non|agotado|sin stock|no disponible|fuera de stock
    |esgotado|indisponível|não|εξαντλημένο|εξαντλήθηκε|μη διαθέσιμο|όχι|brak w magazynie
    |niedostępny|nie|vyprodáno|není skladem|ne|slut i lager|slutsåld|nej|нет в наличии
    |отсутствует"""
)
_MORE = re.compile(
    r"(?:[>≥]=?|über|over|more than|más de|plus de|più di|oltre|ponad|více než)?\s*(.+?)\s*\+?"
)
_UNIT_BEHIND = re.compile(
    r"\s*(?:pcs?|stk|stück|szt|ks|шт|uds?|pz|m2|m²|units?|in stock)\.?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Stock:
    """`quantity` as a plain decimal string ("10+" gives "10"), or None where only words say."""

    quantity: str | None
    available: bool


@lru_cache(maxsize=2048)
def parse_stock(text: str, style: Style | None = None) -> Stock:
    """Read "150", "in_stock", ">100", "nicht auf Lager". "Out of stock" is 0. Raises BadValue."""
    word = text.strip().lower().replace("_", " ")
    if word in _YES:
        return Stock(None, True)
    if word in _NO:
        return Stock("0", False)
    number = _UNIT_BEHIND.sub("", ascii_digits(word))
    if match := _MORE.fullmatch(number):
        number = match[1]
    if style is None and is_ambiguous(number):  # counts are whole, so the mark groups
        style = "," if "." in number else "."
    try:
        quantity = parse_number(number, style)
    except BadValue:
        raise BadValue("no known stock", "A number, or words like in stock") from None
    return Stock(quantity, quantity.strip("0.") != "" and not quantity.startswith("-"))


def is_stock_word(text: str) -> bool:
    """Whether `text` says yes or no about stock in a known language."""
    word = text.strip().lower().replace("_", " ")
    return word in _YES or word in _NO
