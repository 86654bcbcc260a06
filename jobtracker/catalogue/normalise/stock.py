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
    |skladem|na skladě|ano|i lager|finns i lager|в наличии|есть|да|backorder|preorder|pre-order
    |limitedavailability|instoreonly|onlineonly|in voorraad|op voorraad|leverbaar|på lager
    |varastossa|saatavilla|raktáron|készleten|elérhető|în stoc|disponibil|stokta var|stokta|mevcut
    |в наявності|є в наявності|так|в наличност|налично|na sklade|dostupné|na zalihi|dostupno
    |na stanju|有货|有貨|现货|現貨|在庫あり|在庫有り
    |sofort verfügbar|sofort lieferbar|auf bestellung
    |beschikbaar|tilgængelig|tillgänglig|άμεση παραλαβή|κατόπιν παραγγελίας|v zalogi|na zalogi
    |evet|kyllä|igen|áno|hai|da"""
)
_NO = word_set(
    """out of stock|outofstock|sold out|soldout|unavailable|no|n|false|discontinued|nein
    |nicht auf lager|ausverkauft|nicht lieferbar|nicht verfügbar|non disponibile|esaurito
    |épuisé|rupture de stock|en rupture|non|agotado|sin stock|no disponible|fuera de stock
    |esgotado|indisponível|não|εξαντλημένο|εξαντλήθηκε|μη διαθέσιμο|όχι|brak w magazynie
    |niedostępny|nie|vyprodáno|není skladem|ne|slut i lager|slutsåld|nej|нет в наличии
    |отсутствует|нет|none in stock|not in stock|not available|no stock|niet op voorraad|nee
    |niet leverbaar|uitverkocht|ikke på lager|udsolgt|utsolgt|ei varastossa|loppu|loppunut|ei
    |nincs raktáron|nincs készleten|elfogyott|nem|stoc epuizat|indisponibil|nu|stokta yok|tükendi
    |hayır|немає в наявності|немає|ні|няма в наличност|изчерпано|не|nie je na sklade|vypredané
    |nedostupné|nema na zalihi|nedostupno|rasprodano|ni na zalogi|缺货|缺貨
    |无货|售罄|在庫なし|在庫切れ
    |auslaufartikel|vergriffen|slut|finns ej i lager|není k dispozici|brak|wyprzedane"""
)
_MORE = re.compile(
    r"(?:[>≥]=?|über|over|more than|más de|plus de|più di|oltre|ponad|více než)?\s*(.+?)\s*\+?"
)
_UNIT_BEHIND = re.compile(
    r"\s*(?:pcs?|stk|stück|szt|ks|шт|uds?|pz|m2|m²|units?|in stock)\.?$", re.IGNORECASE
)


_SCHEMA = re.compile(r"^https?://schema\.org/")
_AT_START = 5  # letters from which a phrase says it, whatever stands behind it
_STARTS_NO = tuple(sorted((word for word in _NO if len(word) >= _AT_START), key=len, reverse=True))
_STARTS_YES = tuple(
    sorted((word for word in _YES if len(word) >= _AT_START), key=len, reverse=True)
)


@dataclass(frozen=True, slots=True)
class Stock:
    """`quantity` as a plain decimal string ("10+" gives "10"), or None where only words say."""

    quantity: str | None
    available: bool


@lru_cache(maxsize=2048)
def parse_stock(text: str, style: Style | None = None) -> Stock:
    """Read "150", "in_stock", ">100", "nicht auf Lager", "in stock: 12", "lieferbar in 3 Tagen".

    "Out of stock" is 0. Raises BadValue.
    """
    word = _plain(text)
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
        if told := _at_start(word, style):
            return told
        raise BadValue("no known stock", "A number, or words like in stock") from None
    return Stock(quantity, quantity.strip("0.") != "" and not quantity.startswith("-"))


def _plain(text: str) -> str:
    return _SCHEMA.sub("", text.strip().lower()).replace("_", " ")


def _at_start(word: str, style: Style | None) -> Stock | None:
    """What a phrase with more behind it says; a number there counts only where nothing but a unit
    follows it: days are no pieces."""
    for phrases, available in ((_STARTS_NO, False), (_STARTS_YES, True)):
        for phrase in phrases:
            rest = word.removeprefix(phrase)
            if rest == word or rest[0].isalnum():
                continue
            if not available:
                return Stock("0", False)
            try:
                return parse_stock(rest.strip(" :-()"), style)
            except BadValue:
                return Stock(None, True)
    return None


def is_stock_word(text: str) -> bool:
    """Whether `text` says yes or no about stock in a known language."""
    word = _plain(text)
    return word in _YES or word in _NO
