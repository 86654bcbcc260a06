"""An attempt, from its claim to its end: what a process does with the job that it holds."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobtracker import faults
from jobtracker.causes import fingerprint
from jobtracker.lifecycle.mirror import mirror, mirrored
from jobtracker.pipelines import Counts
from jobtracker.states import LeaseLost, Outcome, Status, Waiting

CRASH_LIMIT = 3
IDLE_HAND_BACK_LIMIT = 10
BACK_OFF_SECONDS = 5  # first retry; doubles, up to BACK_OFF_CEILING, each +-50 %
BACK_OFF_CEILING = 600


@dataclass(frozen=True)
class Session:
    """A database session: backend pids are used again, with its start one is this very session."""

    pid: int
    backend_start: datetime


@dataclass(frozen=True)
class Claimed:
    """An attempt that this process holds: the fence, the attempt's number, and of its job what
    the work must know. `resumes`: earlier attempts kept something."""

    job_id: UUID
    token: UUID
    number: int
    job_type: str
    filename: str
    supplier_id: int | None
    metadata: Mapping[str, Any]
    answer: Mapping[str, Any]
    parent_id: UUID | None
    created_by_id: int | None
    resumes: bool


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


def ready(wanted: int) -> int:
    """Count the jobs that could start now, no further than `wanted`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ready_jobs(%s)", [wanted])
        return int(cursor.fetchone()[0])


def claim(worker: UUID, host: str, pid: int, waiting: Session | None = None) -> Claimed | None:
    """Take the next ready job for this process and open its attempt, with this session and that
    of the process that waits for the job on record."""
    with transaction.atomic(), connection.cursor() as cursor:
        faults.point("claim.opened")
        cursor.execute(
            "SELECT * FROM claim_attempt(%s, %s, %s, %s, %s)",
            [worker, host, pid, *(astuple(waiting) if waiting else (None, None))],
        )
        row = cursor.fetchone()
        if row is None:
            return None
        told = dict(zip((column.name for column in cursor.description), row, strict=True))
        told |= {name: json.loads(told[name]) for name in ("metadata", "answer")}
        claimed = Claimed(**told)
        faults.point("claim.taken")
        mirror(claimed.job_type, [claimed.job_id])
        faults.point("claim.mirrored")
    faults.point("claim.committed")
    return claimed


def own_session() -> Session:
    """Return this process's database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid())")
        return Session(*cursor.fetchone())


def note_session(token: UUID) -> None:
    """Record this database session as the attempt's, so that it can be ended if it freezes."""
    session = own_session()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job_attempt_sessions (token, pid, backend_start) VALUES (%s, %s, %s)",
            [token, session.pid, session.backend_start],
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
    faults.point("beat.written")
    return Beat(alive=row is not None, cancel_requested=bool(row and row[0]))


# {mirrored} brings the detail row in line.
_FLUSH = """
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
        advanced_at = CASE WHEN %(advanced)s THEN clock_timestamp() ELSE advanced_at END,
        stalled_at = CASE WHEN %(advanced)s THEN NULL ELSE stalled_at END,
        updated_at = clock_timestamp()
    WHERE id = (SELECT job_id FROM job_attempts WHERE token = %(token)s)
      AND attempt_token = %(token)s
    RETURNING *
), lines AS (
    INSERT INTO job_events (job_id, attempt, at, level, stage, message, data)
    SELECT job.id, (SELECT number FROM job_attempts WHERE token = %(token)s),
           clock_timestamp() - make_interval(secs => %(now)s - e.at),
           e.level, e.stage, e.message, coalesce(e.data, '{{}}')
    FROM job, jsonb_to_recordset(%(events)s)
         AS e(at float8, level text, stage text, message text, data jsonb)
){mirrored}
SELECT FROM job
"""


def flush(token: UUID, report: Report) -> bool:
    """Write a running attempt's progress, counters, log lines and warnings. False: job lost."""
    faults.point("flush.due")
    with connection.cursor() as cursor:
        cursor.execute(
            _FLUSH.format(mirrored=mirrored("job")),
            {
                "token": token, "now": time.monotonic(),
                "progress": min(report.progress, 99), "stage": report.stage,
                "total": max(report.total, report.done + report.failed + report.skipped),
                "done": report.done, "failed": report.failed, "skipped": report.skipped,
                "stage_done": report.stage_done, "stage_total": report.stage_total,
                "left": report.left, "advanced": report.advanced,
                "warnings": json.dumps(list(report.warnings)),
                "events": json.dumps(list(report.events)),
            },
        )  # fmt: skip
        alive = cursor.fetchone() is not None
    faults.point("flush.written")
    return alive


