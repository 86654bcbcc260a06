"""What tells two versions of a mapping apart, and a mapping's parts in words. Pure."""

import json
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One difference: `what` is a field or a default, "" on a side means that it is not there."""

    what: str
    before: str
    after: str


def changes(before: MappingOf[str, Any], after: MappingOf[str, Any]) -> list[Change]:
    """Return the differences between two mappings as JSON, field by field, then the defaults."""
    return [
        Change(what, old, new)
        for what, old, new in (
            *_beside(_fields(before), _fields(after)),
            *_beside(_defaults(before), _defaults(after)),
        )
        if old != new
    ]


def field_words(field: MappingOf[str, Any]) -> str:
    """Return what a field of a mapping feeds, and how: "colour: split by “/”, then take part 1"."""
    how = transform_words(field.get("transform"))
    return f"{field['target']}: {how}" if how else str(field["target"])


def transform_words(transform: Any) -> str:
    """Return a transform as one phrase; "" where the values are read as usual."""
    if transform is None or transform == "":
        return ""
    if isinstance(transform, str):
        return transform
    return ", then ".join(map(_step_words, transform)) or "as it stands"


def _step_words(step: MappingOf[str, Any]) -> str:
    options = (f"{name} {_said(value)}" for name, value in step.items() if name != "do")
    return " ".join([str(step["do"]), *options])


def _said(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fields(mapping: MappingOf[str, Any]) -> dict[str, str]:
    """Return what each field feeds in words; one that feeds several things has a line for each."""
    met: Counter[str] = Counter()
    found = {}
    for field in mapping.get("fields", []):
        source = field["source"]
        met[source] += 1
        name = source if met[source] == 1 else f"{source} ({met[source]})"
        found[name] = field_words(field)
    return found


def _defaults(mapping: MappingOf[str, Any]) -> dict[str, str]:
    return {f"default {name}": str(value) for name, value in mapping.get("defaults", {}).items()}


def _beside(
    before: MappingOf[str, str], after: MappingOf[str, str]
) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*after, *before]):
        yield name, before.get(name, ""), after.get(name, "")
