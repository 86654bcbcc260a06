"""A trial of one fault: from its arming until the jobs that were made for it have ended."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from jobtracker import faults, lifecycle
from jobtracker.faults import Fault
from jobtracker.models import Worker
from jobtracker.states import Priority
from tests.fixtures.worker_host import WorkerHost, comm, query

LEASE_SECONDS = 4
STOP_SECONDS = LEASE_SECONDS + 2.0
LIFELINE_STOP_SECONDS = 3.0  # the supervisor replaces one that is silent for 15 s
ASIDE_SECONDS = 60  # after which a process aside ends whatever it does
ITEMS = 12  # there is a checkpoint each ten
LIVE = ("pending", "processing")

Steps = Iterator[None]

# Neither waits for a row that a stopped process holds: it goes on only if the trials do.
_SPARE_BACK_OFF = """
    UPDATE background_jobs SET run_after = clock_timestamp() WHERE id IN (
        SELECT id FROM background_jobs WHERE status = 'pending'
        AND run_after > clock_timestamp() AND run_after < '2099-01-01' FOR UPDATE SKIP LOCKED)
"""
# What is locked a claim passes over anyhow.
_PUT_OFF = """
    UPDATE background_jobs SET run_after = 'infinity' WHERE id IN (
        SELECT id FROM background_jobs WHERE status = 'pending' AND run_after IS NULL
        AND priority = %s AND id <> %s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


@dataclass
class Ground:
    """One worker host with all that its trials share. `states` is how the jobs of each trial
    stood at the last look."""

    host: WorkerHost
    folder: Path  # of the armed faults
    supplier: int
    states: dict[str, dict[UUID, str]] = field(default_factory=dict)

    def look(self) -> None:
        """Read how all jobs stand, and spare them their back-off."""
        query(_SPARE_BACK_OFF)
        self.states = {}
        told = query("SELECT metadata->>'trial', id, status FROM background_jobs")
        for trial, job, status in told:
            self.states.setdefault(trial, {})[job] = status

    def worker(self) -> Worker:
        return Worker.objects.get(pid=self.host.pid)


class Trial:
    """One fault, from its arming until the jobs that were made for it have ended.

    A fault need not meet the trial's own job: the next process that passes the point is as good.
    """

    def __init__(self, fault: Fault, ground: Ground) -> None:
        self.fault = fault
        self.name = str(fault)
        self.ground = ground
        self._asides: list[int] = []
        self._release_at: float | None = None
        self._released = False
        self._repeat: Callable[[], Steps] = lambda: iter(())

    @property
    def fired(self) -> int:
        """Pid of the process in which the fault fired, 0 before."""
        return self.fault.fired(self.ground.folder)

    @property
    def live(self) -> bool:
        """Whether a job of the trial had not ended at the last look."""
        return any(status in LIVE for status in self.ground.states.get(self.name, {}).values())

    def steps(self, provoke: "Callable[[Trial], Steps]") -> Steps:
        """Run; at each step others may do something."""
        self.fault.arm(self.ground.folder)
        while not self.fired:
            yield from provoke(self)
        while self.fault.action == "stop" and not self._released:
            yield
        for pid in list(self._asides):
            yield from self.until_over(pid)
        yield from self._repeat()
        self.ground.look()
        while self.live:
            yield
        self.fault.disarm(self.ground.folder)

    def tend(self) -> None:
        """Let a stopped process go on once its lease has run out, whatever the trial waits for: it
        may be for a lock of that very process."""
        if self.fault.action != "stop" or self._released or not (pid := self.fired):
            return
        now = time.monotonic()
        if self._release_at is None:
            lifeline = comm(pid) == "jt-lifeline"
            self._release_at = now + (LIFELINE_STOP_SECONDS if lifeline else STOP_SECONDS)
        elif now >= self._release_at:
            self._released = True
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def clean_up(self) -> None:
        """Leave no process behind, whatever became of the trial."""
        for pid in self._asides:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if pid := self.fired:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _runs(self, pid: int) -> bool:
        """Tell whether a process aside still runs."""
        if pid in self._asides and os.waitpid(pid, os.WNOHANG)[0]:
            self._asides.remove(pid)
        return pid in self._asides

    # --- what provocations use ---

    def make(self, *, pace: float = 0, behaviour: str = "plain", **values: Any) -> UUID:
        """Create a job of the chaos pipeline for this trial."""
        return lifecycle.create(
            "xml_import",
            supplier_id=self.ground.supplier,
            metadata=self.told(pace=pace, behaviour=behaviour),
            max_attempts=20,
            detail={"source_name": "chaos", "import_type": "xml"},
            **values,
        ).job_id

    def told(self, *, pace: float = 0, behaviour: str = "plain") -> dict[str, Any]:
        """Return the metadata of a job of the chaos pipeline for this trial."""
        return {
            "trial": self.name,
            "label": f"{self.name}-{uuid4().hex[:8]}",
            "items": ITEMS,
            "pace": pace,
            "behaviour": behaviour,
            "at": -1,
        }

    def make_claimed(self, worker: UUID, host: str) -> lifecycle.Claimed | None:
        """Create a job and claim it for `worker` before anyone else can see it. None where a claim
        that was under way let another job go just between: try again."""
        with transaction.atomic():
            job = self.make(priority=Priority.CRITICAL)
            before = query(_PUT_OFF, Priority.CRITICAL, job)
            claimed = lifecycle.claim(worker, host, 1)
            query(
                "UPDATE background_jobs SET run_after = NULL WHERE id = ANY (%s)",
                [other for (other,) in before],
            )
            if claimed and claimed.job_id == job:
                return claimed
            transaction.set_rollback(True)
        return None

    def until_ended(self, job: UUID) -> Steps:
        """Wait until the fault has fired, or the job has ended without."""
        self.ground.look()
        while not self.fired and self.ground.states[self.name][job] in LIVE:
            yield

    def aside(self, act: Callable[[], Any], *, armed: bool = True) -> int:
        """Run `act` in a process of its own, as a command would; returns its pid."""
        if pid := os.fork():
            self._asides.append(pid)
            return pid
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, ASIDE_SECONDS)
            self.inherited = connection.connection  # kept, since a close would end it for both
            connection.connection = None
            settings.DATA_DIR = self.ground.folder.parent
            settings.FAULT = faults.BY_FILE if armed else ""
            act()
        finally:
            os._exit(0)

    def until_over(self, pid: int) -> Steps:
        """Wait until a process aside has ended."""
        while self._runs(pid):
            yield

    def until_done(self, pid: int, repeat: Callable[[], Steps]) -> Steps:
        """Wait until the process aside has ended, or the fault has fired in it; `repeat` is what
        a person does then."""
        self._repeat = repeat
        while not self.fired and self._runs(pid):
            yield
        if not self.fired:
            yield from repeat()
