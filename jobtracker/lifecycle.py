"""A job's life, one verb a transition. The only module that writes a job's `status`.

Each verb is one statement guarded by the old status (and by the attempt's token where a process
acts for itself), and returns what it changed: nothing means that another won the race, which is
an answer and no error. The detail row, the attempt, the log line and the audit line go with it
in the same transaction.

    create                       ->  pending
    claim              pending   ->  processing
    complete         processing  ->  completed
    fail             processing  ->  pending (retryable, attempts left) | failed
    crash            processing  ->  pending (crashes left) | failed
    hand_back, rescue processing ->  pending (failed after too many without progress)
    wait             processing  ->  pending, waiting for a person
    finish_cancelled processing  ->  cancelled
    answer             pending   ->  pending, ready
    cancel             pending   ->  cancelled; processing -> asked to stop
    retry     failed | cancelled ->  pending
    rerun_from          terminal ->  pending, the later stages undone
    mark_failed, mark_completed: repair by hand

Whatever ends an attempt obeys a cancel that was asked for before: cancel beats retry.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from jobtracker import audit, pipelines
from jobtracker.causes import fingerprint
from jobtracker.models import BackgroundJob, JobCheckpoint, User
from jobtracker.pipelines import Counts
from jobtracker.states import LeaseLost, Outcome, Priority, Status, Waiting

PAUSE_LOCK = 8020  # advisory; claim_job shares it, a pause takes it alone
CRASH_LIMIT = 3
IDLE_HAND_BACK_LIMIT = 10
BACK_OFF_SECONDS = 5  # first retry; doubles, up to BACK_OFF_CEILING, each +-50 %
BACK_OFF_CEILING = 600


@dataclass(frozen=True)
class Created:
    """`existing` says that a live job with the same unique key was found instead."""

    job_id: UUID
    existing: bool


@dataclass(frozen=True)
class Claimed:
    """An attempt that this process holds: its job, the fence and the attempt's number."""

    job_id: UUID
    token: UUID
    number: int
    job_type: str


@dataclass(frozen=True)
class Beat:
    """What a heartbeat learnt: is the attempt still the job's, and was a cancel asked for."""

    alive: bool
    cancel_requested: bool


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended badly. `message` is a sentence for a person."""

    message: str
    error_type: str = ""
    traceback: str = ""
    stage: str = ""


@dataclass(frozen=True)
class Report:
    """What a running attempt says since its last report. Counters are totals, not increments;
    `left` is in seconds; events are {at, level, stage, message, data} with `at` on this host's
    monotonic clock, warnings {code, message, where}."""

    progress: int
    stage: str
    stage_done: int
    stage_total: int | None
    left: float | None
    total: int
    done: int
    failed: int
    skipped: int
    advanced: bool
    events: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    warnings: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


# --- birth ---------------------------------------------------------------------------------


def create(
    job_type: str,
    *,
    filename: str = "",
    supplier_id: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    priority: int = Priority.NORMAL,
    unique_key: str | None = None,
    max_attempts: int = 3,
    created_by: User | None = None,
    parent_id: UUID | None = None,
    document_id: UUID | None = None,
    run_after: Any = None,
    detail: Mapping[str, Any] | None = None,
) -> Created:
    """Create a job and its detail row together; the row is the queue entry.

    `detail` fills the columns of the pipeline's own table. With a `unique_key` that a pending or
    running job already has, nothing is created and that job is returned.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        while True:
            cursor.execute(
                """
                INSERT INTO background_jobs
                    (job_type, status, filename, supplier_id, metadata, priority, unique_key,
                     max_attempts, created_by_id, parent_id, document_id, run_after, progress,
                     current_stage, error, error_fingerprint, question, answer, retry_count,
                     crash_count, hand_back_count, stage_done, total_items, done_items,
                     failed_items, skipped_items, result, warnings)
                VALUES (%s, 'pending', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0,
                        '', '', '', '{}', '{}', 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]')
                ON CONFLICT (unique_key) WHERE status IN ('pending', 'processing') DO NOTHING
                RETURNING id
                """,
                [
                    job_type, filename, supplier_id, json.dumps(metadata or {}), priority,
                    unique_key, max_attempts, created_by.pk if created_by else None, parent_id,
                    document_id, run_after,
                ],
            )  # fmt: skip
            if row := cursor.fetchone():
                break
            # The live job with this key may end between the two statements: then try again.
            cursor.execute(
                "SELECT id FROM background_jobs WHERE unique_key = %s"
                " AND status IN ('pending', 'processing')",
                [unique_key],
            )
            if existing := cursor.fetchone():
                return Created(existing[0], existing=True)
        model = pipelines.get(job_type).detail.model
        model._default_manager.create(background_job_id=row[0], **(detail or {}))
    return Created(row[0], existing=False)


