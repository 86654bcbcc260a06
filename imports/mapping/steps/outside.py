"""Steps that know what the feed says outside its products: trees, links, headers.

They are read when the mapping is bound to a feed, once; before that they find nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jobtracker.catalogue.normalise import is_empty, one_line

from .base import Fields, Read, Step, texts
from .plain import below


@dataclass(frozen=True)
class Tree(Step):
    """The path of a category from its id: categories are the records at `record`, each with the
    fields `id`, `name` and `parent` (the id of the wider one). Unknown ids go."""

    DO = "tree"

    record: str
    id: str
    name: str
    parent: str = ""
    _known: dict[str, tuple[str, str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def is_void(self) -> bool:
        return not self._known

    def bound(self, read: Read) -> Tree:
        if self._known:
            return self
        known: dict[str, tuple[str, str]] = {}
        for each in read(self.record):
            for own in texts(each, self.id)[:1]:
                parent = texts(each, self.parent)[:1] if self.parent else []
                name = one_line(" ".join(texts(each, self.name)[:1]))
                known[own.strip()] = name, "".join(parent).strip()
        found = replace(self)
        found._known.update(known)
        return found

    def apply(self, values: list[str], record: Fields) -> list[str]:
        paths = [self._path(value.strip()) for value in values]
        return max(paths, key=len, default=[])

    def _path(self, own: str) -> list[str]:
        path: list[str] = []
        seen: set[str] = set()
        while own in self._known and own not in seen:
            seen.add(own)
            name, own = self._known[own]
            if name:
                path.insert(0, name)
        return path


@dataclass(frozen=True)
class Linked(Step):
    """What another part of the feed says of this product: of the records at `record` whose field
    `id` is this value, the field `to`."""

    DO = "linked"

    record: str
    id: str
    to: str
    _known: dict[str, list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def is_void(self) -> bool:
        return not self._known

    def bound(self, read: Read) -> Linked:
        if self._known:
            return self
        found = replace(self)
        for each in read(self.record):
            for own in texts(each, self.id)[:1]:
                found._known.setdefault(own.strip(), []).extend(texts(each, self.to))
        return found

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return [text for value in values for text in self._known.get(value.strip(), ())]


@dataclass(frozen=True)
class Outside(Step):
    """Where this field is empty, what the feed says once for all products: the field `name` of
    the first record at `record`."""

    DO = "outside"

    record: str
    name: str
    _read: str = field(default="", init=False, repr=False, compare=False)

    def bound(self, read: Read) -> Outside:
        if self._read:
            return self
        found = replace(self)
        object.__setattr__(found, "_read", _first(read, self.record, self.name))
        return found

    def apply(self, values: list[str], record: Fields) -> list[str]:
        if self._read and all(map(is_empty, values)):
            return [self._read]
        return values


@dataclass(frozen=True)
class Root(Step):
    """Put before values that are no whole address what the feed says once for all: the field
    `name` of the first record at `record`, such as the folder of all pictures."""

    DO = "root"

    record: str
    name: str
    _read: str = field(default="", init=False, repr=False, compare=False)

    def bound(self, read: Read) -> Root:
        if self._read:
            return self
        found = replace(self)
        start = _first(read, self.record, self.name).rstrip("/")
        object.__setattr__(found, "_read", f"{start}/" if start else "")
        return found

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return below(self._read, values) if self._read else values


def _first(read: Read, record: str, name: str) -> str:
    first = next(iter(read(record)), {})
    return next(iter(texts(first, name)), "").strip()
