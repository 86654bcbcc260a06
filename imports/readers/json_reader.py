"""JSON feeds, record by record: a list of records anywhere in the document, or JSON lines.

A record's path is `$` for the records of the outermost list or of JSON lines, else `$.data.items`:
the names that lead to its list. Fields have paths below the record: `offers.0.price`; the values
of a plain list (`"images": ["a", "b"]`) stay together under its name. The line of a record is known
from its bracket, as pieces end at line breaks.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from .detect import HEAD_BYTES, bom_encoding, unmarked_utf16
from .encoding import checked_codec, detect_encoding
from .json_events import PIECE_BYTES, Event, Piece, parsed
from .model import Fields, Inspection, Record, Source, UnreadableFeed, put
from .record_path import PathNode, PathTree, choose, is_sure
from .text import REMOVED, clean

LOOKED_AT = 128  # pieces, 8 MB, from which the record is chosen if they leave no doubt
MAX_DEPTH = 100  # lists and objects in each other
MAX_RECORD_VALUES = 200_000  # a record beyond this is a container taken for a record
MAX_EXPONENT = 30  # a number beyond is no price, no stock and no size
COLUMNS_FROM = 100  # records

_quoted: Callable[[str], str] = json.encoder.encode_basestring
_OPENS = frozenset(("start_map", "start_array"))
_CLOSES = frozenset(("end_map", "end_array"))
_STEPS = dict.fromkeys(_OPENS, 1) | dict.fromkeys(_CLOSES, -1)
_BRACKET = re.compile(rb"[{\[]")
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{\[]', re.DOTALL)


def inspect(
    path: Path, *, encoding: str | None, delimiter: str | None, record: str | None
) -> Inspection:
    """Read the document for its paths, a large one only until its record is sure, and choose
    among them."""
    if delimiter:
        raise UnreadableFeed("The file is JSON: a delimiter can only be given for CSV.")
    codec = checked_codec(path, encoding) if encoding else _found_encoding(path)
    tree = _paths(path, codec, to_the_end=record is not None)
    nothing = "The JSON holds no record: no list of objects, and no object."
    chosen, candidates, warnings = choose(tree, record, nothing)
    source = Source("json", codec, record_path=chosen.path)
    first = islice(read(path, source), COLUMNS_FROM)
    columns = tuple(dict.fromkeys(name for each in first for name in each.fields))
    return Inspection(source, candidates, columns, warnings)


def read(path: Path, source: Source) -> Iterator[Record]:
    """The records of the list at the record path, each with its fields flattened."""
    for number, (line, events) in enumerate(_records(path, source), 1):
        yield _record(number, line, events)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each record, with nothing made of it."""
    for number, _ in enumerate(_records(path, source), 1):
        yield number


def _found_encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return bom_encoding(head) or unmarked_utf16(head) or detect_encoding(path)


def _paths(path: Path, codec: str, *, to_the_end: bool) -> PathTree:
    """The distinct paths of a document, with counts and a few values of each. A list adds no
    level: its values are found at its own path."""
    tree = PathTree(separator=".")
    outermost = tree.child(tree.root, "$")
    node = outermost
    above: list[PathNode] = []  # of what is open
    look = LOOKED_AT
    for number, (piece, events) in enumerate(parsed(path, codec), 1):
        for event, value in events:
            if event == "map_key":
                node = tree.child(above[-1], value)
            elif event in _OPENS:
                above.append(node)
                _check_depth(len(above), piece)
                node.count += event == "start_map"
            elif event in _CLOSES:
                node = above.pop()
            else:
                node.count += 1
                node.note(_text(value))
        if number == look and not to_the_end:
            look *= 2
            if is_sure(tree):
                tree.part = f" in the first {number * PIECE_BYTES / 1e6:.0f} MB"
                break
    return tree


