"""The share of a supplier's materials that have a price, a picture and so on, drawn over time.
Geometry only: x is in percent and y in pixels, so a drawing stretches without distorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from jobtracker.catalogue.models import SupplierCoverage

LABELS = {
    "price": "Price",
    "picture": "Picture",
    "ean": "EAN",
    "size": "Size",
    "colour": "Colour",
}
DAYS = 60  # with figures, above which the weeks are drawn
LONGEST = timedelta(days=366)
TOP, HEIGHT = 4, 56  # pixels: of the line for all of them, from there to the base line
BOTTOM = TOP + HEIGHT


@dataclass(frozen=True)
class Chart:
    """One field over time: `segments` are lines (x1, y1, x2, y2), `last` the newest point, of
    which `share` tells; `note` says of when that is if not of now, and what it was at first."""

    label: str
    share: str
    note: str
    segments: list[tuple[float, float, float, float]]
    last: tuple[float, float]
    said: str


@dataclass(frozen=True)
class Point:
    """The figures of a day: `shares` are by field, from 0 to 1, none where nothing is active."""

    row: SupplierCoverage

    @property
    def shares(self) -> dict[str, float]:
        active = self.row.active
        return {name: getattr(self.row, name) / active for name in LABELS} if active else {}

    @property
    def said(self) -> list[str]:
        """The shares in words, in the order of the fields."""
        return [percent(getattr(self.row, name), self.row.active) for name in LABELS]


def percent(number: int, of: int) -> str:
    """Return a share in words: "100 %" and "0 %" only where that is exact, "" of nothing."""
    if not of:
        return ""
    whole = round(100 * number / of)
    if 0 < number < of:
        whole = min(max(whole, 1), 99)
    return f"{whole} %"


def points(rows: Sequence[SupplierCoverage]) -> list[Point]:
    """Return what is drawn of a supplier's rows, oldest first: the days of the last year, or the
    last day of each week where they are many. `rows` are the newest first."""
    if not rows:
        return []
    recent = [row for row in rows if rows[0].day - row.day < LONGEST]
    if len(recent) > DAYS:
        weeks: dict[tuple[int, int], SupplierCoverage] = {}
        for row in recent:
            weeks.setdefault(row.day.isocalendar()[:2], row)
        recent = list(weeks.values())
    return [Point(row) for row in reversed(recent)]


def draw(shown: Sequence[Point]) -> list[Chart]:
    """Return a chart for each field, of the days on which materials were active; none where there
    was no such day."""
    known = [point for point in shown if point.shares]
    if not known:
        return []
    is_now = known[-1] is shown[-1]
    return [_chart(name, label, known, is_now=is_now) for name, label in LABELS.items()]


def _chart(name: str, label: str, known: Sequence[Point], *, is_now: bool) -> Chart:
    first, newest = known[0].row, known[-1].row
    places = [_place(point.row.day, point.shares[name], first.day, newest.day) for point in known]
    share = percent(getattr(newest, name), newest.active)
    then = percent(getattr(first, name), first.active)
    day = "" if is_now else f"on {newest.day:%-d %b %Y}"
    change = f"{then} on {first.day:%-d %b %Y}" if then != share else ""
    note = "; ".join(filter(None, (day, change)))
    said = "; ".join(filter(None, (f"{label}: {share} {day}".strip(), change)))
    lines = [(*before, *after) for before, after in pairwise(places)]
    return Chart(label, share, note, lines, places[-1], said)


def _place(day: date, share: float, first: date, last: date) -> tuple[float, float]:
    span = (last - first).days
    x = 100 * (day - first).days / span if span else 100.0
    return round(x, 2), round(TOP + (1 - share) * HEIGHT, 1)
