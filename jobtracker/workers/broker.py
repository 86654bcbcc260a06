"""The django-q2 broker that gives out tickets.

A ticket names no job: it tells a free worker to look for one, so a lost or surplus ticket costs
nothing, and the choice of the job falls at the last moment, in the claim. Plain django-q2 tasks
pass through the ORM queue as they always do.
"""

import json
import logging
import select
import time
from typing import Any
from uuid import uuid4

from django.db import Error, connection
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from jobtracker.models import BackgroundJob
from jobtracker.workers import block as blocks
from jobtracker.workers import nurse
from jobtracker.workers.block import Beating, Block
from jobtracker.workers.session import ask

CHANNEL = "job_changes"
POLL_SECONDS = 1.0  # of the probe when nothing is heard; also how soon the pusher sees its stop
CANCEL_SECONDS = 0.1  # between two looks whether a running job was asked to cancel

logger = logging.getLogger(__name__)

Package = tuple[int | None, str]


class TicketBroker(ORM):
    """Runs in every process that enqueues; `dequeue` in the pusher alone, which must never see
    it raise: it would sleep for ten seconds and exit."""

    def __init__(self, list_key: str | None = None) -> None:
        # Not the parent's: that opens a session, in the sentinel, before the forks.
        self.list_key = list_key or Conf.CLUSTER_NAME
        self.connection = None
        self.cache = self.get_cache()
        self._info = None
        self._listening: Any = None
        self._look_at: float | None = None  # whether a running job was asked to cancel
        self._looked_at = 0.0

    def set_stat(self, key: str, value: str, timeout: int) -> bool:
        """Show that the sentinel turns; its statistics themselves are read by nobody."""
        if block := blocks.current():
            block.tick(Beating.SENTINEL)
        return True

    def dequeue(self) -> list[Package]:
        """Return plain tasks and tickets for the free workers; wait up to a second for some."""
        block = blocks.current()
        if block is None:
            return super().dequeue() or []
        block.tick(Beating.PUSHER)
        try:
            self._listen()
            return self._packages(block) or self._wait(block)
        except Error as error:
            logger.warning("the pusher cannot ask the database: %s", error)
        except Exception:
            logger.exception("the pusher failed to look for work")
        block.tick(Beating.PUSHER)
        select.select([block.bell], [], [], POLL_SECONDS)
        block.silence()
        return []

    def _listen(self) -> None:
        if connection.connection is not None and connection.connection is self._listening:
            return
        ask(_execute, f"LISTEN {CHANNEL}")
        self._listening = connection.connection

    def _packages(self, block: Block) -> list[Package]:
        """Return one package per free worker at most: min(ready, idle) less those under way."""
        under_way = block.under_way
        room = block.idle() - under_way
        if room <= 0 or block.draining or not block.registered:
            return []
        ready, plain = ask(self._look, room + under_way)
        packages: list[Package] = list(ask(self._plain_tasks, room)) if plain else []
        tickets = min(ready - under_way, room - len(packages))
        packages.extend(_ticket() for _ in range(tickets))
        block.give(len(packages))
        return packages

    def _look(self, wanted: int) -> tuple[int, bool]:
        """Count the jobs that could start now, up to `wanted`; tell whether a plain task is due.
        One question, because a waiting job waits for its answer."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ready_jobs(%s), EXISTS ("
                " SELECT FROM django_q_ormq WHERE key = %s AND lock < clock_timestamp())",
                [wanted, self.list_key],
            )
            ready, plain = cursor.fetchone()
        return int(ready), bool(plain)

    def _plain_tasks(self, limit: int) -> list[Package]:
        """Lock and return up to `limit` tasks of the ORM queue, as the parent class does."""
        due = OrmQ.objects.filter(key=self.list_key, lock__lt=Now()).order_by("id")[:limit]
        return [
            (task.pk, task.payload)
            for task in due
            if OrmQ.objects.filter(pk=task.pk, lock=task.lock).update(lock=self.timeout(task))
        ]

    def _wait(self, block: Block) -> list[Package]:
        """Wait for a ring, for a notification that may mean work, or for the next poll.

        What a running job's own attempt writes is announced too, many times a second, and means
        no work: it is only looked at for cancels, now and then.
        """
        until = time.monotonic() + POLL_SECONDS
        rung = False
        heard = ask(_heard)  # what came in while the probe ran makes no socket readable
        while True:
            now = time.monotonic()
            running = {str(job) for record in block.records if (job := record.job)}
            if self._look_at is None and any(_concerns(payload, running) for payload in heard):
                self._look_at = max(now, self._looked_at + CANCEL_SECONDS)
            if self._look_at is not None and now >= self._look_at:
                self._announce_cancels(block, running)
                break
            if rung or now >= until or any(_may_mean_work(payload, running) for payload in heard):
                break
            rest = min(until, self._look_at or until) - now
            rung = block.bell in select.select([block.bell, connection.connection], [], [], rest)[0]
            heard = ask(_heard)
        # Taken back before the next probe, never after it: a ring in between would be lost.
        block.silence()
        return []

    def _announce_cancels(self, block: Block, running: set[str]) -> None:
        self._look_at, self._looked_at = None, time.monotonic()
        asked = BackgroundJob.objects.filter(pk__in=running, cancel_requested_at__isnull=False)
        if ask(asked.exists):
            block.announce_cancel()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _heard() -> list[str]:
    with connection.wrap_database_errors:
        return [notice.payload for notice in connection.connection.notifies(timeout=0)]


def _concerns(payload: str, running: set[str]) -> bool:
    message = json.loads(payload)
    return bool(message.get("bulk")) or any(job in running for job in message.get("jobs", ()))


def _may_mean_work(payload: str, running: set[str]) -> bool:
    message = json.loads(payload)
    if "jobs" in message:
        return any(job not in running for job in message["jobs"])
    return "workers" not in message


def _ticket() -> Package:
    # `started` is needed only where a task fails, and `id` by the monitor; no acknowledgement id
    # means that the ticket is never acknowledged and never delivered again.
    return None, SignedPackage.dumps(
        {
            "id": uuid4().hex,
            "name": "ticket",
            "func": nurse.attend,
            "args": (),
            "kwargs": {},
            "started": timezone.now(),
        }
    )