def _records(path: Path, source: Source) -> Iterator[tuple[int, list[Event]]]:
    """Line and events of each value in the list at the record path."""
    wanted = source.record_path or "$"
    lists: list[tuple[bool, str | None]] = []  # of what is open: whether a list, and its path
    here: str | None = "$"  # the path of the value that comes next; None where it leads off
    record: list[Event] | None = None
    line = depth = 0
    for piece, events in parsed(path, source.encoding):
        places = _brackets(piece, events)
        opened = 0
        for pair in events:
            event = pair[0]
            step = _STEPS.get(event)
            if step == 1:
                opened += 1
            if record is not None:
                record.append(pair)
                if step is None:
                    continue
                depth += step
                _check_depth(len(lists) + depth, piece)
                if not depth:
                    yield line, record
                    record = None
            elif event == "map_key":
                parent = lists[-1][1]
                here = f"{parent}.{pair[1]}" if parent else None
                if here and here != wanted and not wanted.startswith(here + "."):
                    here = None
            elif step == 1:
                inner = bool(lists) and lists[-1] == (True, here)
                if here == wanted and (event == "start_map" or inner):
                    record, depth = [pair], 1
                    line = piece.line
                    if places:
                        line += piece.data.count(b"\n", 0, places[opened - 1])
                else:
                    lists.append((event == "start_array", here))
                    _check_depth(len(lists), piece)
                    here = here if event == "start_array" else None
            elif event in _CLOSES:
                lists.pop()
                here = lists[-1][1] if lists and lists[-1][0] else (None if lists else "$")
            elif here == wanted and (not lists or lists[-1][0]):
                yield piece.line, [pair]
        if record is not None and len(record) > MAX_RECORD_VALUES:
            raise UnreadableFeed(
                f"The record at {wanted} that starts on line {line} has more than "
                f"{MAX_RECORD_VALUES:,} values: it is not a single record."
            )


def _record(number: int, line: int, events: list[Event]) -> Record:
    """A record of its events. Where a name occurs twice with different values, it cannot be told
    which one counts, and the record has an error."""
    fields: Fields = {}
    warnings: dict[str, None] = {}
    error: str | None = None
    above: list[_Open] = []
    path, again = "", False
    for event, value in events:
        if event == "map_key":
            here = above[-1]
            name = value if "\0" not in value else clean(value)
            path, again = here.before + name, name in here.names
            here.names.add(name)
            continue
        if event in _CLOSES:
            above.pop()
            continue
        if above and above[-1].is_list:
            path, again = above[-1].next_path(inner=event in _OPENS), False
        if event in _OPENS:
            if again:
                error = f"The name {path} occurs twice."
            above.append(_Open(path, event == "start_array"))
            continue
        text = value if event == "string" else _text(value)
        if "\0" in text:
            text = clean(text)
            warnings[REMOVED] = None
        elif event == "number" and type(value) is Decimal and _is_beyond(value):
            error = f"The number {text} in {path} is beyond all measure."
        if path and path not in fields:
            fields[path] = text
        elif not again:
            put(fields, path or ".", text)
        elif fields.get(path) == text:
            warnings[f"The name {path} occurs twice with the same value."] = None
        else:
            error = f"The name {path} occurs twice with different values."
    return Record(number, line, fields, _raw(events), error, tuple(warnings))


class _Open:
    """A list or object that is open while a record is flattened."""

    __slots__ = ("before", "count", "is_list", "names", "path")

    def __init__(self, path: str, is_list: bool) -> None:
        self.path = path
        self.before = f"{path}." if path else ""
        self.is_list = is_list
        self.count = 0
        self.names: set[str] = set()

    def next_path(self, *, inner: bool) -> str:
        """The path of a list's next value: its own, but for lists and objects in it and for the
        values of a record that is a list itself."""
        number, self.count = self.count, self.count + 1
        return f"{self.before}{number}" if inner or not self.path else self.path


def _text(value: Any) -> str:
    """A value as text: numbers without an exponent, unless that is huge; null is empty."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is Decimal and not _is_beyond(value):
        return format(value, "f")
    return str(value)


def _is_beyond(value: Decimal) -> bool:
    return abs(value.adjusted()) > MAX_EXPONENT


def _raw(events: list[Event]) -> str:
    """The events as the JSON that they came from, without blanks."""
    parts: list[str] = []
    for event, value in events:
        if event == "map_key":
            parts += (_quoted(value), ":")
        elif event == "string":
            parts += (_quoted(value), ",")
        elif event in _OPENS:
            parts.append("{" if event == "start_map" else "[")
        elif event in _CLOSES:
            if parts[-1] == ",":
                parts.pop()
            parts += ("}" if event == "end_map" else "]", ",")
        elif event == "null":
            parts += ("null", ",")
        else:
            parts += (str(value).lower() if event == "boolean" else str(value), ",")
    return "".join(parts[:-1])


def _brackets(piece: Piece, events: list[Event]) -> list[int]:
    """Where in a piece each list and object is opened; nothing for a piece within a line."""
    if b"\n" not in piece.data[:-1]:
        return []
    places = [found.start() for found in _BRACKET.finditer(piece.data)]
    if len(places) > sum(event in _OPENS for event, _ in events):  # some stand in texts
        found = _STRING_OR_BRACKET.finditer(piece.data)
        places = [each.start() for each in found if each.group() in (b"{", b"[")]
    return places


def _check_depth(depth: int, piece: Piece) -> None:
    if depth > MAX_DEPTH:
        raise UnreadableFeed(
            f"The JSON is nested deeper than {MAX_DEPTH} levels at line {piece.line}."
        )
