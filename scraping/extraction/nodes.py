"""Structured data as simple nodes, whatever it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

Node = dict[str, Any]

PRODUCTS = frozenset(
    ("product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle")
)
# Properties that lead from a node to what the page is about. All others lead to neighbours.
_ABOUT = ("@graph", "mainEntity", "mainEntityOfPage", "itemReviewed", "about", "itemOffered")
_DEEPEST = 12
MOST_VALUES = 1000  # of one property


@dataclass
class Graph:
    """What one reader found: `nodes` in document order; `method` names the reader."""

    method: str
    nodes: list[Node] = field(default_factory=list)
    by_id: dict[str, Node] = field(default_factory=dict)

    def add(self, value: Any) -> None:
        """Add a top-level value and index what carries an `@id`."""
        for node in listed(value):
            if isinstance(node, dict):
                self.nodes.append(node)
                self._index(node, 0)

    def resolve(self, value: Any) -> Any:
        """The node that `{"@id": ...}` stands for, else the value itself."""
        if isinstance(value, dict) and len(value) <= 2 and "@id" in value:
            named = self.by_id.get(str(value["@id"]))
            if named is not None and len(named) > len(value):
                return named
        return value

    def every(self, node: Node, *properties: str) -> list[Any]:
        """The values of these properties of `node`, lists laid flat and references followed."""
        values = (value for name in properties for value in listed(node.get(name)))
        return [self.resolve(value) for value in islice(values, MOST_VALUES) if value is not None]

    def inner(self, node: Node, *properties: str) -> list[Node]:
        """Those of `every` that are nodes themselves."""
        return [value for value in self.every(node, *properties) if isinstance(value, dict)]

    def subjects(self) -> Iterator[Node]:
        """Nodes that stand by themselves, or that such a node is about, each once."""
        seen: set[int] = set()
        waiting = [(node, 0) for node in reversed(self.nodes)]
        while waiting:
            node, depth = waiting.pop()
            if id(node) in seen or depth > _DEEPEST:
                continue
            seen.add(id(node))
            yield node
            if PRODUCTS.isdisjoint(types(node)):
                inner = self.inner(node, *_ABOUT)
                waiting.extend((each, depth + 1) for each in reversed(inner))

    def _index(self, value: Any, depth: int) -> None:
        if depth > _DEEPEST:
            return
        if isinstance(value, list):
            for each in value:
                self._index(each, depth + 1)
        elif isinstance(value, dict):
            if isinstance(name := value.get("@id"), str):
                known = self.by_id.get(name)
                if known is None or len(known) < len(value):
                    self.by_id[name] = value
            for each in value.values():
                if isinstance(each, dict | list):
                    self._index(each, depth + 1)


def types(node: Node) -> set[str]:
    """The types of a node, lower-case and without their vocabulary."""
    return {
        name.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1].lower()
        for name in listed(node.get("@type"))
        if isinstance(name, str)
    }


def listed(value: Any) -> list[Any]:
    """`value` as a list; nothing for None."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """The words of a value: its own, or the name that a node bears."""
    for _ in range(_DEEPEST):
        if isinstance(value, dict):
            value = next(
                (value[key] for key in ("name", "@value", "value", "title") if value.get(key)), ""
            )
        elif isinstance(value, list):
            value = value[0] if value else ""
        else:
            break
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return ""
    return str(value).strip()
