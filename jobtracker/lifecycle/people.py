"""What a person does to jobs and queues. Each act leaves its audit line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from jobtracker import audit, faults, pipelines
from jobtracker.lifecycle.creation import Created
from jobtracker.lifecycle.mirror import change, mirror
from jobtracker.models import BackgroundJob, JobCheckpoint, User
from jobtracker.states import LIVE, Priority, Status, Waiting

PAUSE_LOCK = 8020  # advisory; claim_job shares it, a pause takes it alone


def _chosen(statuses: Iterable[str]) -> str:
    """Return the clause that locks the jobs of a parameter of ids that are in one of `statuses`,
    in the order of their ids: two acts on the same jobs never wait for each other in a circle."""
    words = ", ".join(f"'{status}'" for status in statuses)
    return (
        "WITH chosen AS MATERIALIZED (SELECT id, unique_key AS key FROM background_jobs"
        f" WHERE id = ANY(%s) AND status IN ({words}) ORDER BY id FOR NO KEY UPDATE)"
    )


def cancel(job_ids: Iterable[UUID], actor: User | None, reason: str = "") -> dict[UUID, Status]:
    """Cancel pending jobs at once and ask running ones to stop; returns each job's status."""
    with transaction.atomic():
        faults.point("cancel.opened")
        changed = change(
            f"""
            {_chosen(LIVE)}
            UPDATE background_jobs b SET
                status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
                cancelled_at = CASE status WHEN 'pending' THEN clock_timestamp() END,
                cancel_requested_at = CASE status WHEN 'processing'
                    THEN coalesce(cancel_requested_at, clock_timestamp()) END,
                run_after = NULL, waiting_for = NULL, question = '{{}}',
                updated_at = clock_timestamp()
            FROM chosen WHERE b.id = chosen.id
            """,
            [list(job_ids)],
        )
        faults.point("cancel.changed")
        audit.record(actor, "cancel", "job", changed, reason)
        faults.point("cancel.audited")
    faults.point("cancel.committed")
    return changed


_READY_AGAIN = """
    status = 'pending', started_at = NULL,
    completed_at = NULL, failed_at = NULL, cancelled_at = NULL, progress = 0, error = '',
    error_fingerprint = '', retry_count = 0, crash_count = 0, hand_back_count = 0,
    result = '{}', updated_at = clock_timestamp()
"""
# A live job with the same unique key stands for this one already.
_KEY_IS_FREE = """
    NOT EXISTS (SELECT FROM background_jobs o WHERE o.unique_key = b.unique_key
                AND o.status IN ('pending', 'processing'))
"""


def _make_live(statement: str, params: Sequence[Any]) -> dict[UUID, Status]:
    """Run an update that makes ended jobs live, inside a transaction. A job that took one of their
    unique keys meanwhile was not seen, but the index refuses it: then run it again, seeing it."""
    while True:
        try:
            with transaction.atomic():
                return change(statement, params)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise


def retry(job_ids: Iterable[UUID], actor: User | None, reason: str = "") -> list[UUID]:
    """Make failed and cancelled jobs pending again, with their limits anew and history kept."""
    with transaction.atomic():
        faults.point("retry.opened")
        changed = _make_live(
            f"""
            {_chosen((Status.FAILED, Status.CANCELLED))}
            UPDATE background_jobs b SET {_READY_AGAIN}
            FROM (SELECT DISTINCT ON (coalesce(key, id::text)) id FROM chosen
                  ORDER BY coalesce(key, id::text), id DESC) newest
            WHERE b.id = newest.id AND {_KEY_IS_FREE}
            """,
            [list(job_ids)],
        )
        faults.point("retry.changed")
        audit.record(actor, "retry", "job", changed, reason)
        faults.point("retry.audited")
    faults.point("retry.committed")
    return list(changed)


