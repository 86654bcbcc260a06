"""What the lifecycle ought to do, as plain data: tables, a transaction over them, and the verbs.

A transaction of one session may be open while the other session acts. The other sees what is
committed, and where it would have to wait for a lock of that transaction its verb raises `Waits`.
A session with a transaction sees its own writes over what is committed.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from jobtracker.lifecycle import IDLE_HAND_BACK_LIMIT
from jobtracker.lifecycle.attempts import CRASH_LIMIT
from jobtracker.pipelines import Counts
from jobtracker.states import LIVE, TERMINAL, JobType

STAGES = ("first", "second")
NEW = "set by the verb that has just run"
UNTIMED = dict.fromkeys(
    ("started_at", "completed_at", "failed_at", "cancelled_at", "cancel_requested_at",
     "stalled_at", "expected_at")
)  # fmt: skip


class Waits(Exception):
    """The verb waits for the other session's transaction."""


@dataclass
class Job:
    id: UUID
    job_type: str
    unique_key: str | None
    priority: int
    max_attempts: int
    run_after: str | None  # None: ready, "later", "due"
    status: str = "pending"
    waiting_for: str | None = None
    question: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    retry_count: int = 0
    crash_count: int = 0
    hand_back_count: int = 0
    attempt_token: UUID | None = None
    progress: int = 0
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)  # total, done, failed, skipped
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    warnings: list[Any] = field(default_factory=list)
    times: dict[str, Any] = field(default_factory=lambda: dict(UNTIMED))
    silent: bool = False  # its last beat lies more than a lease back
    stuck: bool = False  # it has not advanced for longer than its type may
    log_lines: int = 0

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def ready(self) -> bool:
        return self.status == "pending" and not self.run_after and not self.waiting_for


@dataclass
class Attempt:
    job: UUID
    number: int
    outcome: str | None = None


@dataclass
class Queue:
    paused: bool = False
    max_running: int | None = None


@dataclass
class Tables:
    """Rows by key; `items` holds for a job and stage the checkpoint's attempt and items."""

    jobs: dict[UUID, Job] = field(default_factory=dict)
    attempts: dict[UUID, Attempt] = field(default_factory=dict)
    items: dict[tuple[UUID, str], tuple[int, int] | None] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    audit_lines: int = 0


@dataclass
class Transaction(Tables):
    """What one session has written and not committed, and what it has locked besides."""

    locked: set[UUID] = field(default_factory=set)  # jobs' rows
    fenced: set[UUID] = field(default_factory=set)  # attempts' rows, shared
    ended: set[UUID] = field(default_factory=set)  # attempts' rows, alone
    claims: bool = False  # shares the pause lock
    pauses: bool = False  # has the pause lock alone
    capped: set[str] = field(default_factory=set)  # queues' rows


