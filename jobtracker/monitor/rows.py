"""A job as a row of the monitor: the words, numbers and actions that its line shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from jobtracker import pipelines
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.monitor import words
from jobtracker.monitor.filters import STATES, State, state_of
from jobtracker.states import LIVE, TERMINAL, JobType, Priority, Status, Waiting
from jobtracker.why_waiting import NEEDS

MEASURING = timedelta(seconds=15)  # after a start; then a missing estimate is "unknown"
LATE = timedelta(seconds=10)  # past its expected end an estimate says nothing any more

# A completed job that made nothing looks like no other completed one. It is no state of its own:
# the filter for completed jobs finds it.
MADE_NOTHING = State("nothing", "Nothing made", "warn", STATES["completed"].rows)


class Row:
    """What one line says about `job`, read at `now` by the database's clock, after its attempts
    had `worked` so long in all. Everything is words; templates only place them."""

    def __init__(self, job: BackgroundJob, now: datetime, worked: timedelta | None) -> None:
        self.job = job
        self.now = now
        self.worked = worked
        self.hint = "Waits for a free slot"  # until someone asks how the job's type stands
        made_nothing = job.status == Status.COMPLETED and job.result.get("materials") == 0
        self.state: State = MADE_NOTHING if made_nothing else state_of(job)

    @property
    def version(self) -> int:
        """Microseconds of the query, so that a page can drop what is older than what it shows."""
        return int(self.now.timestamp() * 1_000_000)

    @property
    def url(self) -> str:
        return reverse("job", args=[self.job.pk])

    @property
    def short_id(self) -> str:
        """The last four characters: the first ones of a time-ordered id are all alike."""
        return str(self.job.pk)[-4:]

    @property
    def name(self) -> str:
        return self.job.filename or f"Job {self.short_id}"

    @property
    def origin(self) -> str:
        """Type, supplier, priority where it matters, and short id, for the dim second line."""
        supplier = self.job.supplier
        parts = [JobType(self.job.job_type).label, supplier.name if supplier else ""]
        if self.job.status == Status.PENDING and self.job.priority != Priority.NORMAL:
            parts.append(f"{self.job.get_priority_display()} priority")
        return " · ".join([part for part in parts if part] + [self.short_id])

    @property
    def pipeline(self) -> pipelines.Pipeline | None:
        """What is known of the job's type; nothing where its app is not installed."""
        return pipelines.find(self.job.job_type)

    @property
    def noun(self) -> str:
        return self.pipeline.noun if self.pipeline else "items"

    @property
    def running_stage(self) -> pipelines.Stage | None:
        stages = self.pipeline.stages if self.pipeline else ()
        return next((stage for stage in stages if stage.name == self.job.current_stage), None)

    @property
    def stage(self) -> str:
        """The label of the stage that runs, or what else happens."""
        if self.job.cancel_requested_at:
            return "Cancelling"
        known = self.running_stage
        return known.label if known else self.job.current_stage or "Starting"

    @property
    def position(self) -> tuple[int, int, str]:
        """How far the stage is, of how many (0: unknown) of what."""
        job, stage = self.job, self.running_stage
        if job.stage_total:
            return job.stage_done, job.stage_total, (stage and stage.noun) or self.noun
        return self.moved, job.total_items, self.noun

    @property
    def moved(self) -> int:
        """Items that are over, well or not."""
        return self.job.done_items + self.job.failed_items + self.job.skipped_items

    @property
    def running(self) -> bool:
        return self.job.status == Status.PROCESSING

    @property
    def measure(self) -> str:
        """ "3,120 of 8,000 · 39 %", or the percent alone while the total is unknown."""
        done, total, _ = self.position
        percent = f"{self.job.progress} %"
        return f"{done:,} of {total:,} · {percent}" if total else percent

    @property
    def measure_said(self) -> str:
        """The measure for a screen reader."""
        return f"{self.stage}, {self.measure}".replace(" ·", ",")

    @property
    def made(self) -> str:
        """What a finished job made, in one phrase without its failures."""
        result: dict[str, Any] = self.job.result
        if result.get("note"):
            return str(result["note"])
        if (materials := result.get("materials")) is not None:
            return words.counted(int(materials), "materials")
        return words.counted(self.job.done_items, self.noun)

    @property
    def note(self) -> str:
        """Why the job stands where it stands, where a bar or a result says less."""
        job = self.job
        if job.waiting_for:
            return f"Needs {NEEDS[Waiting(job.waiting_for)]}"
        if job.status == Status.FAILED or self.state.word == "retry":
            return job.error.strip().partition("\n")[0] or "Stopped without a message"
        if job.status == Status.CANCELLED:
            return f"{words.counted(self.moved, self.noun)} kept" if self.moved else "Nothing done"
        return "Scheduled" if job.run_after else self.hint

    @property
    def hinted(self) -> bool:
        """Whether `note` is the hint, which changes with the job's type and not with the job."""
        job = self.job
        return self.state.word == "pending" and not job.run_after

    @property
    def left(self) -> str:
        """The time left of a running job, or until a waiting one is tried."""
        job = self.job
        if self.running:
            return self._stopped(self.kill_at) if self.kill_at else self._expected()
        if job.status == Status.PENDING and job.run_after:
            wait = (job.run_after - self.now).total_seconds()
            return f"in {words.rough(wait)}" if wait > 0 else "now"
        return ""

    @property
    def kill_at(self) -> datetime | None:
        """When an attempt that was asked to stop is killed at the latest."""
        if not (self.running and self.job.cancel_requested_at):
            return None
        return self.job.cancel_requested_at + timedelta(seconds=settings.GRACE_SECONDS)

    def _stopped(self, kill_at: datetime) -> str:
        left = (kill_at - self.now).total_seconds()
        return words.at_most(left)

    def _expected(self) -> str:
        """Say the estimate that the attempt made from its last minute; never 0."""
        job = self.job
        if not job.expected_at or job.stalled_at:
            fresh = job.started_at and self.now - job.started_at < MEASURING
            return "measuring" if fresh and not job.stalled_at else "unknown"
        left = job.expected_at - self.now
        return "unknown" if left < -LATE else f"about {words.rough(left.total_seconds())}"

    @property
    def started(self) -> str:
        return words.ago(self.job.started_at, self.now) if self.job.started_at else ""

    @property
    def took(self) -> timedelta | None:
        """How long the attempts worked, without what lay between them: waiting for a person, for a
        slot or to be tried again. None while the job waits."""
        return None if self.job.status == Status.PENDING else self.worked

    @property
    def worked_since(self) -> datetime | None:
        """When a running job would have begun, had it not waited since: its time goes on."""
        return self.now - self.took if self.running and self.took is not None else None

    @property
    def duration(self) -> str:
        return words.duration(self.took) if self.took is not None else ""

    @property
    def attempt(self) -> str:
        """ "2/3", nothing before the first: hand-backs use up nothing, so they are not counted."""
        return f"{self.attempt_number}/{self.job.max_attempts}" if self.job.started_at else ""

    @property
    def attempt_number(self) -> int:
        return min(self.job.retry_count + 1, self.job.max_attempts)

    @property
    def cancellable(self) -> bool:
        return self.job.status in LIVE and not self.job.cancel_requested_at

    @property
    def cancel(self) -> str:
        """How a cancel of the job is called: what it does to one that runs is not the same."""
        return "stop" if self.running else "cancel"

    @property
    def retryable(self) -> bool:
        return self.job.status in (Status.FAILED, Status.CANCELLED)

    @property
    def items_retryable(self) -> bool:
        """Whether the failed items alone can be done again, in a job of their own."""
        return self.job.status in TERMINAL and self.job.failed_items > 0

    @property
    def failed_said(self) -> str:
        """ "1 failed page" or "12 failed rows"."""
        number = self.job.failed_items
        return words.counted(number, f"failed {self.noun}")

    @property
    def actions(self) -> str:
        """The names of the acts that the job allows now, for its menu."""
        names = (
            ("priority", self.job.status == Status.PENDING),
            (self.cancel, self.cancellable),
            ("retry", self.retryable),
            ("retry-failed", self.items_retryable),
        )
        return " ".join(["open", *(name for name, possible in names if possible)])


def read(jobs: QuerySet[BackgroundJob]) -> list[Row]:
    """Return the rows of `jobs`, in their order, in one query."""
    attempts = JobAttempt.objects.filter(job=OuterRef("pk")).order_by().values("job")
    worked = attempts.values(worked=Sum(Coalesce("finished_at", Now()) - F("claimed_at")))
    found = jobs.select_related("supplier").annotate(read_at=Now(), worked=Subquery(worked))
    return [Row(job, job.read_at, job.worked) for job in found]
