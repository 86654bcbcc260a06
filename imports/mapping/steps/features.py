"""Features as repeated names and values: each becomes an attribute, or what its name means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from imports.mapping.match import SAME_PHRASE, match_name, path_parts
from jobtracker.catalogue.normalise import is_empty, one_line, storable

from .base import Fields, Step, StepError, texts
from .plain import has_unit

_SPREAD = frozenset(("brand", "ean", "size", "colour", "finish", "weight"))
_LENGTHS = frozenset(("width", "height", "thickness"))
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Pairs(Step):
    """Features as names and values: the value beside each of `names`, or "name `sign` value".

    `units` holds the units beside the values. `to` says which target a name feeds (without it
    the name's own meaning decides, else it is an attribute). Only a field that feeds `attributes`
    takes this step, as its last.
    """

    DO = "pairs"

    REFERS = ("names", "units")

    names: str = ""
    sign: str = ""
    units: str = ""
    to: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.names) == bool(self.sign):
            raise StepError('either "names" (a field) or "sign" (between name and value)')

    def apply(self, values: list[str], record: Fields) -> list[str]:
        return values

    def pairs(self, values: list[str], record: Fields, source: str) -> Iterator[tuple[str, str]]:
        """Target and value of each feature. Values that cannot be told apart stay together under
        the name of their field."""
        for name, value in self._named(values, record, source):
            name, value = one_line(storable(name))[:_LONGEST_NAME], value.strip()
            if name and not is_empty(value):
                yield self._target(name, value), value

    def _named(self, values: list[str], record: Fields, source: str) -> Iterator[tuple[str, str]]:
        if self.sign:
            for value in values:
                name, sign, text = value.partition(self.sign)
                if sign:
                    yield name, text.partition(self.sign)[0] if self.sign == ":" else text
            return
        names, units = texts(record, self.names), texts(record, self.units)
        if len(names) == 1 and len(values) > 1:
            values = [", ".join(filter(None, values))]
        if len(names) != len(values):
            yield path_parts(source)[-1], ", ".join(value for value in values if value.strip())
            return
        if len(units) != len(values):
            units = [""] * len(values)
        for name, value, unit in zip(names, values, units, strict=True):
            yield name, f"{value} {unit}" if unit.strip() and value.strip() else value

    def _target(self, name: str, value: str) -> str:
        if said := self.to.get(name):
            return said
        strengths = match_name(name).strengths if match_name(name).decoy is None else {}
        best = max(strengths, key=lambda each: strengths[each], default="")
        if strengths.get(best, 0) >= SAME_PHRASE:
            if best in _SPREAD or best.startswith("attribute."):
                return best
            if best in _LENGTHS and has_unit(value):
                return best
        return f"attribute.{name}"
