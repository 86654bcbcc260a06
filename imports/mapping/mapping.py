"""Which field of a feed feeds which part of a material: what a run obeys."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jobtracker.catalogue.normalise import (
    ATTRIBUTE,
    LISTS,
    TARGETS,
    Style,
    decimal_style,
    is_code,
)

Raw = str | list[str]
_ALIASES = {"image": "images", "color": "colour"}

AS_IT_IS = "as it is"
DECIMAL_COMMA = "number, 1.234,5"
DECIMAL_POINT = "number, 1,234.5"
_STYLES: dict[str, Style] = {DECIMAL_COMMA: ",", DECIMAL_POINT: "."}
_NUMBERS = ("number", DECIMAL_COMMA, DECIMAL_POINT)
_UNITS = {f"length, {unit}": unit for unit in ("mm", "cm", "m", "in")}
_LENGTHS = tuple(_UNITS)
_TRANSFORMS: dict[str, tuple[str, ...]] = {
    "price": _NUMBERS,
    "stock": _NUMBERS,
    "name": ("one line",),
    "description": ("plain text",),
    "ean": ("digits only",),
    "unit": ("units of measure",),
    "size": ("width x height",),
    "category": ("path",),
    "width": _LENGTHS,
    "height": _LENGTHS,
    "thickness": _LENGTHS,
}


class MappingError(ValueError):
    """A mapping that no run can obey, as one sentence for a person."""


def transforms(target: str) -> tuple[str, ...]:
    """The ways in which values of `target` can be read, the usual one first."""
    return _TRANSFORMS.get(target, (AS_IT_IS,))


def is_target(target: str) -> bool:
    """Whether a field can feed `target`: one of `TARGETS` or `attribute.<name>`."""
    return target in TARGETS or (
        target.startswith(ATTRIBUTE) and bool(target.removeprefix(ATTRIBUTE).strip())
    )


@dataclass(frozen=True, slots=True)
class Field:
    """One source field and what it feeds; `transform` is one of `transforms(target)` or None."""

    source: str
    target: str
    transform: str | None = None


@dataclass(frozen=True)
class Mapping:
    """The fields in use and the defaults that fill gaps. Raises MappingError when inconsistent."""

    fields: tuple[Field, ...]
    defaults: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sources: set[str] = set()
        targets: dict[str, str] = {}
        for item in self.fields:
            _check_field(item)
            if item.source in sources:
                raise MappingError(f'The field "{item.source}" is mapped twice.')
            sources.add(item.source)
            if item.target in targets and item.target not in LISTS:
                raise MappingError(
                    f'Two fields feed {item.target}: "{targets[item.target]}" and "{item.source}".'
                )
            targets[item.target] = item.source
        for target, value in self.defaults.items():
            _check_default(target, value)

    @cached_property
    def _single(self) -> tuple[tuple[str, str], ...]:
        return tuple((item.source, item.target) for item in self.fields if item.target not in LISTS)

    @cached_property
    def _lists(self) -> tuple[tuple[str, str], ...]:
        return tuple((item.source, item.target) for item in self.fields if item.target in LISTS)

    @classmethod
    def from_json(cls, data: Any, known_sources: Iterable[str] | None = None) -> Mapping:
        """Read what `suggest_mapping` prints, or a list of `{source, target}`.

        Fields without a target are left out. With `known_sources` every source must be one of
        them. Raises MappingError.
        """
        if isinstance(data, list):
            data = {"fields": data}
        if not isinstance(data, dict):
            data = {}
        rows, defaults = data.get("fields"), data.get("defaults") or {}
        if not isinstance(rows, list) or not isinstance(defaults, dict):
            raise MappingError('A mapping is an object with a list "fields" of {source, target}.')
        fields = tuple(item for row in rows if (item := _field(row)))
        if known_sources is not None:
            known = set(known_sources)
            for item in fields:
                if item.source not in known:
                    raise MappingError(f'The feed has no field "{item.source}".')
        if not fields:
            raise MappingError("The mapping uses no field.")
        return cls(fields, {_ALIASES.get(str(key), str(key)): defaults[key] for key in defaults})

    def to_json(self) -> dict[str, Any]:
        """The reverse of `from_json`."""
        return {
            "fields": [
                {"source": item.source, "target": item.target, "transform": item.transform}
                for item in self.fields
            ],
            "defaults": dict(self.defaults),
        }

    @property
    def columns(self) -> dict[str, str]:
        """Target to source, to name the column in a remark."""
        return {item.target: item.source for item in reversed(self.fields)}

    def has(self, target: str) -> bool:
        """Whether a field feeds `target`."""
        return any(item.target == target for item in self.fields)

    def apply(self, record: MappingOf[str, Raw]) -> dict[str, Raw]:
        """The values of one record by target; list targets collect from all their sources."""
        values: dict[str, Raw] = {
            target: value for source, target in self._single if (value := record.get(source))
        }
        for source, target in self._lists:
            if value := record.get(source):
                more = value if isinstance(value, list) else [value]
                values[target] = [*values.get(target, ()), *more]
        return values


def column_styles(mapping: Mapping, records: Iterable[MappingOf[str, Raw]]) -> dict[str, str]:
    """What `normalise_record` must know of whole columns: the decimal separator of each numeric
    target, as its transform says or else as the values of `records` prove (missing where neither
    does), and the unit of lengths."""
    numeric = [item for item in mapping.fields if transforms(item.target) is _NUMBERS]
    values: dict[str, list[str]] = {item.target: [] for item in numeric}
    for record in records:
        for item in numeric:
            value = record.get(item.source)
            values[item.target].extend(value if isinstance(value, list) else [value or ""])
    styles: dict[str, str] = {
        item.target: _UNITS[item.transform] for item in mapping.fields if item.transform in _UNITS
    }
    for item in numeric:
        style = _STYLES.get(item.transform or "") or decimal_style(values[item.target])
        if style:
            styles[item.target] = style
    return styles


def _field(row: Any) -> Field | None:
    if not isinstance(row, dict) or not isinstance(row.get("source"), str):
        raise MappingError('Each field of a mapping needs a "source" and a "target".')
    target = row.get("target")
    if target is None or target == "":
        return None
    if not isinstance(target, str):
        raise MappingError(f'The target of "{row["source"]}" is not a word.')
    return Field(row["source"], _ALIASES.get(target, target), row.get("transform") or None)


def _check_field(item: Field) -> None:
    if not is_target(item.target):
        raise MappingError(
            f'"{item.source}" is mapped to the unknown target "{item.target}"; known are '
            f"{', '.join(TARGETS)} and attribute.<name>."
        )
    if item.transform is not None and item.transform not in transforms(item.target):
        raise MappingError(
            f'"{item.transform}" is no way to read {item.target}; known are: '
            f"{'; '.join(transforms(item.target))}."
        )


def _check_default(target: str, value: Any) -> None:
    if not is_target(target):
        raise MappingError(f'There is a default for the unknown target "{target}".')
    if not isinstance(value, str) or not value.strip():
        raise MappingError(f"The default for {target} is empty.")
    if target == "currency" and not is_code(value):
        raise MappingError(f'"{value}" is no ISO 4217 currency code.')
