"""JSON feeds, record by record: a list of records anywhere in the document, JSON lines, or an
object whose entries are records under their keys.

A record's path is `$` for the records of the outermost list or of JSON lines, else `$.data.items`:
the names that lead to its list; `$.products.*` for the entries of an object. The line of a record
is known from its bracket, as pieces end at line breaks.
"""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from . import json_keyed
from .detect import HEAD_BYTES, bom_encoding, unmarked_utf16
from .encoding import checked_codec, detect_encoding
from .json_events import PIECE_BYTES, Event, Piece, parsed
from .json_record import CLOSES, OPENS, record_of, text_of
from .model import KEY, Inspection, Record, Source, UnreadableFeed
from .record_path import ANY, PathNode, PathTree, choose, is_sure

LOOKED_AT = 128  # pieces, 8 MB, from which the record is chosen if they leave no doubt
MAX_DEPTH = 100  # lists and objects in each other
MAX_RECORD_VALUES = 200_000  # a record beyond this is a container taken for a record
COLUMNS_FROM = 100  # records

_STEPS = dict.fromkeys(OPENS, 1) | dict.fromkeys(CLOSES, -1)
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
    tree = _paths(path, codec, record)
    nothing = "The JSON holds no record: no list of objects, and no object."
    chosen, candidates, warnings = choose(tree, record, nothing)
    source = Source("json", codec, record_path=chosen.path)
    first = islice(read(path, source), COLUMNS_FROM)
    columns = tuple(dict.fromkeys(name for each in first for name in each.fields))
    return Inspection(source, candidates, columns, warnings)


def read(path: Path, source: Source) -> Iterator[Record]:
    """The records of the list at the record path, each with its fields flattened."""
    for number, (line, key, events) in enumerate(_records(path, source), 1):
        yield record_of(number, line, key, events)


def count(path: Path, source: Source) -> Iterator[int]:
    """The number of each record, with nothing made of it."""
    for number, _ in enumerate(_records(path, source), 1):
        yield number


def _found_encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return bom_encoding(head) or unmarked_utf16(head) or detect_encoding(path)


def _paths(path: Path, codec: str, wanted: str | None) -> PathTree:
    """The distinct paths of a document, with counts and a few values of each: of all of it for a
    `wanted` one. A list adds no level: its values are found at its own path."""
    tree = PathTree(separator=".")
    outermost = tree.child(tree.root, "$")
    node = outermost
    above: list[PathNode] = []  # of what is open
    lists: set[PathNode] = set()
    look = LOOKED_AT
    for number, (piece, events) in enumerate(parsed(path, codec), 1):
        for event, value in events:
            if event == "map_key":
                node = _child(tree, above[-1], value, lists)
            elif event in OPENS:
                above.append(node)
                _check_depth(len(above), piece)
                if event == "start_map":
                    node.count += 1
                else:
                    lists.add(node)
            elif event in CLOSES:
                node = above.pop()
            else:
                node.count += 1
                node.note(text_of(value))
        if number == look and wanted is None:
            look *= 2
            if is_sure(tree):
                tree.part = f" in the first {number * PIECE_BYTES / 1e6:.0f} MB"
                break
    json_keyed.gather(tree, lists, wanted)
    return tree


def _child(tree: PathTree, parent: PathNode, name: str, lists: set[PathNode]) -> PathNode:
    """The node for what stands under a name, which is the same for all keys of a keyed object."""
    known = parent.children.get(name)
    if known is not None and name != ANY:
        return known
    if len(parent.children) == json_keyed.LOOKED_AT and json_keyed.is_keyed(parent, lists):
        tree.gather(parent)
    entry = json_keyed.entry_of(parent)
    if entry is None:
        return tree.child(parent, name)
    key = entry.children[KEY]
    key.count += 1
    key.note(name)
    return entry


def _records(path: Path, source: Source) -> Iterator[tuple[int, str | None, list[Event]]]:
    """Line, key if it has one, and events of each value at the record path: of those in a list, or
    of all entries of an object."""
    wanted = source.record_path or "$"
    keyed = wanted.rpartition(".")[2] == ANY
    key: str | None = None
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
                    yield line, key, record
                    record = None
            elif event == "map_key":
                here = _on_the_way(lists[-1][1], pair[1], wanted)
                if keyed and here == wanted:
                    key = pair[1]
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
            elif event in CLOSES:
                lists.pop()
                here = lists[-1][1] if lists and lists[-1][0] else (None if lists else "$")
            elif here == wanted and (keyed or not lists or lists[-1][0]):
                yield piece.line, key, [pair]
        if record is not None and len(record) > MAX_RECORD_VALUES:
            raise UnreadableFeed(
                f"The record at {wanted} that starts on line {line} has more than "
                f"{MAX_RECORD_VALUES:,} values: it is not a single record."
            )


def _on_the_way(parent: str | None, name: str, wanted: str) -> str | None:
    """The path of what stands under a name, if it is the wanted one or leads to it."""
    if parent is None:
        return None
    for each in (name, ANY):
        path = f"{parent}.{each}"
        if path == wanted or wanted.startswith(path + "."):
            return path
    return None


def _brackets(piece: Piece, events: list[Event]) -> list[int]:
    """Where in a piece each list and object is opened; nothing for a piece within a line."""
    if b"\n" not in piece.data[:-1]:
        return []
    places = [found.start() for found in _BRACKET.finditer(piece.data)]
    if len(places) > sum(event in OPENS for event, _ in events):  # some stand in texts
        found = _STRING_OR_BRACKET.finditer(piece.data)
        places = [each.start() for each in found if each.group() in (b"{", b"[")]
    return places


def _check_depth(depth: int, piece: Piece) -> None:
    if depth > MAX_DEPTH:
        raise UnreadableFeed(
            f"The JSON is nested deeper than {MAX_DEPTH} levels at line {piece.line}."
        )
