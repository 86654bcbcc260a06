"""What a pipeline sees of its job, and the run of one attempt, in the attempt's own process.

The nurse keeps the books: progress, log lines and the attempt's end go to it as messages over
the link; only items and their checkpoints are written from here, under the fence.
"""

import json
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol
from uuid import UUID

import psycopg
from django.db import connection, transaction
from django.db.utils import Error as DatabaseError

from jobtracker import faults, lifecycle, pipelines
from jobtracker.catalogue import coverage
from jobtracker.models import JobCheckpoint
from jobtracker.pipelines import Counts, Stage
from jobtracker.states import (
    Cancelled,
    HandBack,
    JobError,
    LeaseLost,
    Permanent,
    Retryable,
    StageState,
    WaitForPerson,
    Waiting,
)

REPORT_EVERY = 0.1  # seconds between two progress messages
RATE_WINDOW = 60.0  # seconds; the time left comes from the rate of the last minute
RATE_LEAST = 3.0  # seconds of observation below which the time left is unknown
WARNINGS_MOST = 200
# The session was ended, the server crashed or does not start yet, the session idled too long.
LOST_STATES = {"57P01", "57P02", "57P03", "57P05"}


class Link(Protocol):
    """The attempt's line to its nurse."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Pass one JSON message on. Kinds: `progress`, `event`, `warning`, `end`."""

    def stop(self) -> str | None:
        """Return why the attempt must stop: "cancel", "drain", "lost", or None."""


@dataclass(frozen=True)
class Job:
    """A job as it was when the attempt began; `resumes` where earlier ones may have kept
    something."""

    id: UUID
    job_type: str
    filename: str
    supplier_id: int | None
    metadata: Mapping[str, Any]
    answer: Mapping[str, Any]
    parent_id: UUID | None
    created_by_id: int | None
    attempt: int
    resumes: bool = True


