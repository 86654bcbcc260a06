"""Why a pending job does not run yet: what people ask of a queue, answered by one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from jobtracker.models import BackgroundJob
from jobtracker.monitor import words
from jobtracker.states import JobType, Status, Waiting

AHEAD = 1000  # jobs before this one are counted no further

NEEDS = {
    Waiting.MAPPING: "a field mapping",
    Waiting.PASSWORD: "a password",
    Waiting.THRESHOLD: "a decision",
    Waiting.DUPLICATE: "a decision about a duplicate",
    Waiting.CURRENCY: "a currency",
    Waiting.BUDGET: "a budget",
    Waiting.PAUSED: "someone to let it go on",
}


@dataclass(frozen=True)
class Why:
    """`reason` is one of person, retry, scheduled, paused, cap, no_worker, behind, busy and next;
    `said` says it to people, without a full stop. `ahead` counts the ready jobs that the claim
    takes before this one, to `AHEAD` + 1; None where it does not come to that."""

    reason: str
    said: str
    ahead: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts; `ahead` stops at `AHEAD`."""
        ahead = None if self.ahead is None else min(self.ahead, AHEAD)
        return {"reason": self.reason, "message": self.said, "ahead": ahead}


# Of a queue `q`: when it was paused and by whom, where it was paused through us.
PAUSE = """
LEFT JOIN LATERAL (
    SELECT at, actor_name FROM audit_log a
    WHERE q.paused AND a.subject = 'queue' AND a.subject_id = q.job_type
    AND a.details @> '{"paused": true}'
    ORDER BY a.id DESC LIMIT 1
) pause ON true
"""

# The jobs ahead are those of the types that are neither paused nor full, in the claim's order:
# two ranges of its index for each type, each read no further than needed.
_READY = "c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL"
_QUESTION = f"""
WITH job AS (
    SELECT id, job_type, priority, run_after, retry_count + crash_count AS tries
    FROM background_jobs
    WHERE id = %(job)s AND status = 'pending' AND waiting_for IS NULL
), alive AS (
    SELECT count(*) AS workers, coalesce(sum(slots), 0) AS slots, coalesce(sum(busy), 0) AS busy
    FROM workers
    WHERE NOT draining
    AND last_seen > clock_timestamp() - make_interval(secs => %(lease)s)
)
SELECT job.run_after, extract(epoch FROM job.run_after - clock_timestamp())::float8, job.tries,
    q.paused, pause.at, pause.actor_name, q.max_running,
    CASE WHEN q.max_running IS NOT NULL THEN (
        SELECT count(*) FROM background_jobs r
        WHERE r.status = 'processing' AND r.job_type = q.job_type
    ) END,
    alive.workers, alive.slots, alive.busy,
    CASE WHEN job.run_after IS NULL AND NOT q.paused THEN (
        SELECT count(*) FROM (
            SELECT FROM open_queues o CROSS JOIN LATERAL (
                (SELECT c.id FROM background_jobs c
                 WHERE {_READY} AND c.job_type = o.job_type AND c.priority > job.priority
                 ORDER BY c.priority DESC, c.id LIMIT {AHEAD + 1})
                UNION ALL
                (SELECT c.id FROM background_jobs c
                 WHERE {_READY} AND c.job_type = o.job_type AND c.priority = job.priority
                 AND c.id < job.id
                 ORDER BY c.id LIMIT {AHEAD + 1})
            ) before
            LIMIT {AHEAD + 1}
        ) ahead
    ) END
FROM job JOIN job_queues q USING (job_type) CROSS JOIN alive {PAUSE}
"""


@dataclass(frozen=True)
class _Standing:
    """The answer's row; seconds, and counts."""

    run_after: datetime | None
    due_in: float | None
    tries: int
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    max_running: int | None
    running: int | None
    workers: int
    slots: int
    busy: int
    ahead: int | None


def why_waiting(job: BackgroundJob) -> Why | None:
    """Say what a pending job waits for; None for one that is not pending (any more)."""
    if job.status != Status.PENDING:
        return None
    if job.waiting_for:
        return Why("person", f"Needs {NEEDS[Waiting(job.waiting_for)]}")
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION, {"job": job.pk, "lease": settings.LEASE_SECONDS})
        row = cursor.fetchone()
    return _first_reason(job, _Standing(*row)) if row else None


def _first_reason(job: BackgroundJob, now: _Standing) -> Why:
    """Return what holds the job now; what would hold it after that is not asked."""
    label = JobType(job.job_type).label
    if now.run_after is not None:
        left = f"in {words.rough(now.due_in)}" if now.due_in and now.due_in > 0 else "now"
        if now.tries:
            return Why("retry", f"Tried again {left}")
        return Why("scheduled", f"Scheduled for {_clock(now.run_after)}, {left}")
    if now.paused:
        since = f" since {_clock(now.paused_at)} by {now.paused_by}" if now.paused_at else ""
        return Why("paused", f"{label} is paused{since}")
    if now.max_running is not None and now.running is not None and now.running >= now.max_running:
        cap = f"{now.running} of {now.max_running} {label} jobs run"
        return Why("cap", f"The cap is reached: {cap}")
    if not now.workers:
        return Why("no_worker", "No worker runs; start one: manage.py worker", now.ahead)
    full = ""
    if now.busy >= now.slots:
        full = "the only slot is busy" if now.slots == 1 else f"all {now.slots} slots are busy"
    if now.ahead:
        others = f"{words.capped(now.ahead, AHEAD)} other job{'' if now.ahead == 1 else 's'}"
        return Why("behind", f"Behind {others}{full and f'; {full}'}", now.ahead)
    if full:
        return Why("busy", f"Next; {full}", 0)
    return Why("next", "Next: a slot is free", 0)


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M %Z")
