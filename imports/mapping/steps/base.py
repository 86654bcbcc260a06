"""What a step is: from the values of a field to other values, by nothing but its own record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar, Self

from jobtracker.catalogue.normalise import BadValue

Fields = MappingOf[str, str | list[str]]
Read = Callable[[str], Iterable[Fields]]
"""Gives the records of the feed at another record path than the products'."""


_LONGEST_RAW = 500


class StepError(ValueError):
    """A step that cannot be: what is wrong with it, without the name of its field."""


class BadTransform(BadValue):
    """A value that a step cannot work on; its row fails. `raw` is the value, `source` and
    `target` are those of its field."""

    source = ""
    target = ""

    def __init__(self, reason: str, hint: str, raw: str) -> None:
        super().__init__(reason, hint)
        self.raw = raw

    @property
    def remark(self) -> dict[str, str]:
        """What is to be said of the row."""
        return {
            "column": self.source,
            "field": self.target,
            "raw": self.raw[:_LONGEST_RAW],
            "reason": self.reason,
            "hint": self.hint,
        }


def texts(record: Fields, source: str) -> list[str]:
    """The values of a field of a record as a list."""
    value = record.get(source)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def need(text: str, option: str) -> None:
    """Refuse an empty option. Raises StepError."""
    if not text:
        raise StepError(f'"{option}" is empty')


@dataclass(frozen=True)
class Step:
    """What all steps can. `DO` is its name in JSON; `REFERS` names the options that hold other
    fields of the record."""

    DO: ClassVar[str] = ""
    REFERS: ClassVar[tuple[str, ...]] = ()

    def apply(self, values: list[str], record: Fields) -> list[str]:
        """The values after this step."""
        raise NotImplementedError

    @property
    def is_void(self) -> bool:
        """Whether the feed is known to hold nothing for this step."""
        return False

    @property
    def sources(self) -> tuple[str, ...]:
        """The other fields of the record that this step looks at."""
        found: list[str] = []
        for name in self.REFERS:
            held = getattr(self, name)
            found.extend((held,) if isinstance(held, str) else held)
        return tuple(filter(None, found))

    def renamed(self, name_of: Callable[[str], str | None]) -> Self:
        """The step with other names for the fields that it looks at; a field without one goes."""
        changed: dict[str, Any] = {}
        for name in self.REFERS:
            held = getattr(self, name)
            if isinstance(held, str):
                changed[name] = (name_of(held) if held else None) or ""
            else:
                changed[name] = tuple(filter(None, map(name_of, held)))
        return replace(self, **changed) if changed else self

    def bound(self, read: Read) -> Step:
        """The step with what it must know of the feed outside its products."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The reverse of `step_of`; options that are as usual are left out."""
        held = {each.name: (each, getattr(self, each.name)) for each in fields(self) if each.init}
        return {"do": self.DO} | {
            name: list(value) if isinstance(value, tuple) else value
            for name, (each, value) in held.items()
            if each.default is MISSING or value != each.default
        }