class JobContext:
    """A stage's view of its job. Call `check()` before anything that reaches outside."""

    def __init__(self, job: Job, token: UUID, link: Link, stages: tuple[Stage, ...]) -> None:
        self.job = job
        self.token = token
        self._link = link
        self._stages = stages
        self._checkpoints = _kept(job) if job.resumes else {}
        self._stage = stages[0]
        self._stage_began = time.monotonic()
        self._position: tuple[int, int | None] = (0, None)
        self._counts = Counts()
        self._progress = 0.0
        self._rate: deque[tuple[float, float]] = deque()
        self._reported = 0.0
        self._unreported = False
        self._warnings = 0

    # --- stopping ---

    def check(self) -> None:
        """Raise `Cancelled`, `HandBack` or `LeaseLost` when the attempt must stop. Also reports
        what `advance` held back, once its time has come."""
        match self._link.stop():
            case "cancel":
                raise Cancelled
            case "drain":
                raise HandBack
            case "lost":
                raise LeaseLost("no heartbeat was confirmed in time")
        now = time.monotonic()
        if self._unreported and now - self._reported >= REPORT_EVERY:
            self._report(now)

    def wait_for(self, reason: Waiting, question: dict[str, Any]) -> None:
        """End this attempt until a person answers; `question` is what the page shows."""
        raise WaitForPerson(reason, question)

    def answer(self, reason: Waiting) -> dict[str, Any] | None:
        """Return what a person last answered to `reason`, or None."""
        return self.job.answer.get(reason.value)

    # --- telling ---

    def advance(
        self,
        position: int,
        of: int | None = None,
        *,
        fraction: float | None = None,
        counts: Counts | None = None,
    ) -> None:
        """Say how far the stage is: `position` items `of` so many, or a `fraction` from 0 to 1
        where the number is not known. `counts` are the job's items so far. Calls `check()`."""
        self._counts = counts or self._counts
        self._move(position, of, fraction)
        self.check()

    def _move(self, position: int, of: int | None, fraction: float | None) -> None:
        self._position = (position, of)
        if fraction is None:
            fraction = position / of if of else 0.0
        whole = sum(stage.share for stage in self._stages)
        before = sum(s.share for s in self._stages[: self._stages.index(self._stage)])
        self._progress = max(
            self._progress, 100 * (before + self._stage.share * min(fraction, 1.0)) / whole
        )
        self._unreported = True

    def tell_counts(self, counts: Counts) -> None:
        """Tell what became of the items so far, at once, where the stage does not go on."""
        self._counts = counts
        self._report(time.monotonic())

    def log(self, message: str, level: str = "info", **data: Any) -> None:
        """Add a line to the job's log."""
        self._link.send(
            {
                "event": {
                    "at": time.monotonic(),
                    "level": level,
                    "stage": self._stage.name,
                    "message": message,
                    "data": data,
                }
            }
        )

    def warn(self, code: str, message: str, where: str = "") -> None:
        """Add a warning to the job; the first few hundred are kept."""
        self._warnings += 1
        if self._warnings <= WARNINGS_MOST:
            self._link.send({"warning": {"code": code, "message": message, "where": where}})
            self.log(message, "warning")

    def _report(self, now: float) -> None:
        self._reported = now
        self._unreported = False
        self._rate.append((now, self._progress))
        while now - self._rate[0][0] > RATE_WINDOW:
            self._rate.popleft()
        position, of = self._position
        self._link.send(
            {
                "progress": {
                    "progress": int(self._progress),
                    "stage": self._stage.name,
                    "stage_done": position,
                    "stage_total": of,
                    "left": self._time_left(now),
                    "total": self._counts.total,
                    "done": self._counts.done,
                    "failed": self._counts.failed,
                    "skipped": self._counts.skipped,
                }
            }
        )

    def _time_left(self, now: float) -> float | None:
        """Return the seconds left at the rate of the last minute; None where it is unknown."""
        since, then = self._rate[0]
        gained = self._progress - then
        if now - since < RATE_LEAST or gained <= 0:
            return None
        return (100 - self._progress) * (now - since) / gained

    # --- keeping ---

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction under the fence: what it writes commits only while the job is
        this attempt's. Raises `LeaseLost` otherwise."""
        with transaction.atomic():
            faults.point("item.opened")
            self.fence()
            yield
            faults.point("item.written")
        faults.point("item.committed")

    def fence(self) -> None:
        """Take the fence inside a transaction that the stage opened itself, so that slow
        preparations need not hold it. Raises `LeaseLost`."""
        self.check()
        lifecycle.fence(self.token)
        faults.point("item.fenced")

    def checkpoint(
        self,
        items: int,
        data: Mapping[str, Any] | None = None,
        state: StageState = StageState.DONE,
    ) -> None:
        """Keep how far the stage is (`running`) or that it ended, under the fence. Inside
        `transaction()` it commits with the items that it covers."""
        seconds = time.monotonic() - self._stage_began
        before = self._checkpoints.get(self._stage.name)
        with transaction.atomic(savepoint=False):
            lifecycle.fence(self.token)
            faults.point("checkpoint.fenced")
            with connection.cursor() as cursor:
                cursor.execute(
                    _KEEP,
                    [
                        self.job.id,
                        self._stage.name,
                        state.value,
                        self.job.attempt,
                        items,
                        seconds + (before.seconds if before else 0),
                        json.dumps(data or {}),
                    ],
                )
            faults.point("checkpoint.written")
        faults.point("checkpoint.left")

    @property
    def resumed(self) -> dict[str, Any]:
        """What this stage's running checkpoint of an earlier attempt kept, or {}."""
        before = self._checkpoints.get(self._stage.name)
        return before.data if before else {}

    def data(self, stage: str) -> dict[str, Any]:
        """What an ended stage's checkpoint kept. Raises `DoesNotExist` for one not reached."""
        return JobCheckpoint.objects.get(job_id=self.job.id, stage=stage).data

    def _ended(self, stage: Stage) -> tuple[StageState, int]:
        """Return how a stage that has returned ended, and its items. Asked of the database, as a
        checkpoint may have been rolled back since."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state, items FROM job_checkpoints WHERE job_id = %s AND stage = %s",
                [self.job.id, stage.name],
            )
            state, items = cursor.fetchone() or (StageState.RUNNING, 0)
        if state == StageState.RUNNING:
            raise Permanent(f"Stage {stage.name} returned without its checkpoint.")
        return StageState(state), items

    # --- running ---

    def run_stages(self, pipeline: pipelines.Pipeline) -> None:
        """Run the stages that have no finished checkpoint, in order."""
        for stage in self._stages:
            self._stage = stage
            self._stage_began = time.monotonic()
            self._position = (0, None)
            before = self._checkpoints.get(stage.name)
            if before and before.state != StageState.RUNNING:
                self.log(f"{stage.label}: kept from attempt {before.attempt}", mark="kept")
                # Not told one by one: the bar of a job that goes on would fall back first.
                self._move(before.items, before.items, 1.0)
                continue
            self.log(f"{stage.label}: started", mark="resumed" if before else "started")
            if before is None:  # a resumed stage knows better how far it is
                self.advance(0, fraction=0.0)
                self._report(time.monotonic())
            pipeline.run_stage(stage, self)
            if self._unreported:
                self._report(time.monotonic())
            state, items = self._ended(stage)
            self.log(
                f"{stage.label}: {state.label.lower()}, {stage.noun or 'items'}: {items:,}",
                mark=state,
            )
        if self._unreported:  # stages that were kept tell where the job is as well
            self._report(time.monotonic())


# Plain SQL, as in `_ended`: a job in its own new process pays for each first use of the ORM.
_KEEP = """
    INSERT INTO job_checkpoints (job_id, stage, state, attempt, items, seconds, data, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, statement_timestamp())
    ON CONFLICT (job_id, stage) DO UPDATE SET
        (state, attempt, items, seconds, data, updated_at) = (excluded.state, excluded.attempt,
        excluded.items, excluded.seconds, excluded.data, excluded.updated_at)
