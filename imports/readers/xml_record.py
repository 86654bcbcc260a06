"""What an element of XML is as a record: its line, the names below it, and its fields."""

from typing import Any

from .model import Fields, UnreadableFeed, put

MAX_DEPTH = 100  # nested elements

# libxml2 keeps 16 bits of an element's line; beyond, lxml gives the line where its first text ends.
BIG_LINE = 65_535

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


class Names:
    """Names of elements and attributes as the document writes them: `g:price`, `@id`.

    A namespace keeps the prefix that it is first declared with.
    """

    def __init__(self) -> None:
        self._prefixes: dict[str, str] = {XML_NAMESPACE: "xml"}
        self._names: dict[str, str] = {}

    def declare(self, prefix: str, namespace: str) -> None:
        self._prefixes.setdefault(namespace, prefix)

    def element(self, element: Any) -> str:
        tag = element.tag
        name = self._names.get(tag)
        return name if name is not None else self._learn(tag)

    def attribute(self, key: str) -> str:
        name = self._names.get(key) if key[0] == "{" else key
        return "@" + (name if name is not None else self._learn(key))

    def _learn(self, tag: str) -> str:
        namespace, _, local = tag[1:].rpartition("}") if tag[0] == "{" else ("", "", tag)
        prefix = self._prefixes.get(namespace)
        name = self._names[tag] = f"{prefix}:{local}" if prefix else local
        return name


def line_of(element: Any) -> int:
    """The file line where an element starts."""
    line: int = element.sourceline
    if line < BIG_LINE:
        return line
    first: str = next(element.itertext(), "")
    return line - first.count("\n")


def too_deep(element: Any) -> UnreadableFeed:
    """What is wrong with an element below too many others."""
    return UnreadableFeed(
        f"The elements on line {line_of(element)} are nested deeper than {MAX_DEPTH} levels."
    )


def fields_of(record: Any, names: Names) -> Fields:
    """The values of a record's element by their paths below it. Raises UnreadableFeed."""
    fields: Fields = {}
    _flatten(record, "", fields, names, 0)
    return fields


def _flatten(element: Any, path: str, fields: Fields, names: Names, depth: int) -> None:
    """Put an element's text, attributes and children into fields, in document order.

    Text between children makes the whole a piece of prose: one value, no fields below it. Elements
    that follow each other under one name give a value to each of their fields, "" where one of
    them lacks it: the unit of the third feature stays the third unit.
    """
    if depth > MAX_DEPTH:
        raise too_deep(element)
    text = element.text or ""
    children = list(element)
    if path and _is_prose(element):
        text, children = "".join(element.itertext()), []
    if (path and not children) or (text and not text.isspace()):
        put(fields, path or ".", text)
    below = f"{path}/" if path else ""
    for key, value in dict(element.items()).items():  # a repaired element may tell one twice
        put(fields, below + names.attribute(key), value)
    past = 0
    for at, child in enumerate(children):
        if at < past:
            continue
        name = below + names.element(child)
        if not (len(child) or child.attrib):
            put(fields, name, child.text or "")
            continue
        past = at + 1
        while past < len(children) and children[past].tag == child.tag:
            past += 1
        if past == at + 1:
            _flatten(child, name, fields, names, depth + 1)
        else:
            _flatten_in_step(children[at:past], name, fields, names, depth + 1)


def _flatten_in_step(
    elements: list[Any], path: str, fields: Fields, names: Names, depth: int
) -> None:
    """Put elements of the same name into fields, each with a value for all that any of them has."""
    parts: list[Fields] = [{} for _ in elements]
    for element, own in zip(elements, parts, strict=True):
        _flatten(element, path, own, names, depth)
    for key in dict.fromkeys(key for own in parts for key in own):
        for own in parts:
            value = own.get(key, "")
            for each in [value] if isinstance(value, str) else value:
                put(fields, key, each)


def _is_prose(element: Any) -> bool:
    return any(child.tail and not child.tail.isspace() for child in element)
