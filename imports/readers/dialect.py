"""How a CSV file separates its cells, and which row names the columns.

Found by constant width: the delimiter under which most rows have equally many cells. Quoted
cells are read as such first; guessers that count characters fail on texts and decimal commas.
"""

import csv
import io
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .encoding import ERRORS, misread
from .model import Dialect, UnreadableFeed

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', None)
SAMPLE_CHARACTERS = 262_144
SAMPLE_ROWS = 500
ENOUGH_ALIKE = 0.4  # what `_Reading.fit` must be at least
TITLE_ROWS = 0.5  # factor where rows stand above the header
SPACED = 0.5  # factor where each delimiter is followed by a blank, as in prose
VALUE_WORDS = 4  # a file of one column that has more a line is prose

_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_NAME = re.compile(r"\w+([ ./()%-]+\w+){0,3}\W?")
_VALUE = re.compile(r"(?!(?:19|20)\d\d$)[-+]?\W{0,2}\d[\d.,\s]*\W{0,2}|https?://\S+")


@dataclass(frozen=True)
class _Reading:
    """A sample's rows, each with the file line where it starts, under one dialect."""

    delimiter: str
    quotechar: str | None
    rows: list[tuple[int, list[str]]]
    width: int
    fit: float  # share of rows of this width, less where the delimiter looks like punctuation

    @property
    def header(self) -> int:
        """The index of the first row that is not a title: at least half of its cells filled."""
        filled = (sum(map(bool, row)) for _, row in self.rows)
        return next((at for at, count in enumerate(filled) if count * 2 >= self.width), 0)

    @property
    def score(self) -> float:
        if self.width < 2:
            return 0.0
        return self.fit * math.sqrt(self.width) * (TITLE_ROWS if self.header else 1.0)


def find_dialect(
    path: Path, encoding: str, delimiter: str | None, *, by_row: bool = False
) -> Dialect:
    """The dialect of a file, its header's line counted in rows where `by_row` says so; raises
    UnreadableFeed where its text is no table."""
    text = _sample(path, encoding)
    start = 1
    if stated := _SEP_LINE.match(text):  # a line that Excel writes and obeys
        delimiter = delimiter or stated.group(1)
        text, start = text[stated.end() :], 2
    given = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) if delimiter else None
    if given is not None and (len(given) != 1 or given in '"\r\n'):
        raise UnreadableFeed(f"The delimiter {given!r} is not a single character between cells.")
    readings = [
        _read_as(text, each, quotechar, start, by_row)
        for each in ([given] if given else DELIMITERS)
        for quotechar in QUOTES
    ]
    best = max(readings, key=lambda reading: reading.score)
    if not given and (best.width < 2 or best.fit < ENOUGH_ALIKE):
        best = _one_column(readings)
    header = best.header if _names_columns(best) else None
    return Dialect(best.delimiter, best.quotechar, None if header is None else best.rows[header][0])


def reading_options(delimiter: str, quotechar: str | None) -> dict[str, Any]:
    """What csv.reader is given for a dialect."""
    if quotechar is None:
        return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "quotechar": quotechar}


def _sample(path: Path, encoding: str) -> str:
    try:
        with path.open(encoding=encoding, errors=ERRORS, newline="") as file:
            text = file.read(SAMPLE_CHARACTERS)
    except UnicodeError as error:
        raise misread(path, encoding) from error
    whole = len(text) < SAMPLE_CHARACTERS or "\n" not in text
    return text if whole else text[: text.rfind("\n") + 1]


def _read_as(
    text: str, delimiter: str, quotechar: str | None, start: int, by_row: bool
) -> _Reading:
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), **reading_options(delimiter, quotechar))
    line = start
    later = spaced = 0
    try:
        for number, row in enumerate(reader, 1):
            cells = [cell.strip() for cell in row]
            if any(cells):
                later += sum(map(bool, row[1:]))
                spaced += sum(cell.startswith(" ") for cell in row[1:])
                rows.append((line, cells))
            line = start + (number if by_row else reader.line_num)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # a cell beyond csv's limit: what was read until then decides
    widths = Counter(len(row) for _, row in rows)
    width, count = widths.most_common(1)[0] if rows else (0, 0)
    share = count / len(rows) if rows else 0.0
    punctuation = spaced / later if later else 0.0
    return _Reading(delimiter, quotechar, rows, width, share * (1 - punctuation * (1 - SPACED)))


def _one_column(readings: list[_Reading]) -> _Reading:
    """A file of one column, read with a delimiter that does not occur; else it is no table."""
    for reading in readings:
        if reading.width != 1 or reading.fit < 1.0 or len(reading.rows) < 2:
            continue
        lines = [row[0] for _, row in reading.rows]
        words = sum(len(line.split()) for line in lines)
        if _NAME.fullmatch(lines[0]) and words <= VALUE_WORDS * len(lines):
            return reading
    raise UnreadableFeed(
        "The file is neither XML, JSON nor CSV: its lines do not have equally many cells, "
        "whether split at comma, semicolon, tab or bar."
    )


def _names_columns(reading: _Reading) -> bool:
    """Whether the header row names columns, not holding values like those of the rows below."""
    if not reading.rows:
        return False
    header = reading.rows[reading.header][1]
    below = [row for _, row in reading.rows[reading.header + 1 :]]
    for column, cell in enumerate(header):
        if not _VALUE.fullmatch(cell):
            continue
        values = [row[column] for row in below if column < len(row) and row[column]]
        alike = sum(bool(_VALUE.fullmatch(value)) for value in values)
        if not below or (values and alike * 2 >= len(values)):
            return False
    return True