"""


def _kept(job: Job) -> dict[str, JobCheckpoint]:
    """Return what earlier attempts kept, by stage. What covered rows that were pruned is only
    history: the stage runs again."""
    kept = JobCheckpoint.objects.filter(job_id=job.id).exclude(data__has_key="pruned")
    return {checkpoint.stage: checkpoint for checkpoint in kept}


def run(claimed: lifecycle.Claimed, link: Link) -> None:
    """Run one attempt to its end and tell the nurse how it ended. Never raises `Exception`."""
    stage = ""
    try:
        faults.point("child.isolated")
        if connection.connection is None:  # the session that the claim put on record has ended
            lifecycle.note_session(claimed.token)
        pipeline = pipelines.find(claimed.job_type)
        if pipeline is None:
            raise Permanent(f"No pipeline for {claimed.job_type} jobs is installed on this worker.")
        job = Job(
            id=claimed.job_id,
            job_type=claimed.job_type,
            filename=claimed.filename,
            supplier_id=claimed.supplier_id,
            metadata=claimed.metadata,
            answer=claimed.answer,
            parent_id=claimed.parent_id,
            created_by_id=claimed.created_by_id,
            attempt=claimed.number,
            resumes=claimed.resumes,
        )
        context = JobContext(job, claimed.token, link, pipeline.stages)
        try:
            context.run_stages(pipeline)
        except JobError:
            # What was committed since the last word counts too, however the attempt ends.
            with suppress(DatabaseError):
                context.tell_counts(pipeline.recount(job.id))
            raise
        finally:
            stage = context._stage.name
        counts = pipeline.recount(job.id)
        faults.point("finish.recounted")
        if job.supplier_id is not None:
            coverage.count_after_run(job.id, job.supplier_id)
        link.send(_verdict(counts, stage))
    except Exception as error:
        link.send({"end": _classified(error, stage)})


def _verdict(counts: Counts, stage: str) -> dict[str, Any]:
    """Say whether a job whose stages are through is done: green only if its items add up, it
    did not fail in all of them, and it made something or says why there was nothing to do."""
    accounted = counts.done + counts.failed + counts.skipped
    trouble = ""
    if accounted != counts.total:
        trouble = f"{counts.total - accounted:,} of {counts.total:,} items have no outcome."
    elif counts.failed and not counts.done:
        trouble = (
            f"Nothing was done: {counts.failed:,} failed, {counts.skipped:,} were skipped"
            if counts.skipped
            else "Its only item failed"
            if counts.total == 1
            else f"All {counts.total:,} items failed"
        )
        trouble += f": {counts.result.get('cause', 'see the list')}"
    elif not counts.done and not counts.skipped and not counts.result.get("note"):
        trouble = "Nothing was found to work on."
    outcome = "failed" if trouble else "completed"
    return {
        "end": {
            "outcome": outcome,
            "counts": asdict(counts),
            "message": trouble,
            "error_type": "Permanent" if trouble else "",
            "traceback": "",
            "stage": stage,
        }
    }


def _classified(error: Exception, stage: str) -> dict[str, Any]:
    """Return how an exception ends the attempt."""
    end: dict[str, Any] = {
        "outcome": "retryable",
        "message": str(error) or type(error).__name__,
        "error_type": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
        "stage": stage,
    }
    match error:
        case WaitForPerson():
            end |= {"outcome": "waiting", "reason": error.reason, "question": error.question}
        case Cancelled():
            end["outcome"] = "cancelled"
        case HandBack():
            end |= {"outcome": "handed_back", "message": "the worker is shutting down"}
        case LeaseLost():
            end["outcome"] = "lost"
        case Permanent():
            end["outcome"] = "failed"
        case Retryable():
            pass
        case DatabaseError() | psycopg.Error() if session_is_lost(error):
            end |= {"outcome": "handed_back", "message": "the database session was lost"}
        case _:
            end["message"] = f"{type(error).__name__}: {error}"
    return end


def session_is_lost(error: BaseException) -> bool:
    """Tell a lost database session from any other database error, by SQLSTATE: none at all,
    class 08, a server that is going away, or a session that idled too long. Asking the
    connection whether it is closed is a race that was seen lost."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, psycopg.errors.IdleInTransactionSessionTimeout):
        return True  # 25P03, which psycopg files under InternalError
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = cause.sqlstate
    return state is None or state.startswith("08") or state in LOST_STATES
