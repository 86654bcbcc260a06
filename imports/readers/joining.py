"""Two files of one feed, say texts and prices, joined by a key to records with the fields of both.

The second file's rows lie in a table on disk while the first is read, so memory grows with neither,
but for a bit a row. What comes of it is a file of records in the order of the first file; the rows
of the second that join nothing stand behind them, so that each is told of. That file is read in
place of the first. Both lie beside it, for what they say outside their records.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .model import Fields, Inspection, Join, Record, Source, UnreadableFeed

Read = Callable[[Path, Source], Iterator[Record]]

PREFIX = "joined/"  # of the second file's fields
COMPARED = 1_000  # records of the first file whose values are looked for in the second
COMPARED_ROWS = 5_000  # of the second, by which a field of it is known to be unique
KEY_LENGTH = 64  # characters of a key that is found by its values
UNIQUE = 0.75  # of the values of a key that is found, that differ
SHARED = 0.5  # of the values that could be in both files, and must be

_ALONE = re.compile(rb"\[\d+, \d+, null, ")  # how the line of a row that joins nothing starts
_JOINED = re.compile(rb"\[\d+, [1-9]\d*, \"")  # and that of a record with a row

_TABLE = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE rows (
    id INTEGER PRIMARY KEY, key TEXT, line INTEGER, error TEXT, fields TEXT, raw TEXT,
    warnings TEXT)
"""


class NotJoined(UnreadableFeed):
    """Two files that are not joined; `blamed` is "join" where the second file is to blame for it,
    "join_on" where the fields are."""

    def __init__(self, blamed: str, message: str) -> None:
        super().__init__(message)
        self.blamed = blamed


class Texts(NamedTuple):
    """A joined record as it stands in the first file and in the second, None where it is not in
    it; `row` is its number in the second, 0 for none."""

    number: int
    row: int
    first: str | None
    second: str | None


def read(path: Path, source: Source) -> Iterator[Record]:
    """The records of a joined file."""
    assert source.join is not None, "a joined source says how"
    for texts, (line, fields, error, warnings, skip) in _lines(path):
        raw, only_in = texts.first, ""
        if raw is None:
            raw, only_in = texts.second or "", source.join.name
        yield Record(texts.number, line, fields, raw, error, tuple(warnings), skip, only_in)


def texts(path: Path) -> Iterator[Texts]:
    """What both files have of each record of a joined file."""
    for found, _ in _lines(path):
        yield found


