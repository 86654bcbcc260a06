"""JSON text as events, piece by piece, and what is wrong with it to the line and column.

ijson's C back-end hands out events; it holds one string or number at most. A piece either lies
within a line or consists of whole lines (no string runs over a line break), so a bad byte is found
by feeding the piece that it is in once more, byte by byte.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson
from ijson.backends import yajl2_c

from .detect import HEAD_BYTES
from .encoding import ERRORS, misread
from .model import UnreadableFeed

PIECE_BYTES = 65_536
LINE_LIMIT = 16_000_000  # bytes of a first line that is tried as JSON lines
VALUE_LIMIT = 1_000_000  # bytes without an event: a string or number as long as that

Event = tuple[str, Any]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_OPEN_ESCAPE = re.compile(rb"\\[^\\\"]{0,11}\Z")
_NO_NUMBER = re.compile(rb"-?(nan|inf)", re.IGNORECASE)
_WORD_BEFORE = re.compile(rb"[-+A-Za-z]*\Z")
_OBJECT_AFTER_OBJECT = re.compile(rb"\n}\s*\n\s*{")
_UNALLOWED = "unallowed token at this point in JSON text"
_YAJL = re.compile(r"^(b['\"])?(lexical|parse) error: ")
_UNPAIRED = re.compile("[\ud800-\udfff]")
_CONTINUED = bytes(range(0x80, 0xC0))  # bytes that go on with a character of UTF-8

# What ijson raises where a document is broken; the latter two for numbers beyond Python's limits.
_BROKEN = (ijson.JSONError, ArithmeticError, SystemError)


@dataclass(frozen=True)
class Piece:
    """A piece of the document as UTF-8, and where it starts: line and column count from 1."""

    data: bytes
    line: int
    column: int


def parsed(path: Path, codec: str) -> Iterator[tuple[Piece, list[Event]]]:
    """The pieces of a document, each with the events that end in it; raises UnreadableFeed where
    the document is broken."""
    several = _holds_several(path)
    events: Any = ijson.sendable_list()
    parser = yajl2_c.basic_parse_coro(events, multiple_values=several)
    broken: Exception | None = None
    silent = 0
    piece = Piece(b"", 1, 1)
    for number, piece in enumerate(_pieces(path, codec)):
        try:
            parser.send(piece.data)
        except _BROKEN as error:
            broken = error
        if isinstance(broken, SystemError):
            events.clear()  # its last value is none
        yield piece, list(events)
        if broken is not None:
            raise _malformed(path, codec, several, number) from broken
        silent = 0 if events or piece.data.isspace() else silent + len(piece.data)
        if silent > VALUE_LIMIT:
            raise UnreadableFeed(
                f"A value on line {piece.line} is longer than {VALUE_LIMIT:,} bytes "
                f"(at column {piece.column:,} it still goes on)."
            )
        events.clear()
    try:
        parser.close()
    except _BROKEN as error:
        line, column = _after(piece, piece.data)
        raise UnreadableFeed(
            f"The JSON is cut off at line {line}, column {column:,}: what is open there is never "
            "closed."
        ) from error
    yield piece, list(events)


def _holds_several(path: Path) -> bool:
    """Whether a file is JSON lines, or objects one below the other, not a single document."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
        first = head.partition(b"\n")[0]
        if first == head:
            first += file.readline(LINE_LIMIT)
    if _OBJECT_AFTER_OBJECT.search(head):
        return True
    try:
        json.loads(first.replace(b"\0", b"").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def _pieces(path: Path, codec: str) -> Iterator[Piece]:
    """A document cut at line breaks, or within a line that is longer than a piece."""
    line = column = 1
    rest = b""
    for block in _blocks(path, codec):
        data = rest + block
        head = data.find(b"\n") + 1 if column > 1 else 0
        lines = data.rfind(b"\n") + 1
        if not lines:
            open_escape = _OPEN_ESCAPE.search(data, max(0, len(data) - 12))
            lines = open_escape.start() if open_escape else len(data)
        for part in filter(None, (data[:head], data[head:lines])):
            piece = Piece(_strict(part), line, column)
            yield piece
            line, column = _after(piece, part)
        rest = data[lines:]
    if rest:
        yield Piece(_strict(rest), line, column)


def _blocks(path: Path, codec: str) -> Iterator[bytes]:
    """The text of a file as UTF-8, without a mark at its start."""
    if codec in ("utf-8", "utf-8-sig"):
        with path.open("rb") as file:
            block = file.read(PIECE_BYTES).removeprefix(b"\xef\xbb\xbf")
            while block:
                yield block
                block = file.read(PIECE_BYTES)
        return
    try:
        with path.open(encoding=codec, errors=ERRORS, newline="") as text:
            while read := text.read(PIECE_BYTES):
                yield _UNPAIRED.sub("\0", read).encode()
    except UnicodeError as error:
        raise misread(path, codec) from error


def _strict(data: bytes) -> bytes:
    """A piece without what yajl lets pass: form feeds between values, made a character that it
    refuses, and escapes of half a character, of which it would make question marks, made escapes
    of NUL, which are found and told of later."""
    data = data.replace(b"\v", b"\0").replace(b"\f", b"\0")
    if not _SURROGATE.search(data):
        return data
    return _ESCAPE.sub(lambda found: b"\\u0000" if found["half"] else found.group(), data)


def _after(piece: Piece, data: bytes) -> tuple[int, int]:
    """Line and column behind the first bytes of a piece."""
    breaks = data.count(b"\n")
    tail = data[data.rfind(b"\n") + 1 :]
    characters = len(tail.translate(None, _CONTINUED))
    return piece.line + breaks, characters + (1 if breaks else piece.column)


def _malformed(path: Path, codec: str, several: bool, broken: int) -> UnreadableFeed:
    """The error for a document, found by feeding the piece that broke it in ever smaller steps.
    Not at once byte by byte: yajl looks at an open text from its start again each time."""
    good = 0
    for step in (PIECE_BYTES >> 8, 1):
        piece, good, error = _break_of(path, codec, several, broken, good, step)
    return _sentence(piece, good, error)


def _break_of(
    path: Path, codec: str, several: bool, broken: int, good: int, step: int
) -> tuple[Piece, int, Exception]:
    """How much of a piece can be fed in steps after its first `good` bytes, and what then comes."""
    events: Any = ijson.sendable_list()
    parser = yajl2_c.basic_parse_coro(events, multiple_values=several)
    for number, piece in enumerate(_pieces(path, codec)):
        known = piece.data[:good] if number == broken else piece.data
        if known:  # nothing would mean the end
            parser.send(known)
            events.clear()
        if number == broken:
            break
    for start in range(good, len(piece.data), step):
        try:
            parser.send(piece.data[start : start + step])
        except _BROKEN as error:
            return piece, start, error
    raise AssertionError("the document broke in that piece before")


def _sentence(piece: Piece, end: int, error: Exception) -> UnreadableFeed:
    word = _WORD_BEFORE.search(piece.data, 0, end)
    start = word.start() if word else end
    if isinstance(error, ijson.JSONError):
        reason = _YAJL.sub("", re.split(r"\n|\\n", str(error))[0]).rstrip(".")
        if reason == _UNALLOWED:
            reason = "this may not stand here; perhaps a comma, quote or bracket is wrong before it"
    else:
        reason = "a number beyond all measure"
    if _NO_NUMBER.match(piece.data, start):
        end, reason = start, "NaN and Infinity are no numbers of JSON"
    line, column = _after(piece, piece.data[:end])
    return UnreadableFeed(f"The JSON is malformed at line {line}, column {column:,}: {reason}.")
