"""Fault points: named places between two statements at which a test lets a process fail.

Inert unless `JOBTRACKER_FAULT` is set. A fault fires once, at the n-th passing of its point,
counted over all processes of the data folder: each passing adds its pid to a file below
`faults/` there, which is named like the fault. So whoever tries again after the fault passes
unharmed, also in another process or after a restart.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

POINTS = {
    # A job comes to be.
    "create.opened": "the transaction is open, nothing is written",
    "create.inserted": "the job's row is written, its detail row is not",
    "create.detailed": "both are written, nothing is committed",
    "create.committed": "the job is there, its creator does not know it yet",
    # The nurse claims a job.
    "claim.opened": "the transaction is open, no job is picked",
    "claim.taken": "job, attempt and sessions are written, the detail row is not in line",
    "claim.mirrored": "all is written, nothing is committed",
    "claim.committed": "the attempt is open, nobody holds it in the shared block",
    # It gives the attempt to the child that it forked ahead.
    "fork.held": "the shared block knows the attempt, the child does not",
    "fork.forked": "the child has its attempt, its nurse does not watch it yet",
    "child.isolated": "the child is alone with its attempt, no stage has run",
    # The child commits items and checkpoints.
    "item.opened": "the transaction is open, the fence is not taken",
    "item.fenced": "the fence is held, nothing is written",
    "item.written": "items and checkpoint are written, nothing is committed",
    "item.committed": "the items are there, the child does not know it yet",
    "checkpoint.fenced": "the fence is held, the checkpoint is not written",
    "checkpoint.written": "the checkpoint is written and not committed",
    "checkpoint.left": "it is committed, unless the items' transaction goes on",
    # The nurse keeps the books.
    "beat.written": "the beat is there, the nurse does not know it yet",
    "flush.due": "nothing is asked yet",
    "flush.written": "all is there, the nurse does not know it yet",
    # The attempt ends.
    "finish.recounted": "the stages are through and counted, the nurse is not told",
    "finish.told": "the nurse is told, the child still lives",
    "finish.exited": "the child is dead, the rest of its diary is not written",
    "finish.flushed": "the diary is written, the attempt is open",
    "finish.closed": "the attempt is closed, the shared block still holds it",
    "end.opened": "the transaction is open, nothing is read",
    "end.read": "the cause is known, nothing is written",
    "end.written": "all is written, nothing is committed",
    "end.committed": "the attempt is closed, who closed it does not know it yet",
    # A person acts.
    "change.written": "the jobs are written, their detail rows are not in line",
    "cancel.opened": "the transaction is open, nothing is written",
    "cancel.changed": "the jobs are written, the audit lines are not",
    "cancel.audited": "all is written, nothing is committed",
    "cancel.committed": "the jobs are cancelled, the person does not know it yet",
    "retry.opened": "the transaction is open, nothing is written",
    "retry.changed": "the jobs are written, the audit lines are not",
    "retry.audited": "all is written, nothing is committed",
    "retry.committed": "the jobs are pending, the person does not know it yet",
    "rerun.changed": "the job is pending again, its checkpoints still stand",
    "rerun.undone": "the checkpoints are gone, the item rows are not",
    "rerun.forgotten": "the item rows are gone, the audit line is not written",
    # The lifeline recovers.
    "promote.due": "nothing is asked yet",
    "promote.written": "due jobs are ready, the lifeline does not know it yet",
    "rescue.found": "attempts without a beat are known, none is taken back",
    "take.tried": "an attempt is about to be taken back",
    "take.locked": "its row is locked, the sessions that lock it still live",
    "take.ended": "those sessions are ended, the attempt is still open",
    "take.committed": "the attempt is taken back, nobody is told",
    "dead.found": "a record of a dead nurse is known, its attempt is open",
    "dead.taken": "its attempt is taken back, the record is not free",
    "unheld.found": "an attempt that no process holds is known and still open",
    # It starts what is due by a schedule.
    "schedule.locked": "the schedule's row is locked, nothing is started",
    "schedule.started": "the job is written, the next run is not",
    "schedule.planned": "both are written, nothing is committed",
    "schedule.committed": "the job is there, the lifeline does not know it yet",
    "bury.taken": "a dead worker's attempts are taken back, it is still on record",
    # The leader prunes and rolls up.
    "prune.shed": "rows, sources or pictures of jobs that stay are let go, nothing is committed",
    "prune.locked": "jobs that are due are locked, nothing of them is gone",
    "prune.rows": "their item rows and log lines are gone, their attempts are not",
    "prune.emptied": "all that named them is gone, they are not",
    "prune.written": "all is written, nothing is committed",
    "prune.committed": "the rows are gone, the files are not",
    "prune.file": "a file is gone, its note is not",
    "prune.addresses": "addresses that nothing names are gone, nothing is committed",
    "prune.images": "pictures are gone and their files noted, nothing is committed",
    "rollup.due": "the hours to compute are known, nothing is written",
    "rollup.written": "hours are written, nothing is committed",
    "rollup.committed": "the hours are there, the lifeline does not know it yet",
}

FOLDER = "faults"
LINE_BYTES = 8  # of the file of passings: a pid each
BY_FILE = "@"


class InjectedFault(Exception):
    """What the action `raise` raises: an error that no code expects."""


@dataclass(frozen=True)
class Fault:
    """What happens at the n-th passing of a point: `point:n:action` as text."""

    point: str
    n: int
    action: str

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `point:n:action`. Raises `ValueError` with a sentence that says what is wrong."""
        point, _, rest = text.partition(":")
        n, _, action = rest.partition(":")
        if point not in POINTS:
            raise ValueError(f"{point!r} is no fault point; jobtracker/faults.py has them")
        if not (n.isascii() and n.isdigit() and int(n)):
            raise ValueError(f"{n!r} is no passing: a whole number from 1 on")
        if action not in ACTIONS:
            raise ValueError(f"{action!r} is none of the actions {', '.join(ACTIONS)}")
        return cls(point, int(n), action)

    def __str__(self) -> str:
        return f"{self.point}:{self.n}:{self.action}"

    def passings(self, folder: Path) -> list[int]:
        """Return the pids that have passed so far, in order."""
        try:
            return [int(line) for line in (folder / str(self)).read_text().split()]
        except FileNotFoundError:
            return []

    def fired(self, folder: Path) -> int:
        """Return the pid of the process in which the fault fired, 0 before."""
        pids = self.passings(folder)
        return pids[self.n - 1] if len(pids) >= self.n else 0

    def arm(self, folder: Path) -> None:
        """Let the fault fire anew in the processes that run with `JOBTRACKER_FAULT=@`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(self)).write_bytes(b"")

    def disarm(self, folder: Path) -> None:
        """Take an armed fault away, and what is known of it."""
        (folder / str(self)).unlink(missing_ok=True)

    def passes(self, folder: Path, flags: int = 0) -> bool:
        """Count one passing; tell whether it is the one that the fault is for. The place at which
        an appended line lands is its number, so no lock is needed."""
        try:
            file = os.open(folder / str(self), os.O_WRONLY | os.O_APPEND | flags, 0o600)
        except FileNotFoundError:  # disarmed just now
            return False
        try:
            os.write(file, b"%7d\n" % os.getpid())
            return os.lseek(file, 0, os.SEEK_CUR) == self.n * LINE_BYTES
        finally:
            os.close(file)


def point(name: str) -> None:
    """Pass the point `name` of POINTS."""
    if settings.FAULT:
        _pass(name)


def _pass(name: str) -> None:
    folder = settings.DATA_DIR / FOLDER
    fault = settings.FAULT
    if isinstance(fault, Fault):
        folder.mkdir(parents=True, exist_ok=True)
        firing = [fault] if fault.point == name and fault.passes(folder, os.O_CREAT) else []
    else:
        armed = [Fault.parse(path.name) for path in folder.glob(f"{name}:*")]
        firing = [fault for fault in armed if fault.passes(folder)]
    for fault in firing:
        ACTIONS[fault.action](name)


def _raise(name: str) -> None:
    raise InjectedFault(f"injected at {name}")


def _kill(name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _close(name: str) -> None:
    """Lose the session at this very place: after a commit the answer to it, before it all."""
    # The settings read this module, and that one needs them.
    from jobtracker.database import cut_session

    connection.ensure_connection()
    cut_session()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _stop(name: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


ACTIONS: dict[str, Callable[[str], None]] = {
    "raise": _raise,
    "kill": _kill,
    "close": _close,
    "stop": _stop,
}