def rerun_from(job_id: UUID, stage: str, actor: User | None, reason: str) -> bool:
    """Run an ended job again from `stage`: its checkpoint, the later ones and their item rows
    go. Raises `ValueError` for a stage that the pipeline does not have."""
    job = BackgroundJob.objects.only("job_type").get(pk=job_id)
    pipeline = pipelines.get(job.job_type)
    names = [each.name for each in pipeline.stages]
    if stage not in names:
        raise ValueError(f"{stage!r} is not a stage; the stages are {', '.join(names)}")
    undone = names[names.index(stage) :]
    with transaction.atomic():
        changed = _make_live(
            f"UPDATE background_jobs b SET {_READY_AGAIN}, warnings = '[]', total_items = 0,"
            " done_items = 0, failed_items = 0, skipped_items = 0"
            " WHERE id = %s AND status IN ('completed', 'failed', 'cancelled')"
            f" AND {_KEY_IS_FREE}",
            [job_id],
        )
        if not changed:
            return False
        faults.point("rerun.changed")
        JobCheckpoint.objects.filter(job_id=job_id, stage__in=undone).delete()
        faults.point("rerun.undone")
        pipeline.forget(job_id, undone)
        faults.point("rerun.forgotten")
        audit.record(actor, "run again", "job", changed, reason, stage=stage)
    return True


def answer(
    job_id: UUID, waiting_for: Waiting, reply: Mapping[str, Any], actor: User | None
) -> bool:
    """Give a waiting job what it waits for; it goes on at that stage."""
    with transaction.atomic():
        changed = change(
            "UPDATE background_jobs b SET waiting_for = NULL, question = '{}',"
            " answer = answer || %s::jsonb, updated_at = clock_timestamp()"
            " WHERE id = %s AND status = 'pending' AND waiting_for = %s",
            [json.dumps({waiting_for.value: reply}), job_id, waiting_for.value],
        )
        audit.record(actor, f"answer {waiting_for.value}", "job", changed)
    return bool(changed)


def mark_failed(job_id: UUID, reason: str, actor: User | None) -> bool:
    """Repair by hand: declare a live job failed. A running attempt loses its lease at once."""
    return _mark(
        job_id, actor, reason, "mark failed", "failed",
        "failed_at = clock_timestamp(), error = %s, error_fingerprint = ''",
        [f"Marked failed by hand: {reason}"], ("pending", "processing"),
    )  # fmt: skip


def mark_completed(job_id: UUID, reason: str, actor: User | None) -> bool:
    """Repair by hand: declare a job that does not run completed."""
    return _mark(
        job_id, actor, reason, "mark completed", "completed",
        "completed_at = clock_timestamp(), failed_at = NULL, cancelled_at = NULL, progress = 100,"
        " error = '', error_fingerprint = '', result = result || %s::jsonb",
        [json.dumps({"note": f"Marked completed by hand: {reason}"})],
        ("pending", "failed", "cancelled"),
    )  # fmt: skip


