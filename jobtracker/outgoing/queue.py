"""The statements of a queue: claim a host and its next row, settle it, give hosts back.

1. `claim`: one statement locks a host that is free, rested and has due rows (SKIP LOCKED, so two
   processes never wait for each other), takes its next row, and notes on both whose they are.
2. The work is done with no transaction open. Meanwhile `renew` keeps the claims.
3. `settle` writes the outcome and gives the host back in one transaction, if the row is still
   this worker's. Who was frozen for too long has lost it, and another does it again: what goes
   out bears the same idempotency key each time.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobtracker import audit
from jobtracker.models import User
from jobtracker.outgoing.models import CHANNEL, WAITING, Outgoing, OutgoingHost

FIRST_SECONDS = 10.0  # before the second try; each further one waits three times as long
LONGEST_SECONDS = 7200.0
JITTER = 0.25
HOST_LONGEST_SECONDS = 300.0  # that a host rests after many failures in a row


@dataclass(frozen=True)
class Task:
    """A claimed row. `values` are the columns that the queue asks for."""

    id: Any
    host_id: int
    host: str
    retry_count: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of one try. Without an `error` the row is done. `passing`: another try may
    succeed, after `retry_after` seconds at least. `values` are columns of the row to write, `found`
    is what `Queue.keep` takes."""

    error: str = ""
    passing: bool = False
    retry_after: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    found: Any = None


class Queue:
    """Base class of the queues; `work` runs in a thread and may not ask the database.

    `slots` rows are done at once, `tries` is how often each, `pause` the seconds between two
    requests to a host, `done` the status of a row that succeeded, `noun` what people call one.
    """

    name: str
    noun: str
    model: type[Outgoing]
    columns: tuple[str, ...]
    slots: int
    tries: int
    pause: float = 0.0
    done: str

    def work(self, task: Task) -> Outcome:
        """Do it."""
        raise NotImplementedError

    def keep(self, found: Any) -> Mapping[str, Any]:
        """Return further columns to write of a row that is done, in the same transaction."""
        return {}

    def failed(self, task: Task) -> None:
        """Hear, after the commit, that a row failed for good."""


def claim(queue: Queue, worker: UUID) -> Task | None:
    """Take the next due row of a host that nobody is at; None where there is none just now."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(
                table=queue.model._meta.db_table,
                columns="".join(f", w.{name}" for name in queue.columns),
            ),
            {"queue": queue.name, "worker": worker, "lease": settings.LEASE_SECONDS},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    pk, host_id, host, retry_count, *values = row
    return Task(pk, host_id, host, retry_count, dict(zip(queue.columns, values, strict=True)))


def work(queue: Queue, task: Task) -> Outcome:
    """Do a task, unless its tries are used up by processes that died in the middle of it."""
    if task.retry_count >= queue.tries:
        return Outcome(
            f"The process ended in the middle of it, at try {queue.tries} the last time."
        )
    return queue.work(task)


def settle(queue: Queue, worker: UUID, task: Task, outcome: Outcome) -> bool:
    """Write what came of a task and give its host back; False where it is another's by now."""
    again = outcome.passing and task.retry_count + 1 < queue.tries
    with transaction.atomic():
        rows = queue.model._base_manager.filter(pk=task.id, claim=worker)
        values: dict[str, Any] = {"error_message": outcome.error, "claim": None, **outcome.values}
        if again:
            wait = max(delay(task.retry_count), outcome.retry_after or 0.0)
            values |= {
                "status": "retrying",
                "retry_count": task.retry_count + 1,
                "next_retry_at": Now() + timedelta(seconds=wait),
            }
        else:
            status = "failed" if outcome.error else queue.done
            values |= {"status": status, "next_retry_at": None, "completed_at": Now()}
        if not outcome.error:
            values |= queue.keep(outcome.found)
        mine = bool(rows.update(**values))
        _free(queue, worker, task, outcome)
    if mine and outcome.error and not again:
        queue.failed(task)
    return mine


def _free(queue: Queue, worker: UUID, task: Task, outcome: Outcome) -> None:
    """Give a host back. After trouble that will pass it rests, the longer the more often in a
    row: so an outage costs a queue of thousands only a few tries."""
    host = OutgoingHost.objects.filter(pk=task.host_id, claim=worker)
    failures = host.values_list("failures", flat=True).first() or 0
    rest, failures = queue.pause, failures + 1 if outcome.passing else 0
    if outcome.passing:
        rest = max(min(2.0 ** min(failures - 1, 20), HOST_LONGEST_SECONDS), queue.pause)
        rest = max(rest, outcome.retry_after or 0.0)
    host.update(
        claim=None,
        claimed_until=None,
        failures=failures,
        not_before=Now() + timedelta(seconds=rest),
    )


