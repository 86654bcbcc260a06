"""What a file is, told by its content: names and extensions of feeds lie too often."""

import codecs
import re
from pathlib import Path

from .model import UnreadableFeed
from .workbook import is_workbook

HEAD_BYTES = 65_536
CONTROL_SHARE = 0.05  # of the head; beyond it a file is no text

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16: its mark starts with the same two bytes
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

MAGIC = {
    b"%PDF-": "pdf",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # one of nothing
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole",
    b"\x89PNG\r\n": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"Rar!": "archive",
    b"7z\xbc\xaf": "archive",
    b"BZh": "archive",
    b"\xfd7zXZ": "archive",
}

KINDS = {
    "pdf": "a PDF",
    "zip": "a zip archive",
    "xlsx": "an Excel workbook",
    "gzip": "compressed with gzip",
    "ole": "an old Excel or Office document",
    "image": "a picture",
    "archive": "a compressed archive",
    "html": "an HTML page (perhaps a log-in or error page)",
    "json": "JSON",
    "datanorm 5": "Datanorm 5 (ask for version 4)",
    "binary": "binary data",
}

_HTML = re.compile(r"<(!doctype\s+html|html|head|body|script|meta)[\s/>]", re.IGNORECASE)
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\[{\]\"]|\[\s*-?\d+(\.\d+)?\s*[,\]]")
_MARKUP = re.compile(r"<[?!A-Za-z_]")
_PROLOGUE = re.compile(r"(\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_DATANORM = re.compile(r"V [ \d]{6}[^\r\n]{110,122}\r?\n(?P<records>[ABDEPRST];)|V;05")
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\f\x1a\x1b")


def bom_encoding(head: bytes) -> str | None:
    """The codec that a byte order mark at the start names."""
    return next((codec for mark, codec in BOMS.items() if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """The UTF-16 codec of a file without a mark: Latin text has a zero in every second byte."""
    pairs = len(head) // 2
    for codec, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if pairs and zeros.count(0) > 0.6 * pairs and head.count(0) < 1.2 * zeros.count(0):
            return codec
    return None


def kind_of(path: Path) -> str:
    """ "xml", "text" (perhaps CSV) or a key of KINDS; raises UnreadableFeed if not even that."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableFeed(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise UnreadableFeed(f"{path} is a folder, not a file.") from None
    except OSError as error:
        raise UnreadableFeed(f"{path} cannot be opened: {error.strerror}.") from error
    if not head:
        raise UnreadableFeed("The file is empty.")
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            return "xlsx" if kind == "zip" and is_workbook(path) else kind
    return _text_kind(head)


def _text_kind(head: bytes) -> str:
    codec = bom_encoding(head) or unmarked_utf16(head)
    if codec is None and len(head) - len(head.translate(None, _CONTROLS)) > max(
        3, CONTROL_SHARE * len(head)
    ):
        return "binary"
    text = head.decode(codec or "latin-1", errors="ignore").lstrip("\ufeff")
    start = text.lstrip()
    if not start and len(head) < HEAD_BYTES:
        raise UnreadableFeed("The file is empty: it holds nothing but blanks.")
    if _MARKUP.match(start):
        prologue = _PROLOGUE.match(start)
        return "html" if _HTML.match(start, prologue.end() if prologue else 0) else "xml"
    if found := _DATANORM.match(start):
        return "datanorm" if found["records"] else "datanorm 5"
    return "json" if _JSON.match(start) else "text"
