"""The process that takes jobs back and makes due ones ready: all recovery that needs the database.

For its own host it registers the worker, closes the attempts of dead nurses at once and those of
dead predecessors; the one lifeline that holds an advisory lock does the rest for all hosts.
Whatever it takes back, it takes by token, so a mistake can only cost an attempt its turn.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import FrameType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.db.models.functions import Now
from psycopg.errors import LockNotAvailable

from jobtracker import faults, lifecycle, metrics, retention, schedules
from jobtracker.models import JobAttempt, Worker
from jobtracker.states import Status
from jobtracker.workers import processes, session
from jobtracker.workers.block import Beating, Block, State
from jobtracker.workers.reports import report_attempt, report_paused, report_stalled
from jobtracker.workers.session import ask

LEADER_LOCK = 8021  # advisory, held by a session
ROUND_SECONDS = 0.25
SEEN_SECONDS = 2.0
HOUSE_SECONDS = 1.0  # own attempts that nobody holds, dead predecessors
LEADER_SECONDS = 1.0
STALL_SECONDS = 30.0
KEEP_SECONDS = 60.0  # between two turns of pruning, of rolling up
KEEP_ON_SECONDS = 5.0  # where the last turn left something
# Between a claim's commit and the nurse's note of it there is the way of the answer.
UNHELD_SECONDS = 1.0 + session.ANSWER_SECONDS["nurse"]
FORGOTTEN_LEASES = 20  # after which a host that was never seen again leaves the list

logger = logging.getLogger(__name__)


def run(block: Block) -> None:
    """Turn until SIGTERM, then sign the worker off."""
    processes.set_name("lifeline")
    session.use("lifeline")
    lifeline = Lifeline(block)
    signal.signal(signal.SIGTERM, lifeline.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifeline.run()


class Lifeline:
    """One worker host's recovery; `round()` does what is due."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._instance = block.identity.instance
        self._lease = float(settings.LEASE_SECONDS)
        self._stopping = False
        self._session: object = None
        self._quiet_until = 0.0
        self._leads = False
        self._due: dict[Callable[[], None], float] = {}

    def stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def run(self) -> None:
        while not self._stopping:
            self._block.tick(Beating.LIFELINE)
            try:
                self.round()
            except Error as error:
                logger.warning("the lifeline cannot ask the database: %s", error)
            except Exception:
                logger.exception("the lifeline failed")
            time.sleep(ROUND_SECONDS)
        try:
            self._sign_off()
        except Error as error:
            logger.warning("the worker could not sign off: %s", error)

    def round(self) -> None:
        """Do what is due, the nearest first."""
        self._notice_new_session()
        self._every(SEEN_SECONDS, self._be_seen)
        self._take_back_from_dead_nurses()
        self._every(HOUSE_SECONDS, self._keep_house)
        self._every(LEADER_SECONDS, self._lead)

    def _notice_new_session(self) -> None:
        ask(connection.ensure_connection)
        if connection.connection is not self._session:
            # The database may have been away for all, and everyone needs time to beat again. A
            # lock time-out keeps the session, so a busy row silences nobody.
            self._session = connection.connection
            self._quiet_until = time.monotonic() + self._lease
            self._leads = False

    def _every(self, seconds: float, task: Callable[[], None]) -> None:
        now = time.monotonic()
        if now >= self._due.get(task, 0.0):
            self._due[task] = now + seconds
            task()

    # --- this host ---

    def _be_seen(self) -> None:
        busy, draining = self._block.busy(), self._block.draining
        mine = Worker.objects.filter(pk=self._instance)
        if not ask(mine.update, last_seen=Now(), busy=busy, draining=draining):
            who = self._block.identity
            ask(
                Worker.objects.create,
                id=self._instance,
                host=who.host,
                boot_id=who.boot_id,
                pid_namespace=who.pid_namespace,
                pid=who.pid,
                start_ticks=who.start_ticks,
                slots=self._block.slots,
                busy=busy,
                draining=draining,
            )
        self._block.mark_registered()

    def _take_back_from_dead_nurses(self) -> None:
        for record in self._block.records:
            if record.state is State.FREE or record.is_alive():
                continue
            faults.point("dead.found")
            if record.token is None or self._give_back(record.token, "its worker process died"):
                faults.point("dead.taken")
                record.release()

    def _keep_house(self) -> None:
        """Close attempts of this worker that none of its nurses holds (the claim's answer was
        lost), and those of earlier workers on this host that are dead."""
        held_long = {"claimed_at__lt": Now() - timedelta(seconds=UNHELD_SECONDS)}
        tokens = ask(self._open_attempts, self._instance, **held_long)
        held = {record.token for record in self._block.records}
        for token in tokens:
            if token not in held:
                faults.point("unheld.found")
                self._give_back(token, "no process of its worker holds it")
        who = self._block.identity
        here = Worker.objects.filter(
            host=who.host, boot_id=who.boot_id, pid_namespace=who.pid_namespace
        ).exclude(pk=self._instance)
        for other in ask(list, here):
            if not processes.is_alive(other.pid, other.start_ticks):
                self._bury(other)

    def _bury(self, other: Worker) -> None:
        taken = [
            self._give_back(token, "its worker was killed")
            for token in ask(self._open_attempts, other.id)
        ]
        faults.point("bury.taken")
        if all(taken):
            logger.warning("worker %s was dead; it had %d attempts open", other.id, len(taken))
            ask(other.delete)

    def _sign_off(self) -> None:
        """Everything below the supervisor is dead: give the rest back and leave the list."""
        for token in ask(self._open_attempts, self._instance):
            self._give_back(token, "the worker shut down")
        ask(Worker.objects.filter(pk=self._instance).delete)

    @staticmethod
    def _open_attempts(worker: UUID, **conditions: Any) -> list[UUID]:
        opened = JobAttempt.objects.filter(worker=worker, finished_at=None, **conditions)
        return list(opened.values_list("token", flat=True))

    def _give_back(self, token: UUID, reason: str) -> bool:
        """Hand an attempt back; False when its row is still locked, to be tried again."""
        return self._take([token], lambda each: lifecycle.hand_back(each, reason))

    # --- all hosts ---

    def _lead(self) -> None:
        if not self._leads:
            self._leads = ask(_value, "SELECT pg_try_advisory_lock(%s)", LEADER_LOCK)
        if not self._leads:
            return
        ask(lifecycle.promote_due)
        if time.monotonic() > self._quiet_until:
            expired = ask(lifecycle.expired, self._lease)
            self._take(expired, lambda token: lifecycle.rescue(token, self._lease))
        for schedule in ask(schedules.run_due):
            report_paused(schedule)
        self._every(STALL_SECONDS, self._look_after_all)
        self._every(KEEP_SECONDS, self._roll_up)
        self._every(KEEP_SECONDS, self._prune)

    def _roll_up(self) -> None:
        if ask(metrics.roll_up).left:
            self._due[self._roll_up] = time.monotonic() + KEEP_ON_SECONDS

    def _prune(self) -> None:
        if ask(retention.prune_some):
            self._due[self._prune] = time.monotonic() + KEEP_ON_SECONDS

    def _look_after_all(self) -> None:
        for job_type, seconds in settings.STALL_SECONDS.items():
            for job in ask(lifecycle.mark_stalled, job_type, seconds):
                logger.warning("job %s has not advanced for %d s", job, seconds)
                report_stalled(job)
        gone = Now() - timedelta(seconds=FORGOTTEN_LEASES * self._lease)
        ask(Worker.objects.filter(last_seen__lt=gone).delete)

    def _take(self, tokens: Iterable[UUID], take: Callable[[UUID], Status | None]) -> bool:
        """Take jobs back, one a transaction, the next where one is locked.

        A process frozen inside a transaction under its fence holds the lock for as long as it
        likes; so in a second turn the sessions recorded for such an attempt are ended.
        Returns whether all are taken (or were another's already).
        """
        locked = [token for token in tokens if not self._try(take, token)]
        for token in locked:
            faults.point("take.locked")
            ask(_value, _END_SESSIONS, token)
            faults.point("take.ended")
        still_locked = [token for token in locked if not self._try(take, token)]
        return not still_locked

    def _try(self, take: Callable[[UUID], Status | None], token: UUID) -> bool:
        faults.point("take.tried")
        try:
            status = ask(take, token)
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                return False
            raise
        if status:
            faults.point("take.committed")
            logger.warning("attempt %s was taken back; its job is %s", token, status.value)
            report_attempt(token)
        return True


# Only the very session that was recorded: backend pids are used again.
_END_SESSIONS = """
    SELECT count(pg_terminate_backend(a.pid, 1000))
    FROM job_attempt_sessions s
    JOIN pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.backend_start
    WHERE s.token = %s AND a.pid <> pg_backend_pid()
"""


def _value(statement: str, *params: int | UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return bool(cursor.fetchone()[0])
