"""Numbers as suppliers write them, read without guessing where the column can tell.

"1.234" is 1234 in Madrid and 1.234 in London. The column decides (`decimal_style`); a value that
can be read only one way overrules its column.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Style = Literal[".", ","]
"""The character before the decimals."""


class BadValue(ValueError):
    """A value that cannot be read: `reason` for the row, `hint` says what would be read."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class _Ascii(dict[int, "int | str"]):
    """A table for `str.translate` that finds the digits of other scripts when they are met: to
    look through all of Unicode at the start costs a third of a second in every process."""

    def __missing__(self, code: int) -> int | str:
        digit = unicodedata.decimal(chr(code), None)
        self[code] = code if digit is None else str(digit)
        return self[code]


_TO_ASCII = _Ascii()
_TO_ASCII |= dict.fromkeys(map(ord, "\u00a0\u2007\u2008\u2009\u200a\u202f\u2002\u2003"), " ")
_TO_ASCII |= dict.fromkeys(map(ord, "’‘ʼ′´`٬"), "'")
_TO_ASCII |= dict.fromkeys(map(ord, "−–—‒﹣－"), "-")
_TO_ASCII |= {ord("٫"): ".", ord("．"): ".", ord("，"): ",", 0x200E: "", 0x200F: "", 0x061C: ""}

_NUMBER = re.compile(r"([+-]?) ?(\d[\d.,' ]*|[.,]\d+)(-?)")
_GROUPS = re.compile(r"\d{1,3}(?P<mark>[.,' ])\d{3}(?:(?P=mark)\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}")


def ascii_digits(text: str) -> str:
    """`text` with the digits of any script, odd spaces, dashes and apostrophes in plain form."""
    return text if text.isascii() else text.translate(_TO_ASCII)


def parse_number(text: str, style: Style | None = None) -> str:
    """The number in `text` as a plain decimal string: "1.234,50" -> "1234.50", "-5,00" -> "-5.00".

    `style` settles what one separator before exactly three digits means; without it a dot is the
    decimal point and a comma groups. Raises BadValue.
    """
    if text.isascii() and text.isdigit():
        return text.lstrip("0") or "0"
    match = _NUMBER.fullmatch(ascii_digits(text).strip())
    if match is None or (match[1] and match[3]):
        raise BadValue("not a number", "Write it like 1234.50")
    number = _plain(match[2].rstrip(), style)
    negative = "-" in (match[1], match[3])
    return f"-{number}" if negative and number.strip("0.") else number


def _plain(body: str, style: Style | None) -> str:
    whole, fraction = _split(body, style)
    if not whole.isdigit() and whole:
        if not _GROUPS.fullmatch(whole):
            raise BadValue("digits are grouped in no known way", "Write it like 1234.50")
        whole = re.sub(r"\D", "", whole)
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _split(body: str, style: Style | None) -> tuple[str, str]:
    """The part before the decimals, still grouped, and the decimals."""
    dots, commas = body.count("."), body.count(",")
    if dots and commas:
        mark = "." if body.rfind(".") > body.rfind(",") else ","
        if body.count(mark) > 1:
            raise BadValue("two decimal separators", "Write it like 1234.50")
    elif dots + commas != 1:
        return body, ""
    else:
        mark = "." if dots else ","
        if is_ambiguous(body) and mark != (style or "."):
            return body, ""
    whole, _, fraction = body.rpartition(mark)
    if fraction and not fraction.isdigit():
        raise BadValue("two numbers", "One number in each field")
    return whole, fraction


def is_ambiguous(body: str) -> bool:
    """Whether one separator before three digits may group or divide: "1.234", not "0.234"."""
    whole, mark, fraction = body.partition("." if "." in body else ",")
    return (
        bool(mark)
        and len(fraction) == 3
        and fraction.isdigit()
        and whole.isdigit()
        and len(whole) <= 3
        and not whole.startswith("0")
    )


_BODY = re.compile(r"\d[\d.,' ]*\d|\d")


def decimal_style(values: Iterable[str]) -> Style | None:
    """The decimal separator that the values of one column prove, or None where they prove none.

    A column that has only values like "1,234" groups by comma (prices with three decimals behind
    a comma hardly exist); only values like "1.234" prove nothing, and None lets a person decide.
    """
    votes: Counter[str] = Counter()
    ambiguous: Counter[str] = Counter()
    ungrouped = 0
    for value in values:
        match = _BODY.search(ascii_digits(value))
        if match is None:
            continue
        body = match[0]
        marks = [mark for mark in body if mark in ".,"]
        if not marks:
            ungrouped += body.isdigit() and len(body) >= 4
        elif is_ambiguous(body):
            ambiguous[marks[0]] += 1
        elif len(set(marks)) == 2 or len(marks) == 1:
            votes[marks[-1]] += 1
        else:
            votes["," if marks[0] == "." else "."] += 1
    if votes:
        return "," if votes[","] > votes["."] else "."
    if len(ambiguous) == 1:
        (mark,) = ambiguous
        if ungrouped:  # thousands stand ungrouped beside it, so it does not group
            return "," if mark == "," else "."
        if mark == "," and ambiguous[mark] >= 3:
            return "."
    return None
