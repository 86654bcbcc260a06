"""Jobs that ended some time ago, and hours that are rolled up."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now

from jobtracker import metrics
from jobtracker.models import BackgroundJob, JobAttempt, JobMetricsHour
from tests.db.jobs import make_job

ENDED = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}


def end(job: BackgroundJob, status: str = "completed", *, took: float = 60, **ago: float) -> None:
    """Put a job into the state of one that ended so long `ago` (as for `timedelta`)."""
    at = Now() - timedelta(**ago)
    BackgroundJob.objects.filter(pk=job.pk).update(
        status=status,
        progress=100 if status == "completed" else 0,
        created_at=at - timedelta(seconds=took + 10),
        started_at=at - timedelta(seconds=took),
        **dict.fromkeys(ENDED.values(), None) | {ENDED[status]: at},
        attempt_token=None,
        run_after=None,
        waiting_for=None,
    )


def ended_job(status: str = "completed", *, took: float = 60, **ago: float) -> BackgroundJob:
    """Make an import job that ended so long `ago`."""
    job = make_job()
    end(job, status, took=took, **ago)
    return job


def tried(
    job: BackgroundJob, outcome: str, number: int = 1, *, took: float = 60, **ago: float
) -> JobAttempt:
    """Give a job an attempt that ended so long `ago`."""
    at = Now() - timedelta(**ago)
    return JobAttempt.objects.create(
        job=job, number=number, token=uuid4(), worker=uuid4(), host="host", pid=1,
        claimed_at=at - timedelta(seconds=took), finished_at=at, outcome=outcome,
    )  # fmt: skip


def rolled_up() -> None:
    """Compute all hours that are due."""
    while metrics.roll_up(60.0).left:
        pass


def next_hour() -> None:
    """Let the hours look as if they were computed in an hour before this one."""
    JobMetricsHour.objects.update(computed_at=Now() - timedelta(hours=2))


def left(job: BackgroundJob) -> bool:
    return BackgroundJob.objects.filter(pk=job.pk).exists()


def hour_of(job: BackgroundJob) -> dict[str, Any]:
    """Return the hour in which a job ended, as columns."""
    job.refresh_from_db()
    at = job.completed_at or job.failed_at or job.cancelled_at
    assert at is not None
    hour = at.replace(minute=0, second=0, microsecond=0)
    return JobMetricsHour.objects.filter(hour=hour, job_type=job.job_type).values().get()