# --- an attempt, from claim to end ---------------------------------------------------------


def ready(wanted: int) -> int:
    """Count the jobs that could start now, no further than `wanted`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ready_jobs(%s)", [wanted])
        return int(cursor.fetchone()[0])


def claim(worker: UUID, host: str, pid: int) -> Claimed | None:
    """Take the next ready job for this process, open its attempt and note this session."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM claim_job(%s, %s, %s)", [worker, host, pid])
        row = cursor.fetchone()
        if row is None:
            return None
        claimed = Claimed(*row)
        note_session(claimed.token)
        _mirror(claimed.job_type, [claimed.job_id])
    return claimed


def note_session(token: UUID) -> None:
    """Record this database session as the attempt's, so that it can be ended if it freezes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job_attempt_sessions (token, pid, backend_start)"
            " SELECT %s, pid, backend_start FROM pg_stat_get_activity(pg_backend_pid())",
            [token],
        )


def fence(token: UUID) -> None:
    """Hold the attempt open until the caller's transaction ends, or raise `LeaseLost`.

    Whoever takes the job away updates the attempt's row and so waits for this transaction; after
    that nothing under the token commits any more. The share lock must conflict with that update:
    a key share or a plain read would let the token change before the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM job_attempts WHERE token = %s AND finished_at IS NULL FOR SHARE", [token]
        )
        if cursor.fetchone() is None:
            raise LeaseLost("another process took this job over")


def start(token: UUID) -> None:
    """Note that the attempt's own process runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE job_attempts SET started_at = clock_timestamp()"
            " WHERE token = %s AND finished_at IS NULL",
            [token],
        )


def beat(token: UUID) -> Beat:
    """Say that the attempt lives. Touches the heartbeat only, so that it stays heap-only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE background_jobs SET last_heartbeat = clock_timestamp()"
            " WHERE id = (SELECT job_id FROM job_attempts WHERE token = %s)"
            "   AND attempt_token = %s RETURNING cancel_requested_at IS NOT NULL",
            [token, token],
        )
        row = cursor.fetchone()
    return Beat(alive=row is not None, cancel_requested=bool(row and row[0]))


