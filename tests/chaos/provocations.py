"""How each fault point is brought to be passed: generators that return when the fault may have
fired. Those of persons run aside, and say what a person repeats who got no answer."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from imports.models import DataImportJob
from jobtracker import lifecycle, metrics, retention, schedules
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.models import (
    AuditEntry,
    BackgroundJob,
    FileToRemove,
    JobAttempt,
    JobMetricsHour,
    JobSchedule,
)
from jobtracker.plans import Plan
from jobtracker.schedules import Wanted
from jobtracker.states import Priority
from tests.chaos.trial import LIVE, Steps, Trial
from tests.fixtures.worker_host import query

SLOW = 0.1  # seconds an item, so that a beat falls into the job
LOST_HOST = "lost-host"
FAR, LONG_AGO = "2100-01-01T00:00Z", "2020-01-01T00:00Z"


def run_job(trial: Trial) -> Steps:
    yield from trial.until_ended(trial.make())


def run_long_job(trial: Trial) -> Steps:
    yield from trial.until_ended(trial.make(pace=SLOW))


def create(trial: Trial) -> Steps:
    """A creation that failed may be repeated with its key: there is one job then."""
    key = f"{trial.name}-{uuid4()}"

    def act() -> None:
        trial.make(unique_key=key, run_after=FAR)

    def repeat() -> Steps:
        yield
        act()
        [job] = BackgroundJob.objects.filter(unique_key=key)
        BackgroundJob.objects.filter(pk=job.pk).update(run_after=Now())

    yield from trial.until_done(trial.aside(act), repeat)


def cancel(trial: Trial) -> Steps:
    job = trial.make(behaviour="cancel", run_after=FAR)

    def repeat() -> Steps:
        yield
        lifecycle.cancel([job], None)
        assert BackgroundJob.objects.get(pk=job).status == "cancelled"
        assert _audited("cancel", job) == 1

    yield from trial.until_done(trial.aside(lambda: lifecycle.cancel([job], None)), repeat)


def retry(trial: Trial) -> Steps:
    job = trial.make(behaviour="cancel", run_after=FAR)
    lifecycle.cancel([job], None)

    def repeat() -> Steps:
        yield
        lifecycle.retry([job], None)
        assert _audited("retry", job) == 1
        _begin_again(job)

    yield from trial.until_done(trial.aside(lambda: lifecycle.retry([job], None)), repeat)


def rerun(trial: Trial) -> Steps:
    job = trial.make()
    trial.ground.look()
    while trial.ground.states[trial.name][job] in LIVE:
        yield

    def act() -> None:
        lifecycle.rerun_from(job, "materials", None, "")

    def repeat() -> Steps:
        yield
        if not _audited("run again", job):
            act()
        assert _audited("run again", job) == 1
        _begin_again(job)

    yield from trial.until_done(trial.aside(act), repeat)


def promote(trial: Trial) -> Steps:
    yield from trial.until_ended(trial.make(behaviour="scheduled", run_after=LONG_AGO))


def come_due(trial: Trial) -> Steps:
    """A schedule comes due; another fault may have kept it from its job before."""
    wanted = Wanted(
        f"{trial.name}-{uuid4().hex[:4]}", "Chaos", Plan("0 0 1 1 *"), trial.told(),
        Priority.NORMAL,
    )  # fmt: skip
    schedule = schedules.add("xml_import", wanted, None)
    jobs = BackgroundJob.objects.filter(metadata__schedule__id=schedule.pk)
    # Not one whose job was started just now: a second run would find all its products there.
    later = JobSchedule.objects.filter(pk=schedule.pk, last_job=None, next_run_at__gt=Now())
    while not jobs.exists():
        later.update(next_run_at=Now())  # a row that a stopped lifeline holds is due already
        yield
    yield from trial.until_ended(jobs[0].pk)
    assert jobs.count() == 1


def lose_host(trial: Trial) -> Steps:
    """A host claims and is never heard of again."""
    while not (claimed := trial.make_claimed(uuid4(), LOST_HOST)):
        yield
    _silence(claimed.token)
    yield from trial.until_ended(claimed.job_id)


def lose_frozen_host(trial: Trial) -> Steps:
    """The same, while it holds its fence in an open transaction."""

    def freeze() -> None:
        while not (claimed := trial.make_claimed(uuid4(), LOST_HOST)):
            pass
        with transaction.atomic():
            lifecycle.fence(claimed.token)
            signal.pause()

    pid = trial.aside(freeze, armed=False)
    frozen = JobAttempt.objects.filter(
        job__metadata__trial=trial.name, finished_at=None, host=LOST_HOST
    )
    held = (
        "SELECT 1 FROM pg_stat_activity a JOIN job_attempt_sessions s USING (pid, backend_start)"
        " WHERE s.token = %s AND a.state = 'idle in transaction'"
    )
    while not (attempt := frozen.first()) or not query(held, attempt.token):
        yield
    _silence(attempt.token)
    yield from trial.until_ended(attempt.job_id)
    os.kill(pid, signal.SIGKILL)


def kill_nurse(trial: Trial) -> Steps:
    job = trial.make(pace=SLOW)
    trial.ground.look()
    attempts = JobAttempt.objects.filter(job_id=job, finished_at=None)
    while trial.ground.states[trial.name][job] in LIVE:
        if attempt := attempts.first():
            with suppress(ProcessLookupError):
                os.kill(attempt.pid, signal.SIGKILL)
            break
        yield
    yield from trial.until_ended(job)


def lose_answer_of_claim(trial: Trial) -> Steps:
    worker = trial.ground.worker()
    while not (claimed := trial.make_claimed(worker.pk, worker.host)):
        yield
    JobAttempt.objects.filter(token=claimed.token).update(claimed_at=LONG_AGO)
    yield from trial.until_ended(claimed.job_id)


def bury(trial: Trial) -> Steps:
    """A worker of this host is dead: its pid belongs to another process now."""
    dead = trial.ground.worker()
    dead.pk, dead.pid, dead.start_ticks = uuid4(), os.getpid(), 1
    dead.save(force_insert=True)
    while not (claimed := trial.make_claimed(dead.pk, dead.host)):
        yield
    yield from trial.until_ended(claimed.job_id)


def prune(trial: Trial) -> Steps:
    """A job has been kept for its days, a file that no row names is noted, nothing names an
    address of a picture, and no address leads to another picture."""
    job = trial.make(run_after=FAR)
    BackgroundJob.objects.filter(pk=job).update(
        status="completed", run_after=None, progress=100, completed_at=Now() - timedelta(days=3)
    )
    FileToRemove.objects.create(storage="sources", name=f"{job}.xml")
    address = ImageFetch.objects.create(
        url_hash=job.bytes, job_id=job, status="failed", completed_at=LONG_AGO
    )
    picture = StoredImage.objects.create(
        sha256=job.hex, file=job.hex, thumbnail=job.hex, bytes=0, width_px=0, height_px=0
    )
    kept = [
        BackgroundJob.objects.filter(pk=job),
        ImageFetch.objects.filter(pk=address.pk),
        StoredImage.objects.filter(pk=picture.pk),
    ]

    def act(days: int = 1) -> None:
        settings.RETENTION_DAYS_ROWS = settings.RETENTION_DAYS_IMAGES = 1
        settings.RETENTION_DAYS_COMPLETED = days
        metrics.roll_up(10.0)
        retention.prune_all()

    def repeat() -> Steps:
        # What was locked is passed over.
        while any(rows.exists() for rows in kept):
            yield from trial.until_over(trial.aside(act, armed=False))
        assert not DataImportJob.objects.filter(background_job=job).exists()
        assert not FileToRemove.objects.filter(name=f"{job}.xml").exists()

    days = 0 if trial.fault.point == "prune.shed" else 1
    yield from trial.until_done(trial.aside(lambda: act(days)), repeat)


def roll_up(trial: Trial) -> Steps:
    def act() -> None:
        JobMetricsHour.objects.all().delete()
        metrics.roll_up(10.0)

    def repeat() -> Steps:
        yield from trial.until_over(trial.aside(act, armed=False))
        while not JobMetricsHour.objects.exists():  # another trial has just removed them
            yield from trial.until_over(trial.aside(act, armed=False))

    yield from trial.until_done(trial.aside(act), repeat)


def _audited(action: str, job: UUID) -> int:
    return AuditEntry.objects.filter(action=action, subject_id=str(job)).count()


def _begin_again(job: UUID) -> None:
    """Tell the invariants that a person wanted the job to go on after its end."""
    query(
        "DELETE FROM chaos_history h WHERE job = %s AND kind = 'job' AND EXISTS ("
        " SELECT FROM chaos_history later WHERE later.job = h.job AND later.kind = 'job'"
        " AND later.id > h.id AND later.status = 'pending' AND h.status <> 'pending')",
        job,
    )


def _silence(token: UUID) -> None:
    """Let the attempt's last beat be long ago."""
    query(
        "UPDATE background_jobs SET last_heartbeat = clock_timestamp() - interval '1 hour'"
        " WHERE attempt_token = %s",
        token,
    )


PROVOKED_BY: dict[str, Callable[[Trial], Steps]] = {
    "create": create,
    "claim": run_job,
    "fork": run_job,
    "child": run_job,
    "item": run_job,
    "checkpoint": run_job,
    "beat": run_long_job,
    "flush": run_job,
    "finish": run_job,
    "end": run_job,
    "change": cancel,
    "cancel": cancel,
    "retry": retry,
    "rerun": rerun,
    "promote": promote,
    "rescue": lose_host,
    "take": lose_host,
    "take.locked": lose_frozen_host,
    "take.ended": lose_frozen_host,
    "dead": kill_nurse,
    "unheld": lose_answer_of_claim,
    "bury": bury,
    "schedule": come_due,
    "prune": prune,
    "rollup": roll_up,
}


def of(point: str) -> Callable[[Trial], Steps]:
    """Return what brings a point to be passed: of its own, or of its family."""
    return PROVOKED_BY.get(point) or PROVOKED_BY[point.split(".")[0]]
