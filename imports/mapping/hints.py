"""What is known of a feed because its format is known: stronger than any name."""

from __future__ import annotations

from dataclasses import dataclass, field

from .steps import Step


@dataclass(frozen=True)
class Hint:
    """What one field feeds, and why. Without a target it is left out: it only looks like more.
    `sureness` is that of the name; values may lower it."""

    target: str | None
    steps: tuple[Step, ...] = ()
    note: str = ""
    sureness: float = 0.97


@dataclass(frozen=True)
class Hints:
    """Hints by source, under the name of the format ("" where it is unknown); `defaults` has a
    reason for each value.

    `price_only` says that the feed holds new prices for products that are known already.
    """

    format: str
    fields: dict[str, tuple[Hint, ...]]
    defaults: dict[str, tuple[str, str]] = field(default_factory=dict)
    price_only: bool = False