class Model:
    """The committed tables and at most one open transaction, whose session is `owner`."""

    def __init__(self) -> None:
        self.committed = Tables(queues={str(kind): Queue() for kind in JobType})
        self.open: Transaction | None = None
        self.owner: int | None = None

    # --- transactions ---

    def begin(self, session: int) -> None:
        self.open, self.owner = Transaction(), session

    def commit(self) -> None:
        if self.open:
            for name in ("jobs", "attempts", "items", "queues"):
                getattr(self.committed, name).update(getattr(self.open, name))
            self.committed.audit_lines += self.open.audit_lines
        self.rollback()

    def rollback(self) -> None:
        self.open = self.owner = None

    def mine(self, session: int) -> Transaction:
        """Return the session's transaction; one without gets one that nobody looks at."""
        return self.open if self.open and session == self.owner else Transaction()

    def other(self, session: int) -> Transaction:
        """Return the other session's open transaction, an empty one where there is none."""
        return self.open if self.open and session != self.owner else Transaction()

    def tables(self, session: int) -> Tables:
        """Return what the session sees."""
        mine, all_ = self.mine(session), self.committed
        return Tables(
            *(ChainMap(getattr(mine, n), getattr(all_, n))
              for n in ("jobs", "attempts", "items", "queues")),
            all_.audit_lines + mine.audit_lines,
        )  # fmt: skip

    def _written(self, session: int, table: str, key: Any) -> Any:
        """Return the row to change: a copy where a transaction must be able to forget it."""
        if session != self.owner or not self.open:
            return getattr(self.committed, table)[key]
        mine = getattr(self.open, table)
        if key not in mine:
            mine[key] = deepcopy(getattr(self.committed, table)[key])
        return mine[key]

    def _target(self, session: int) -> Tables:
        return self.open if self.open and session == self.owner else self.committed

    def _lock(self, session: int, jobs: Iterable[UUID]) -> None:
        wanted = set(jobs)
        if wanted & self.other(session).locked:
            raise Waits
        self.mine(session).locked |= wanted

    def _end_alone(self, session: int, token: UUID) -> None:
        other = self.other(session)
        if token in other.fenced | other.ended:
            raise Waits
        self.mine(session).ended.add(token)

    def _job(self, session: int, job_id: UUID) -> Job:
        return self._written(session, "jobs", job_id)

    def _audit(self, session: int, lines: int) -> None:
        self._target(session).audit_lines += lines

    def chosen(self, session: int, ids: Iterable[UUID], statuses: Iterable[str]) -> list[Job]:
        """Return the jobs of `ids` in one of `statuses`, oldest first."""
        jobs, allowed = self.tables(session).jobs, set(statuses)
        return [jobs[i] for i in sorted(set(ids)) if i in jobs and jobs[i].status in allowed]

    def open_attempt(self, session: int, job_id: UUID) -> UUID | None:
        attempts = self.tables(session).attempts
        return next((t for t, a in attempts.items() if a.job == job_id and not a.outcome), None)

    def holder(self, session: int, token: UUID) -> Job | None:
        """Return the job that `token` holds."""
        seen = self.tables(session)
        attempt = seen.attempts.get(token)
        job = seen.jobs[attempt.job] if attempt else None
        return job if job and job.attempt_token == token else None

    # --- creation and claim ---

    def create(self, session: int, job: Callable[[], Job], key: str | None) -> UUID | None:
        """Return the live job with that key; without one add what `job()` gives."""
        if key:
            for each in self.other(session).jobs.values():
                before = self.committed.jobs.get(each.id)
                if each.unique_key == key and (each.live or (before and before.live)):
                    raise Waits
            for each in self.tables(session).jobs.values():
                if each.unique_key == key and each.live:
                    return each.id
        made = job()
        self._target(session).jobs[made.id] = made
        self.mine(session).locked.add(made.id)
        return None

    def room(self, session: int) -> Iterator[tuple[str, float]]:
        """Yield the types that may run more jobs, with how many."""
        seen = self.tables(session)
        for kind, queue in seen.queues.items():
            running = sum(
                j.status == "processing" and j.job_type == kind for j in seen.jobs.values()
            )
            cap = float("inf") if queue.max_running is None else queue.max_running
            if not queue.paused and cap > running:
                yield kind, cap - running

    def ready(self, session: int, wanted: int) -> int:
        jobs = self.tables(session).jobs.values()
        found = sum(
            min(room, sum(j.ready and j.job_type == kind for j in jobs))
            for kind, room in self.room(session)
        )
        return int(min(wanted, found))

    def claim(self, session: int, token: Callable[[], UUID]) -> tuple[UUID, int] | None:
        """Give the job of the highest priority, then the oldest, to `token()`."""
        other, seen = self.other(session), self.tables(session)
        capped = {
            kind for kind, q in seen.queues.items() if not q.paused and q.max_running is not None
        }
        if other.pauses or other.capped & capped:
            raise Waits
        mine = self.mine(session)
        mine.claims = True
        mine.capped |= capped
        kinds = {kind for kind, _ in self.room(session)}
        free = [
            j for j in seen.jobs.values()
            if j.ready and j.job_type in kinds and j.id not in other.locked
        ]  # fmt: skip
        if not free:
            return None
        best = min(free, key=lambda j: (-j.priority, j.id))
        self._lock(session, [best.id])
        job = self._job(session, best.id)
        number = 1 + sum(a.job == job.id for a in seen.attempts.values())
        job.status, job.attempt_token, job.error = "processing", token(), ""
        job.silent = job.stuck = False
        job.times |= {"started_at": job.times["started_at"] or NEW, "stalled_at": None}
        self._target(session).attempts[job.attempt_token] = Attempt(job.id, number)
        mine.ended.add(job.attempt_token)
        return job.id, number

    # --- the attempt ---

    def beat(self, session: int, token: UUID) -> tuple[bool, bool]:
        """Return whether the attempt holds its job, and whether it was asked to stop."""
        job = self.holder(session, token)
        if job is None:
            return False, False
        self._lock(session, [job.id])
        job = self._job(session, job.id)
        job.silent = False
        return True, job.times["cancel_requested_at"] is not None

    def flush(
        self, session: int, token: UUID, progress: int, counts: Counts, warning: Any, advanced: bool
    ) -> bool:
        job = self.holder(session, token)
        if job is None:
            return False
        self._lock(session, [job.id])
        job = self._job(session, job.id)
        job.progress = min(progress, 99)
        outcomes = (counts.done, counts.failed, counts.skipped)
        job.counts = (max(counts.total, sum(outcomes)), *outcomes)
        job.times["expected_at"] = NEW
        job.log_lines += 1
        if warning not in job.warnings:
            job.warnings.append(warning)
        if advanced:
            job.stuck = False
            job.times["stalled_at"] = None
        return True

    def commit_item(self, session: int, token: UUID) -> bool:
        """Commit one item with its checkpoint under the fence; False: the lease is lost."""
        seen, other = self.tables(session), self.other(session)
        attempt = seen.attempts.get(token)
        if attempt is None or attempt.outcome:
            return False
        place = (attempt.job, "first")
        if token in other.ended or place in other.items:
            raise Waits
        self.mine(session).fenced.add(token)
        _, before = seen.items.get(place) or (0, 0)
        self._target(session).items[place] = (attempt.number, before + 1)
        return True

    def end(
        self,
        session: int,
        token: UUID,
        outcome: str,
        *,
        error: str = "",
        counts: Counts | None = None,
        waiting_for: str | None = None,
        question: dict[str, Any] | None = None,
    ) -> str | None:
        """End the attempt; returns the job's status, None for one that ended before."""
        job = self.holder(session, token)
        if job is None or (outcome == "lost" and not job.silent):
            return None
        self._end_alone(session, token)
        self._lock(session, [job.id])
        job = self._job(session, job.id)
        attempt = self._written(session, "attempts", token)
        if outcome != "completed" and job.times["cancel_requested_at"]:
            status = "cancelled"
            outcome = outcome if outcome == "crashed" else status
        else:
            status = self._next(session, job, attempt, outcome)
        attempt.outcome = outcome
        idle = outcome in ("handed_back", "lost") and not self._moved(session, attempt)
        job.hand_back_count = job.hand_back_count + 1 if idle else 0
        job.retry_count += outcome == "retryable"
        job.crash_count += outcome == "crashed"
        job.run_after = "later" if (status, outcome) == ("pending", "retryable") else None
        job.waiting_for = waiting_for if status == "pending" else None
        job.question = (question or {}) if status == "pending" else {}
        job.error = "" if status == "cancelled" else error
        if counts:
            job.counts = (counts.total, counts.done, counts.failed, counts.skipped)
            job.result = dict(counts.result)
        if status == "completed":
            job.progress = 100
        job.log_lines += 1
        self._leave(job, status)
        return status

    def _next(self, session: int, job: Job, attempt: Attempt, outcome: str) -> str:
        match outcome:
            case "completed" | "failed" | "cancelled":
                return outcome
            case "retryable":
                left = job.retry_count + 1 < job.max_attempts
            case "crashed":
                left = job.crash_count + 1 < CRASH_LIMIT
            case "handed_back" | "lost":
                left = self._moved(session, attempt) or (
                    job.hand_back_count + 1 < IDLE_HAND_BACK_LIMIT
                )
            case _:
                left = True
        return "pending" if left else "failed"

    def _moved(self, session: int, attempt: Attempt) -> bool:
        items = self.tables(session).items
        return any(
            items[place][0] == attempt.number
            for place in ((attempt.job, stage) for stage in STAGES)
            if items.get(place)
        )

    @staticmethod
    def _leave(job: Job, status: str) -> None:
        """Take the job away from whoever held it, with exactly the time of its new status."""
        job.status, job.attempt_token = status, None
        job.times |= {"cancel_requested_at": None, "stalled_at": None, "expected_at": None}
        for ending in TERMINAL:
            job.times[f"{ending}_at"] = NEW if ending == status else None

    # --- people ---

    def cancel(self, session: int, ids: Iterable[UUID]) -> dict[UUID, str]:
        chosen = self.chosen(session, ids, LIVE)
        self._lock(session, [j.id for j in chosen])
        for each in chosen:
            job = self._job(session, each.id)
            job.run_after = job.waiting_for = None
            job.question = {}
            if job.status == "pending":
                job.status, job.times["cancelled_at"] = "cancelled", NEW
            else:
                job.times["cancel_requested_at"] = job.times["cancel_requested_at"] or NEW
        self._audit(session, len(chosen))
        return {j.id: self.tables(session).jobs[j.id].status for j in chosen}

    def retry(self, session: int, ids: Iterable[UUID]) -> list[UUID]:
        """Make the newest ended job of each unique key pending, where no live one has the key."""
        chosen = self.chosen(session, ids, ("failed", "cancelled"))
        self._lock(session, [j.id for j in chosen])
        newest = {j.unique_key or j.id: j for j in chosen}.values()
        return self._make_live(session, newest)

    def _make_live(self, session: int, ended: Iterable[Job]) -> list[UUID]:
        live = {j.unique_key for j in self.tables(session).jobs.values() if j.live} - {None}
        again = [j.id for j in ended if j.unique_key not in live]
        keys = {self.tables(session).jobs[each].unique_key for each in again} - {None}
        if any(j.live and j.unique_key in keys for j in self.other(session).jobs.values()):
            raise Waits
        self._lock(session, again)
        for each in again:
            job = self._job(session, each)
            job.status, job.progress, job.error, job.result = "pending", 0, "", {}
            job.retry_count = job.crash_count = job.hand_back_count = 0
            job.times |= dict.fromkeys(("started_at", *(f"{each}_at" for each in TERMINAL)))
        self._audit(session, len(again))
        return again

    def rerun_from(self, session: int, job_id: UUID, stage: str) -> bool:
        if not self._make_live(session, self.chosen(session, [job_id], TERMINAL)):
            return False
        job = self._job(session, job_id)
        job.counts, job.warnings = (0, 0, 0, 0), []
        for undone in STAGES[STAGES.index(stage) :]:
            self._target(session).items[job_id, undone] = None
        return True

    def answer(self, session: int, job_id: UUID, waiting_for: str, reply: Any) -> bool:
        chosen = self.chosen(session, [job_id], ["pending"])
        if not chosen or chosen[0].waiting_for != waiting_for:
            return False
        self._lock(session, [job_id])
        job = self._job(session, job_id)
        job.waiting_for, job.question = None, {}
        job.answer = job.answer | {waiting_for: reply}
        self._audit(session, 1)
        return True

    def mark(self, session: int, job_id: UUID, status: str, error: str, result: Any) -> bool:
        """Declare a job failed, or one that does not run completed."""
        token = self.open_attempt(session, job_id)
        if token:
            self._end_alone(session, token)
        old = LIVE if status == "failed" else ("pending", "failed", "cancelled")
        if not self.chosen(session, [job_id], old):
            return False
        self._lock(session, [job_id])
        job = self._job(session, job_id)
        if token:
            self._written(session, "attempts", token).outcome = "lost"
        job.run_after = job.waiting_for = None
        job.question, job.error, job.result = {}, error, job.result | result
        if status == "completed":
            job.progress = 100
        self._leave(job, status)
        self._audit(session, 1)
        return True

    def edit(
        self, session: int, ids: Iterable[UUID], priority: int, statuses: Iterable[str]
    ) -> list[UUID]:
        chosen = [j.id for j in self.chosen(session, ids, statuses)]
        self._lock(session, chosen)
        for each in chosen:
            self._job(session, each).priority = priority
        self._audit(session, len(chosen))
        return chosen

    def set_queue(self, session: int, kind: str, name: str, value: Any) -> bool:
        other = self.other(session)
        if other.claims or other.pauses:
            raise Waits
        self.mine(session).pauses = True
        queue = self._written(session, "queues", kind)
        if getattr(queue, name) == value:
            return False
        setattr(queue, name, value)
        self._audit(session, 1)
        return True

    # --- recovery ---

    def _unlocked(self, session: int, wanted: Callable[[Job], bool]) -> list[UUID]:
        locked = self.other(session).locked
        jobs = self.tables(session).jobs.values()
        found = sorted(j.id for j in jobs if wanted(j) and j.id not in locked)
        self._lock(session, found)
        return found

    def promote_due(self, session: int) -> int:
        due = self._unlocked(session, lambda j: j.run_after == "due")
        for each in due:
            self._job(session, each).run_after = None
        return len(due)

    def mark_stalled(self, session: int, kind: str) -> list[UUID]:
        stalled = self._unlocked(
            session,
            lambda j: j.status == "processing" and j.job_type == kind and j.stuck
            and not j.times["stalled_at"],
        )  # fmt: skip
        for each in stalled:
            self._job(session, each).times["stalled_at"] = NEW
        return stalled

    def expired(self, session: int) -> list[UUID]:
        silent = [
            j for j in self.tables(session).jobs.values() if j.status == "processing" and j.silent
        ]
        return [j.attempt_token for j in sorted(silent, key=lambda j: j.id) if j.attempt_token]

    def age(self, session: int, job_id: UUID) -> bool:
        """Let an hour pass for one job; False where nothing would come of it or it is locked."""
        seen = self.tables(session).jobs.get(job_id)
        if not seen or not (seen.run_after or seen.attempt_token):
            return False
        if job_id in self.other(session).locked:
            return False
        self._lock(session, [job_id])
        job = self._job(session, job_id)
        job.run_after = job.run_after and "due"
        job.silent = job.stuck = job.status == "processing"
        return True
