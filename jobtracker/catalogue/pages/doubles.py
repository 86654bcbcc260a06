"""Materials of one supplier that are likely the same product."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from jobtracker.catalogue.models import Material
from jobtracker.catalogue.pages.listing import Line, read

GROUPS = 20
MEMBERS = 6

BY = {"ean": "Same EAN", "sku": "Same SKU", "name": "Same name and size"}


@dataclass(frozen=True)
class Group:
    """Materials that share what they are grouped by, oldest first."""

    key: str
    lines: list[Line]
    number: int


def groups(by: str, after: str = "") -> tuple[list[Group], str]:
    """Return some groups, and what the next ones come after ("" where these are the last)."""
    with connection.cursor() as cursor:
        cursor.execute(
            _GROUPS.format(columns=_COLUMNS[by], known=_KNOWN[by], members=MEMBERS),
            [*_start(after), GROUPS + 1],
        )
        found = cursor.fetchall()
    shown = found[:GROUPS]
    ids = [pk for *_, members in shown for pk in members]
    lines = {line.material.pk: line for line in read(Material.objects.filter(pk__in=ids))}
    last = f"{shown[-1][0]}:{shown[-1][1]}" if len(found) > GROUPS else ""
    return [
        Group(key, [lines[pk] for pk in members if pk in lines], number)
        for _, key, number, members in shown
    ], last


def _start(after: str) -> tuple[int, str]:
    supplier, _, key = after.partition(":")
    known = supplier.isascii() and supplier.isdigit() and len(supplier) < 18
    return (int(supplier), key) if known else (0, "")


_COLUMNS = {
    "ean": "ean_valid",
    "sku": "sku_folded",
    "name": "lower(name) || coalesce(', ' || size_text, '')",
}
_KNOWN = {
    "ean": "ean_valid IS NOT NULL",
    "sku": "sku_folded IS NOT NULL",
    "name": "name IS NOT NULL",
}
_GROUPS = """
SELECT supplier_id, {columns}, count(*), (array_agg(id ORDER BY id))[:{members}]
FROM materials
WHERE {known} AND NOT withdrawn AND (supplier_id, {columns}) > (%s, %s)
GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT %s
"""
