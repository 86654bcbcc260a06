"""Transformations of a field: small steps, one after the other, each from values to values.

In a mapping they are JSON: `"transform": [{"do": "split", "by": ";"}, {"do": "take", "part": 1}]`.
`STEPS` has them by name; each class says what it does and which options it takes. A step sees no
other record, and changes no value that it does not understand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from .base import BadTransform, Fields, Read, Step, StepError, texts
from .features import Pairs
from .outside import Linked, Outside, Root, Tree
from .plain import (
    Constant,
    DecimalMark,
    Divide,
    First,
    Html,
    Join,
    Path,
    Prefix,
    Regex,
    Replace,
    Split,
    Take,
    Unit,
    Where,
)

__all__ = [
    "STEPS",
    "BadTransform",
    "Constant",
    "DecimalMark",
    "Divide",
    "Fields",
    "First",
    "Html",
    "Join",
    "Linked",
    "Outside",
    "Pairs",
    "Path",
    "Prefix",
    "Read",
    "Regex",
    "Replace",
    "Root",
    "Split",
    "Step",
    "StepError",
    "Take",
    "Tree",
    "Unit",
    "Where",
    "step_of",
    "texts",
]

_KINDS: tuple[type[Step], ...] = (
    Constant, Split, Take, Join, First, Replace, DecimalMark, Unit, Html, Regex, Prefix, Where,
    Divide, Path, Pairs, Tree, Linked, Outside, Root,
)  # fmt: skip
STEPS = {kind.DO: kind for kind in _KINDS}

_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "str": (lambda value: isinstance(value, str), "a text"),
    "str | None": (lambda value: value is None or isinstance(value, str), "a text"),
    "int": (lambda value: type(value) is int, "a whole number"),
    "tuple[str, ...]": (
        lambda value: (
            isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        ),
        "a list of texts",
    ),
    "dict[str, str]": (
        lambda value: (
            isinstance(value, dict)
            and all(isinstance(each, str) for pair in value.items() for each in pair)
        ),
        "an object of texts",
    ),
}


def step_of(data: Any) -> Step:
    """Read one step from JSON. Raises StepError with what is wrong."""
    if not isinstance(data, dict) or not isinstance(data.get("do"), str):
        raise StepError('a transform is an object such as {"do": "split", "by": ","}')
    kind = STEPS.get(data["do"])
    if kind is None:
        raise StepError(f'"{data["do"]}" is no transform; known are {", ".join(STEPS)}')
    options: dict[str, Any] = {}
    taken = {each.name: each for each in fields(kind) if each.init}
    for name, value in data.items():
        if name == "do":
            continue
        if name not in taken:
            known = ", ".join(taken) or "none"
            raise StepError(f'there is no option "{name}" (known: {known})')
        fits, wanted = _OPTIONS[str(taken[name].type)]
        if not fits(value):
            raise StepError(f'"{name}" must be {wanted}')
        options[name] = tuple(value) if isinstance(value, list) else value
    for name, each in taken.items():
        if name not in options and each.default is MISSING and each.default_factory is MISSING:
            raise StepError(f'the option "{name}" is missing')
    return kind(**options)
