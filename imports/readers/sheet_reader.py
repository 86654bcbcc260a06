"""Sheets of workbooks, which `packing` has made tables of: read as CSV, but each row is a line."""

from collections.abc import Iterator
from pathlib import Path

from . import csv_reader
from .model import Inspection, Record, Source, UnreadableFeed


def inspect(
    path: Path, *, encoding: str | None, delimiter: str | None, record: str | None
) -> Inspection:
    """Find the header; a sheet has nothing else to find."""
    stated = {"encoding": encoding, "delimiter": delimiter, "record path": record}
    for name, value in stated.items():
        if value:
            raise UnreadableFeed(f"The file is an Excel workbook: it takes no {name}.")
    return csv_reader.inspect(path, encoding="utf-8", delimiter=",", record=None, type="xlsx")


def read(path: Path, source: Source) -> Iterator[Record]:
    """The rows below the header, each under the column names; a record's line is its row."""
    return csv_reader.read(path, source)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each row below the header, with nothing made of it."""
    return csv_reader.count(path, source)
