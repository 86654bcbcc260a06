"""Which of several products a page is about; its neighbours' must not be taken for it."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from scraping.extraction.nodes import PRODUCTS, Graph, Node, listed, text, types
from scraping.extraction.page import Page, absolute

_WORD = re.compile(r"\w+")
_OFFERS = frozenset(("offer", "aggregateoffer"))
MOST_CANDIDATES = 500


def main_product(graph: Graph, page: Page) -> Node | None:
    """The node of the page's own product, or None.

    1. Products whose address is the page's win over all others.
    2. Then those whose name is the heading's.
    3. Products that all have another page's address, or several that no heading names, are a
       list: it has no product of its own.
    4. Else the first one is taken.
    Variants of one product that stand apart come back folded into one group.
    """
    candidates = _candidates(graph)
    if not candidates:
        return None
    own = [node for node in candidates if _is_here(node, graph, page)]
    named = [node for node in own or candidates if _is_named(node, page)]
    chosen = named or own
    if not chosen:
        strangers = [node for node in candidates if _addresses(node, graph, page)]
        if len(candidates) == 1 and (not strangers or _resembles(candidates[0], page)):
            chosen = candidates
        elif not strangers and len(candidates) <= 3:
            chosen = [node for node in candidates if _resembles(node, page)] or candidates[:1]
    return _folded(chosen, graph) if chosen else None


def _candidates(graph: Graph) -> list[Node]:
    found: list[Node] = []
    for node in graph.subjects():
        kinds = types(node)
        if not PRODUCTS.isdisjoint(kinds):
            found.append(node)
        elif not _OFFERS.isdisjoint(kinds):
            for item in graph.inner(node, "itemOffered"):
                item.setdefault("offers", {k: v for k, v in node.items() if k != "itemOffered"})
        if len(found) >= MOST_CANDIDATES:
            break
    groups = [id(variant) for node in found for variant in graph.inner(node, "hasVariant")]
    return [node for node in found if id(node) not in groups]


def _addresses(node: Node, graph: Graph, page: Page) -> set[str]:
    inner = graph.inner(node, "offers", "hasVariant")
    values = [
        *graph.every(node, "url", "mainEntityOfPage"),
        node.get("@id"),
        *(each.get("url") for each in inner),
    ]
    written = [v.get("@id") or v.get("url") if isinstance(v, dict) else v for v in values]
    return {
        _place(url)
        for each in written
        if isinstance(each, str) and each.startswith(("http", "/"))
        if (url := absolute(page.base, each))
    }


def _is_here(node: Node, graph: Graph, page: Page) -> bool:
    here = {_place(page.url), _place(page.canonical)} - {""}
    return not here.isdisjoint(_addresses(node, graph, page))


@lru_cache(maxsize=1024)
def _place(url: str) -> str:
    """The page of an address for comparing: variants differ in the query, which is left away
    unless it is all that names the page (`?id=1`)."""
    if not url:
        return ""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    path = parts.path.rstrip("/")
    asked = [part for part in parts.query.split("&") if re.match(r"(?:id|p|product\w*)=", part)]
    return f"{host}{path}?{'&'.join(sorted(asked))}"


def _is_named(node: Node, page: Page) -> bool:
    name = _folded_name(text(node.get("name")))
    return bool(name) and any(name == _folded_name(each) for each in page.headings)


def _resembles(node: Node, page: Page) -> bool:
    """Whether a third of the name's words stand in heading or title."""
    name = set(_folded_name(text(node.get("name"))).split())
    shown = set(_folded_name(" ".join([*page.headings, page.title])).split())
    return not name or not shown or len(name & shown) * 3 >= len(name)


def _folded_name(name: str) -> str:
    return " ".join(_WORD.findall(name.casefold()))


def _folded(chosen: list[Node], graph: Graph) -> Node:
    first = chosen[0]
    if len(chosen) == 1 or "hasVariant" in first:
        return first
    family = _family(first, graph)
    same = [each for each in chosen if _family(each, graph) == family]
    skus = {text(each.get("sku")) for each in same} - {""}
    if len(skus) < 2:
        merged: Node = {}
        for each in reversed(same):
            merged.update({key: value for key, value in each.items() if value not in (None, "")})
        return merged
    group = {k: v for k, v in first.items() if k not in ("sku", "offers", "mpn", "color", "size")}
    parents = graph.inner(first, "isVariantOf")
    parent = {k: v for k, v in parents[0].items() if k != "hasVariant"} if parents else {}
    return {**group, **parent, "@type": "ProductGroup", "hasVariant": same}


def _family(node: Node, graph: Graph) -> str:
    for parent in graph.inner(node, "isVariantOf"):
        if found := text(parent.get("productGroupID") or parent.get("@id") or parent.get("name")):
            return found
    group = listed(node.get("inProductGroupWithID"))
    return text(group) if group else _folded_name(text(node.get("name")))