def flush(token: UUID, report: Report) -> bool:
    """Write a running attempt's progress, counters, log lines and warnings. False: job lost."""
    total = max(report.total, report.done + report.failed + report.skipped)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH job AS (
                UPDATE background_jobs SET
                    progress = %(progress)s, current_stage = %(stage)s,
                    stage_done = %(stage_done)s, stage_total = %(stage_total)s,
                    expected_at = clock_timestamp() + make_interval(secs => %(left)s),
                    total_items = %(total)s, done_items = %(done)s,
                    failed_items = %(failed)s, skipped_items = %(skipped)s,
                    warnings = warnings || coalesce((
                        SELECT jsonb_agg(w) FROM jsonb_array_elements(%(warnings)s) w
                        WHERE NOT warnings @> jsonb_build_array(w)), '[]'),
                    advanced_at = CASE WHEN %(advanced)s THEN clock_timestamp()
                                       ELSE advanced_at END,
                    stalled_at = CASE WHEN %(advanced)s THEN NULL ELSE stalled_at END,
                    updated_at = clock_timestamp()
                WHERE id = (SELECT job_id FROM job_attempts WHERE token = %(token)s)
                  AND attempt_token = %(token)s
                RETURNING id, job_type
            ), lines AS (
                INSERT INTO job_events (job_id, attempt, at, level, stage, message, data)
                SELECT job.id, (SELECT number FROM job_attempts WHERE token = %(token)s),
                       clock_timestamp() - make_interval(secs => %(now)s - e.at),
                       e.level, e.stage, e.message, coalesce(e.data, '{}')
                FROM job, jsonb_to_recordset(%(events)s)
                     AS e(at float8, level text, stage text, message text, data jsonb)
            )
            SELECT id, job_type FROM job
            """,
            {
                "token": token, "now": time.monotonic(),
                "progress": min(report.progress, 99), "stage": report.stage,
                "total": total, "done": report.done, "failed": report.failed,
                "skipped": report.skipped, "stage_done": report.stage_done,
                "stage_total": report.stage_total, "left": report.left, "advanced": report.advanced,
                "warnings": json.dumps(list(report.warnings)),
                "events": json.dumps(list(report.events)),
            },
        )  # fmt: skip
        row = cursor.fetchone()
        if row:
            _mirror(row[1], [row[0]])
    return row is not None


# 1. Lock the job's row if the token still holds it (no key lock: the attempt's own item
#    transactions refer to the row and must not wait for this).
# 2. Decide the next status from that locked row, a cancel before all else.
# 3. Write job, attempt and log line. Closing the attempt waits for a commit under its fence.
_END = """
WITH held AS MATERIALIZED (
    SELECT b.*, a.number, EXISTS (
        SELECT FROM job_checkpoints c WHERE c.job_id = b.id AND c.attempt = a.number
    ) AS moved
    FROM job_attempts a JOIN background_jobs b ON b.id = a.job_id
    WHERE a.token = %(token)s AND b.attempt_token = %(token)s AND b.status = 'processing'
      AND (%(lease)s::float8 IS NULL
           OR b.last_heartbeat < clock_timestamp() - make_interval(secs => %(lease)s))
    FOR NO KEY UPDATE OF b
), next AS (
    SELECT held.*, CASE WHEN cancel_requested_at IS NOT NULL AND %(outcome)s <> 'completed'
                        THEN 'cancelled' ELSE {status} END AS becomes
    FROM held
), job AS (
    UPDATE background_jobs b SET
        status = next.becomes,
        attempt_token = NULL, cancel_requested_at = NULL, stalled_at = NULL, expected_at = NULL,
        updated_at = clock_timestamp(),
        progress = CASE next.becomes WHEN 'completed' THEN 100 ELSE b.progress END,
        completed_at = CASE next.becomes WHEN 'completed' THEN clock_timestamp() END,
        failed_at = CASE next.becomes WHEN 'failed' THEN clock_timestamp() END,
        cancelled_at = CASE next.becomes WHEN 'cancelled' THEN clock_timestamp() END,
        run_after = CASE WHEN next.becomes = 'pending' AND %(back_off)s THEN
            clock_timestamp() + make_interval(secs =>
                least({ceiling}, {first} * 2 ^ next.retry_count) * (0.5 + random())) END,
        waiting_for = CASE next.becomes WHEN 'pending' THEN %(waiting_for)s END,
        question = %(question)s,
        error = CASE next.becomes WHEN 'cancelled' THEN '' ELSE %(error)s END,
        error_fingerprint = CASE next.becomes WHEN 'cancelled' THEN '' ELSE %(fingerprint)s END,
        retry_count = b.retry_count + (%(outcome)s = 'retryable')::int,
        crash_count = b.crash_count + (%(outcome)s = 'crashed')::int,
        hand_back_count = CASE WHEN %(outcome)s IN ('handed_back', 'lost') AND NOT next.moved
                               THEN b.hand_back_count + 1 ELSE 0 END,
        total_items = coalesce(%(total)s, b.total_items),
        done_items = coalesce(%(done)s, b.done_items),
        failed_items = coalesce(%(failed)s, b.failed_items),
        skipped_items = coalesce(%(skipped)s, b.skipped_items),
        result = coalesce(%(result)s::jsonb, b.result)
    FROM next WHERE b.id = next.id
    RETURNING b.id, b.status, b.job_type
), attempt AS (
    UPDATE job_attempts a SET
        finished_at = clock_timestamp(),
        outcome = CASE WHEN next.becomes = 'cancelled' AND %(outcome)s <> 'crashed'
                       THEN 'cancelled' ELSE %(outcome)s END,
        stage = coalesce(nullif(%(stage)s, ''), next.current_stage),
        error = %(error)s, error_type = %(error_type)s, traceback = %(traceback)s
    FROM next WHERE a.token = %(token)s AND a.finished_at IS NULL
), line AS (
    INSERT INTO job_events (job_id, attempt, level, stage, message, data)
    SELECT id, number, %(level)s, coalesce(nullif(%(stage)s, ''), current_stage),
           'Attempt ' || number || ' ' || %(line)s, jsonb_build_object('attempt', %(outcome)s)
    FROM next
)
SELECT id, status, job_type FROM job
"""


def _end(
    token: UUID,
    outcome: Outcome,
    status: str,
    line: str,
    *,
    failure: Failure | None = None,
    back_off: bool = False,
    waiting_for: Waiting | None = None,
    question: Mapping[str, Any] | None = None,
    counts: Counts | None = None,
    lease: float | None = None,
) -> Status | None:
    """End the attempt of `token`; `status` is an SQL expression over the locked job's row."""
    failure = failure or Failure("")
    with transaction.atomic(), connection.cursor() as cursor:
        if failure.message:
            cursor.execute(
                "SELECT b.job_type, b.current_stage FROM job_attempts a"
                " JOIN background_jobs b ON b.id = a.job_id WHERE a.token = %s",
                [token],
            )
            known = cursor.fetchone()
            if known is None:
                return None
            cause = fingerprint(known[0], failure.stage or known[1], failure.message)
        else:
            cause = ""
        cursor.execute(
            _END.format(status=status, first=BACK_OFF_SECONDS, ceiling=BACK_OFF_CEILING),
            {
                "token": token, "outcome": outcome.value, "lease": lease, "back_off": back_off,
                "waiting_for": waiting_for.value if waiting_for else None,
                "question": json.dumps(question or {}), "error": failure.message,
                "fingerprint": cause, "error_type": failure.error_type,
                "traceback": failure.traceback, "stage": failure.stage, "line": line,
                "level": "error" if failure.message else "info",
                "total": counts.total if counts else None,
                "done": counts.done if counts else None,
                "failed": counts.failed if counts else None,
                "skipped": counts.skipped if counts else None,
                "result": json.dumps(dict(counts.result)) if counts else None,
            },
        )  # fmt: skip
        row = cursor.fetchone()
        if row is None:
            return None
        _mirror(row[2], [row[0]])
        return Status(row[1])


