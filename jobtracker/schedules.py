"""Jobs that start again and again: every verb of a schedule. The only writer of `job_schedules`.

The lifeline that leads calls `run_due` each second. What a schedule starts, its pipeline starts,
from words alone: no host and no disk is asked before the job itself runs. All jobs of a schedule
have one unique key, so a run that is due while the last one still lives is that job.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from psycopg.errors import LockNotAvailable

from jobtracker import audit, faults, pipelines
from jobtracker.catalogue.models import Supplier
from jobtracker.lifecycle import Created
from jobtracker.models import JobEvent, JobSchedule, User
from jobtracker.plans import Plan, PlanError
from jobtracker.states import TERMINAL, Status
from jobtracker.uploads import SourceRefused

PAUSE_AFTER = 5  # failures in a row
BACK_OFF = timedelta(minutes=15)  # after the first failure; doubled after each further one
AT_ONCE = 20  # due schedules a call: the lifeline has other things to do each second
ERROR_CHARS = 200

SUBJECT = "schedule"  # in the audit log
STATE = (
    *("paused", "paused_because", "next_run_at", "last_job", "last_run", "last_started_at"),
    *("last_note", "last_error", "settled", "failures"),
)
Run = JobSchedule.Run

logger = logging.getLogger(__name__)


class ChangedMeanwhile(Exception):
    """Someone else changed the schedule since its form was opened."""


@dataclass(frozen=True)
class Wanted:
    """What a person asks of a schedule. `spec` is what the pipeline's form took."""

    name: str
    supplier: str
    plan: Plan
    spec: Mapping[str, Any]
    priority: int

    def columns(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "supplier": Supplier.objects.get_or_create(name=self.supplier)[0],
            "cron": self.plan.cron,
            "time_zone": self.plan.zone,
            "spec": dict(self.spec),
            "priority": self.priority,
        }


# --- the lifeline ---


def run_due() -> list[JobSchedule]:
    """Count the jobs that ended, start those that are due; returns the schedules that paused
    themselves thereby.

    1. Each schedule has a transaction of its own, which takes its row and passes over one that
       another process has: two lifelines never start the same run.
    2. The job and the time of the next run commit together: a death before loses neither, one
       after doubles nothing.
    3. However many runs were missed, one is started.
    """
    unsettled = JobSchedule.objects.filter(settled=False)
    ended = unsettled.filter(Q(last_job=None) | Q(last_job__status__in=TERMINAL))
    due = JobSchedule.objects.filter(paused=False, next_run_at__lte=Now()).order_by("next_run_at")
    paused = []
    for act, found in ((_settle_ended, ended), (_start_due, due)):
        for pk in list(found.values_list("pk", flat=True)[:AT_ONCE]):
            try:
                schedule = act(pk)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                logger.warning("schedule %s waits: %s", pk, error)
                continue
            if schedule:
                logger.warning("schedule %s: %s", pk, schedule.paused_because)
                paused.append(schedule)
    return paused


def _settle_ended(pk: int) -> JobSchedule | None:
    """Count the end of a schedule's job; returns the schedule if it paused itself."""
    with transaction.atomic():
        schedule = _rows.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
        if schedule is None:
            return None
        before = schedule.paused
        if _settle(schedule, _now()):
            _save(schedule)
    return schedule if schedule.paused and not before else None


def _start_due(pk: int) -> JobSchedule | None:
    """Start the run that is due and plan the next one; returns the schedule if it paused itself
    instead. Nothing is done where another process has its row, or was first."""
    with transaction.atomic():
        free = _rows.select_for_update(skip_locked=True, of=("self",))
        schedule = free.filter(pk=pk, paused=False, next_run_at__lte=Now()).first()
        if schedule is None:
            return None
        faults.point("schedule.locked")
        now, due = _now(), schedule.next_run_at
        _settle(schedule, now)
        if schedule.next_run_at == due:  # else its end has just put the run off, or paused it
            _start_planned(schedule, now)
        faults.point("schedule.started")
        _save(schedule)
        faults.point("schedule.planned")
    faults.point("schedule.committed")
    return schedule if schedule.paused else None


def _start_planned(schedule: JobSchedule, now: datetime) -> None:
    due = schedule.next_run_at
    try:
        created = _start(schedule, Run.PLAN, schedule.created_by)
    except SourceRefused as refused:
        schedule.last_job, schedule.settled, schedule.last_run = None, True, Run.PLAN
        _count_failure(schedule, str(refused), now)
    else:
        if created.existing:
            _note_overlap(schedule, created, now)
    if schedule.next_run_at == due:
        _plan(schedule, now)


