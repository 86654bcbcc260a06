"""A record of a JSON feed from its events: fields under their paths, and its text.

Fields have paths below the record: `offers.0.price`; the values of a plain list (`"images": ["a",
"b"]`) stay together under its name. The key of a record that stands under one is its field `@key`.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from .json_events import Event
from .model import KEY, Fields, Record, put
from .text import REMOVED, clean

MAX_EXPONENT = 30  # a number beyond is no price, no stock and no size
OWN_KEY = f"{KEY} [2]"  # what members of that name are called in a record with a key

OPENS = frozenset(("start_map", "start_array"))
CLOSES = frozenset(("end_map", "end_array"))

_quoted: Callable[[str], str] = json.encoder.encode_basestring
_OWN_KEY = ("map_key", KEY)


def record_of(number: int, line: int, key: str | None, events: list[Event]) -> Record:
    """A record of its events and, in a keyed object, of its key. Where a name occurs twice with
    different values, it cannot be told which one counts, and the record has an error."""
    fields: Fields = {}
    warnings: dict[str, None] = {}
    error: str | None = None
    above: list[_Open] = []
    path, again = "", False
    if key is not None:
        if events[0][0] != "start_map":
            error = f"What stands under {clean(key)} is no object with fields."
        events = _with_key(key, events)
    for event, value in events:
        if event == "map_key":
            here = above[-1]
            name = value if "\0" not in value else clean(value)
            path, again = here.before + name, name in here.names
            here.names.add(name)
            continue
        if event in CLOSES:
            above.pop()
            continue
        if above and above[-1].is_list:
            path, again = above[-1].next_path(inner=event in OPENS), False
        if event in OPENS:
            if again:
                error = f"The name {path} occurs twice."
            above.append(_Open(path, event == "start_array"))
            continue
        text = value if event == "string" else text_of(value)
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
    return Record(number, line, fields, partial(_raw, events), error, tuple(warnings))


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


def text_of(value: Any) -> str:
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


def _with_key(key: str, events: list[Event]) -> list[Event]:
    """The events of an object whose first member is its key."""
    if events[0][0] != "start_map":
        events = [("start_map", None), ("map_key", "."), *events, ("end_map", None)]
    if _OWN_KEY in events:
        events = [("map_key", OWN_KEY) if each == _OWN_KEY else each for each in events]
    return [events[0], _OWN_KEY, ("string", key), *events[1:]]


def _raw(events: list[Event]) -> str:
    """The events as the JSON that they came from, without blanks."""
    parts: list[str] = []
    for event, value in events:
        if event == "map_key":
            parts += (_quoted(value), ":")
        elif event == "string":
            parts += (_quoted(value), ",")
        elif event in OPENS:
            parts.append("{" if event == "start_map" else "[")
        elif event in CLOSES:
            if parts[-1] == ",":
                parts.pop()
            parts += ("}" if event == "end_map" else "]", ",")
        elif event == "null":
            parts += ("null", ",")
        else:
            parts += (str(value).lower() if event == "boolean" else str(value), ",")
    return "".join(parts[:-1])
