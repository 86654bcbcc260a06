"""Waiting for jobs from a command: shows progress, ends with the exit code of the outcome."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError, connection
from tqdm import tqdm

from jobtracker import pipelines
from jobtracker.job_json import FAILURES, job_as_json
from jobtracker.models import BackgroundJob
from jobtracker.states import TERMINAL, Status

COMPLETED, FAILED, USAGE, UNDECIDED = 0, 1, 2, 3
POLL_SECONDS = 1.0  # the longest time between two looks, should a notification be lost
OUTAGE_SECONDS = 60.0  # how long a database may be away meanwhile


def wait_for_jobs(job_ids: Sequence[UUID], *, timeout: float | None = None) -> int:
    """Wait until every job has ended or waits for a person; returns the exit code.

    Progress goes to stderr: bars on a terminal, else a line a change of stage. `timeout` is in
    seconds; None waits for ever. A database that restarts meanwhile is waited for; one that stays
    away raises what its driver raises.
    """
    display = _Bars() if sys.stderr.isatty() else _Lines()
    ends_at = time.monotonic() + timeout if timeout is not None else None
    seen = time.monotonic()
    try:
        while True:
            try:
                for _ in _changes(ends_at):
                    jobs = _found(job_ids)
                    seen = time.monotonic()
                    display.show(jobs)
                    if all(job.status in TERMINAL or job.waiting_for for job in jobs):
                        break
                return exit_code(_found(job_ids))
            except (OperationalError, InterfaceError, psycopg.OperationalError):
                if time.monotonic() - seen > OUTAGE_SECONDS:
                    raise
                connection.close()
                time.sleep(POLL_SECONDS)
    finally:
        display.close()


def _found(job_ids: Sequence[UUID]) -> list[BackgroundJob]:
    """Return the jobs that exist, in the order of their ids."""
    found = {job.pk: job for job in BackgroundJob.objects.filter(pk__in=job_ids)}
    return [found[job_id] for job_id in job_ids if job_id in found]


def exit_code(jobs: Sequence[BackgroundJob]) -> int:
    """0 all completed, 1 any failed, 3 any cancelled, waiting for a person or not yet ended."""
    statuses = {job.status for job in jobs}
    if Status.FAILED in statuses:
        return FAILED
    return COMPLETED if statuses <= {Status.COMPLETED} else UNDECIDED


def print_jobs(job_ids: Sequence[UUID], *, as_json: bool) -> None:
    """Print the jobs' outcome to stdout: one sentence a job and its first failed items, or JSON
    (a list when several)."""
    jobs = _found(job_ids)
    if as_json:
        data = [job_as_json(job) for job in jobs]
        print(json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=2))
        return
    for job in jobs:
        print(sentence(job))
        for line in failed_items(job):
            print(f"  {line}")


def failed_items(job: BackgroundJob) -> list[str]:
    """Say where and why the first failed items of a job failed, a line each."""
    failures = pipelines.get(job.job_type).failures(job.pk, FAILURES) if job.failed_items else []
    lines = [f"{each['where']}: {each['reason']}" for each in failures]
    if job.failed_items > len(failures):
        lines.append(f"and {job.failed_items - len(failures):,} more failed")
    return lines


def sentence(job: BackgroundJob) -> str:
    """Say in one line where a job stands."""
    name = f"{job.filename or job.get_job_type_display()} ({job.pk})"
    if job.waiting_for:
        asked = job.question.get("message", "")
        return (
            f"{name}: waiting for a person: {job.get_waiting_for_display().lower()}. {asked}"
            f" Answer on its page or with `manage.py jobs answer {job.pk}`."
        )
    words = [
        f"{job.result[key]:,} {key}"
        for key in ("created", "updated", "unchanged", "deactivated")
        if job.result.get(key)
    ]
    words += [
        f"{number:,} {word}"
        for number, word in ((job.failed_items, "failed"), (job.skipped_items, "skipped"))
        if number
    ]
    if job.status == Status.FAILED:
        words = [job.error, *words]
    if note := job.result.get("note"):
        words.append(note)
    return f"{name}: {job.status}" + (f": {', '.join(words)}" if words else "")


def _changes(ends_at: float | None) -> Iterator[None]:
    """Yield at once, at every announced change, and at least every `POLL_SECONDS`."""
    params = connection.get_connection_params()
    with psycopg.connect(
        **{k: v for k, v in params.items() if k != "cursor_factory"}, autocommit=True
    ) as listener:
        listener.execute("LISTEN job_changes")
        while True:
            yield
            left = POLL_SECONDS
            if ends_at is not None:
                left = min(left, ends_at - time.monotonic())
                if left <= 0:
                    return
            for _ in listener.notifies(timeout=left, stop_after=1):
                pass


class _Lines:
    """A line for each change of status or stage, for logs and pipes."""

    def __init__(self) -> None:
        self._said: dict[UUID, tuple[str, str]] = {}

    def show(self, jobs: Sequence[BackgroundJob]) -> None:
        for job in jobs:
            now = (job.status, job.current_stage)
            if self._said.get(job.pk) != now:
                self._said[job.pk] = now
                stage = f", {job.current_stage}" if job.current_stage else ""
                print(f"{job.filename}: {job.status}{stage}, {job.progress} %", file=sys.stderr)

    def close(self) -> None:
        sys.stderr.flush()


class _Bars:
    """A bar a job, for people at a terminal."""

    def __init__(self) -> None:
        self._bars: dict[UUID, tqdm] = {}

    def show(self, jobs: Sequence[BackgroundJob]) -> None:
        for job in jobs:
            bar = self._bars.get(job.pk)
            if bar is None:
                bar = self._bars[job.pk] = tqdm(
                    total=100,
                    desc=job.filename[:40],
                    bar_format="{desc:40} {percentage:3.0f} % {bar:30} {elapsed}{postfix}",
                )
            bar.n = job.progress
            bar.set_postfix_str(f" {job.status} {job.current_stage}")

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()
