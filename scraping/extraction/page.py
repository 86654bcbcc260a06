"""The bytes of a page become one tree, and the few lists that every reader needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from lxml import html as lxml_html
from w3lib.encoding import html_body_declared_encoding, read_bom, resolve_encoding, to_unicode
from w3lib.url import safe_url_string

MOST_BYTES = 5 << 20
MOST_LINKS = 5_000
LONGEST_HREF = 4_000
LITTLE_TEXT = 200  # characters; a page that shows less has not been built yet

_BINARY = (
    *(b"%PDF-", b"\x89PNG", b"PK\x03\x04", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"RIFF"),
    *(b"MZ", b"\x7fELF"),
)
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, whose texts are full of NULs
_HEAD = 1024  # bytes that are looked at for NULs
_STRAY_NULS = 8
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_PLAIN = re.compile(
    r"(?:https?://[a-z0-9.-]+(?::\d{1,5})?)?/(?!/)[\w!$%&'()*+,;=:@/?~.-]*", re.ASCII
)
_APP_ROOT = re.compile(r"(?:root|app|__next|__nuxt|___gatsby|main-app|app-root|q-app)", re.I)
_JAVASCRIPT = re.compile(r"java\s?script", re.IGNORECASE)
_UNSEEN = frozenset(("script", "style", "noscript", "template", "head", "svg"))


@dataclass
class Page:
    """A page that was opened. `tree` is None where the bytes are no HTML; `base` is what relative
    addresses start from; `open_graph` has the contents of each `property` or `name` of a meta."""

    url: str
    base: str
    tree: Any = None
    canonical: str = ""
    title: str = ""
    headings: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    open_graph: dict[str, list[str]] = field(default_factory=dict)
    nofollow: bool = False
    noindex: bool = False
    warnings: list[str] = field(default_factory=list)

    def json_ld_scripts(self) -> list[str]:
        """The texts of the JSON-LD scripts."""
        return [
            script.text or ""
            for script in self.tree.iter("script")
            if "ld+json" in (script.get("type") or "").lower()
        ]

    def microdata_size(self) -> tuple[int, int]:
        """How many items and properties the microdata has."""
        scopes, properties = "count(//*[@itemscope])", "count(//*[@itemprop])"
        return int(self.tree.xpath(scopes)), int(self.tree.xpath(properties))

    def needs_javascript(self) -> bool:
        """Tell whether the page shows next to nothing until its scripts have run."""
        if self.tree is None or self._shows(LITTLE_TEXT):
            return False
        scripts = self.tree.xpath("//script[@src or string-length(.) > 500]")
        hints = " ".join("".join(each.itertext()) for each in self.tree.iter("noscript"))
        roots = [
            each
            for each in self.tree.iter("div", "main", "app-root")
            if each.tag == "app-root" or _APP_ROOT.fullmatch(each.get("id") or "")
        ]
        return bool(scripts and (roots or _JAVASCRIPT.search(hints)))

    def _shows(self, enough: int) -> bool:
        seen, hidden = 0, 0
        for event, element in etree.iterwalk(self.tree, events=("start", "end")):
            if element.tag in _UNSEEN:
                hidden += 1 if event == "start" else -1
            words = element.text if event == "start" else element.tail
            if words and not hidden:
                seen += len(words.strip())
                if seen >= enough:
                    return True
        return False


def is_text(body: bytes | bytearray) -> bool:
    """Tell a page from a file that is called one: by the sign it begins with, and by more NULs
    than a text has by mistake."""
    if body.startswith(_BINARY):
        return False
    return body.startswith(_WIDE) or body[:_HEAD].count(0) <= _STRAY_NULS


def open_page(body: bytes, url: str, encoding: str | None) -> Page:
    """Decode and parse a page; what is wrong with it stands in its warnings."""
    page = Page(url=url, base=url)
    if not body.strip():
        page.warnings.append("the page is empty")
        return page
    if not is_text(body):
        page.warnings.append("the body is a file, not a web page")
        return page
    if len(body) > MOST_BYTES:
        body = body[:MOST_BYTES]
        page.warnings.append(f"only the first {MOST_BYTES >> 20} MB of the page were read")
    markup = _DECLARATION.sub("", decode(body, encoding)).replace("\x00", "")
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml_html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        page.warnings.append("the page holds no HTML")
        return page
    page.tree = tree
    _read_head(page)
    _read_links(page)
    return page


def decode(body: bytes, declared: str | None) -> str:
    """The text of a page. A byte-order mark wins; then what is valid UTF-8 is UTF-8, whatever
    the header says; then the first of header and meta that fits; then UTF-8 with some broken
    letters; then the Windows charset."""
    marked, bom = read_bom(body)
    if marked:
        return to_unicode(body[len(bom or b"") :], marked)
    named = [resolve_encoding(declared) if declared else None, html_body_declared_encoding(body)]
    if not body.isascii():
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start >= len(body) - 4:  # cut within a letter
                return body.decode("utf-8", "ignore")
    for name in named:
        if name and name != "utf-8":
            try:
                return body.decode(name)
            except (UnicodeError, LookupError):
                continue
    loose = body.decode("utf-8", "replace")
    broken = loose.count("\ufffd")
    letters = len(loose) - len(loose.encode("ascii", "ignore")) - broken
    return loose if letters >= broken else to_unicode(body, "cp1252")


def absolute(base: str, address: str) -> str:
    """`address` as an absolute http(s) address without fragment, "" where it is none."""
    address = "".join(address.split("\n")).strip(" \t\r\f")
    if not address or len(address) > LONGEST_HREF:
        return ""
    plain = address.partition("#")[0]
    if _PLAIN.fullmatch(plain) and "/." not in plain:  # nearly all links: joining costs ten times
        return f"{_origin(base)}{plain}" if plain[0] == "/" else plain
    try:
        url = urldefrag(urljoin(base, address))[0]
        if not url.isascii() or " " in url:
            url = safe_url_string(url)
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else ""
    except (ValueError, UnicodeError):
        return ""


@lru_cache(maxsize=256)
def _origin(base: str) -> str:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}"


def words(element: Any) -> str:
    """The text of an element on one line."""
    return " ".join("".join(element.itertext()).split())


def _read_head(page: Page) -> None:
    tree = page.tree
    for element in tree.iter("base"):
        if href := element.get("href"):
            page.base = absolute(page.url, href) or page.url
            break
    title = tree.find(".//title")
    page.title = words(title)[:500] if title is not None else ""
    page.headings = [found[:500] for each in tree.iter("h1") if (found := words(each))][:5]
    for element in tree.iter("link"):
        relations = (element.get("rel") or "").lower().split()
        if "canonical" in relations and not page.canonical:
            page.canonical = absolute(page.base, element.get("href") or "")
    for element in tree.iter("meta"):
        name = (element.get("property") or element.get("name") or "").strip().lower()
        content = (element.get("content") or "").strip()
        if not name or not content:
            continue
        page.open_graph.setdefault(name, []).append(content)
        if name == "robots":
            orders = {order.strip() for order in content.lower().split(",")}
            page.nofollow |= not orders.isdisjoint(("nofollow", "none"))
            page.noindex |= not orders.isdisjoint(("noindex", "none"))


def _read_links(page: Page) -> None:
    hrefs: dict[str, None] = {}
    for element in page.tree.iter("a", "area", "link"):
        relations = (element.get("rel") or "").lower().split()
        if "nofollow" in relations:
            continue
        if element.tag == "link" and not {"next", "prev"}.intersection(relations):
            continue
        href = element.get("href")
        if href and not href.startswith("#"):
            hrefs[href] = None
    found: dict[str, None] = {}
    for href in hrefs:
        if url := absolute(page.base, href):
            found[url] = None
            if len(found) > MOST_LINKS:
                found.popitem()
                page.warnings.append(f"only the first {MOST_LINKS:,} links were followed")
                break
    page.links = list(found)
