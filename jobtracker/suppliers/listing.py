"""The list of suppliers: what each has, and how its last run went. Nothing is counted here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.http import urlencode

from jobtracker.catalogue.models import Supplier, SupplierCoverage
from jobtracker.models import BackgroundJob
from jobtracker.monitor import rows
from jobtracker.monitor.rows import Row
from jobtracker.suppliers.charts import LABELS, percent

SHARES = ("price", "picture", "ean")


@dataclass(frozen=True)
class Line:
    """A supplier with its newest figures and its last run, None where there is none."""

    supplier: Supplier
    figures: SupplierCoverage | None
    run: Row | None

    @property
    def url(self) -> str:
        return reverse("supplier", args=[self.supplier.pk])

    @property
    def shares(self) -> list[tuple[str, str]]:
        """The shares of the active materials, as (label, words)."""
        if self.figures is None:
            return [(LABELS[name], "") for name in SHARES]
        of = self.figures.active
        return [(LABELS[name], percent(getattr(self.figures, name), of)) for name in SHARES]


def found(text: str) -> QuerySet[Supplier]:
    """Return the suppliers whose name has the text, each with the ids of its last job and of its
    newest figures, which are looked up for those rows alone that are read."""
    suppliers = Supplier.objects.order_by("name")
    if text:
        suppliers = suppliers.filter(name__icontains=text)
    jobs = BackgroundJob.objects.filter(supplier=OuterRef("pk")).order_by("-pk")
    figures = SupplierCoverage.objects.filter(supplier=OuterRef("pk")).order_by("-day")
    return suppliers.annotate(
        last_job=Subquery(jobs.values("pk")[:1]), newest=Subquery(figures.values("pk")[:1])
    )


def lines(suppliers: Sequence[Supplier]) -> list[Line]:
    """Return suppliers of `found` as lines, by two statements."""
    given: Sequence[Any] = suppliers
    jobs = BackgroundJob.objects.filter(pk__in=[each.last_job for each in given if each.last_job])
    runs = {row.job.pk: row for row in rows.read(jobs)}
    figures = SupplierCoverage.objects.in_bulk([each.newest for each in given if each.newest])
    return [Line(each, figures.get(each.newest), runs.get(each.last_job)) for each in given]


def materials_url(supplier: Supplier, state: str = "") -> str:
    """Return the list of a supplier's materials, in a state or in all."""
    query = {"supplier": supplier.name} | ({"state": state} if state else {})
    return f"{reverse('materials')}?{urlencode(query)}"
