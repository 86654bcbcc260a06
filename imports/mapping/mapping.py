"""Which field of a feed feeds which part of a material: what a run obeys."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from dataclasses import dataclass, field, replace
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

from .hints import Hints
from .match import path_parts
from .steps import BadTransform, DecimalMark, Fields, Pairs, Read, Step, StepError, step_of, texts

Raw = str | list[str]
Transform = str | tuple[Step, ...] | None

ATTRIBUTES = "attributes"
"""A target of its own: features as pairs of name and value, each an attribute."""
SKIP = "skip"
"""A target of its own: why the row makes no product, where that is anything."""
_SPECIAL = (ATTRIBUTES, SKIP)
_MANY = (*LISTS, *_SPECIAL)
_ALIASES = {"image": "images", "color": "colour"}

AS_IT_IS = "as it is"
DECIMAL_COMMA = "number, 1.234,5"
DECIMAL_POINT = "number, 1,234.5"
_STYLES: dict[str, Style] = {DECIMAL_COMMA: ",", DECIMAL_POINT: "."}
_NUMBERS = ("number", DECIMAL_COMMA, DECIMAL_POINT)
LENGTH_UNITS = {f"length, {unit}": unit for unit in ("mm", "cm", "m", "in")}
_LENGTHS = tuple(LENGTH_UNITS)
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
    """Whether a field can feed `target`: one of `TARGETS`, `attribute.<name>`, `attributes`
    or `skip`."""
    return target in (*TARGETS, *_SPECIAL) or (
        target.startswith(ATTRIBUTE) and bool(target.removeprefix(ATTRIBUTE).strip())
    )


@dataclass(frozen=True, slots=True)
class Field:
    """One source field and what it feeds; `transform` is one of `transforms(target)` or steps.
    None means as usual: as the feed's format says, if that is known; no steps (()) mean none. A
    source that feeds something already feeds more only where steps, or none, are said."""

    source: str
    target: str
    transform: Transform = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that change its values before they are read."""
        return self.transform if isinstance(self.transform, tuple) else ()

    def values(self, record: Fields) -> list[str]:
        """The values in `record` after all steps. Raises BadTransform."""
        found = texts(record, self.source)
        try:
            for step in self.steps:
                found = step.apply(found, record)
        except BadTransform as error:
            error.source, error.target = self.source, self.target
            raise
        return found


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
            if item.source in sources and not isinstance(item.transform, tuple):
                raise MappingError(f'The field "{item.source}" is mapped twice.')
            sources.add(item.source)
            if item.target in targets and item.target not in _MANY:
                raise MappingError(
                    f'Two fields feed {item.target}: "{targets[item.target]}" and "{item.source}".'
                )
            targets[item.target] = item.source
        for target, value in self.defaults.items():
            _check_default(target, value)

    @cached_property
    def _single(self) -> tuple[tuple[str, str], ...]:
        plain = (item for item in self.fields if not item.steps)
        return tuple((item.source, item.target) for item in plain if item.target not in LISTS)

    @cached_property
    def _lists(self) -> tuple[tuple[str, str], ...]:
        plain = (item for item in self.fields if not item.steps)
        return tuple((item.source, item.target) for item in plain if item.target in LISTS)

    @cached_property
    def _unnamed(self) -> tuple[str, ...]:
        plain = (item for item in self.fields if not item.steps)
        return tuple(item.source for item in plain if item.target == ATTRIBUTES)

    @cached_property
    def _changed(self) -> tuple[Field, ...]:
        # Features last: what has a field of its own is not taken from them.
        changed = [item for item in self.fields if item.steps]
        return tuple(sorted(changed, key=lambda item: item.target == ATTRIBUTES))

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
                for source in (
                    item.source,
                    *(each for step in item.steps for each in step.sources),
                ):
                    if source not in known:
                        raise MappingError(f'The feed has no field "{source}".')
        if not fields:
            raise MappingError("The mapping uses no field.")
        return cls(fields, {_ALIASES.get(str(key), str(key)): defaults[key] for key in defaults})

    def to_json(self) -> dict[str, Any]:
        """The reverse of `from_json`."""
        return {
            "fields": [
                {
                    "source": item.source,
                    "target": item.target,
                    "transform": transform_json(item.transform),
                }
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

    def bound(self, read: Read) -> Mapping:
        """The mapping for one feed: its steps know what the feed says outside its products."""
        if not self._changed:
            return self
        return replace(
            self,
            fields=tuple(
                replace(item, transform=tuple(step.bound(read) for step in item.steps))
                if item.steps
                else item
                for item in self.fields
            ),
        )

    def apply(self, record: Fields) -> dict[str, Raw]:
        """The values of one record by target; list targets collect from all their sources.
        Raises BadTransform."""
        values: dict[str, Raw] = {
            target: value for source, target in self._single if (value := record.get(source))
        }
        if ATTRIBUTES in values:  # without names each field is an attribute under its own
            del values[ATTRIBUTES]
            for source in self._unnamed:
                if value := record.get(source):
                    values.setdefault(f"{ATTRIBUTE}{path_parts(source)[-1]}", value)
        for source, target in self._lists:
            if value := record.get(source):
                more = value if isinstance(value, list) else [value]
                values[target] = [*values.get(target, ()), *more]
        for item in self._changed:
            _put(values, item, item.values(record), record)
        return values

    def completed(self, hints: Hints) -> Mapping:
        """The mapping with what the format of the feed says of its fields: the usual steps where
        none are given, and what a field feeds beside its main use."""
        fed = {item.target for item in self.fields}
        known = {
            (source, hint.target): hint.steps
            for source, each in hints.fields.items()
            for hint in each
            if hint.target
        }
        fields = [
            replace(item, transform=known.get((item.source, item.target)) or None)
            if item.transform is None
            else item
            for item in self.fields
        ]
        fields += [
            Field(source, hint.target, hint.steps)
            for source, each in hints.fields.items()
            for hint in each[1:]
            if hint.target and hint.target not in fed
        ]
        return replace(self, fields=tuple(fields))

    def raws(self, record: Fields) -> dict[str, str]:
        """The text as it stands in the record, by target, of values that steps have changed."""
        return {
            item.target: ", ".join(texts(record, item.source))
            for item in self._changed
            if item.target not in _MANY and record.get(item.source)
        }


def _put(values: dict[str, Raw], item: Field, found: list[str], record: Fields) -> None:
    if item.target == ATTRIBUTES:
        last = item.steps[-1]
        assert isinstance(last, Pairs), "checked when the mapping was made"
        spread: dict[str, list[str]] = {}
        for target, value in last.pairs(found, record, item.source):
            if target not in values:
                spread.setdefault(target, []).append(value)
        values |= {target: ", ".join(dict.fromkeys(each)) for target, each in spread.items()}
    elif not found:
        return
    elif item.target in LISTS:
        values[item.target] = [*values.get(item.target, ()), *found]
    elif len(found) == 1 or item.target == SKIP:
        values.setdefault(item.target, found[0])
    else:
        values[item.target] = found


def transform_json(transform: Transform) -> Any:
    """A transform as JSON: a text, a list of steps, or None."""
    if isinstance(transform, tuple):
        return [step.to_json() for step in transform]
    return transform


def column_styles(mapping: Mapping, records: Iterable[MappingOf[str, Raw]]) -> dict[str, str]:
    """What `normalise_record` must know of whole columns: the decimal separator of each numeric
    target, as its transform says or else as the values of `records` prove (missing where neither
    does), and the unit of lengths."""
    numeric = [item for item in mapping.fields if transforms(item.target) is _NUMBERS]
    values: dict[str, list[str]] = {item.target: [] for item in numeric}
    for record in records:
        for item in numeric:
            with suppress(BadTransform):
                values[item.target].extend(item.values(record))
    styles: dict[str, str] = {
        item.target: LENGTH_UNITS[item.transform]
        for item in mapping.fields
        if isinstance(item.transform, str) and item.transform in LENGTH_UNITS
    }
    for item in numeric:
        style = _stated_style(item) or decimal_style(values[item.target])
        if style:
            styles[item.target] = style
    return styles


def _stated_style(item: Field) -> Style | None:
    for step in item.steps:
        if isinstance(step, DecimalMark):
            return "," if step.mark == "," else "."
    return _STYLES.get(item.transform) if isinstance(item.transform, str) else None


def _field(row: Any) -> Field | None:
    if not isinstance(row, dict) or not isinstance(row.get("source"), str):
        raise MappingError('Each field of a mapping needs a "source" and a "target".')
    target = row.get("target")
    if target is None or target == "":
        return None
    if not isinstance(target, str):
        raise MappingError(f'The target of "{row["source"]}" is not a word.')
    transform = _transform(row["source"], row.get("transform"))
    return Field(row["source"], _ALIASES.get(target, target), transform)


def _transform(source: str, data: Any) -> Transform:
    if data is None or data == "" or isinstance(data, str):
        return data or None
    steps: list[Step] = []
    for number, each in enumerate(data if isinstance(data, list) else [data], 1):
        try:
            steps.append(step_of(each))
        except StepError as error:
            raise MappingError(
                f'The field "{source}", transform {number}{_do(each)}: {error}.'
            ) from error
    return tuple(steps)


def _do(step: Any) -> str:
    name = step.get("do") if isinstance(step, dict) else None
    return f" ({name})" if isinstance(name, str) else ""


def _check_field(item: Field) -> None:
    if not is_target(item.target):
        raise MappingError(
            f'"{item.source}" is mapped to the unknown target "{item.target}"; known are '
            f"{', '.join((*TARGETS, *_SPECIAL))} and attribute.<name>."
        )
    if item.steps:
        _check_steps(item)
    elif isinstance(item.transform, str) and item.transform not in transforms(item.target):
        raise MappingError(
            f'"{item.transform}" is no way to read {item.target}; known are: '
            f"{'; '.join(transforms(item.target))}."
        )


def _check_steps(item: Field) -> None:
    pairs = [step for step in item.steps if isinstance(step, Pairs)]
    if item.target == ATTRIBUTES:
        if len(pairs) != 1 or item.steps[-1] is not pairs[0]:
            raise MappingError(
                f'The field "{item.source}" feeds attributes: its last transform must be "pairs".'
            )
    elif pairs:
        raise MappingError(
            f'The field "{item.source}", transform "pairs": only a field that feeds attributes'
            " can have it."
        )
    marked = any(isinstance(step, DecimalMark) for step in item.steps)
    if marked and transforms(item.target) is not _NUMBERS:
        raise MappingError(
            f'The field "{item.source}", transform "decimal": only price and stock take it.'
        )


def _check_default(target: str, value: Any) -> None:
    if not is_target(target):
        raise MappingError(f'There is a default for the unknown target "{target}".')
    if not isinstance(value, str) or not value.strip():
        raise MappingError(f"The default for {target} is empty.")
    if target == "currency" and not is_code(value):
        raise MappingError(f'"{value}" is no ISO 4217 currency code.')