def _lines(path: Path) -> Iterator[tuple[Texts, list[Any]]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            number, row, first, second, *more = json.loads(line)
            yield Texts(number, row, first, second), more


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each record."""
    with path.open("rb") as lines:
        for number, _ in enumerate(lines, 1):
            yield number


def count_joins(path: Path) -> tuple[int, int]:
    """How many records have a row of the second file, and how many rows of it joined nothing, given
    the joined one."""
    joined = alone = 0
    with path.open("rb") as lines:
        for line in lines:
            joined += _JOINED.match(line) is not None
            alone += _ALONE.match(line) is not None
    return joined, alone


def first_of(path: Path) -> Path:
    """Where the first of the two files lies, given the joined one."""
    return path.with_name(f"{path.name}.first")


def second_of(path: Path) -> Path:
    """Where the second of the two files lies, given the joined one."""
    return path.with_name(f"{path.name}.second")


def columns(found: Inspection, join: Join) -> tuple[str, ...]:
    """The fields that the second file brings, as they are called in joined records."""
    return tuple(PREFIX + name for name in found.columns if name != join.other)


def write(to: Path, path: Path, source: Source, other: Path, read_file: Read) -> None:
    """Write the joined file of `path` and `other`, read as `source` and `source.join` say. Raises
    UnreadableFeed."""
    join = source.join
    assert join is not None, "a joined source says how"
    table = to.with_name(f"{to.name}.rows")
    with closing(sqlite3.connect(table)) as rows, to.open("w", encoding="utf-8") as out:
        rows.executescript(_TABLE)
        rows.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_row(each, join) for each in _told(join.name, read_file(other, join.source))),
        )
        rows.execute("CREATE INDEX by_key ON rows (key, id)")
        (last,) = rows.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()
        taken = bytearray(last // 8 + 1)
        number = 0
        for record in read_file(path, source):
            number = record.number
            out.write(_line(*_with_row(record, join, rows, taken)))
        for further, (row, raw, told) in enumerate(_untaken(rows, join, taken), 1):
            out.write(_line(Texts(number + further, row, None, raw), told))
    table.unlink()
    first_of(to).symlink_to(path.resolve())
    second_of(to).symlink_to(other.resolve())


def _told(name: str, records: Iterator[Record]) -> Iterator[Record]:
    """The rows of the second file; what is wrong with it names it."""
    try:
        yield from records
    except UnreadableFeed as error:
        raise NotJoined("join", f"{name}: {error}") from error


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
    return (value if isinstance(value, str) else value[0]).strip()


def _row(record: Record, join: Join) -> tuple[int, str | None, int, str | None, str, str, str]:
    """A row of the second file for the table; without a key where it cannot be joined."""
    key, error = _text(record.fields, join.other), record.error
    if not (key or error):
        error = f"It has no {join.other}, by which it could be joined."
    fields = {PREFIX + name: each for name, each in record.fields.items() if name != join.other}
    warnings = [f"{join.name}: {warning}" for warning in record.warnings]
    return (
        record.number, None if error else key, record.line, error, _json(fields),
        record.raw, _json(warnings),
    )  # fmt: skip


Told = tuple[int, Fields, str | None, tuple[str, ...], str | None]
"""What a line tells behind the texts: line, fields, error, warnings and skip of the record."""


def _with_row(
    record: Record, join: Join, rows: sqlite3.Connection, taken: bytearray
) -> tuple[Texts, Told]:
    """A record with the fields of its row, which is the last one with its key."""
    key = _text(record.fields, join.key)
    found = rows.execute(
        "SELECT id, fields, warnings, raw FROM rows WHERE key = ? ORDER BY id DESC LIMIT 1", [key]
    ).fetchone()
    fields, warnings = record.fields, record.warnings
    row, raw = 0, None
    if found:
        row, kept, told, raw = found
        taken[row // 8] |= 1 << row % 8
        fields, warnings = fields | json.loads(kept), (*warnings, *json.loads(told))
    elif key:
        warnings += (f"{join.name} has no row with this {join.key}.",)
    else:
        warnings += (f"It has no {join.key}, by which a row of {join.name} could be joined.",)
    texts = Texts(record.number, row, record.raw, raw)
    return texts, (record.line, fields, record.error, warnings, None)


def _untaken(
    rows: sqlite3.Connection, join: Join, taken: bytearray
) -> Iterator[tuple[int, str, Told]]:
    """The rows of the second file that joined nothing: number, text, and what is told of each, as
    the reason."""
    told = rows.execute("SELECT id, key, line, error, fields, raw FROM rows ORDER BY id")
    for number, key, line, error, kept, raw in told:
        if taken[number // 8] >> number % 8 & 1:
            continue
        fields = {join.key: key or ""} | json.loads(kept)
        if error:
            yield number, raw, (line, fields, f"{join.name}: {error}", (), None)
            continue
        again = rows.execute(
            "SELECT line FROM rows WHERE key = ? AND id > ? ORDER BY id DESC LIMIT 1", [key, number]
        ).fetchone()
        reason = f'Only {join.name} has the key "{key}".'
        if again:
            reason = f'{join.name} has the key "{key}" again in line {again[0]:,}; the last counts.'
        yield number, raw, (line, fields, None, (), reason)


def _line(texts: Texts, told: Told) -> str:
    return _json((*texts, *told)) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def keys(
    first: tuple[Path, Inspection],
    second: tuple[Path, Inspection],
    name: str,
    wanted: tuple[str | None, str | None],
    read_file: Read,
) -> tuple[str, str]:
    """The field of the first file and that of the second by whose values they are joined: as
    `wanted`, the same name in both, or those that share most values. `name` is the second file's.
    Raises UnreadableFeed, `NotJoined` where there are none."""
    (path, found), (other, other_found) = first, second
    key, other_key = wanted
    if other_key and other_key not in other_found.columns:
        raise NotJoined("join_on", _no_field(name, other_key, other_found.columns))
    if key and key not in found.columns:
        raise NotJoined("join_on", _no_field("The feed", key, found.columns))
    if other_key and (key or other_key in found.columns):
        return key or other_key, other_key
    known = _values(islice(read_file(path, found.source), COMPARED), key)
    rows = _told(name, read_file(other, other_found.source))
    shared, most = _shared(known, rows, other_key)
    best = max(shared, key=lambda pair: len(shared[pair]), default=None)
    if best is None or len(shared[best]) < SHARED * min(len(known[best[0]]), most):
        raise NotJoined(
            "join_on",
            f"No field of {name} has the values of one of the feed's. Say which join them"
            f" (FIELD=FIELD OF THE FEED): {name} has {_listed(other_found.columns)}; the feed has"
            f" {_listed(found.columns)}.",
        )
    return best


def _no_field(file: str, name: str, columns: tuple[str, ...]) -> str:
    return f'{file} has no field "{name}" to join by; it has {_listed(columns)}.'


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(columns[:20])


def _values(records: Iterator[Record], wanted: str | None) -> dict[str, set[str]]:
    """The values of each field that may be a key."""
    found: dict[str, set[str]] = {}
    filled: dict[str, int] = {}
    for record in records:
        for name in [wanted] if wanted else record.fields:
            if value := _text(record.fields, name):
                filled[name] = filled.get(name, 0) + 1
                found.setdefault(name, set()).add(value)
    return {
        name: values
        for name, values in found.items()
        if name == wanted
        or (len(values) >= UNIQUE * filled[name] and max(map(len, values)) <= KEY_LENGTH)
    }


def _shared(
    known: dict[str, set[str]], rows: Iterator[Record], wanted: str | None
) -> tuple[dict[tuple[str, str], set[str]], int]:
    """The values that a field of the first file shares with one of the second, for each pair; and
    the number of rows."""
    names_of: dict[str, list[str]] = {}
    for name, values in known.items():
        for value in values:
            names_of.setdefault(value, []).append(name)
    shared: dict[tuple[str, str], set[str]] = {}
    unique: dict[str, tuple[set[int], int]] = {}
    number = 0
    for number, row in enumerate(rows, 1):
        for other in [wanted] if wanted else row.fields:
            value = _text(row.fields, other)
            if number <= COMPARED_ROWS and value:
                seen, times = unique.get(other, (set(), 0))
                seen.add(hash(value))
                unique[other] = seen, times + 1
            for name in names_of.get(value, ()):
                shared.setdefault((name, other), set()).add(value)
    keys = {
        other
        for other, (seen, times) in unique.items()
        if other == wanted or len(seen) >= UNIQUE * times
    }
    return {pair: values for pair, values in shared.items() if pair[1] in keys}, number
