"""The calls of a job, as its pages show them."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Sum

from jobtracker.monitor.words import counted
from jobtracker.outgoing.panel import lines
from jobtracker.webhooks.models import WebhookCall


def panel(job_id: UUID) -> dict[str, Any] | None:
    """Return what is to be said of a job's calls, None where it has none. Two statements."""
    rows = WebhookCall.objects.filter(job=job_id)
    totals = {
        status: (number, items)
        for status, number, items in rows.order_by()
        .values("status")
        .annotate(number=Count("pk"), carried=Sum("items"))
        .values_list("status", "number", "carried")
    }
    if not totals:
        return None
    number = sum(calls for calls, _ in totals.values())
    items = sum(carried for _, carried in totals.values())
    done, delivered = totals.get("success", (0, 0))
    return {
        "said": _said(done, number, "calls") if not items else _said(delivered, items, "products"),
        "failed": totals.get("failed", (0, 0))[0],
        "waiting": totals.get("pending", (0, 0))[0],
        "retrying": totals.get("retrying", (0, 0))[0],
        "number": number,
        "lines": lines(rows.defer("request_body")),
    }


def _said(done: int, whole: int, noun: str) -> str:
    if done == whole:
        return f"{'All ' if whole > 1 else ''}{counted(whole, noun)} delivered."
    return f"{done:,} of {counted(whole, noun)} delivered."