def _mark(
    job_id: UUID,
    actor: User | None,
    reason: str,
    action: str,
    status: str,
    assignments: str,
    values: list[Any],
    old: tuple[str, ...],
) -> bool:
    """1. Lock its attempt, which waits for a commit under the fence. 2. Write the job and close
    the attempt. 3. Only then the detail row: such a commit may have to write it first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM job_attempts WHERE job_id = %s AND finished_at IS NULL FOR NO KEY UPDATE",
            [job_id],
        )
        cursor.execute(
            f"UPDATE background_jobs SET status = '{status}', {assignments},"
            " attempt_token = NULL, cancel_requested_at = NULL, run_after = NULL,"
            " waiting_for = NULL, question = '{}', stalled_at = NULL, expected_at = NULL,"
            " updated_at = clock_timestamp()"
            " WHERE id = %s AND status = ANY(%s) RETURNING job_type",
            [*values, job_id, list(old)],
        )
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(
            "UPDATE job_attempts SET finished_at = clock_timestamp(), outcome = 'lost',"
            " error = %s WHERE job_id = %s AND finished_at IS NULL",
            [f"{action} by hand: {reason}", job_id],
        )
        mirror(row[0], [job_id])
        audit.record(actor, action, "job", [job_id], reason)
    return True


def retry_failed(job_id: UUID, actor: User | None, reason: str = "") -> Created:
    """Start a job of only the items of an ended job that failed. Its audit line is written where
    it is created; a reason has one of its own. Raises `ValueError` with a sentence where there is
    nothing to retry."""
    job = BackgroundJob.objects.get(pk=job_id)
    if job.status in LIVE:
        raise ValueError("It still runs; failed items can be retried once it has ended.")
    if not job.failed_items:
        raise ValueError("None of its items failed.")
    pipeline = pipelines.find(job.job_type)
    if pipeline is None:
        raise ValueError(f"No pipeline for {job.job_type} jobs is installed here.")
    created = pipeline.retry_failed(job, actor)
    if reason and not created.existing:
        details = {"job": str(created.job_id)}
        audit.record(actor, "retry failed items", "job", [job_id], reason, **details)
    return created


def standing_for(job_id: UUID) -> UUID | None:
    """Return the live job whose unique key an ended job shares: it does the same, so the ended one
    cannot be made live."""
    same = BackgroundJob.objects.filter(pk=job_id).values("unique_key")
    live = BackgroundJob.objects.filter(unique_key__in=same, status__in=LIVE).exclude(pk=job_id)
    return live.values_list("pk", flat=True).first()


def prioritise(
    job_ids: Iterable[UUID], priority: Priority, actor: User | None, reason: str = ""
) -> list[UUID]:
    """Change the priority of pending jobs; what runs or is over has no place in the queue."""
    with transaction.atomic():
        changed = change(
            f"{_chosen((Status.PENDING,))} UPDATE background_jobs b SET priority = %s,"
            " updated_at = clock_timestamp() FROM chosen WHERE b.id = chosen.id",
            [list(job_ids), priority.value],
        )
        audit.record(actor, "prioritise", "job", changed, reason, priority=priority.label)
    return list(changed)


def edit(job_ids: Iterable[UUID], actor: User | None, reason: str, **values: Any) -> list[UUID]:
    """Change what a person may of jobs: `priority`, `supplier_id`, `metadata`."""
    allowed = {"priority", "supplier_id", "metadata"}
    if not values.keys() <= allowed:
        raise ValueError(f"only {', '.join(sorted(allowed))} can be edited")
    encoded = [json.dumps(v) if k == "metadata" else v for k, v in values.items()]
    with transaction.atomic():
        changed = change(
            f"{_chosen(Status)} UPDATE background_jobs b SET"
            f" {', '.join(f'{name} = %s' for name in values)}, updated_at = clock_timestamp()"
            " FROM chosen WHERE b.id = chosen.id",
            [list(job_ids), *encoded],
        )
        audit.record(actor, "edit", "job", changed, reason, **values)
    return list(changed)


def set_queue(job_type: str, actor: User | None, **values: Any) -> bool:
    """Change a type's queue: `paused`, `max_running` (None: no limit). False: nothing changed.

    Takes the pause lock alone, in the transaction of the update, so that no claim that read the
    old row is still under way when this returns.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PAUSE_LOCK])
        cursor.execute(
            f"UPDATE job_queues SET {', '.join(f'{name} = %s' for name in values)}"
            f" WHERE job_type = %s AND ({' OR '.join(f'{n} IS DISTINCT FROM %s' for n in values)})",
            [*values.values(), job_type, *values.values()],
        )
        changed = cursor.rowcount == 1
        if changed:
            action = "cap"
            if "paused" in values:
                action = "pause" if values["paused"] else "resume"
            audit.record(actor, action, "queue", [job_type], **values)
    return changed