def complete(token: UUID, counts: Counts) -> Status | None:
    """End a job whose items add up. Raises `ValueError` where they do not."""
    if counts.done + counts.failed + counts.skipped != counts.total:
        raise ValueError(f"items do not add up: {asdict(counts)}")
    return _end(token, Outcome.COMPLETED, "'completed'", "completed", counts=counts)


def fail(token: UUID, failure: Failure, *, counts: Counts | None = None) -> Status | None:
    """End a job with an error that no retry mends."""
    return _end(
        token, Outcome.FAILED, "'failed'", "failed: " + failure.message,
        failure=failure, counts=counts,
    )  # fmt: skip


def fail_retryably(token: UUID, failure: Failure) -> Status | None:
    """End an attempt with a passing error: pending after a back-off, failed after the last."""
    return _end(
        token, Outcome.RETRYABLE,
        "CASE WHEN retry_count + 1 < max_attempts THEN 'pending' ELSE 'failed' END",
        "failed: " + failure.message, failure=failure, back_off=True,
    )  # fmt: skip


def crash(token: UUID, failure: Failure) -> Status | None:
    """End an attempt whose process died; at the crash limit the job is failed."""
    return _end(
        token, Outcome.CRASHED,
        f"CASE WHEN crash_count + 1 < {CRASH_LIMIT} THEN 'pending' ELSE 'failed' END",
        "crashed: " + failure.message, failure=failure,
    )  # fmt: skip


