"""`manage.py deliveries`: the calls that jobs made outside, and sending them again."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from jobtracker.management.options import (
    OneSentenceParser,
    Refused,
    TrackerCommand,
    add_json_option,
)
from jobtracker.models import BackgroundJob
from jobtracker.outgoing import queue as queues
from jobtracker.webhooks.models import WebhookCall
from jobtracker.webhooks.sender import Calls


class Command(TrackerCommand):
    help = "List deliveries (calls to product APIs), and send those that failed again."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(
            dest="act", required=True, metavar="ACT", parser_class=OneSentenceParser
        )
        listing = acts.add_parser("list", help="the newest deliveries")
        listing.add_argument("--job", metavar="ID", help="of this job only")
        listing.add_argument("--status", choices=WebhookCall.Status.values)
        listing.add_argument("--limit", type=int, default=50, metavar="N", help="at most (50)")
        add_json_option(listing)

        retry = acts.add_parser("retry", help="send what failed, or waits, at once")
        retry.add_argument("ids", nargs="*", metavar="ID")
        retry.add_argument("--job", metavar="ID", help="all that failed of this job")
        add_json_option(retry)

        replay = acts.add_parser("replay", help="send what was taken anew (not built yet)")
        replay.add_argument("id")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['act']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = _of_job(options["job"]) if options["job"] else WebhookCall.objects.all()
        if options["status"]:
            rows = rows.filter(status=options["status"])
        found = rows.order_by("-pk").defer("request_body")[: max(options["limit"], 0)]
        if options["json"]:
            print(json.dumps([_as_json(each) for each in found], ensure_ascii=False, indent=2))
            return
        if not found:
            print("No deliveries.")
        for each in found:
            print(
                f"{each.pk}  {each.status:8}  {each.response_status or '-':>3}"
                f"  {each.items:>5,} products  {each.method} {each.webhook_url}"
            )
            if each.error_message:
                print(f"      {each.error_message}")

    def _retry(self, options: dict[str, Any]) -> None:
        if options["job"]:
            rows = _of_job(options["job"]).filter(status="failed")
        elif options["ids"]:
            rows = WebhookCall.objects.filter(pk__in=[_call(text).pk for text in options["ids"]])
        else:
            raise Refused("Name deliveries, or a job with --job.")
        again = queues.retry(Calls, rows, None)
        if options["json"]:
            print(json.dumps([_as_json(each) for each in rows.model.objects.filter(pk__in=again)]))
        else:
            number = len(again)
            print(f"{number:,} {'delivery goes' if number == 1 else 'deliveries go'} out again.")

    def _replay(self, options: dict[str, Any]) -> None:
        raise Refused(
            "A delivery that was taken cannot be sent anew yet;"
            " `deliveries retry` sends what failed."
        )


def _of_job(text: str) -> QuerySet[WebhookCall]:
    try:
        job = BackgroundJob.objects.get(pk=UUID(text))
    except (BackgroundJob.DoesNotExist, ValueError):
        raise Refused(f"There is no job {text}.") from None
    return WebhookCall.objects.filter(job=job)


def _call(text: str) -> WebhookCall:
    """Return a delivery that can be retried. Raises `Refused`."""
    try:
        found = WebhookCall.objects.get(pk=UUID(text))
    except (WebhookCall.DoesNotExist, ValueError):
        raise Refused(f"There is no delivery {text}.") from None
    if found.status == WebhookCall.Status.SUCCESS:
        raise Refused(f"Delivery {text} was taken already; nothing is left to retry.")
    return found


def _as_json(call: WebhookCall) -> dict[str, Any]:
    return {
        "id": str(call.pk),
        "job": str(call.job_id),
        "job_type": call.job_type,
        "method": call.method,
        "url": call.webhook_url,
        "idempotency_key": str(call.idempotency_key),
        "status": call.status,
        "products": call.items,
        "response_status": call.response_status,
        "response_time_ms": call.response_time_ms,
        "retry_count": call.retry_count,
        "next_retry_at": call.next_retry_at and call.next_retry_at.isoformat(),
        "created_at": call.created_at.isoformat(),
        "completed_at": call.completed_at and call.completed_at.isoformat(),
        "error": call.error_message,
    }
