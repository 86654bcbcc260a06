"""Short ways to work queues off inside the test's own process and transaction."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models.functions import Now

from jobtracker.outgoing import queue as queues
from jobtracker.outgoing.models import OutgoingHost
from jobtracker.outgoing.queue import Outcome, Queue
from jobtracker.webhooks.calls import call
from jobtracker.webhooks.models import WebhookCall
from tests.db.jobs import make_job

SENDER = UUID(int=7)


def allow(settings: Any, host: str) -> None:
    """Let requests go to a host:port."""
    name, _, port = host.rpartition(":")
    settings.OUTBOUND_ALLOW = frozenset({*settings.OUTBOUND_ALLOW, (name, int(port))})


def once(queue: Queue, worker: UUID = SENDER) -> Outcome | None:
    """Do the next due row; None where there is none."""
    task = queues.claim(queue, worker)
    if task is None:
        return None
    outcome = queues.work(queue, task)
    assert queues.settle(queue, worker, task, outcome)
    return outcome


def send_all(queue: Queue) -> int:
    """Do what is due until nothing is; returns how many tries it took."""
    tries = 0
    while once(queue):
        tries += 1
    return tries


def let_time_pass(queue: Queue) -> None:
    """Let all that waits for its time be due, and all hosts be rested."""
    ago = Now() - timedelta(seconds=1)
    waiting = queue.model._base_manager.filter(status__in=["pending", "retrying"])
    waiting.update(next_retry_at=ago)
    OutgoingHost.objects.filter(queue=queue.name).update(not_before=ago)


def make_calls(number: int = 1, url: str = "https://shop.example/in", job=None) -> list[UUID]:
    """Make calls of a job that wait to be sent; returns their ids, in order."""
    job = job or make_job()
    made = [
        call(job.pk, job.job_type, url, {"products": [{"key": f"{each}-{uuid4()}"}]}, 1)
        for each in range(number)
    ]
    WebhookCall.objects.bulk_create(made)
    keys = [each.idempotency_key for each in made]
    rows = WebhookCall.objects.filter(idempotency_key__in=keys).order_by("pk")
    return list(rows.values_list("pk", flat=True))
