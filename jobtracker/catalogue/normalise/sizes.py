"""Sizes as catalogues print them, in millimetres, beside the text as written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from .numbers import BadValue, ascii_digits, parse_number

_MM = {
    "mm": "1", "мм": "1", "cm": "10", "см": "10", "m": "1000", "м": "1000", "in": "25.4",
    "inch": "25.4", "inches": "25.4", '"': "25.4", "''": "25.4", "ft": "304.8", "'": "304.8",
}  # fmt: skip
_FACTOR = {unit: Decimal(factor) for unit, factor in _MM.items()}

_UNIFORM = str.maketrans(
    {"×": "x", "✕": "x", "х": "x", "Х": "x", "*": "x", "”": '"', "“": '"', "″": '"'}
)
_UNIT = r"mm|мм|cm|см|inches|inch|in|ft|m|м|\"|''|'"
_LETTER = r"(?:\(?[whdltb]\)?)?"
_PART = re.compile(
    rf"(?:[a-zø]{{1,2}}\s*[:=]?\s*)??(\d+(?:[.,]\d+)?)(?:[ -](\d+)/(\d+))?"
    rf"\s*{_LETTER}\s*({_UNIT})?\.?\s*{_LETTER}",
    re.IGNORECASE,
)
_BY = re.compile(r"\s*x\s*", re.IGNORECASE)
_THIN_MM = 50
_BARE_MM = 400


@dataclass(frozen=True, slots=True)
class Size:
    """Millimetres as plain decimal strings; `guessed` names the unit that nobody wrote."""

    width: str | None = None
    height: str | None = None
    thickness: str | None = None
    guessed: str | None = None


@lru_cache(maxsize=2048)
def parse_size(text: str) -> Size | None:
    """Width, height and thickness of "60x60 cm", '24"x48"', "10 mm", "600 x 1200 x 9 mm".

    The last unit holds for the numbers without one. With no unit at all, two or three numbers
    are mm where one reaches 400, else cm (how tiles and boards are sold). One number below 50 mm
    is a thickness. None for anything else ("S, M, L", "39-42").
    """
    parts = _BY.split(ascii_digits(text.translate(_UNIFORM)).strip())
    if not 1 <= len(parts) <= 3:
        return None
    numbers: list[Decimal] = []
    units: list[str | None] = []
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            return None
        whole, above, below, unit = match.groups()
        number = Decimal(whole.replace(",", "."))
        if above:
            if not int(below):
                return None
            number += Decimal(above) / Decimal(below)
        numbers.append(number)
        units.append(unit.lower() if unit else None)
    guessed = None
    last = next((unit for unit in reversed(units) if unit), None)
    if last is None:
        if len(numbers) == 1:
            return None
        guessed = last = "mm" if max(numbers) >= _BARE_MM else "cm"
    lengths = [number * _FACTOR[unit or last] for number, unit in zip(numbers, units, strict=True)]
    if len(lengths) == 1:
        thin = lengths[0] < _THIN_MM
        return Size(thickness=_plain(lengths[0])) if thin else Size(width=_plain(lengths[0]))
    sides = dict(zip(("width", "height", "thickness"), map(_plain, lengths), strict=False))
    return Size(**sides, guessed=guessed)


@lru_cache(maxsize=2048)
def parse_length(text: str, unit: str = "mm") -> str:
    """One length in mm: "9 mm" -> "9", "1,5 cm" -> "15"; `unit` where none is written.

    Raises BadValue.
    """
    match = _PART.fullmatch(ascii_digits(text.translate(_UNIFORM)).strip())
    if match is None or match[2]:
        raise BadValue("not a length", "A number with mm, cm, m or in")
    written = (match[4] or unit).lower()
    return _plain(
        Decimal(parse_number(match[1], "," if "," in match[1] else ".")) * _FACTOR[written]
    )


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
