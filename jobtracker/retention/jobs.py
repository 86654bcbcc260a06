"""Which jobs have been kept long enough, and how they go."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobtracker import faults, metrics, pipelines
from jobtracker.metrics import short_transaction
from jobtracker.models import BackgroundJob, JobSchedule
from jobtracker.retention.rows import (
    LONG_TABLES,
    SHORT_TABLES,
    Act,
    Bit,
    Items,
    Pictures,
    Sources,
    by_pipeline,
    delete,
    detail_of,
    release_sources,
    remove_all,
    remove_rows,
    void_checkpoints,
)
from jobtracker.states import LIVE, Status
from jobtracker.webhooks.models import WebhookCall

ENDED = {
    Status.COMPLETED: "completed_at",
    Status.FAILED: "failed_at",
    Status.CANCELLED: "cancelled_at",
}


def days_of(status: Status) -> int:
    """Return for how many days jobs that ended so are kept; 0: for ever."""
    completed, failed = settings.RETENTION_DAYS_COMPLETED, settings.RETENTION_DAYS_FAILED
    return completed if status == Status.COMPLETED else failed


def name_of(status: Status) -> str:
    """Name jobs that ended so, as a kind of what goes."""
    return f"background_jobs {status.value}"


def due(status: Status) -> QuerySet[BackgroundJob]:
    """Return the jobs that ended so, were kept long enough and are needed by nothing."""
    days, span = days_of(status), metrics.final_span()
    if not days or span is None:
        return BackgroundJob.objects.none()
    since, before = span
    undelivered = [WebhookCall.Status.PENDING, WebhookCall.Status.RETRYING]
    return _ended(status, days).filter(
        ~Exists(JobSchedule.objects.filter(last_job=OuterRef("pk"))),
        ~Exists(WebhookCall.objects.filter(job=OuterRef("pk"), status__in=undelivered)),
        **{f"{ENDED[status]}__gte": since, f"{ENDED[status]}__lt": before},
    )


def remove(status: Status, most: int) -> Bit:
    """Remove some jobs that are due.

    1. Lock them: a retry waits, and finds them gone. One that is locked is passed over.
    2. Remove their rows. Where a table has too many for one transaction the jobs stay, as ones
       that begin anew if somebody retries them, and the next transaction goes on.
    3. Remove the jobs. What is left that names one, an ended re-run, loses that name.
    """
    with short_transaction(alone=False):
        found = due(status).order_by(ENDED[status])[:most]
        locked = found.select_for_update(of=("self",), skip_locked=True)
        jobs = list(locked.values_list("pk", "job_type"))
        if not jobs:
            return Bit()
        faults.point("prune.locked")
        bit = remove_rows(jobs, most, LONG_TABLES)
        faults.point("prune.rows")
        if bit.more:
            void_checkpoints(jobs)
        else:
            _remove_emptied(jobs, status, bit.gone)
        faults.point("prune.written")
    faults.point("prune.committed")
    return Bit(bit.gone, more=True)


def _remove_emptied(jobs: list[tuple[UUID, str]], status: Status, gone: Counter[str]) -> None:
    ids = [job_id for job_id, _ in jobs]
    for table in SHORT_TABLES:
        gone[table.name] += remove_all(table, ids)
    for pipeline, mine in by_pipeline(jobs):
        gone["sources"] += release_sources(pipeline, mine)
        gone[detail_of(pipeline).name] += remove_all(detail_of(pipeline), mine)
    BackgroundJob.objects.filter(parent__in=ids).exclude(pk__in=ids).update(parent=None)
    faults.point("prune.emptied")
    gone[name_of(status)] += delete(BackgroundJob, ids)


class Walk:
    """Goes through the jobs of one outcome in the order of their end, once, and does `act` to
    those that are old enough. A new process begins again, which changes nothing."""

    def __init__(self, act: Act, status: Status) -> None:
        self.act = act
        self._status = status
        self._after: tuple[datetime, UUID] | None = None

    def jobs(self) -> QuerySet[BackgroundJob]:
        """Return the jobs that the act is due for; none where they go as a whole no later."""
        days, whole = getattr(settings, self.act.setting), days_of(self._status)
        if not days or 0 < whole <= days:
            return BackgroundJob.objects.none()
        return _ended(self._status, days)

    def __call__(self, most: int) -> Bit:
        ended = ENDED[self._status]
        jobs = self.jobs().order_by(ended, "pk")
        if self._after:
            at, job_id = self._after
            jobs = jobs.filter(
                Q(**{f"{ended}__gt": at}) | Q(pk__gt=job_id), **{f"{ended}__gte": at}
            )
        with short_transaction(alone=False):
            locked = jobs.select_for_update(of=("self",), skip_locked=True, no_key=True)
            found = list(locked.values_list("pk", "job_type", ended)[:most])
            if not found:
                return Bit()
            bit = self.act.remove([(job_id, kind) for job_id, kind, _ in found], most)
            faults.point("prune.shed")
        if not bit.more:
            self._after = found[-1][2], found[-1][0]
        return Bit(bit.gone, more=True)


def walks() -> list[Walk]:
    """Return what goes before its job does."""
    return [Walk(act, status) for act in (Items(), Sources(), Pictures()) for status in ENDED]


def _ended(status: Status, days: int) -> QuerySet[BackgroundJob]:
    """Return jobs that ended so at least `days` ago, of the types that are installed here, but for
    those that a live re-run goes back to."""
    kinds = [pipeline.job_type for pipeline in pipelines.registered()]
    old = {f"{ENDED[status]}__lt": Now() - timedelta(days=days)}
    rerun = BackgroundJob.objects.filter(parent=OuterRef("pk"), status__in=LIVE)
    return BackgroundJob.objects.filter(~Exists(rerun), status=status, job_type__in=kinds, **old)
