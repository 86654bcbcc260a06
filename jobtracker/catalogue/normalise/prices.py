"""Prices: one amount, perhaps with a currency, a unit and words around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .currency import currencies
from .numbers import BadValue, Style, ascii_digits, is_ambiguous, parse_number
from .text import word_set
from .units import known_unit

_LONGEST_AMOUNT = 12
_HINT = "One amount, like 12.50 or 12,50 EUR"
_PRICE = re.compile(
    r"(?P<before>[^\d]*?)(?P<number>[+-]? ?(?:\d[\d .,']*\d|\d|[.,]\d+))(?P<after>.*)", re.DOTALL
)
_EXPONENT = re.compile(r"\d[eE][+-]?\d+\s*$")
# "28,490/-", "12,-", "12.–": the dash stands for no small coins.
_DASH = re.compile(r"^\s*(?:/-|[.,]-{1,2})\s*=?")
_PER = re.compile(r"\s*(?:/|\b(?:per|pro|por|par|al|za|ανά|за|per\.)\b)\s*", re.IGNORECASE)
_FROM = re.compile(
    r"^(?:from|starting at|ab|ab ca|desde|a partir de|à partir de|dès|da|a partire da|od|już od"
    r"|από|от|från|fr[åa]n)\b\.?:?",
    re.IGNORECASE,
)

_TAX = word_set(
    """incl|inkl|inc|including|excl|exkl|excluding|vat|mwst|ust|tax|net|netto|brutto|gross|plus
    |with|without|iva|i.v.a|tva|ttc|ht|con|sin|fpa|φπα|με|χωρίς|dph|vč|bez|moms|med|s|ндс|с|без"""
)


@dataclass(frozen=True, slots=True)
class Price:
    """`amount` is a plain decimal string; `marks` the currency candidates written beside it."""

    amount: str
    marks: tuple[str, ...] = ()
    unit: str | None = None
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=2048)
def parse_price(text: str, style: Style | None = None) -> Price:
    """Read "€45.50", "1.234,50 EUR/m²", "28,490/-", "from 12". Raises BadValue.

    A price that "starts at" an amount keeps the amount with a warning; two amounts are an error.
    """
    match = _PRICE.fullmatch(ascii_digits(text).strip())
    if match is None:
        raise BadValue("not a price", _HINT)
    if _EXPONENT.search(match[0]):
        raise BadValue("written with an exponent", _HINT)
    before, number, after = match["before"].strip(), match["number"], match["after"]
    dash = _DASH.match(after)
    if dash:
        after = after[dash.end() :]
        if dash[0].lstrip().startswith("/") and is_ambiguous(number):
            style = "," if "." in number else "."
    elif after.strip() == "-":
        number, after = f"-{number}", ""
    if before.endswith("-"):
        number, before = f"-{number.strip()}", before[:-1].rstrip()
    elif before.startswith("-") and len(before) <= 4:
        number, before = f"-{number.strip()}", before[1:].strip()

    warnings: list[str] = []
    amount = parse_number(number, style)
    if len(amount.partition(".")[0]) > _LONGEST_AMOUNT:
        raise BadValue("larger than any price", _HINT)
    if style is None and is_ambiguous(number.strip(" +-")):
        warnings.append("may be grouped or have three decimals")
    start = _FROM.match(before)
    if start:
        before = before[start.end() :].strip()
        warnings.append("a starting price, not an exact one")
    marks, unit, words = _around(before, after)
    if words:
        warnings.append(f"ignored beside the amount: {words}")
    if amount.strip("0.") == "":
        warnings.append("the price is 0")
    elif amount.startswith("-"):
        warnings.append("the price is negative")
    return Price(amount, marks, unit, tuple(warnings))


def _around(before: str, after: str) -> tuple[tuple[str, ...], str | None, str]:
    """Currency candidates, unit and unread words around the amount."""
    unit = None
    main, *per = _PER.split(after.strip(), maxsplit=1)
    if per and (unit := known_unit(per[0])):
        after = main
    marks: tuple[str, ...] = ()
    words: list[str] = []
    for part in (before.strip(), after.strip()):
        found = currencies(part)
        for token in () if found or not part else part.split():
            if not found and (found := currencies(token)):
                continue
            if token.lower().strip(".,()*") in _TAX:
                continue
            if unit is None and (unit := known_unit(token)):
                continue
            words.append(token)
        marks = marks or found
    rest = " ".join(words)
    if any(character.isdigit() for character in rest):
        raise BadValue("more than one amount", _HINT)
    return marks, unit, rest.strip(" *.,:()")
