"""Sitemaps as sites really write them: bytes in, addresses out.

Not read as XML: a bare `&`, a missing namespace or a cut end must not cost the addresses that are
there, and what no parser expands cannot explode.
"""

import html
import re
import zlib
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urljoin, urlsplit

MOST_BYTES = 50 << 20  # unpacked
MOST_ENTRIES = 50_000  # of one file

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w-]+:)?([A-Za-z]\w*)")
# Possessive throughout: nothing here is tried twice, however long it is.
_VALUE = r"[^<>]*+>(?:\s{0,99}<!\[CDATA\[)?([^<\]]++)(?:\]\]>\s{0,99})?</"
_LOC = re.compile(
    rf"<(?:(?!image:|video:|news:|xhtml:)[\w-]{{1,40}}:)?loc\b{_VALUE}", re.IGNORECASE
)
_RSS_LINK = re.compile(rf"<link\b{_VALUE}", re.IGNORECASE)
_ATOM_LINK = re.compile(r"<(?:[\w-]+:)?link\b([^<>]*+)>", re.IGNORECASE)
_HREF = re.compile(r"href\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_OTHER_REL = re.compile(r"rel\s*=\s*[\"'](?!alternate)", re.IGNORECASE)
_RSS_ITEM = re.compile(r"<item\b", re.IGNORECASE)
_ATOM_ENTRY = re.compile(r"<(?:[\w-]+:)?entry\b", re.IGNORECASE)
_LINE = re.compile(r"^[ \t]*(https?://\S+)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass
class Sitemap:
    """One file. `kind` is index, urlset, rss, atom, text, or "" for what is no sitemap; `urls`
    are pages, `children` further sitemaps, both absolute and each once."""

    kind: str = ""
    urls: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_sitemap(body: bytes, url: str) -> Sitemap:
    """Read one file, packed or not. Never raises for what a site may send."""
    found = Sitemap()
    text = _text(body, found)
    root = _ROOT.search(text, 0, 5_000)
    name = root[1].lower() if root else ""
    if name == "sitemapindex":
        found.kind, written = "index", _values(_LOC, text)
    elif name == "urlset":
        found.kind, written = "urlset", _values(_LOC, text)
    elif name in ("rss", "rdf"):
        found.kind, written = "rss", _values(_RSS_LINK, _from_first(_RSS_ITEM, text))
    elif name == "feed":
        found.kind, written = "atom", _atom_links(_from_first(_ATOM_ENTRY, text))
    elif not name and (written := _values(_LINE, text)):
        found.kind = "text"
    else:
        found.warnings.append("is no sitemap")
        return found
    if len(written) > MOST_ENTRIES:
        written.pop()
        found.warnings.append(f"only the first {MOST_ENTRIES:,} entries were read")
    if found.kind in ("index", "urlset") and not text.rstrip().endswith(">"):
        found.warnings.append("is cut off; what was there was read")
    addresses = dict.fromkeys(each for part in written if (each := _absolute(part, url)))
    if found.kind == "index":
        found.children = list(addresses)
    else:
        found.urls = list(addresses)
    return found


def unpack(body: bytes, most: int) -> tuple[bytes, bool]:
    """The first `most` bytes of `body`, unpacked where it is gzip, and whether there was more.
    A broken end gives what came before it."""
    if not body.startswith(b"\x1f\x8b"):
        return body[:most], len(body) > most
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, most)
    except zlib.error:
        return b"", False
    return data, bool(unpacker.unconsumed_tail)


def _text(body: bytes, found: Sitemap) -> str:
    data, more = unpack(body, MOST_BYTES)
    if data.startswith(b"\x1f\x8b"):  # packed by the site and again by its server
        data, more = unpack(data, MOST_BYTES)
    if more:
        found.warnings.append(f"only the first {MOST_BYTES >> 20} MB were read")
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if wide else "utf-8-sig", "replace")
    return _COMMENT.sub("", text)


def _values(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match[1] for match in islice(pattern.finditer(text), MOST_ENTRIES + 1)]


def _atom_links(text: str) -> list[str]:
    found = []
    for match in _ATOM_LINK.finditer(text):
        href = _HREF.search(match[1])
        if href and not _OTHER_REL.search(match[1]):
            found.append(href[1])
            if len(found) > MOST_ENTRIES:
                break
    return found


def _from_first(pattern: re.Pattern[str], text: str) -> str:
    start = pattern.search(text)
    return text[start.start() :] if start else ""


def _absolute(written: str, base: str) -> str:
    try:
        url = urljoin(base, html.unescape(written.strip()))
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
