"""Rolls ended jobs up by hour and type, so that what they were stays known when they are pruned.

An hour is computed when it is over, and again each hour while it is among the last `LATE_HOURS`:
a job that is retried leaves the hour in which it failed, and a long transaction commits late.
After that the hour is final. Only jobs of final hours are pruned, and a final hour is never
computed again, so pruning takes nothing from the figures. Both sides hold `LOCK` while they work,
this one alone.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable, QueryCanceled

from jobtracker import faults
from jobtracker.states import JobType

LOCK = 8023  # advisory
LATE_HOURS = 24
SETTLE_SECONDS = 300  # after an hour's end, before it is computed first
TURN_SECONDS = 0.5
BITE_SECONDS = 0.25  # that one transaction should take: a turn holds up all that comes after it
STATEMENT_MS = 700
LOCK_MS = 500
HOUR = timedelta(hours=1)

EDGES = [0.1 * 2 ** (step / 4) for step in range(93)]
"""Where the buckets of durations meet, in seconds: four a doubling, from 0.1 s to 9.7 days.
Bucket 0 lies below the first edge, bucket n from edge n - 1 to edge n, the last above all."""


@dataclass
class Bite:
    """How much one transaction takes on: as much as it did in `BITE_SECONDS` the last time, and
    far less after it ran into its time-out."""

    most: int
    least: int
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.most

    @contextmanager
    def taken(self) -> Iterator[int]:
        """Give the size for one transaction. One that finds something locked is rolled back, and so
        is one that takes too long: the next is smaller, and of the least size it is an error."""
        size, began = self.size, time.monotonic()
        try:
            yield size
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                return
            if not isinstance(error.__cause__, QueryCanceled) or size <= self.least:
                raise
            self.size = max(self.least, size // 4)
        else:
            share = BITE_SECONDS / max(time.monotonic() - began, BITE_SECONDS / 2)
            self.size = min(self.most, max(self.least, int(size * share)))


@contextmanager
def short_transaction(*, alone: bool) -> Iterator[None]:
    """Open a transaction with short time-outs that holds `LOCK`, `alone` or beside others."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        # A statement of its own: those that follow see what the last holder wrote.
        kind = "" if alone else "_shared"
        cursor.execute(f"SELECT pg_advisory_xact_lock{kind}(%s)", [LOCK])
        yield


def final_span() -> tuple[datetime, datetime] | None:
    """Return from when until when (exclusive) the hours are final; None where none is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(hour), max(hour) FROM job_metrics_hourly")
        first, last = cursor.fetchone()
    if first is None:
        return None
    return first, last + HOUR - timedelta(hours=LATE_HOURS)


@dataclass(frozen=True)
class RollUp:
    """What a turn did: hours computed, and whether some are left."""

    hours: int
    left: bool


_hours = Bite(most=6, least=1)


def roll_up(seconds: float = TURN_SECONDS) -> RollUp:
    """Compute hours that are due until none is left or the time is up."""
    until = time.monotonic() + seconds
    done = 0
    while True:
        with _hours.taken() as most, short_transaction(alone=True):
            span = _due(most)
            if span is None:
                return RollUp(done, left=False)
            faults.point("rollup.due")
            _compute(*span)
            faults.point("rollup.written")
            done += (span[1] - span[0]) // HOUR + 1
        faults.point("rollup.committed")
        if time.monotonic() >= until:
            return RollUp(done, left=True)


def _due(most: int) -> tuple[datetime, datetime] | None:
    """Return the first and the last hour of the next `most` hours to compute.

    The hours that stand are without gap: they grow by later ones, and by earlier ones where older
    jobs than ever before are found. Then come those of the last `LATE_HOURS` that were computed
    before the present hour began.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT, [SETTLE_SECONDS])
        first, last, oldest, over = cursor.fetchone()
        if first is None:
            start = min(oldest or over, over)
            return start, min(over, start + (most - 1) * HOUR)
        if oldest and oldest < first:
            return max(oldest, first - most * HOUR), first - HOUR
        if last < over:
            return last + HOUR, min(over, last + most * HOUR)
        cursor.execute(
            "SELECT min(hour) FROM job_metrics_hourly WHERE hour > %s AND computed_at < %s",
            [last - timedelta(hours=LATE_HOURS), over + HOUR],
        )
        [stale] = cursor.fetchone()
    return None if stale is None else (stale, min(last, stale + (most - 1) * HOUR))


_EXTENT = """
SELECT (SELECT min(hour) FROM job_metrics_hourly), (SELECT max(hour) FROM job_metrics_hourly),
    date_trunc('hour', least(
        (SELECT min(completed_at) FROM background_jobs WHERE status = 'completed'),
        (SELECT min(failed_at) FROM background_jobs WHERE status = 'failed'),
        (SELECT min(cancelled_at) FROM background_jobs WHERE status = 'cancelled')), 'UTC'),
    date_trunc('hour', clock_timestamp() - make_interval(secs => %s), 'UTC') - interval '1 hour'
"""


def _compute(first: datetime, last: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPUTE,
            {
                "first": first,
                "last": last,
                "until": last + HOUR,
                "types": JobType.values,
                "edges": EDGES,
            },
        )