_GIVEN_BACK = (
    f"CASE WHEN moved OR hand_back_count + 1 < {IDLE_HAND_BACK_LIMIT}"
    " THEN 'pending' ELSE 'failed' END"
)


def hand_back(token: UUID, reason: str) -> Status | None:
    """Give a job back unharmed: a shutdown, a dead nurse, a lost database session.

    Uses up nothing, but a job handed back many times without any committed progress is failed:
    it may be what brings the server down.
    """
    return _end(token, Outcome.HANDED_BACK, _GIVEN_BACK, "handed back: " + reason)


def rescue(token: UUID, lease: float) -> Status | None:
    """Take a job back whose holder has not beaten for `lease` seconds."""
    return _end(token, Outcome.LOST, _GIVEN_BACK, "lost: no heartbeat in time", lease=lease)


def finish_cancelled(token: UUID) -> Status | None:
    """End an attempt that stopped because a person asked for it."""
    return _end(token, Outcome.CANCELLED, "'cancelled'", "cancelled")


def wait(token: UUID, reason: Waiting, question: Mapping[str, Any]) -> Status | None:
    """End an attempt that needs a person; the job holds no slot until someone answers."""
    return _end(
        token, Outcome.WAITING, "'pending'", f"waits for a person: {reason.label.lower()}",
        waiting_for=reason, question=question,
    )  # fmt: skip


def note_sentry_event(token: UUID, event_id: str) -> None:
    """Keep the id of the event that reported this attempt's end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE job_attempts SET sentry_event_id = %s WHERE token = %s", [event_id, token]
        )


# --- what recovery asks --------------------------------------------------------------------


def expired(lease: float) -> list[UUID]:
    """Return the tokens of jobs whose holder has not beaten for `lease` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempt_token FROM background_jobs WHERE status = 'processing'"
            " AND last_heartbeat < clock_timestamp() - make_interval(secs => %s) ORDER BY id",
            [lease],
        )
        return [token for (token,) in cursor.fetchall()]


def promote_due(limit: int = 500) -> int:
    """Make due jobs ready; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH due AS MATERIALIZED (SELECT id FROM background_jobs WHERE status = 'pending'"
            " AND run_after <= clock_timestamp() ORDER BY run_after LIMIT %s"
            " FOR UPDATE SKIP LOCKED)"
            " UPDATE background_jobs b SET run_after = NULL, updated_at = clock_timestamp()"
            " FROM due WHERE b.id = due.id",
            [limit],
        )
        return cursor.rowcount


def mark_stalled(job_type: str, seconds: float) -> list[UUID]:
    """Mark jobs that beat but have not advanced; returns those marked now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE background_jobs SET stalled_at = clock_timestamp(),"
            " updated_at = clock_timestamp() WHERE status = 'processing' AND job_type = %s"
            " AND stalled_at IS NULL"
            " AND advanced_at < clock_timestamp() - make_interval(secs => %s) RETURNING id",
            [job_type, seconds],
        )
        return [job_id for (job_id,) in cursor.fetchall()]


# --- what a person does --------------------------------------------------------------------


def cancel(job_ids: Iterable[UUID], actor: User | None, reason: str = "") -> dict[UUID, Status]:
    """Cancel pending jobs at once and ask running ones to stop; returns each job's status."""
    with transaction.atomic():
        changed = _change(
            """
            UPDATE background_jobs b SET
                status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
                cancelled_at = CASE status WHEN 'pending' THEN clock_timestamp() END,
                cancel_requested_at = CASE status WHEN 'processing'
                    THEN coalesce(cancel_requested_at, clock_timestamp()) END,
                run_after = NULL, waiting_for = NULL, updated_at = clock_timestamp()
            WHERE id = ANY(%s) AND status IN ('pending', 'processing')
            """,
            [list(job_ids)],
        )
        audit.record(actor, "cancel", "job", changed, reason)
    return changed