_HELD = """
    FROM job_attempts a JOIN background_jobs b ON b.id = a.job_id
    WHERE a.token = %(token)s AND a.finished_at IS NULL
      AND b.attempt_token = %(token)s AND b.status = 'processing'
      AND (%(lease)s::float8 IS NULL
           OR b.last_heartbeat < clock_timestamp() - make_interval(secs => %(lease)s))
"""
# First the attempt, which waits for a commit under its fence, and only then the job's row: so
# beats pass meanwhile, and the next statement sees what that commit wrote. Whoever locks both
# locks them in this order.
_CLOSE = f"SELECT b.job_type, b.current_stage {_HELD} FOR NO KEY UPDATE OF a"
# 1. Lock the job's row if the token still holds it (no key lock: the attempt's own item
#    transactions refer to the row and must not wait for this).
# 2. Decide the next status from that locked row, a cancel before all else.
# 3. Write job, attempt, log line and the detail row.
_END = """
WITH held AS MATERIALIZED (
    SELECT b.*, a.number, EXISTS (
        SELECT FROM job_checkpoints c WHERE c.job_id = b.id AND c.attempt = a.number
    ) AS moved
    {held}
    FOR NO KEY UPDATE OF b
), decided AS (
    SELECT held.*, CASE WHEN cancel_requested_at IS NOT NULL AND %(outcome)s <> 'completed'
                        THEN 'cancelled' ELSE {status} END AS becomes
    FROM held
), next AS (
    SELECT decided.*, CASE WHEN becomes = 'cancelled' AND %(outcome)s <> 'crashed'
                           THEN 'cancelled' ELSE %(outcome)s END AS outcome
    FROM decided
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
        question = CASE next.becomes WHEN 'pending' THEN %(question)s::jsonb ELSE '{{}}' END,
        error = CASE next.becomes WHEN 'cancelled' THEN '' ELSE %(error)s END,
        error_fingerprint = CASE next.becomes WHEN 'cancelled' THEN '' ELSE %(fingerprint)s END,
        retry_count = b.retry_count + (next.outcome = 'retryable')::int,
        crash_count = b.crash_count + (next.outcome = 'crashed')::int,
        hand_back_count = CASE WHEN next.outcome IN ('handed_back', 'lost') AND NOT next.moved
                               THEN b.hand_back_count + 1 ELSE 0 END,
        total_items = coalesce(%(total)s, b.total_items),
        done_items = coalesce(%(done)s, b.done_items),
        failed_items = coalesce(%(failed)s, b.failed_items),
        skipped_items = coalesce(%(skipped)s, b.skipped_items),
        result = coalesce(%(result)s::jsonb, b.result)
    FROM next WHERE b.id = next.id
    RETURNING b.*
), attempt AS (
    UPDATE job_attempts a SET
        finished_at = clock_timestamp(),
        outcome = next.outcome,
        stage = coalesce(nullif(%(stage)s, ''), next.current_stage),
        error = %(error)s, error_type = %(error_type)s, traceback = %(traceback)s
    FROM next WHERE a.token = %(token)s AND a.finished_at IS NULL
), line AS (
    INSERT INTO job_events (job_id, attempt, level, stage, message, data)
    SELECT id, number, %(level)s, coalesce(nullif(%(stage)s, ''), current_stage),
           'Attempt ' || number || ' ' || %(line)s, jsonb_build_object('attempt', %(outcome)s::text)
    FROM next
){mirrored}
SELECT status FROM job
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
        faults.point("end.opened")
        cursor.execute(_CLOSE, {"token": token, "lease": lease})
        known = cursor.fetchone()
        if known is None:
            return None
        job_type, stage = known
        cause = (
            fingerprint(job_type, failure.stage or stage, failure.message)
            if failure.message
            else ""
        )
        faults.point("end.read")
        cursor.execute(
            _END.format(
                held=_HELD, status=status, first=BACK_OFF_SECONDS, ceiling=BACK_OFF_CEILING,
                mirrored=mirrored("job"),
            ),
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
        faults.point("end.written")
    faults.point("end.committed")
    return Status(row[0])


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
