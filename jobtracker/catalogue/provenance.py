"""Provenance as it is stored: only what the values themselves do not say.

Most values stand in the catalogue as they were written, and a raw text that repeats them would
double every source row. It is left out before writing and put back on reading.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_PARTS = {
    "sku": ("sku", "raw"),
    "ean": ("ean", "raw"),
    "size": ("size", "text"),
    "width": ("size", "w"),
    "height": ("size", "h"),
    "thickness": ("size", "t"),
    "price": ("price", "amount"),
    "currency": ("price", "currency"),
    "unit": ("price", "unit"),
    "url": ("attributes", "url"),
    "weight": ("attributes", "weight"),
    "variant": ("attributes", "variant"),
}
"""Targets whose value is a part of a group: the group's field and the part."""

ATTRIBUTE = "attribute."
_NOTHING: dict[str, Any] = {}


def value_of(target: str, key: str, values: Mapping[str, Any]) -> Any:
    """What the values hold for a target, a list for images. It is the raw text too, where the value
    stands as it was written."""
    if group := _PARTS.get(target):
        field, part = group
        return values.get(field, _NOTHING).get(part)
    if value := values.get(target):
        return " > ".join(value) if target == "category" else value
    if target.startswith(ATTRIBUTE):
        return values.get("attributes", _NOTHING).get(target[len(ATTRIBUTE) :])
    return key if target == "key" else value


def _targets(values: Mapping[str, Any]) -> Iterator[str]:
    """The targets that may have fed these values."""
    yield "key"
    for field, value in values.items():
        if field == "attributes":
            yield from (name if name in _PARTS else ATTRIBUTE + name for name in value)
        elif isinstance(value, dict):
            yield from (t for t, (group, part) in _PARTS.items() if group == field if part in value)
        else:
            yield field


def field_of(target: str) -> str:
    """Return what is corrected as one: the target's group, else itself; `attribute.NAME` for each
    attribute."""
    field, part = _PARTS.get(target, (target, ""))
    return ATTRIBUTE + part if field == "attributes" else field


def target_of(field: str) -> str:
    """Return the target that stands for a field of `field_of`."""
    name = field.removeprefix(ATTRIBUTE)
    return name if name in _PARTS else field


def _entry(raw: Any) -> Any:
    return [{"raw": item} for item in raw] if isinstance(raw, list) else {"raw": raw}


def compact(key: str, values: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance without the entries that say no more than the values.

    Asked for every value of every row, so it builds nothing that it need not keep.
    """
    kept: dict[str, Any] = {}
    for target, entry in provenance.items():
        written = value_of(target, key, values)
        if entry.__class__ is dict and written.__class__ is str:
            if len(entry) != 1 or entry.get("raw") != written:
                kept[target] = entry
        elif entry != _entry(written):
            kept[target] = entry
    return kept


def expand(key: str, values: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for each target, with the place that `stored["row"]` gives for all of them."""
    place = stored.get("row", _NOTHING)
    entries = {target: _entry(value_of(target, key, values)) for target in _targets(values)}
    entries |= {target: entry for target, entry in stored.items() if target != "row"}
    return {
        target: [place | item for item in entry] if isinstance(entry, list) else place | entry
        for target, entry in entries.items()
    }
