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
_BY = re.compile(r"\s*x\s*|\s+(?:by|per|por|mal|на|επί)\s+", re.IGNORECASE)
_SLASHED = re.compile(rf"(\d{{2,}}(?:[.,]\d+)?)\s*/\s*(\d{{2,}}(?:[.,]\d+)?)(?=\s*(?:{_UNIT})$)")
# "W60 D45 H80 cm": each number behind the letter of its side.
_LETTERED = re.compile(r"(?<=[\d\"'])\s*,?\s+(?=[wbhdt]\s*[:=]?\s*\d)", re.IGNORECASE)
_APPENDED = re.compile(rf"(?<=[a-zм])\s*[,;]\s*(?=\d+(?:[.,]\d+)?\s*(?:{_UNIT})$)", re.IGNORECASE)
_SIDE = re.compile(r"^\W*([wbhdt])\W*\d|\d\W*([wbhdt])\W*$", re.IGNORECASE)
_SIDES = {"w": "width", "b": "width", "h": "height", "d": "thickness", "t": "thickness"}
_GROUPED = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SMALL = ("mm", "мм")
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

    A unit holds for the numbers before it that have none, the last one for all behind it. With no
    unit at all, two or three numbers are mm where one reaches 400, else cm (how tiles and boards
    are sold). One number below 50 mm is a thickness. Sides that are named ("W60 D45 H80 cm") are
    those sides. "1.200 mm" is 1200. None for anything else ("S, M, L", "39-42").
    """
    plain = _SLASHED.sub(r"\1x\2", ascii_digits(text.translate(_UNIFORM)).strip())
    parts = _BY.split(_LETTERED.sub("x", plain))
    if len(parts) > 1:  # "60x120 cm, 9 mm"
        parts[-1:] = _APPENDED.split(parts[-1])
    if not 1 <= len(parts) <= 3:
        return None
    numbers: list[Decimal] = []
    grouped: list[int] = []
    units: list[str | None] = []
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            return None
        whole, above, below, unit = match.groups()
        if _GROUPED.fullmatch(whole) and (unit or "").lower() in ("", *_SMALL):
            grouped.append(len(numbers))
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
    for at in grouped:
        if (
            next(filter(None, units[at:]), last) in _SMALL
        ):  # nobody measures thousandths of one: it groups
            numbers[at] *= 1000
    lengths = [
        number * _FACTOR[next(filter(None, units[at:]), last)] for at, number in enumerate(numbers)
    ]
    if len(lengths) == 1:
        thin = lengths[0] < _THIN_MM
        return Size(thickness=_plain(lengths[0])) if thin else Size(width=_plain(lengths[0]))
    sides = dict(zip(_sides_of(parts), map(_plain, lengths), strict=False))
    return Size(**sides, guessed=guessed)


def _sides_of(parts: list[str]) -> tuple[str, ...]:
    """Which side each part is: by its letter where all have one, else width, height, thickness."""
    letters = [match[1] or match[2] for part in parts if (match := _SIDE.search(part))]
    named = tuple(_SIDES[letter.lower()] for letter in letters)
    if len(named) == len(parts) == len(set(named)):
        return named
    return ("width", "height", "thickness")


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
