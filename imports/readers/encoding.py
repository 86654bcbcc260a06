"""Which encoding a text file is in, and where it breaks its own rules.

The order is: byte order mark, strict UTF-8 over the whole file, then a guess at its code page. A
file that is UTF-8 but for a few bytes is never guessed at: it is refused with the place of the
first bad byte, because a guess would garble every accent in it.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .code_page import likely_code_page
from .detect import HEAD_BYTES, bom_encoding, unmarked_utf16
from .model import UnknownEncoding, UnreadableFeed

CHUNK = 1 << 20
SAMPLE_BYTES = 200_000  # what a code page is guessed from

# UTF-16 surrogates that stand alone are let through here; `csv_reader` removes them with a
# warning. Other codecs ignore this handler and stay strict.
ERRORS = "surrogatepass"

_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_ASCII = bytes(range(128))
_ACCENTED_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


@dataclass(frozen=True)
class BadByte:
    """A byte that its encoding does not allow; line and column count from 1."""

    value: int
    offset: int
    line: int
    column: int

    def __str__(self) -> str:
        return (
            f"byte 0x{self.value:02X} at line {self.line}, column {self.column} "
            f"(offset {self.offset:,})"
        )


def checked_codec(path: Path, name: str) -> str:
    """The codec to read a file with in a named encoding, past its byte order mark.

    Raises UnreadableFeed where Python knows no text encoding by that name.
    """
    try:
        "".encode(name)
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UnreadableFeed(f'There is no encoding called "{name}".') from None
    with path.open("rb") as file:
        marked = bom_encoding(file.read(4))
    return marked if marked and codec.startswith(marked.removesuffix("-sig")) else name


def misread(path: Path, encoding: str) -> UnreadableFeed:
    """The error for a file that is not in the encoding that it is read in."""
    bad = find_bad_byte(path, encoding)
    reason = f"{bad} does not belong to it" if bad else "it cannot be decoded so"
    return UnreadableFeed(f"The file is not {encoding}: {reason}.")


def find_bad_byte(path: Path, encoding: str) -> BadByte | None:
    """The first byte of a file that is not in the encoding, None if all of it is."""
    decoder = codecs.getincrementaldecoder(encoding)(ERRORS)
    offset, line, column = 0, 1, 1
    for chunk in chain(_chunks(path), [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            data = error.object
            good = data[: error.start].decode(encoding, ERRORS)
            line, column = _after(good, line, column)
            start = offset + len(chunk) - len(data) + error.start
            return BadByte(data[error.start], start, line, column)
        except UnicodeError:  # UTF-16 without a byte order mark: no single byte is to blame
            return None
        offset += len(chunk)
        line, column = _after(text, line, column)
    return None


def detect_encoding(path: Path) -> str:
    """The encoding of a text file. Raises UnknownEncoding, for UTF-8 with bad bytes in it too."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    marked = bom_encoding(head) or unmarked_utf16(head)
    if marked:
        return marked
    bad = find_bad_byte(path, "utf-8")
    if bad is None:
        return "utf-8"
    if _mostly_utf8(path):
        raise UnknownEncoding(
            f"The file is UTF-8, but {bad} is not; mend it, or name the file's encoding."
        )
    return _guess(path, bad)


def _after(text: str, line: int, column: int) -> tuple[int, int]:
    breaks = text.count("\n")
    if breaks:
        return line + breaks, len(text) - text.rfind("\n")
    return line, column + len(text)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _mostly_utf8(path: Path) -> bool:
    """Whether more of the bytes beyond ASCII form UTF-8 sequences than do not."""
    inside = outside = 0
    for chunk in _chunks(path):
        beyond = len(chunk.translate(None, _ASCII))
        valid = sum(map(len, _MULTIBYTE.findall(chunk))) if beyond else 0
        inside += valid
        outside += beyond - valid
    return inside > outside


def _guess(path: Path, bad: BadByte) -> str:
    sample, beyond = bytearray(), set[int]()
    for chunk in _chunks(path):
        beyond.update(chunk.translate(None, _ASCII))
        if len(sample) < SAMPLE_BYTES:
            sample += b"\n".join(_ACCENTED_LINE.findall(chunk)) + b"\n"
    codec = likely_code_page(bytes(sample[:SAMPLE_BYTES]))
    if codec is None:
        raise UnknownEncoding(f"The file's encoding is not recognised ({bad}); name it.")
    # Few accents fit many code pages alike; where western Windows reads the same, say that.
    return "cp1252" if _reads_alike(bytes(sorted(beyond)), codec, "cp1252") else codec


def _reads_alike(data: bytes, one: str, other: str) -> bool:
    try:
        return data.decode(one) == data.decode(other)
    except UnicodeDecodeError:
        return False