def _start(schedule: JobSchedule, run: Run, user: User | None) -> Created:
    """Create the schedule's job, in the caller's transaction, or find the one that still lives.
    Raises `SourceRefused` with a sentence where none can be created."""
    pipeline = pipelines.find(schedule.job_type)
    if pipeline is None:
        raise SourceRefused(f"Nothing here runs {schedule.get_job_type_display()} jobs.")
    try:
        with transaction.atomic():
            created = pipeline.start_scheduled(
                schedule,
                supplier_id=schedule.supplier_id,
                priority=schedule.priority,
                unique_key=f"schedule:{schedule.pk}",
                created_by=user,
                metadata={"schedule": {"id": schedule.pk, "name": schedule.name}},
            )
    except (OperationalError, InterfaceError, SourceRefused):
        raise
    except Exception as error:  # one schedule must not stop the others
        logger.exception("schedule %s could not start its job", schedule.pk)
        raise SourceRefused(f"The job could not be started: {error}") from error
    schedule.last_job_id, schedule.settled = created.job_id, False
    if not created.existing:
        schedule.last_run, schedule.last_started_at = run, Now()
        schedule.last_note = ""
    return created


def _note_overlap(schedule: JobSchedule, created: Created, now: datetime) -> None:
    try:
        at = plan_of(schedule).local(schedule.next_run_at or now)
    except PlanError:
        at = now
    schedule.last_note = f"The run of {at:%Y-%m-%d %H:%M} found the one before still alive."
    JobEvent.objects.create(
        job_id=created.job_id,
        message=f"The schedule {schedule.name!r} was due again at {at:%Y-%m-%d %H:%M %Z}; as this"
        " job had not ended, no second one was started.",
    )


def _settle(schedule: JobSchedule, now: datetime) -> bool:
    """Count the end of the last job, once; tells whether there was one to count. A run by hand
    that fails does not count, one that succeeds ends the row of failures."""
    if schedule.settled:
        return False
    job = schedule.last_job  # none where it was pruned
    if job and job.status not in TERMINAL:
        return False
    schedule.settled = True
    if job and job.status == Status.COMPLETED:
        schedule.failures, schedule.last_error = 0, ""
    elif job and job.status == Status.FAILED:
        error = job.error.strip().partition("\n")[0] or "It stopped without a message."
        if schedule.last_run == Run.PLAN:
            _count_failure(schedule, error, now)
        else:
            schedule.last_error = error
    return True


def _count_failure(schedule: JobSchedule, error: str, now: datetime) -> None:
    """Note a failed run: put the next one off, or pause after too many in a row."""
    schedule.failures += 1
    schedule.last_error = error
    if schedule.next_run_at is None:
        return
    if schedule.failures >= PAUSE_AFTER:
        last = error[:ERROR_CHARS].rstrip(". ")
        _stop(schedule, f"Paused after {schedule.failures} failures in a row, the last: {last}.")
        return
    earliest = now + BACK_OFF * 2 ** (schedule.failures - 1)
    if schedule.next_run_at < earliest:
        _plan(schedule, earliest)


def _plan(schedule: JobSchedule, after: datetime) -> None:
    """Set the next run; a schedule whose plan cannot be read any more pauses."""
    try:
        schedule.next_run_at = plan_of(schedule).next(after)
    except PlanError as error:
        _stop(schedule, f"Paused as its plan cannot be read: {error}")


def _stop(schedule: JobSchedule, because: str) -> None:
    schedule.paused, schedule.paused_because = True, because[:300]
    schedule.next_run_at = None


# --- persons ---


def add(job_type: str, wanted: Wanted, user: User | None) -> JobSchedule:
    """Make a schedule. Raises `IntegrityError` for a name that is taken."""
    with transaction.atomic():
        schedule = JobSchedule.objects.create(
            job_type=job_type,
            created_by=user,
            next_run_at=wanted.plan.next(_now()),
            **wanted.columns(),
        )
        audit.record(user, "add", SUBJECT, [schedule.pk], **_told(schedule))
    return schedule


