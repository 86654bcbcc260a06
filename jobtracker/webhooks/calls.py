"""Makes calls and takes them back. A call is a row; the sender does the rest."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from jobtracker.redaction import scrub
from jobtracker.webhooks.models import WebhookCall


def call(job_id: UUID, job_type: str, url: str, body: Any, items: int) -> WebhookCall:
    """Return a call to be sent, not saved yet. `body` is JSON that carries so many products."""
    import httpx  # 8 MB and a tenth of a second that most processes never need

    return WebhookCall(
        job_id=job_id,
        job_type=job_type,
        webhook_url=scrub(url),
        host=httpx.URL(url).netloc.decode("ascii"),
        idempotency_key=uuid4(),
        items=items,
        request_body=body,
    )


def withdraw(job_ids: Iterable[UUID]) -> int:
    """Remove calls with products that were never tried, because they will be made anew."""
    untried = WebhookCall.objects.filter(
        job_id__in=job_ids, items__gt=0, status=WebhookCall.Status.PENDING, claim=None
    )
    return untried.delete()[0]