# Each part reads only the rows of its hours, by the partial index of its status or outcome.
_COMPUTE = """
WITH ended AS MATERIALIZED (
    SELECT b.*, date_trunc('hour', b.ended_at, 'UTC') AS hour, a.claimed_at, a.worked FROM (
        SELECT id, job_type, status, created_at, completed_at AS ended_at,
               done_items, failed_items, cost_usd FROM background_jobs
        WHERE status = 'completed' AND completed_at >= %(first)s AND completed_at < %(until)s
        UNION ALL
        SELECT id, job_type, status, created_at, failed_at,
               done_items, failed_items, cost_usd FROM background_jobs
        WHERE status = 'failed' AND failed_at >= %(first)s AND failed_at < %(until)s
        UNION ALL
        SELECT id, job_type, status, created_at, cancelled_at,
               done_items, failed_items, cost_usd FROM background_jobs
        WHERE status = 'cancelled' AND cancelled_at >= %(first)s AND cancelled_at < %(until)s
    ) b CROSS JOIN LATERAL (
        SELECT min(claimed_at) AS claimed_at,
               extract(epoch FROM sum(finished_at - claimed_at)) AS worked
        FROM job_attempts WHERE job_id = b.id
    ) a
), jobs AS (
    SELECT hour, job_type,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        count(claimed_at) AS started,
        sum(done_items) AS items_done, sum(failed_items) AS items_failed,
        sum(worked) FILTER (WHERE status = 'completed') AS seconds,
        sum(extract(epoch FROM claimed_at - created_at)) AS waited,
        sum(cost_usd) AS cost_usd
    FROM ended GROUP BY 1, 2
), took AS (
    SELECT hour, job_type, count(*) AS number,
        width_bucket(worked::float8, %(edges)s::float8[]) AS bucket
    FROM ended WHERE status = 'completed' AND worked IS NOT NULL GROUP BY 1, 2, 4
), spread AS (
    SELECT hour, job_type, array_agg(coalesce(number, 0) ORDER BY bucket) AS durations
    FROM (SELECT DISTINCT hour, job_type FROM took) AS present
    CROSS JOIN generate_series(0, cardinality(%(edges)s::float8[])) AS bucket
    LEFT JOIN took USING (hour, job_type, bucket) GROUP BY 1, 2
), attempts AS (
    SELECT date_trunc('hour', a.finished_at, 'UTC') AS hour, b.job_type,
        count(*) FILTER (WHERE a.outcome = 'retryable') AS retries,
        count(*) FILTER (WHERE a.outcome = 'crashed') AS crashes,
        count(*) FILTER (WHERE a.outcome IN ('handed_back', 'lost')) AS hand_backs
    FROM job_attempts a JOIN background_jobs b ON b.id = a.job_id
    WHERE a.outcome IN ('retryable', 'crashed', 'handed_back', 'lost')
      AND a.finished_at >= %(first)s AND a.finished_at < %(until)s
    GROUP BY 1, 2
)
INSERT INTO job_metrics_hourly (hour, job_type, completed, failed, cancelled, started, retries,
    crashes, hand_backs, items_done, items_failed, seconds, waited, durations, cost_usd,
    computed_at)
SELECT hour, job_type, coalesce(completed, 0), coalesce(failed, 0), coalesce(cancelled, 0),
    coalesce(started, 0), coalesce(retries, 0), coalesce(crashes, 0), coalesce(hand_backs, 0),
    coalesce(items_done, 0), coalesce(items_failed, 0), coalesce(seconds, 0),
    coalesce(waited, 0), coalesce(durations, '{}'), cost_usd, clock_timestamp()
FROM generate_series(%(first)s::timestamptz, %(last)s, interval '1 hour') AS hour
CROSS JOIN unnest(%(types)s::varchar[]) AS job_type
LEFT JOIN jobs USING (hour, job_type) LEFT JOIN attempts USING (hour, job_type)
LEFT JOIN spread USING (hour, job_type)
ON CONFLICT (hour, job_type) DO UPDATE SET
    completed = excluded.completed, failed = excluded.failed, cancelled = excluded.cancelled,
    started = excluded.started, retries = excluded.retries, crashes = excluded.crashes,
    hand_backs = excluded.hand_backs, items_done = excluded.items_done,
    items_failed = excluded.items_failed, seconds = excluded.seconds, waited = excluded.waited,
    durations = excluded.durations, cost_usd = excluded.cost_usd,
    computed_at = excluded.computed_at
"""


def percentile(durations: Sequence[int], share: float) -> float | None:
    """Return the seconds below which that share of the jobs of a histogram (or of several, added
    up) took; None for an empty one.

    It takes a bucket's jobs as spread evenly over it by the logarithm of their duration. So it
    lies in the bucket of the true value, which is at most 2 ** (1 / 4) times as large or small;
    below 0.1 s and above the last edge there is only that edge to say.
    """
    total = sum(durations)
    rank = share * (total - 1) + 0.5
    below = 0
    for bucket, number in enumerate(durations):
        if number and rank <= below + number:
            if bucket in {0, len(EDGES)}:
                return EDGES[max(0, bucket - 1)]
            low, high = EDGES[bucket - 1 : bucket + 1]
            return low * (high / low) ** ((rank - below) / number)
        below += number
    return None
