"""Short ways to make schedules and to let their time come."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from jobtracker import lifecycle, schedules
from jobtracker.models import BackgroundJob, JobSchedule, User
from jobtracker.pipelines import Counts
from jobtracker.plans import Plan
from jobtracker.schedules import Wanted
from jobtracker.states import JobType, Priority

from .jobs import claim

ADDRESS = "https://tiles.example/feed.xml"


def wanted(**values: Any) -> Wanted:
    given = {
        "name": "Tiles, every morning",
        "supplier": "Acme",
        "plan": Plan("0 6 * * *", "Europe/Athens"),
        "spec": {"url": ADDRESS},
        "priority": Priority.NORMAL,
    }
    return Wanted(**given | values)


def make_schedule(user: User | None = None, job_type: str = JobType.IMPORT, **values: Any) -> Any:
    """Make a schedule of an import."""
    return schedules.add(job_type, wanted(**values), user)


def let_come(schedule: JobSchedule, hours: float = 0.01) -> None:
    """Let a schedule be due since so many hours."""
    JobSchedule.objects.filter(pk=schedule.pk).update(next_run_at=Now() - timedelta(hours=hours))


def jobs_of(schedule: JobSchedule) -> list[BackgroundJob]:
    """Return the jobs of a schedule, oldest first."""
    found = BackgroundJob.objects.filter(metadata__schedule__id=schedule.pk)
    return list(found.order_by("id"))


def end(how: str, error: str = "The feed is gone.\nA second line.") -> None:
    """Claim the one ready job and let it end."""
    token = claim().token
    if how == "failed":
        lifecycle.fail(token, lifecycle.Failure(error, error_type="Permanent", stage="fetch"))
    elif how == "completed":
        lifecycle.complete(token, Counts())
    else:
        raise AssertionError(how)