_READY_AGAIN = """
    status = 'pending', run_after = NULL, waiting_for = NULL, started_at = NULL,
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
                return _change(statement, params)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise


def retry(job_ids: Iterable[UUID], actor: User | None, reason: str = "") -> list[UUID]:
    """Make failed and cancelled jobs pending again, with their limits anew and history kept."""
    with transaction.atomic():
        changed = _make_live(
            f"""
            UPDATE background_jobs b SET {_READY_AGAIN}
            FROM (SELECT DISTINCT ON (coalesce(unique_key, id::text)) id FROM background_jobs
                  WHERE id = ANY(%s) ORDER BY coalesce(unique_key, id::text), id DESC) newest
            WHERE b.id = newest.id AND b.status IN ('failed', 'cancelled') AND {_KEY_IS_FREE}
            """,
            [list(job_ids)],
        )
        audit.record(actor, "retry", "job", changed, reason)
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
        JobCheckpoint.objects.filter(job_id=job_id, stage__in=undone).delete()
        pipeline.forget(job_id, undone)
        audit.record(actor, "run again", "job", changed, reason, stage=stage)
    return True


def answer(
    job_id: UUID, waiting_for: Waiting, reply: Mapping[str, Any], actor: User | None
) -> bool:
    """Give a waiting job what it waits for; it goes on at that stage."""
    with transaction.atomic():
        changed = _change(
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
        job_id, actor, reason, "mark failed", "failed", "failed_at = clock_timestamp(), error = %s",
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
    """1. Write the job. 2. Close its attempt, which waits for a commit under the fence.
    3. Only then the detail row: such a commit may have to write it first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE background_jobs SET status = '{status}', {assignments},"
            " attempt_token = NULL, cancel_requested_at = NULL, run_after = NULL,"
            " waiting_for = NULL, stalled_at = NULL, expected_at = NULL,"
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
        _mirror(row[0], [job_id])
        audit.record(actor, action, "job", [job_id], reason)
    return True


def edit(job_ids: Iterable[UUID], actor: User | None, reason: str, **values: Any) -> list[UUID]:
    """Change what a person may of jobs: `priority`, `supplier_id`, `metadata`."""
    allowed = {"priority", "supplier_id", "metadata"}
    if not values.keys() <= allowed:
        raise ValueError(f"only {', '.join(sorted(allowed))} can be edited")
    encoded = [json.dumps(v) if k == "metadata" else v for k, v in values.items()]
    with transaction.atomic():
        changed = _change(
            f"UPDATE background_jobs b SET {', '.join(f'{name} = %s' for name in values)},"
            " updated_at = clock_timestamp() WHERE id = ANY(%s)",
            [*encoded, list(job_ids)],
        )
        audit.record(actor, "edit", "job", changed, reason, **values)
    return list(changed)


def set_queue(job_type: str, actor: User | None, **values: Any) -> bool:
    """Change a type's queue: `paused`, `max_running` (None: no limit).

    Takes the pause lock alone, in the transaction of the update, so that no claim that read the
    old row is still under way when this returns.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PAUSE_LOCK])
        cursor.execute(
            f"UPDATE job_queues SET {', '.join(f'{name} = %s' for name in values)}"
            " WHERE job_type = %s",
            [*values.values(), job_type],
        )
        changed = cursor.rowcount == 1
        if changed:
            audit.record(actor, "edit", "queue", [job_type], **values)
    return changed


# --- shared --------------------------------------------------------------------------------


def _change(statement: str, params: Sequence[Any]) -> dict[UUID, Status]:
    """Run one guarded update of jobs `b`; returns the new status of each that changed."""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING b.id, b.status, b.job_type", params)
        rows = cursor.fetchall()
    for job_type in {kind for _, _, kind in rows}:
        _mirror(job_type, [job_id for job_id, _, kind in rows if kind == job_type])
    return {job_id: Status(status) for job_id, status, _ in rows}


def _mirror(job_type: str, job_ids: list[UUID]) -> None:
    """Bring the detail rows of jobs of one type in line with the jobs.

    A type without a pipeline here has no detail rows that this process could know.
    """
    pipeline = pipelines.find(job_type)
    if pipeline is None:
        return
    detail = pipeline.detail
    columns = ", ".join(f"{name} = {value}" for name, value in detail.mirrors.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {detail.model._meta.db_table} d SET {columns} FROM background_jobs b"
            " WHERE b.id = d.background_job_id AND b.id = ANY(%s)",
            [job_ids],
        )
