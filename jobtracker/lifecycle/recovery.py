"""What recovery asks of all jobs; it takes a job back by the verbs of its attempt."""

from uuid import UUID

from django.db import connection

from jobtracker import faults


def expired(lease: float) -> list[UUID]:
    """Return the tokens of jobs whose holder has not beaten for `lease` seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempt_token FROM background_jobs WHERE status = 'processing'"
            " AND last_heartbeat < clock_timestamp() - make_interval(secs => %s) ORDER BY id",
            [lease],
        )
        tokens = [token for (token,) in cursor.fetchall()]
    if tokens:
        faults.point("rescue.found")
    return tokens


def promote_due(limit: int = 2000) -> int:
    """Make due jobs ready; returns how many."""
    faults.point("promote.due")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH due AS MATERIALIZED (SELECT id FROM background_jobs WHERE status = 'pending'"
            " AND run_after <= statement_timestamp() ORDER BY run_after LIMIT %s"
            " FOR UPDATE SKIP LOCKED)"
            " UPDATE background_jobs b SET run_after = NULL FROM due WHERE b.id = due.id",
            [limit],
        )
        promoted = cursor.rowcount
    if promoted:
        faults.point("promote.written")
    return promoted


def mark_stalled(job_type: str, seconds: float) -> list[UUID]:
    """Mark jobs that beat but have not advanced; returns those marked now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH still AS MATERIALIZED (SELECT id FROM background_jobs"
            " WHERE status = 'processing' AND job_type = %s AND stalled_at IS NULL"
            " AND advanced_at < clock_timestamp() - make_interval(secs => %s)"
            " FOR NO KEY UPDATE SKIP LOCKED)"
            " UPDATE background_jobs b SET stalled_at = clock_timestamp()"
            " FROM still WHERE b.id = still.id RETURNING b.id",
            [job_type, seconds],
        )
        return [job_id for (job_id,) in cursor.fetchall()]
