"""Article codes: what identifies a product, kept as written and folded for comparison."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Letters that look the same; people type codes from paper with whatever keyboard they have.
_LOOK_ALIKE = str.maketrans(
    "АВЕЅЗІЈКМНОРСТУХ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABES3IJKMHOPCTYX" + "ABEZHIKMNOPTYX",
)
_SEPARATORS = dict.fromkeys(map(ord, " -_./\\·–—‐‑,:;'\"\t\n\u00a0\u200b"), None)

_EAN_LENGTHS = frozenset((8, 12, 13, 14))
_EAN_SPACING = re.compile(r"[\s\-\u00a0]")
_SPREADSHEET = re.compile(r"\d[.,]\d+[eE]\+?\d+")


def fold_sku(sku: str) -> str:
    """One form for all spellings of an article code: no case, separators or look-alike letters.

    "АВ-12/3" in Cyrillic and "ab 12.3" both give "AB123". A code made only of separators folds
    to itself.
    """
    if sku.isascii():
        folded = sku.upper().translate(_SEPARATORS)
    else:
        folded = unicodedata.normalize("NFKC", sku).upper()
        folded = folded.translate(_SEPARATORS).translate(_LOOK_ALIKE)
    return folded or sku


class Ean(NamedTuple):
    """`valid` is the GTIN for comparison (UPC-12 and GTIN-14 of a single item as 13 digits), or
    None where the check digit is wrong or the number is a shop's own; `problem` says which."""

    raw: str
    valid: str | None
    problem: str | None = None


def parse_ean(text: str) -> Ean:
    """Read a GTIN of 8, 12, 13 or 14 digits. Never raises: a bad one is kept without `valid`."""
    digits = text if text.isdigit() else _EAN_SPACING.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        rounded = _SPREADSHEET.fullmatch(digits)
        return Ean(text, None, "rounded by a spreadsheet" if rounded else "not only digits")
    if len(digits) not in _EAN_LENGTHS:
        return Ean(text, None, f"{len(digits)} digits instead of 8, 12, 13 or 14")
    if not has_check_digit(digits):
        return Ean(text, None, "wrong check digit")
    if not digits.strip("0"):
        return Ean(text, None, "all zeros")
    gtin = digits
    if len(digits) == 12:
        gtin = f"0{digits}"
    elif len(digits) == 14 and digits[0] == "0":
        gtin = digits[1:]
    # GS1 leaves these prefixes to shops and companies: two of them may use the same number.
    own = ("0", "2") if len(gtin) == 8 else ("2", "02", "04")
    if len(gtin) != 14 and gtin.startswith(own):
        return Ean(text, None, "a shop's own number (restricted prefix)")
    return Ean(text, gtin)


_TRIPLE = {str(digit): digit * 3 for digit in range(10)}


def has_check_digit(digits: str) -> bool:
    """Whether the last digit is the GS1 check digit (weights 3 and 1 from the right)."""
    total = sum(map(int, digits[-1::-2])) + sum(map(_TRIPLE.__getitem__, digits[-2::-2]))
    return total % 10 == 0
