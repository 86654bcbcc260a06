"""JSON-LD: the scripts of a page, mended where shops commonly break them."""

import html
import json
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

import jstyleson  # type: ignore[import-untyped]

from scraping.extraction.nodes import Graph
from scraping.extraction.page import Page

LONGEST_SCRIPT = 2 << 20  # characters
LONGEST_REPAIR = 1 << 18
MOST_SCRIPTS = 200

_WRAPPING = re.compile(r"(?://|/\*)?\s{0,9}(?:<!\[CDATA\[|\]\]>)(?:\s{0,9}\*/)?|<!--|-->")
_BETWEEN = re.compile(r"}\s*{")


def read_json_ld(page: Page) -> Graph:
    """Read the page's scripts; each that is broken beyond repair leaves a warning."""
    graph = Graph("json-ld")
    for number, script in enumerate(page.json_ld_scripts()[:MOST_SCRIPTS], 1):
        if not script.strip():
            continue
        try:
            graph.add(_parse(script))
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, ValueError) else "nested too deep"
            page.warnings.append(f"JSON-LD block {number} cannot be read: {reason[:200]}")
    return graph


def _parse(script: str) -> Any:
    if len(script) > LONGEST_SCRIPT:
        raise ValueError(f"it is longer than {LONGEST_SCRIPT:,} characters")
    try:
        return _loads(script)
    except ValueError as error:
        if len(script) > LONGEST_REPAIR:
            raise
        first = error
    for mended in _repairs(script):
        try:
            return _loads(mended)
        except ValueError:
            continue
    raise first


def _loads(script: str) -> Any:
    """Control characters pass, and numbers stay as they were written."""
    return json.loads(script, strict=False, parse_int=str, parse_float=_number)


def _number(written: str) -> str:
    """As written, but 1.5e3 as people write it."""
    _, _, power = written.lower().partition("e")
    return format(Decimal(written), "f") if power and len(power) < 4 else written


def _repairs(script: str) -> list[str]:
    bare = _WRAPPING.sub("", script).strip().rstrip(";, \n\r\t")
    found = [bare]
    if "&quot;" in bare or "&#34;" in bare:
        found.append(html.unescape(bare))
    with suppress(IndexError):  # it reads beyond a cut text
        found.append(jstyleson.dispose(bare))
    # Several objects in one script, one after another.
    found.append(f"[{_BETWEEN.sub('},{', found[-1])}]")
    return found
