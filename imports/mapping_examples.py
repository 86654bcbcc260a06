"""What a field of the first records becomes: an example beside the steps of a mapping."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imports.mapping import BadTransform, Mapping
from imports.mapping.mapping import column_styles
from imports.mapping.steps import texts
from imports.stored_source import Fields
from jobtracker.catalogue.normalise import ATTRIBUTE, Normalised, is_empty, normalise_record

SHOWN = 3
LENGTH = 120  # characters of a value
SIDES = {"width": "w", "height": "h", "thickness": "t"}


@dataclass(frozen=True)
class Example:
    """A value as it stands in the feed, what the catalogue takes of it, and what is wrong."""

    before: str
    after: str
    wrong: str = ""


def examples_of(field: dict[str, Any], records: Sequence[Fields]) -> list[Example]:
    """Return what the first records with anything in `field`, given as JSON, become. Raises
    `MappingError` for a field that no run can obey."""
    mapping = Mapping.from_json({"fields": [field]})
    styles = column_styles(mapping, records)
    source, target = field["source"], field["target"]
    has_value = [each for each in records if not all(map(is_empty, texts(each, source)))]
    found = []
    for record in (has_value or records)[:SHOWN]:
        before = _cut(" · ".join(texts(record, source)))
        try:
            values = mapping.apply(record)
        except BadTransform as fault:
            found.append(Example(before, "", _sentence(fault.reason, fault.hint)))
            continue
        row = normalise_record(values, styles, {}, mapping.columns)
        said_of_it = (each for each in row.errors + row.warnings if each["field"] == target)
        wrong = next(said_of_it, None)
        said = _sentence(wrong["reason"], wrong["hint"]) if wrong else ""
        found.append(Example(before, _cut(_taken(target, values, row)), said))
    return found


def _taken(target: str, values: MappingOf[str, Any], row: Normalised) -> str:
    """What the catalogue takes of the values of one target, as words."""
    held = row.vals
    if target == "attributes":
        return ", ".join(f"{name}: {value}" for name, value in held.get("attributes", {}).items())
    if target in SIDES:
        length = held.get("size", {}).get(SIDES[target])
        return f"{length} mm" if length else ""
    if target == "price":
        return str(held.get("price", {}).get("amount", ""))
    if target == "size" and "size" in held:
        sides = " x ".join(held["size"][side] for side in "wht" if side in held["size"])
        return f"{held['size']['text']} ({sides} mm)" if sides else str(held["size"]["text"])
    if target in ("sku", "ean"):
        return str(held.get(target, {}).get("raw", ""))
    found = held.get(target) or held.get("attributes", {}).get(target.removeprefix(ATTRIBUTE))
    if found is None and target == "stock":
        found = held.get("attributes", {}).get("availability")
    if found is None:
        found = values.get(target, "")
    between = " > " if target == "category" else " · "
    return between.join(found) if isinstance(found, list) else str(found)


def _sentence(reason: str, hint: str) -> str:
    return f"{reason}. {hint}" if hint else reason


def _cut(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