def delay(retries: int) -> float:
    """Return the seconds before the next try of a row that was retried so often: three times as
    long each time, and spread, so that what failed together does not come back together."""
    base = min(FIRST_SECONDS * 3.0 ** min(retries, 20), LONGEST_SECONDS)
    return base * random.uniform(1 - JITTER, 1 + JITTER)


def renew(queue: Queue, worker: UUID) -> int:
    """Keep what this worker has claimed for another lease; return how many hosts."""
    mine = OutgoingHost.objects.filter(queue=queue.name, claim=worker)
    return mine.update(claimed_until=Now() + timedelta(seconds=settings.LEASE_SECONDS))


def release(queue: Queue, worker: UUID, but: Iterable[int] = ()) -> int:
    """Give back the hosts that this worker has claimed, `but` some; return how many. A row that
    was begun keeps the mark of a try whose outcome nobody knows."""
    mine = OutgoingHost.objects.filter(queue=queue.name, claim=worker).exclude(pk__in=list(but))
    return mine.update(claim=None, claimed_until=None)


def next_due(queue: Queue, worker: UUID) -> float | None:
    """Return the seconds until something may be claimed (0 or less: now); None: nothing waits.
    Hosts that this worker is at do not count: it hears of those."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT.format(table=queue.model._meta.db_table),
            {"queue": queue.name, "worker": worker},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def retry(queue: type[Queue], rows: QuerySet[Any], user: User | None) -> list[Any]:
    """Let rows that failed, or wait for their next try, go out at once and with all their tries
    anew, because a person says so; returns their ids. What is being tried just now is left alone.
    """
    with transaction.atomic():
        idle = rows.filter(status__in=["failed", *WAITING], claim=None).order_by()
        found = dict(idle.select_for_update(skip_locked=True).values_list("pk", "host"))
        queue.model._base_manager.filter(pk__in=found).update(
            status="pending", retry_count=0, next_retry_at=Now(), completed_at=None
        )
        hosts = OutgoingHost.objects.filter(queue=queue.name, host__in=set(found.values()))
        hosts.update(not_before=Now(), failures=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, queue.name])
        audit.record(user, "retry", queue.noun, found)
    return list(found)


_WAITS = "w.status IN ('pending', 'retrying')"
_DUE = f"{_WAITS} AND w.next_retry_at <= statement_timestamp()"

_CLAIM = f"""
WITH host AS MATERIALIZED (
    SELECT h.id, h.host FROM outgoing_hosts h
    WHERE h.queue = %(queue)s AND h.not_before <= statement_timestamp()
        AND (h.claimed_until IS NULL OR h.claimed_until <= statement_timestamp())
        AND EXISTS (SELECT FROM {{table}} w WHERE w.host = h.host AND {_DUE})
    ORDER BY h.not_before, h.id LIMIT 1 FOR UPDATE OF h SKIP LOCKED),
task AS MATERIALIZED (
    -- A sub-select of its own, so that the index gives the first row without a sort of all.
    SELECT first.id FROM host CROSS JOIN LATERAL (
        SELECT w.id FROM {{table}} w WHERE w.host = host.host AND {_DUE}
        ORDER BY w.next_retry_at, w.id LIMIT 1 FOR UPDATE OF w SKIP LOCKED) first),
held AS (
    UPDATE outgoing_hosts h SET claim = %(worker)s,
        claimed_until = statement_timestamp() + make_interval(secs => %(lease)s)
    FROM host, task WHERE h.id = host.id RETURNING h.id, h.host)
UPDATE {{table}} w SET claim = %(worker)s,
    retry_count = w.retry_count + (w.claim IS NOT NULL)::int
FROM task, held WHERE w.id = task.id
RETURNING w.id, held.id, held.host, w.retry_count{{columns}}
"""

_NEXT = f"""
SELECT extract(epoch FROM min(greatest(h.not_before, h.claimed_until, w.next_retry_at))
    - statement_timestamp())::float
FROM outgoing_hosts h JOIN LATERAL (
    SELECT w.next_retry_at FROM {{table}} w
    WHERE w.host = h.host AND {_WAITS} AND w.next_retry_at IS NOT NULL
    ORDER BY w.next_retry_at LIMIT 1) w ON true
WHERE h.queue = %(queue)s AND h.claim IS DISTINCT FROM %(worker)s
"""
