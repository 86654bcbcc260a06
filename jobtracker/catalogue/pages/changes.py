"""What changed in a material, from what to what.

A version keeps what it replaced. What a value became is what the next version replaced, or what
stands in the material now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Min

from jobtracker.catalogue.models import Material, MaterialVersion
from jobtracker.catalogue.statements import COLUMNS

Change = tuple[str, str, str]
"""A field, its value before, and after, as words."""


def changes(
    material: Material, versions: Iterable[MaterialVersion]
) -> Iterator[tuple[MaterialVersion, list[Change]]]:
    """Yield each of a material's versions, which come newest first and without a gap, with what it
    changed."""
    now: dict[str, Any] = {column.name: getattr(material, column.name) for column in COLUMNS}
    now["active"] = material.active
    for version in versions:
        old = version.old or {}
        yield (
            version,
            [
                (name.replace("_", " "), _words(name, old[name]), _words(name, now[name]))
                for name in now
                if name in old
            ],
        )
        now |= old


def changes_of_rows(job_id: UUID, materials: Collection[Material]) -> dict[int, list[Change]]:
    """Return what a job changed in some materials, by the number of the row that did: one
    statement for where to begin, one for all versions since."""
    its = MaterialVersion.objects.filter(job_id=job_id, material_id__in=[m.pk for m in materials])
    first = its.aggregate(first=Min("pk"))["first"]
    if first is None:
        return {}
    since = MaterialVersion.objects.filter(
        material_id__in=[material.pk for material in materials], pk__gte=first
    ).order_by("material_id", "-pk")
    by_pk = {material.pk: material for material in materials}
    return {
        version.row_number: said
        for pk, versions in groupby(since, lambda version: version.material_id)
        for version, said in changes(by_pk[pk], versions)
        if version.job_id == job_id and version.row_number is not None and said
    }


def _words(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))[:200]
    if isinstance(value, int | float | Decimal):
        return _digits(Decimal(str(value)), 2 if name == "price" else 0)
    return str(value)[:200]


def _digits(value: Decimal, decimals: int) -> str:
    """The number without idle zeros behind its point, but for so many decimals."""
    plain = value.normalize()
    idle = -int(plain.as_tuple().exponent) < decimals
    return f"{plain:.{decimals}f}" if idle else f"{plain:f}"
