"""CSV feeds: rows of cells under a row of names, read by the standard library's csv module."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from .dialect import find_dialect, reading_options
from .encoding import ERRORS, checked_codec, detect_encoding, misread
from .model import Fields, Inspection, Record, Source, UnreadableFeed
from .text import REMOVED, clean, is_clean

CELL_LIMIT = 1_000_000  # characters
LINE_LIMIT = 16_000_000  # characters
NO_LINE_END = (
    "The file ends with this row, without a line break; if it was cut off, the last cell is short."
)
COUNTED_BY_ROW = ("xlsx",)  # types without lines


def inspect(
    path: Path,
    *,
    encoding: str | None,
    delimiter: str | None,
    record: str | None,
    type: str = "csv",
) -> Inspection:
    """Find encoding, delimiter, quotes and header; a CSV file has no record path. Of a `type`
    in `COUNTED_BY_ROW` a record's line is its row."""
    if record:
        raise UnreadableFeed("The file is CSV: a record path can only be given for XML and JSON.")
    codec = checked_codec(path, encoding) if encoding else detect_encoding(path)
    dialect = find_dialect(path, codec, delimiter, by_row=type in COUNTED_BY_ROW)
    source = Source(type, codec, dialect)
    columns: list[str] = []
    warnings: list[str] = []
    if not encoding and type == "csv" and not codec.startswith("utf"):
        warnings.append(
            f"The encoding is guessed: {codec}. If letters are wrong, say another under Source."
        )
    for _, row, _ in _rows(path, source):
        cells = row if dialect.header_line is not None else [""] * len(row)
        columns = column_names(cells)
        repeated = sorted({cell.strip() for cell in row if row.count(cell) > 1 and cell.strip()})
        if repeated and dialect.header_line is not None:
            warnings.append(f"The header names a column more than once: {', '.join(repeated)}.")
        break
    return Inspection(source, (), tuple(columns), tuple(warnings))


def read(path: Path, source: Source) -> Iterator[Record]:
    """The rows below the header, each under the column names."""
    assert source.dialect is not None, "a CSV source has a dialect"
    names: list[str] = []
    number = 0
    for line, row, raw in _rows(path, source):
        if not names and source.dialect.header_line is not None:
            names = column_names(row)
            continue
        names = names or column_names([""] * len(row))
        number += 1
        yield _record(number, line, row, raw, names)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each row below the header, with nothing made of it."""
    assert source.dialect is not None, "a CSV source has a dialect"
    first = 1 if source.dialect.header_line is None else 0
    for number, _ in enumerate(_rows(path, source), first):
        if number:
            yield number


def header(path: Path, source: Source) -> str:
    """The row that names the columns, as it stands; "" where no row does."""
    assert source.dialect is not None, "a CSV source has a dialect"
    if source.dialect.header_line is None:
        return ""
    return next((raw for _, _, raw in _rows(path, source)), "")


def column_names(cells: list[str]) -> list[str]:
    """A distinct name for each cell of a header: `price`, `price [2]`, `column 3` if empty.

    Empty cells at the end are no columns, unless all are empty.
    """
    while cells and not cells[-1].strip() and any(map(str.strip, cells)):
        cells = cells[:-1]
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, 1):
        plain = clean(cell).strip() or f"column {position}"
        name, copy = plain, 1
        while name in taken:
            copy += 1
            name = f"{plain} [{copy}]"
        taken.add(name)
        names.append(name)
    return names


def _record(number: int, line: int, row: list[str], raw: str, names: list[str]) -> Record:
    warnings: tuple[str, ...] = ()
    if not is_clean(raw):
        row, raw = [clean(cell) for cell in row], clean(raw)
        warnings = (REMOVED,)
    if not raw.endswith(("\n", "\r")):
        warnings += (NO_LINE_END,)
    fields: Fields = dict(zip(names, row, strict=False))
    extra = row[len(names) :]
    fields |= {f"column {n}": cell for n, cell in enumerate(extra, len(names) + 1) if cell}
    error = None
    if len(row) < len(names) or any(map(str.strip, extra)):
        error = f"The row has {len(row)} cells, the header names {len(names)}."
        if raw.rstrip("\r\n").count("\n"):
            error += " It runs over several lines: a quote may be missing or too much."
    return Record(number, line, fields, raw, error, warnings)


class _Lines:
    """The lines of a file for csv, keeping those that the current row is made of."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._row: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LINE_LIMIT)
        if not line:
            raise StopIteration
        if len(line) == LINE_LIMIT:
            raise csv.Error(f"a line is longer than {LINE_LIMIT:,} characters")
        self._row.append(line)
        return line

    def take(self) -> str:
        """The text of the row just read."""
        text = self._row[0] if len(self._row) == 1 else "".join(self._row)
        self._row.clear()
        return text


def _rows(path: Path, source: Source) -> Iterator[tuple[int, list[str], str]]:
    """First file line, cells and text of each row that is not blank, from the header on."""
    assert source.dialect is not None, "a CSV source has a dialect"
    header = source.dialect.header_line or 1
    options = reading_options(source.dialect.delimiter, source.dialect.quotechar)
    csv.field_size_limit(CELL_LIMIT)
    raw, start, following = "", 1, 1
    with path.open(encoding=source.encoding, errors=ERRORS, newline="") as file:
        lines = _Lines(file)
        rows = csv.reader(lines, **options)
        try:
            for number, row in enumerate(rows, 1):
                raw = lines.take()
                last = number if source.type in COUNTED_BY_ROW else rows.line_num
                start, following = following, last + 1
                if start >= header and any(map(str.strip, row)):
                    yield start, row, raw
        except csv.Error as error:
            raise UnreadableFeed(
                f"The row that starts on line {following} cannot be read ({_in_words(error)}); "
                "a quote may be missing in it."
            ) from error
        except UnicodeError as error:
            raise misread(path, source.encoding) from error
    if _is_open(raw, options):
        raise UnreadableFeed(
            f"A quote that opens in the row on line {start} is never closed: "
            "the file is cut off, or a quote is too much."
        )


def _is_open(row: str, options: dict[str, Any]) -> bool:
    """Whether a row ends inside quotes, which csv passes over unless it is strict."""
    try:
        deque(csv.reader(io.StringIO(row, newline=""), strict=True, **options), maxlen=0)
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _in_words(error: csv.Error) -> str:
    if "field larger than" in str(error):
        return f"a cell of it is longer than {CELL_LIMIT:,} characters"
    return str(error)