def edit(pk: int, wanted: Wanted, user: User | None, seen: str = "") -> bool:
    """Change a schedule; a changed plan counts from now. False where it is gone. Raises
    `IntegrityError` for a name that is taken, `ChangedMeanwhile` where it is not of the version
    `seen` any more."""
    with _held(pk) as schedule:
        if schedule is None:
            return False
        if seen and seen != version(schedule):
            raise ChangedMeanwhile
        before, columns = _told(schedule), wanted.columns()
        for column, value in columns.items():
            setattr(schedule, column, value)
        after = _told(schedule)
        changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        if not schedule.paused and changed.keys() & {"cron", "time_zone"}:
            schedule.next_run_at = wanted.plan.next(_now())
        if changed:
            _save(schedule, *columns)
            audit.record(user, "edit", SUBJECT, [pk], changed=changed)
    return True


def run_now(pk: int, user: User | None) -> Created | None:
    """Start the job at once and leave the plan alone. None where the schedule is gone. Raises
    `SourceRefused`."""
    with _held(pk) as schedule:
        if schedule is None:
            return None
        _settle(schedule, _now())
        created = _start(schedule, Run.HAND, user)
        _save(schedule)
        act = "run, found alive" if created.existing else "run"
        audit.record(user, act, SUBJECT, [pk], job=str(created.job_id))
    return created


def pause(pk: int, user: User | None) -> bool:
    """Start nothing until someone resumes; a job that runs goes on. False if nothing changed."""
    with _held(pk) as schedule:
        if schedule is None or schedule.paused:
            return False
        schedule.paused, schedule.next_run_at = True, None
        _save(schedule)
        audit.record(user, "pause", SUBJECT, [pk])
    return True


def resume(pk: int, user: User | None) -> bool:
    """Go on with the first run after now, with no failure counted. False if nothing changed.
    Raises `PlanError`."""
    with _held(pk) as schedule:
        if schedule is None or not schedule.paused:
            return False
        now = _now()
        _settle(schedule, now)
        schedule.paused, schedule.paused_because, schedule.failures = False, "", 0
        schedule.next_run_at = plan_of(schedule).next(now)
        _save(schedule)
        audit.record(user, "resume", SUBJECT, [pk])
    return True


def delete(pk: int, user: User | None) -> bool:
    """Take the schedule away; its jobs stay, and one that runs goes on."""
    with _held(pk) as schedule:
        if schedule is None:
            return False
        audit.record(user, "delete", SUBJECT, [pk], **_told(schedule))
        JobSchedule.objects.filter(pk=pk).delete()
    return True


def follow_rename(
    job_type: str, supplier_id: int, key: str, names: tuple[str, str], user: User | None
) -> None:
    """Let the schedules whose `spec` names something under `key` know it by its new name: `names`
    are the old and the new one. Runs in the caller's transaction."""
    before, after = names
    naming = JobSchedule.objects.filter(
        job_type=job_type, supplier=supplier_id, **{f"spec__{key}": before}
    )
    for pk in naming.order_by("pk").values_list("pk", flat=True):
        with _held(pk) as schedule:
            if schedule is None or schedule.spec.get(key) != before:
                continue
            schedule.spec[key] = after
            _save(schedule, "spec")
            audit.record(user, "edit", SUBJECT, [pk], changed={key: [before, after]})


def version(schedule: JobSchedule) -> str:
    """Return a word that is another one once a person changed the schedule; its runs leave it."""
    told = json.dumps(_told(schedule), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def plan_of(schedule: JobSchedule) -> Plan:
    """Return a schedule's plan. Raises `PlanError` where someone wrote another into the table."""
    return Plan(schedule.cron, schedule.time_zone)


# --- rows ---

_rows = JobSchedule.objects.select_related("supplier", "created_by")


@contextmanager
def _held(pk: int) -> Iterator[JobSchedule | None]:
    """Hold a schedule's row, waiting for it, in a transaction; None where it is gone."""
    with transaction.atomic():
        yield _rows.select_for_update(of=("self",)).filter(pk=pk).first()


def _now() -> datetime:
    """Return the time of the database, at which the transaction began."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _save(schedule: JobSchedule, *columns: str) -> None:
    schedule.updated_at = Now()
    schedule.save(update_fields=[*STATE, *columns, "updated_at"])


def _told(schedule: JobSchedule) -> dict[str, Any]:
    """Return what the audit log keeps of a schedule."""
    return {
        "name": schedule.name,
        "supplier": schedule.supplier.name,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "spec": schedule.spec,
        "priority": schedule.get_priority_display(),
    }
