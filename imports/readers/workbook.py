"""Sheets of an Excel workbook as tables of text, by calamine.

calamine holds a sheet in memory, as a rectangle from its first to its last cell. So the cells of
each sheet are counted in the XML before it is let near them, and a large workbook is refused.
"""

import csv
import datetime as dt
import re
import zipfile
import zlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import python_calamine

from .model import UnreadableFeed
from .text import clean

MAX_CELLS = 1_000_000  # of a sheet, about 100 MB in calamine
MAX_UNPACKED = 300_000_000  # bytes of the workbook's XML
PIECE_BYTES = 1 << 18
OVERLAP = 400  # bytes of a piece looked at again with the next: a cell's tag may be cut

_TOO_LARGE = (
    "The workbook is too large: it has more than {:,} {}. Save the sheet as CSV, which has no such "
    "limit."
)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]{0,300}?\br=["']([A-Za-z]{1,3})(\d{1,7})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]{0,300}?\br=["'](\d{1,7})["']""")
_ANY_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")


@dataclass(frozen=True)
class Sheet:
    """A sheet as a CSV file in UTF-8: one row of it for each row of the sheet, from the first."""

    name: str
    path: Path


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def as_tables(path: Path, room: Path, wanted: str | None = None) -> list[Sheet]:
    """Write each sheet that has cells, or the wanted one, into the folder `room`. Raises
    UnreadableFeed for a workbook that is too large, damaged or empty."""
    _check(path)
    try:
        book = python_calamine.load_workbook(path)
        names = [
            each.name
            for each in book.sheets_metadata
            if each.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        if wanted is not None and wanted not in names:
            shown = ", ".join(f'"{name}"' for name in names[:20])
            raise UnreadableFeed(f'The workbook has no sheet "{wanted}"; it has {shown}.')
        sheets = []
        for number, name in enumerate([wanted] if wanted is not None else names):
            file = room / f"sheet-{number}.csv"
            if _write(book.get_sheet_by_name(name), file):
                sheets.append(Sheet(name, file))
    except python_calamine.PasswordError:
        raise UnreadableFeed("The workbook needs a password.") from None
    except python_calamine.CalamineError as error:
        raise UnreadableFeed(f"The workbook is damaged: {error}.") from error
    if not sheets:
        raise UnreadableFeed("The workbook has no cells with values.")
    return sheets


def _write(sheet: Any, to: Path) -> bool:
    """Write a sheet's rows; whether any cell has a value."""
    filled = False
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in sheet.iter_rows():
            cells = [_text(value) for value in row]
            filled = filled or any(cells)
            # A row without cells would be no row to csv.
            writer.writerow(cells or [""])
    return filled


def _text(value: Any) -> str:
    """A cell as text: integral numbers without a point, dates as ISO 8601 writes them."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)


def _check(path: Path) -> None:
    unpacked = 0
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith("xl/") or not entry.filename.endswith(".xml"):
                continue
            cells, columns, rows, before = 0, 1, 1, b""
            try:
                with archive.open(entry) as stream:
                    while piece := stream.read(PIECE_BYTES):
                        unpacked += len(piece)
                        if unpacked > MAX_UNPACKED:
                            raise UnreadableFeed(_TOO_LARGE.format(MAX_UNPACKED, "bytes"))
                        if not _SHEET.fullmatch(entry.filename):
                            continue
                        cells += len(_ANY_CELL.findall(piece))
                        window = before + piece
                        for column, row in _CELL.findall(window):
                            columns, rows = max(columns, _number(column)), max(rows, int(row))
                        rows = max(rows, *map(int, _ROW.findall(window)), 1)
                        if max(columns * rows, cells) > MAX_CELLS:
                            raise UnreadableFeed(_TOO_LARGE.format(MAX_CELLS, "cells in a sheet"))
                        before = piece[-OVERLAP:]
            except (EOFError, OSError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
                raise UnreadableFeed(f"The workbook is damaged: {error}.") from error


def _number(column: bytes) -> int:
    """A column's number: A is 1, AA 27."""
    number = 0
    for letter in column.upper():
        number = number * 26 + letter - 64
    return number
