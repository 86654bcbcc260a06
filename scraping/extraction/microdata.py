"""Microdata, through extruct on the page's own tree."""

from typing import Any

from scraping.extraction.nodes import Graph
from scraping.extraction.page import Page

MOST_SCOPES = 400
MOST_PROPERTIES = 4000


def read_microdata(page: Page) -> Graph:
    """Read the page's items. A page with thousands of them is a list, and is left unread."""
    graph = Graph("microdata")
    scopes, properties = page.microdata_size()
    if not scopes:
        return graph
    if scopes > MOST_SCOPES or properties > MOST_PROPERTIES:
        page.warnings.append(f"microdata was not read: {scopes:,} items on one page")
        return graph
    # With its package come four more parsers, half a second that most crawls need not spend.
    from extruct.w3cmicrodata import MicrodataExtractor

    try:
        items = MicrodataExtractor().extract_items(page.tree, page.base)
    except Exception as error:  # third-party code over a stranger's markup
        page.warnings.append(f"microdata cannot be read: {error}"[:200])
        return graph
    graph.add([_node(item) for item in items])
    return graph


def _node(item: dict[str, Any]) -> dict[str, Any]:
    node = {name: _value(value) for name, value in item.get("properties", {}).items()}
    if "type" in item:
        node["@type"] = item["type"]
    if "id" in item:
        node["@id"] = item["id"]
    if "value" in item and not node.get("name"):
        node["name"] = _value(item["value"])
    return node


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(each) for each in value]
    if isinstance(value, dict):
        return _node(value) if {"properties", "type", "value"} & value.keys() else None
    return value
