"""Datanorm 4: the price lists of the German building trade.

Written after the published record descriptions of DATANORM 4.0 (Krammer Verlag): a header of 128
characters (V), then records of fields between semicolons. A and B describe an article, P changes
prices, up to three articles to a record; prices are whole cents for 1, 10, 100 or 1,000 units.
Records of texts and groups (T, D, E, R, S) are counted and left out.

Fields bear German names, as the descriptions do. `Preis` is the price of one unit.
"""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from .encoding import ERRORS, checked_codec, find_bad_byte, misread
from .model import Fields, Inspection, Record, Source, UnreadableFeed
from .text import clean

A = (
    "Kennzeichen", "Artikelnummer", "Textkennzeichen", "Kurztext 1", "Kurztext 2",
    "Preiskennzeichen", "Preiseinheit", "Mengeneinheit", "Preis", "Rabattgruppe",
    "Hauptwarengruppe", "Langtextschlüssel",
)  # fmt: skip
B = (
    "Kennzeichen", "Artikelnummer", "Matchcode", "Alternative Artikelnummer", "Katalogseite",
    "Kupfermerker", "Kupferbasis", "Kupfergewicht", "EAN", "Anbindungsnummer", "Warengruppe",
    "Kostenart", "Verpackungsmenge", "Erstellerkürzel", "Referenznummer",
)  # fmt: skip
P = ("Artikelnummer", "Preiskennzeichen", "Preis")
P_WIDTH = 9  # fields of an article in a P record: those and three discounts of two
UNITS = {"": 1, "0": 1, "1": 10, "2": 100, "3": 1_000}
PRICES = {"1": "brutto", "2": "netto"}
CURRENCY = slice(125, 128)
LINE_LIMIT = 4_096
COLUMNS = tuple(dict.fromkeys((*A[1:5], "Preisart", *A[6:], *B[2:], "Währung")))

_OTHERS = "DERST"
_UMLAUTS_850 = b"\x84\x94\x81\x8e\x99\x9a\xe1"
_UMLAUTS_1252 = b"\xe4\xf6\xfc\xc4\xd6\xdc\xdf"
_DIGITS = re.compile(r"\d{1,12}")


def inspect(
    path: Path, *, encoding: str | None, delimiter: str | None, record: str | None
) -> Inspection:
    """Find the encoding, CP850 unless the umlauts say otherwise; all else is fixed."""
    if delimiter or record:
        raise UnreadableFeed("The file is Datanorm: it takes no delimiter and no record path.")
    codec = checked_codec(path, encoding) if encoding else _found_encoding(path)
    left_out: Counter[str] = Counter()
    for _, fields, _ in _rows(path, codec):
        if fields[0] in _OTHERS:
            left_out[fields[0]] += 1
    told = ", ".join(f"{number:,} {kind}" for kind, number in sorted(left_out.items()))
    warnings = (f"Records of texts, groups and discounts are left out: {told}.",) if told else ()
    return Inspection(Source("datanorm", codec), (), COLUMNS, warnings)


def read(path: Path, source: Source) -> Iterator[Record]:
    """The articles: an A record with the B record that follows it, or one of a P record."""
    number = 0
    currency = _header(path, source.encoding)[CURRENCY].strip()
    pending: tuple[int, list[str], str] | None = None  # an A record
    for line, fields, raw in _rows(path, source.encoding):
        kind = fields[0]
        if kind == "B" and pending and fields[2:3] == pending[1][2:3]:
            number += 1
            yield _article(number, *pending, currency, extra=(fields, raw))
            pending = None
            continue
        if pending:
            number += 1
            yield _article(number, *pending, currency)
            pending = None
        if kind == "A":
            pending = line, fields, raw
        elif kind == "B":
            number += 1
            error = "The B record does not follow the A record of its article."
            yield Record(number, line, dict(zip(B, fields[1:], strict=False)), raw, error)
        elif kind == "P":
            for start in range(2, len(fields), P_WIDTH):
                if fields[start]:
                    number += 1
                    values: Fields = dict(zip(P, fields[start : start + len(P)], strict=False))
                    yield _priced(number, line, values, raw, currency)
    if pending:
        yield _article(number + 1, *pending, currency)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each article."""
    for record in read(path, source):
        yield record.number


def _article(
    number: int,
    line: int,
    fields: list[str],
    raw: str,
    currency: str,
    extra: tuple[list[str], str] | None = None,
) -> Record:
    values: Fields = dict(zip(A, fields[1:], strict=False))
    if extra:
        more = dict(zip(B, extra[0][1:], strict=False))
        values |= {name: value for name, value in more.items() if name not in values}
        raw += extra[1]
    if len(fields) - 1 < len(A) - 1:  # the last may be missing
        error = f"The A record has {len(fields)} fields, a Datanorm 4 record has {len(A) + 1}."
        return Record(number, line, values, raw, error)
    return _priced(number, line, values, raw, currency)


def _priced(number: int, line: int, values: Fields, raw: str, currency: str) -> Record:
    """A record whose price is that of one unit, in its currency's units."""
    error = None
    unit = str(values.get("Preiseinheit", "")).strip()
    cents = str(values.get("Preis", "")).strip()
    if str(values.pop("Kennzeichen", "")).strip() == "L":
        error = "The article is marked as deleted (L)."
    elif unit not in UNITS:
        error = f'The price unit "{unit}" is none of Datanorm 4: 0 to 3.'
    elif cents and not _DIGITS.fullmatch(cents):
        error = f'The price "{cents}" is not in whole cents.'
    elif cents:
        values["Preis"] = format(Decimal(cents) / 100 / UNITS[unit], "f")
        values["Preiseinheit"] = str(UNITS[unit])
    kind = str(values.pop("Preiskennzeichen", ""))
    values["Preisart"] = PRICES.get(kind, kind)
    values["Währung"] = currency
    return Record(number, line, values, raw, error)


def _header(path: Path, codec: str) -> str:
    with path.open(encoding=codec, errors=ERRORS, newline="") as file:
        return file.readline(LINE_LIMIT)


def _rows(path: Path, codec: str) -> Iterator[tuple[int, list[str], str]]:
    """Line, fields and text of each record below the header."""
    try:
        with path.open(encoding=codec, errors=ERRORS, newline="") as file:
            file.readline(LINE_LIMIT)
            line = 1
            while raw := file.readline(LINE_LIMIT):
                line += 1
                text = clean(raw.rstrip("\r\n\x1a"))
                if not text.strip():
                    continue
                fields = [field.strip() for field in text.split(";")]
                if len(raw) == LINE_LIMIT or fields[0] not in ("A", "B", "P", *_OTHERS):
                    raise UnreadableFeed(
                        f'Line {line} is no record of Datanorm 4: it starts "{text[:20]}".'
                    )
                yield line, fields, clean(raw)
    except UnicodeError as error:
        raise misread(path, codec) from error


def _found_encoding(path: Path) -> str:
    if find_bad_byte(path, "utf-8") is None:
        return "utf-8"
    dos = windows = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            dos += len(block) - len(block.translate(None, _UMLAUTS_850))
            windows += len(block) - len(block.translate(None, _UMLAUTS_1252))
    return "cp1252" if windows > dos else "cp850"
