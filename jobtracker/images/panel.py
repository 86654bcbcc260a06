"""The pictures that a job asked for, as pages show them: how many, and which failed."""

from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from jobtracker.images.models import ImageFetch
from jobtracker.outgoing.panel import lines


def panel(job_id: UUID) -> dict[str, Any] | None:
    """Return what is to be said of a job's pictures, None where it asked for none. Two statements
    at most."""
    return summary(ImageFetch.objects.filter(job_id=job_id))


def summary(rows: QuerySet[ImageFetch]) -> dict[str, Any] | None:
    """Return the same of any fetches: of a supplier, say."""
    totals = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    if not totals:
        return None
    troubled = totals.get("failed", 0) + totals.get("retrying", 0)
    return {
        "number": sum(totals.values()),
        "stored": totals.get("stored", 0),
        "waiting": totals.get("pending", 0),
        "retrying": totals.get("retrying", 0),
        "failed": totals.get("failed", 0),
        "lines": lines(rows.filter(status__in=["failed", "retrying"])) if troubled else [],
    }
