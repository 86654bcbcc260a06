"""Text as people may read it and PostgreSQL may store it: no NUL, no lone surrogate, no markup."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from lxml import etree
from lxml import html as lxml_html


def word_set(lines: str) -> frozenset[str]:
    """The words or phrases between the bars of `lines`."""
    return frozenset(word.strip() for word in lines.split("|"))


# Lower-case words by which suppliers say "nothing here". They are never read as 0.
EMPTY_WORDS = word_set(
    """n/a|#n/a|#n/d|#nv|n/d|n.d.|n.a.|na|nan|null|nil|none|(none)|(null)|undefined|-|--|---|–|—
    |_|.|?|/|*|#ref!|#value!|#wert!|#div/0!|#name?|tbd|tba|unknown|not available|not applicable
    |on request|price on request|upon request|por|p.o.r.|poa|call|call for price|ask
    |auf anfrage|preis auf anfrage|a.a.|k.a.|keine angabe|keine|unbekannt|nicht verfügbar
    |sur demande|prix sur demande|nc|n.c.|non disponible|inconnu
    |consultar|a consultar|bajo pedido|sin precio|no disponible|no aplica|ninguno
    |su richiesta|prezzo su richiesta|a richiesta|nessuno
    |sob consulta|a consultar|não disponível|nenhum
    |κατόπιν αιτήματος|κατόπιν παραγγελίας|μη διαθέσιμο
    |na zapytanie|cena na zapytanie|do uzgodnienia|brak
    |na dotaz|cena na dotaz|není k dispozici|neuvedeno
    |på förfrågan|pris på begäran|saknas
    |по запросу|цена по запросу|под заказ|нет|нет данных|не указано"""
)
_LONGEST_EMPTY = max(map(len, EMPTY_WORDS))

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile(r"[\s\u200b\u2060\ufeff]+")
_LINE_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]{2,31});")
_BLOCKS = word_set("p|div|br|li|ul|ol|h1|h2|h3|h4|h5|h6|tr|table|dt|dd")
_BREAK = re.compile(rf"(?: ?</?(?:{'|'.join(_BLOCKS)})\b[^<>]*> ?)+", re.IGNORECASE)
_UNSHOWN = re.compile(r"<(?:script|style|!)", re.IGNORECASE)
_HIDDEN = frozenset(("script", "style"))


def storable(text: str) -> str:
    """`text` without NUL and lone surrogates, which PostgreSQL refuses."""
    return _UNSTORABLE.sub("", text)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL takes `text` as it is."""
    return _UNSTORABLE.search(text) is None


def is_empty(text: str) -> bool:
    """Whether `text` is blank or a word for "no value" (never "0")."""
    if text[:1].isdigit():  # the usual code or amount
        return False
    text = text.strip()
    return not text or (len(text) <= _LONGEST_EMPTY and text.lower() in EMPTY_WORDS)


def one_line(text: str) -> str:
    """`text` trimmed to one line with single spaces and entities read; "" for an empty word."""
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if "  " in text or not text.isprintable():
        text = _SPACES.sub(" ", storable(text))
    text = text.strip()
    return "" if len(text) <= _LONGEST_EMPTY and text.lower() in EMPTY_WORDS else text


# Brands, colours and the like repeat; names and codes do not and call one_line directly.
repeated_line = lru_cache(maxsize=2048)(one_line)


def plain_text(text: str) -> str:
    """A description: markup becomes lines of text, line breaks stay; "" for an empty word."""
    if not text.isprintable():
        text = storable(text)
    if "<" in text and _TAG.search(text):
        text = _markup_text(text)
    elif "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
        if "<" in text and _TAG.search(text):  # escaped twice, as many shops export it
            text = _markup_text(text)
    if "  " in text or not text.isprintable():
        text = _LINE_SPACES.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = _BLANK_LINES.sub("\n\n", text).replace(" \n", "\n").replace("\n ", "\n")
    text = text.strip()
    return "" if is_empty(text) else text


def _markup_text(markup: str) -> str:
    if not _UNSHOWN.search(markup):  # plain markup: a parser would cost ten times as much
        return html.unescape(_TAG.sub("", _BREAK.sub("\n", _SPACES.sub(" ", markup))))
    try:
        tree = lxml_html.fromstring(f"<div>{markup}</div>")
    except (etree.ParserError, ValueError):
        return html.unescape(_TAG.sub(" ", markup))
    parts: list[str] = []
    _collect(tree, parts)
    return storable("".join(parts))


def _collect(root: lxml_html.HtmlElement, parts: list[str]) -> None:
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        text = element.tail if event != "start" else element.text
        if element is root and event == "end":
            break
        if event in ("start", "end") and element.tag in _BLOCKS and parts and parts[-1] != "\n":
            parts.append("\n")
        if text and not (event == "start" and element.tag in _HIDDEN):
            parts.append(_SPACES.sub(" ", text))
