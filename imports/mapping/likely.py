"""Fields that may be what no field surely is: what a person is asked to choose from."""

from __future__ import annotations

from collections.abc import Container, Sequence

from . import names
from .columns import Column
from .match import FILLED, LOOSE
from .shapes import Shape

_MOST = 0.8
_LONGEST_TITLE = 70


def price_like(columns: Sequence[Column]) -> tuple[str, ...]:
    """Fields that may be the price: by name in part, or amounts with a currency mark."""
    return tuple(
        column.field.source
        for column in columns
        if column.decoy is None
        and column.field.coverage > 0
        and (
            column.name.strengths.get("price", 0) >= FILLED
            or (column.shape.priced >= 0.9
            and (column.name.strengths.get("price", 0) >= LOOSE or column.shape.marked >= 0.9))
        )
        and max(
            (s for target, s in column.name.strengths.items() if target != "price"), default=0
        ) < FILLED
    )  # fmt: skip


def price_by_another_name(columns: Sequence[Column]) -> tuple[str, ...]:
    """Amounts that are not called a price, or an old, list or purchase price: where nothing else
    is the price a person knows whether one of them is."""
    return tuple(
        column.field.source
        for column in columns
        if column.decoy in (None, *names.OTHER_PRICES)
        and (column.decoy or not column.scores)
        and not column.is_known
        and column.shape.priced >= 0.9
        and column.shape.coverage >= _MOST
        and (column.decoy or column.shape.marked >= 0.9 or _has_cents(column.shape.values))
    )


def _has_cents(values: Sequence[str]) -> bool:
    cents = sum(value[-3:-2] in (".", ",") and value[-2:].isdigit() for value in values)
    return cents >= 0.9 * len(values) > 0


def code_like(columns: Sequence[Column], taken: Container[str]) -> tuple[str, ...]:
    """Fields that are not `taken` for anything, and whose values tell all records apart as codes
    do."""
    return tuple(
        column.field.source
        for column in columns
        if column.field.source not in taken
        and column.decoy is None
        and not column.field.repeated
        and column.shape.unique >= 0.995
        and column.shape.coverage >= 0.995
        and column.shape.codelike >= 0.95
        and not column.shape.counting
        and column.shape.url < 0.5
        and not _has_cents(column.shape.values)
    )


def name_like(columns: Sequence[Column]) -> tuple[str, ...]:
    """Fields of unknown name that hold a few words, different in most records."""
    return tuple(
        column.field.source
        for column in columns
        if (not column.scores or "description" in column.scores)
        and column.decoy is None
        and is_short_text(column.shape)
    )


def is_short_text(shape: Shape) -> bool:
    return (
        shape.text >= 0.9
        and shape.codelike < 0.3
        and shape.url < 0.1
        and shape.html < 0.1
        and shape.unique >= 0.5
        and shape.coverage >= _MOST
        and shape.mean_length <= _LONGEST_TITLE
    )
