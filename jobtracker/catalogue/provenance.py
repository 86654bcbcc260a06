"""Provenance as it is stored: only what the values themselves do not say.

Most values stand in the catalogue as they were written, and a raw text that repeats them would
double every source row. It is left out before writing and put back on reading.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_PARTS = {
    "sku": (("sku", "raw"),),
    "ean": (("ean", "raw"),),
    "size": (("size", "text"), ("width", "w"), ("height", "h"), ("thickness", "t")),
    "price": (("price", "amount"), ("currency", "currency"), ("unit", "unit")),
}
"""The targets that feed the parts of a group, with the part's name."""

_OWN_ATTRIBUTES = {"url", "weight", "variant"}
"""Attributes that are targets of their own; all others are fed by `attribute.NAME`."""


def _implied(key: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """For each target the entry that it has if its value stands as it was written."""
    yield "key", {"raw": key}
    for field, value in values.items():
        if isinstance(value, str):
            yield field, {"raw": value}
        elif field in _PARTS:
            for target, part in _PARTS[field]:
                if part in value:
                    yield target, {"raw": value[part]}
        elif field == "attributes":
            for name, text in value.items():
                target = name if name in _OWN_ATTRIBUTES else f"attribute.{name}"
                yield target, {"raw": text}
        elif field == "category":
            yield field, {"raw": " > ".join(value)}
        elif field == "images":
            yield field, [{"raw": url} for url in value]


def compact(key: str, values: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance without the entries that say no more than the values."""
    implied = dict(_implied(key, values))
    return {target: entry for target, entry in provenance.items() if implied.get(target) != entry}


def expand(key: str, values: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for each target, with the place that `stored["row"]` gives for all of them."""
    place = stored.get("row", {})
    entries = dict(_implied(key, values)) | {k: v for k, v in stored.items() if k != "row"}
    return {
        target: [place | item for item in entry] if isinstance(entry, list) else place | entry
        for target, entry in entries.items()
    }
