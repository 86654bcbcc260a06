"""The job page: one sentence about where the job stands, its stages over time, its history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from jobtracker import pipelines, reporting
from jobtracker.catalogue import undo
from jobtracker.models import BackgroundJob, JobAttempt, JobCheckpoint, JobEvent
from jobtracker.monitor import rows, words
from jobtracker.monitor.waterfall import Waterfall, draw
from jobtracker.states import Outcome, StageState, Status, Waiting
from jobtracker.why_waiting import NEEDS, Why, why_waiting

LOG_LINES = 200
EARLIER_RUNS = 9
RUNS_HEIGHT = 88  # pixels
HEADLINE = 160  # characters of what went wrong
DATA_LENGTH = 20_000
RESULTS = {
    "materials": "Materials",
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "deactivated": "Made inactive",
}


@dataclass(frozen=True)
class Run:
    """A bar of the earlier runs: x in percent, top and height in pixels."""

    said: str
    x: float
    top: float
    height: float
    state: str


@dataclass(frozen=True)
class Try:
    """A line of the attempts table."""

    attempt: JobAttempt
    outcome: str
    stage: str
    took: str
    sentry_url: str | None


class JobPage:
    """Everything that the job page shows of one job. Each property is one statement at most."""

    def __init__(self, row: rows.Row) -> None:
        self.row = row
        self.job = row.job

    @classmethod
    def of(cls, job_id: UUID) -> JobPage | None:
        """Read the page of a job, or None where there is no such job."""
        found = rows.read(BackgroundJob.objects.filter(pk=job_id).select_related("created_by"))
        return cls(found[0]) if found else None

    @property
    def pipeline(self) -> pipelines.Pipeline | None:
        return self.row.pipeline

    @property
    def stages(self) -> Sequence[pipelines.Stage]:
        return self.pipeline.stages if self.pipeline else ()

    @cached_property
    def attempts(self) -> list[JobAttempt]:
        """The attempts, oldest first."""
        return list(self.job.attempts.order_by("number"))

    @cached_property
    def checkpoints(self) -> dict[str, JobCheckpoint]:
        return {point.stage: point for point in self.job.checkpoints.all()}

    @cached_property
    def waterfall(self) -> Waterfall:
        marks = JobEvent.objects.filter(job=self.job, data__has_any_keys=["mark", "attempt"])
        return draw(
            self.row,
            self.stages,
            self.attempts,
            self.checkpoints,
            list(marks.order_by("-id")[:1000])[::-1],
        )

    @cached_property
    def log(self) -> list[JobEvent]:
        """The last log lines, newest first."""
        return list(self.job.events.order_by("-id")[:LOG_LINES])

    @property
    def created(self) -> str:
        return words.ago(self.job.created_at, self.row.now)

    @property
    def tail(self) -> list[JobEvent]:
        return self.log[:4]

    @property
    def source(self) -> str:
        return self.pipeline.source(self.job.pk) if self.pipeline else ""

    @property
    def own_url(self) -> str | None:
        return self.pipeline.job_url(self.job.pk) if self.pipeline else None

    @property
    def answer_url(self) -> str | None:
        """Where a person answers what the job waits for."""
        if not (self.job.waiting_for and self.pipeline):
            return None
        return self.pipeline.answer_url(self.job.pk)

    @property
    def schedule(self) -> dict[str, str] | None:
        """The schedule that started the job, as its metadata names it."""
        match self.job.metadata.get("schedule"):
            case {"id": int(pk), "name": str(name)} if pk > 0:
                return {"name": name, "url": reverse("schedule", args=[pk])}
        return None

    @cached_property
    def undo_url(self) -> str | None:
        """Where what the job wrote to the catalogue is taken back; None where nothing can be."""
        return None if undo.refusal(self.job) else reverse("job-undo", args=[self.job.pk])

    @property
    def undone(self) -> dict[str, Any] | None:
        """When and by whom what the job wrote was taken back."""
        match self.job.result.get("undone"):
            case {"at": str(at), "by": str(by)}:
                return {"at": datetime.fromisoformat(at), "by": by}
        return None

    @property
    def needs(self) -> str:
        return NEEDS[Waiting(self.job.waiting_for)] if self.job.waiting_for else ""

    @property
    def priority(self) -> str:
        return self.job.get_priority_display()

    @cached_property
    def why(self) -> Why | None:
        """Why a pending job does not run yet."""
        return why_waiting(self.job)

    @property
    def said(self) -> list[tuple[str, bool]]:
        """The sentence about the job, as (text, strong) pieces."""
        job, row = self.job, self.row
        if row.running:
            return self._said_running()
        if job.waiting_for:
            return [("It needs ", False), (self.needs, True), (" and holds no slot.", False)]
        if job.status == Status.PENDING:
            why = (self.why.said if self.why else "Starts now", True)
            if not job.started_at:
                return [why, (".", False)]
            attempt = f"{row.attempt_number} of {job.max_attempts}"
            return [why, (", attempt ", False), (attempt, True), (".", False)]
        if job.status == Status.COMPLETED:
            said = [(row.made.rstrip("."), True)]
            if row.duration and not job.result.get("note"):
                said += [(" in ", False), (row.duration, True)]
            if job.failed_items:
                failed = words.counted(job.failed_items, row.noun)
                said += [(", ", False), (f"{failed} failed", True)]
            if job.skipped_items:
                said.append((f", {job.skipped_items:,} skipped", False))
            return [*said, (".", False)]
        verb = "Failed" if job.status == Status.FAILED else "Cancelled"
        if not self.attempts:
            return [(f"{verb} before its first attempt.", False)]
        tries = words.counted(len(self.attempts), "attempts")
        kept = f"{row.moved:,} of {words.counted(job.total_items, row.noun)}"
        said = [(f"{verb} after ", False), (tries, True)]
        if job.total_items:
            said += [("; ", False), (kept, True), (" are over and kept", False)]
        return [*said, (".", False)]

    def _said_running(self) -> list[tuple[str, bool]]:
        job, row = self.job, self.row
        names = [stage.name for stage in self.stages]
        said: list[tuple[str, bool]] = []
        if job.current_stage in names:
            place = f"{names.index(job.current_stage) + 1} of {len(names)}"
            said += [("Stage ", False), (place, True), (", ", False)]
        done, total, noun = row.position
        if total:
            said += [(f"{done:,} of {total:,}", True), (f" {noun}, ", False)]
        if row.left == "unknown":
            said.append(("time left unknown, ", False))
        elif row.left == "measuring":
            said.append(("measuring the time left, ", False))
        elif row.left.startswith("about "):
            said += [("about ", False), (row.left.removeprefix("about "), True), (" left, ", False)]
        said += [("attempt ", False), (f"{row.attempt_number} of {job.max_attempts}", True)]
        if self.attempts:
            said.append((f" on {self.attempts[-1].host}", False))
        return [*said, (".", False)]

    @cached_property
    def trouble(self) -> Trouble | None:
        """What went wrong last, if the job has not completed since."""
        bad = {Outcome.FAILED, Outcome.RETRYABLE, Outcome.CRASHED, Outcome.LOST}
        if self.job.status in (Status.COMPLETED, Status.CANCELLED):
            return None
        last = next((each for each in reversed(self.attempts) if each.outcome in bad), None)
        if last is None:
            if self.job.status != Status.FAILED:
                return None
            return Trouble("failed", "x", "Failed", self.job.error, self._advice(), None)
        where = self._label(last.stage)
        place = f" in {where}" if where else ""
        what = "was lost" if last.outcome == Outcome.LOST else "stopped"
        if last.outcome == Outcome.CRASHED:
            what = "crashed"
        message = last.error or "The process left no message."
        if self.job.status == Status.FAILED:
            message = self.job.error or message
            return Trouble("failed", "x", f"Failed{place}", message, self._advice(), last)
        return Trouble(
            "retry",
            "clock",
            f"Attempt {last.number} {what}{place}",
            message,
            "The job goes on by itself; the finished stages are kept.",
            last,
        )

    def _advice(self) -> str:
        done = [point for point in self.checkpoints.values() if point.state != StageState.RUNNING]
        if not done:
            return "Retry starts it again from the first stage."
        kept = words.counted(len(done), "finished stages")
        return f"Retry goes on where it stopped; {kept} and all written items are kept."

    def _label(self, name: str) -> str:
        return next((stage.label for stage in self.stages if stage.name == name), name)

    @cached_property
    def earlier(self) -> list[rows.Row]:
        """Up to `EARLIER_RUNS` ended runs of the same file of this supplier, oldest first."""
        if not (self.job.supplier_id and self.job.filename):
            return []
        # Bounded by the supplier's newest jobs: there is no index on file names.
        lately = BackgroundJob.objects.filter(supplier_id=self.job.supplier_id, id__lt=self.job.pk)
        ids = lately.order_by("-id").values("pk")[:500]
        same = BackgroundJob.objects.filter(
            pk__in=ids,
            job_type=self.job.job_type,
            filename=self.job.filename,
            status__in=(Status.COMPLETED, Status.FAILED),
        )
        return rows.read(same.order_by("-id")[:EARLIER_RUNS])[::-1]

    @property
    def same_source_url(self) -> str:
        """Return the list of this supplier's jobs with this file name."""
        query = {"supplier": self.job.supplier.name if self.job.supplier else ""}
        return f"{reverse('monitor')}?{urlencode(query | {'q': _quoted(self.job.filename)})}"

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Return what came of it so far, as (label, words)."""
        job, noun = self.job, self.row.noun
        made = [
            (label, f"{int(job.result[key]):,}")
            for key, label in RESULTS.items()
            if isinstance(job.result.get(key), int)
        ]
        if not made and job.done_items:
            made = [("Done", words.counted(job.done_items, noun))]
        if job.failed_items:
            made.append(("Failed", words.counted(job.failed_items, noun)))
        if job.skipped_items:
            made.append(("Skipped", words.counted(job.skipped_items, noun)))
        if job.warnings:
            made.append(("Warnings", f"{len(job.warnings):,}"))
        return [*made, ("Attempts", f"{len(self.attempts)}")]

    @property
    def history(self) -> list[Try]:
        """Return the attempts with their words, newest first."""
        return [
            Try(
                attempt,
                attempt.get_outcome_display() or "Running",
                self._label(attempt.stage),
                words.duration((attempt.finished_at or self.row.now) - attempt.claimed_at),
                _report(attempt),
            )
            for attempt in reversed(self.attempts)
        ]

    @property
    def data(self) -> list[tuple[str, str]]:
        """Return what the job carries, as (label, JSON)."""
        parts = {
            "Metadata": self.job.metadata,
            "Question": self.job.question,
            "Answers": self.job.answer,
            "Result": self.job.result,
            **{f"Stage {self._label(name)}": p.data for name, p in self.checkpoints.items()},
        }
        return [
            (label, json.dumps(value, indent=2, ensure_ascii=False)[:DATA_LENGTH])
            for label, value in parts.items()
            if value or label == "Metadata"
        ]

    @property
    def runs(self) -> list[Run]:
        """The earlier runs and this one as bars."""
        took = [(row, row.took.total_seconds()) for row in [*self.earlier, self.row] if row.took]
        longest = max((seconds for _, seconds in took), default=0) or 1
        bars = []
        for number, (row, seconds) in enumerate(took):
            failed = "failed" if row.job.status == Status.FAILED else ""
            state = failed or ("processing" if row is self.row else "")
            said = f"{row.state.label}, {row.duration}"
            height = round(max(4, RUNS_HEIGHT * seconds / longest), 1)
            x = round(number * 100 / (EARLIER_RUNS + 1), 2)
            bars.append(Run(said, x, RUNS_HEIGHT - height, height, state))
        return bars

    @property
    def usual_y(self) -> float | None:
        """Return where the usual duration lies in the chart of the runs, in pixels."""
        spans = [row.took.total_seconds() for row in [*self.earlier, self.row] if row.took]
        usual = self.compared.get("usual_seconds")
        return round(RUNS_HEIGHT * (1 - usual / max(spans)), 1) if usual and max(spans) else None

    @cached_property
    def compared(self) -> dict[str, Any]:
        """How this run compares with the completed earlier ones: `usual` in words, `percent`."""
        good = [r for r in self.earlier if r.job.status == Status.COMPLETED and r.took]
        spans = sorted(row.took.total_seconds() for row in good if row.took)
        if not spans:
            return {}
        usual = spans[len(spans) // 2]
        here = self.row.took.total_seconds() if self.row.took else 0
        over = self.job.status == Status.COMPLETED or here > usual
        percent = round(100 * (here - usual) / usual) if usual and over else 0
        return {
            "usual": words.duration(usual),
            "usual_seconds": usual,
            "slower": percent if percent > 0 else 0,
            "faster": -percent if percent < 0 else 0,
            "failed": sum(row.job.status == Status.FAILED for row in self.earlier),
            "number": len(self.earlier),
        }

    @property
    def waits(self) -> bool:
        return self.job.status == Status.PENDING

    @property
    def can_mark_failed(self) -> bool:
        return self.job.status in (Status.PENDING, Status.PROCESSING)

    @property
    def can_mark_completed(self) -> bool:
        return self.job.status in (Status.PENDING, Status.FAILED, Status.CANCELLED)

    @property
    def can_rerun(self) -> bool:
        ended = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
        return self.job.status in ended and bool(self.stages)


@dataclass(frozen=True)
class Trouble:
    """The error box: what happened, what to do, and the attempt with the traceback."""

    state: str
    icon: str
    title: str
    message: str
    advice: str
    attempt: JobAttempt | None

    @property
    def parts(self) -> tuple[str, str]:
        """What of the message belongs in the headline, and what below it: a line that cannot be
        read at a glance stands below as a whole."""
        first, _, rest = self.message.strip().partition("\n")
        return (first, rest.strip()) if len(first) <= HEADLINE else ("", self.message.strip())

    @property
    def sentry_url(self) -> str | None:
        """Return the address of the report of this trouble, if it was reported."""
        return _report(self.attempt) if self.attempt else None


def _report(attempt: JobAttempt) -> str | None:
    """Return the address of the report of an attempt's end, if it was reported."""
    return reporting.event_url(attempt.sentry_event_id) if attempt.sentry_event_id else None


def _quoted(words: str) -> str:
    """Return a file name as one word of a search."""
    plain = words.replace('"', "")
    return f'"{plain}"' if " " in plain else plain
