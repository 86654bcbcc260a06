"""The monitor's questions to the database, each one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Now

from jobtracker.models import BackgroundJob, JobSchedule
from jobtracker.monitor import rows, words
from jobtracker.monitor.filters import STATES, Filter
from jobtracker.states import LIVE, TERMINAL, JobType, Priority, Status, Waiting
from jobtracker.why_waiting import PAUSE

PAGE = 50
CAP = 10_000
CAUSE_DAYS = 7
CAUSES_SHOWN = 4
ASKING = 20
PEOPLE = 100


@dataclass(frozen=True)
class Page:
    """Up to `PAGE` rows, newest first. `older` and `newer` are the ids to go on from, if any."""

    rows: list[rows.Row]
    older: UUID | None = None
    newer: UUID | None = None


def page(wanted: Filter, older: UUID | None = None, newer: UUID | None = None) -> Page:
    """Return the rows of `wanted` before the id `older`, or after the id `newer`, or the newest.

    Ids are ordered by time, so they are the key to page by, and no page costs more than another.
    """
    jobs = wanted.rows()
    if newer:
        found = rows.read(jobs.filter(id__gt=newer).order_by("id")[: PAGE + 1])
        more, found = len(found) > PAGE, found[:PAGE][::-1]
        if not more:
            return page(wanted)
        return Page(found, older=found[-1].job.pk, newer=found[0].job.pk)
    if older:
        jobs = jobs.filter(id__lt=older)
    found = rows.read(jobs.order_by("-id")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    return Page(
        found,
        older=found[-1].job.pk if more else None,
        newer=found[0].job.pk if older and found else None,
    )


def by_ids(ids: Iterable[UUID]) -> list[rows.Row]:
    """Return the rows of these jobs, in no order."""
    return rows.read(BackgroundJob.objects.filter(pk__in=list(ids)))


def newcomers(wanted: Filter, shown: Collection[UUID]) -> int:
    """Return how many jobs of `wanted` a page that shows `shown` lacks, counted to 1,000.

    Not only new jobs: under a state filter an old one can come in too. Below a full page's last
    row nothing is missing, it is on a later page.
    """
    jobs = wanted.rows().exclude(pk__in=shown)
    if len(shown) >= PAGE:
        jobs = jobs.filter(id__gt=min(shown))
    return jobs.order_by()[:1000].count()


Matrix = dict[tuple[str, str], int]
_WORD = Case(*(When(state.rows, then=Value(word)) for word, state in STATES.items()))


def counts(wanted: Filter) -> Matrix:
    """Return how many jobs there are by (job type, state word); none where there are none.

    The states of live jobs are counted exactly, finished ones to `CAP` + 1 each. Under a search
    the newest `CAP` + 1 matching jobs are counted.
    """
    if wanted.narrowed:
        found = wanted.without_tab().rows().annotate(word=_WORD).order_by("-id")
        return Counter(found.values_list("job_type", "word")[: CAP + 1])
    live = BackgroundJob.objects.filter(status__in=LIVE).annotate(word=_WORD)
    grouped = live.values_list("job_type", "word").annotate(number=Count("pk")).order_by()
    return {(kind, word): number for kind, word, number in grouped} | _finished()


def _finished() -> Matrix:
    """Return the finished jobs by type and state, counted to `CAP` + 1.

    The words stand in the statement, not beside it: the planner must know which of them are rare,
    else it looks for a rare one in every row.
    """
    parts = [
        f"SELECT '{kind}', '{word}', count(*) FROM (SELECT FROM background_jobs"
        f" WHERE job_type = '{kind}' AND status = '{word}' LIMIT {CAP + 1}) capped"
        for kind in JobType.values
        for word in map(str, TERMINAL)
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {(kind, word): number for kind, word, number in cursor.fetchall()}


@dataclass(frozen=True)
class Facts:
    """The top line. Seconds are floats; None where there is nothing to say."""

    busy: int
    slots: int
    workers: int
    completed: int
    failed: int
    causes: int
    worker_gone: float | None

    @property
    def succeeded(self) -> float | None:
        """Percent of the jobs of 24 h that ended well, of those that ended well or badly."""
        ended = self.completed + self.failed
        return 100 * self.completed / ended if ended else None


def facts() -> Facts:
    """Return the facts of the top line. A worker not seen for a lease does not count."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH alive AS (
                SELECT slots, busy FROM workers
                WHERE last_seen > now() - make_interval(secs => %(lease)s)
            )
            SELECT (SELECT coalesce(sum(busy), 0) FROM alive),
                (SELECT coalesce(sum(slots), 0) FROM alive),
                (SELECT count(*) FROM alive),
                (SELECT count(*) FROM background_jobs
                 WHERE status = 'completed' AND completed_at > now() - interval '24 hours'),
                (SELECT count(*) FROM background_jobs
                 WHERE status = 'failed' AND failed_at > now() - interval '24 hours'),
                (SELECT count(DISTINCT error_fingerprint) FROM background_jobs
                 WHERE status = 'failed' AND failed_at > now() - make_interval(days => %(days)s)
                 AND error_fingerprint <> ''),
                (SELECT extract(epoch FROM now() - max(last_seen))::float8 FROM workers)
            """,
            {"lease": settings.LEASE_SECONDS, "days": CAUSE_DAYS},
        )
        return Facts(*cursor.fetchone())


@dataclass(frozen=True)
class Queue:
    """How one type stands at `now`. `waiting` counts its ready jobs to `CAP` + 1, `oldest` is when
    the first of them was created; `paused_at` and `paused_by` are None where nobody paused it
    through us."""

    job_type: str
    paused: bool
    max_running: int | None
    running: int
    waiting: int
    oldest: datetime | None
    paused_at: datetime | None
    paused_by: str | None
    now: datetime

    @property
    def label(self) -> str:
        return JobType(self.job_type).label

    @property
    def waiting_said(self) -> str:
        return words.capped(self.waiting, CAP)

    @property
    def paused_said(self) -> str:
        return words.ago(self.paused_at, self.now) if self.paused_at else ""

    @property
    def full(self) -> bool:
        return self.max_running is not None and self.running >= self.max_running

    def hint(self, workers: int) -> str:
        """Say in short why its ready jobs wait, whatever their place among the others."""
        if self.paused:
            return f"{self.label} is paused"
        if self.full:
            return f"Cap reached: {self.running} of {self.max_running} running"
        return "Waits for a free slot" if workers else "No worker runs"


def queues() -> list[Queue]:
    """Return how the types stand. Of the ready jobs a bounded number is read, in the order of
    their index. The oldest is the first of one of the priorities; asked for by `=`, a priority
    that has no job would be looked for in every row, by the key."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT q.job_type, q.paused, q.max_running,
                (SELECT count(*) FROM background_jobs r
                 WHERE r.status = 'processing' AND r.job_type = q.job_type),
                (SELECT count(*) FROM (
                    SELECT FROM background_jobs c
                    WHERE c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL
                    AND c.job_type = q.job_type
                    ORDER BY c.priority DESC, c.id LIMIT %(cap)s
                ) ready),
                (SELECT min(first.created_at) FROM unnest(%(priorities)s) p CROSS JOIN LATERAL (
                    SELECT c.created_at FROM background_jobs c
                    WHERE c.status = 'pending' AND c.run_after IS NULL AND c.waiting_for IS NULL
                    AND c.job_type = q.job_type AND c.priority <= p
                    ORDER BY c.priority DESC, c.id LIMIT 1
                ) first),
                pause.at, pause.actor_name, now()
            FROM job_queues q {PAUSE}
            ORDER BY q.job_type
            """,
            {"cap": CAP + 1, "priorities": Priority.values},
        )
        return [Queue(*row) for row in cursor.fetchall()]


def asking(user_id: int, but: UUID | None = None) -> list[rows.Row]:
    """Return the newest jobs that a person started and that wait for an answer, without the job
    `but`; the last of more than `ASKING` only says that there are more. A pause asks nothing."""
    jobs = BackgroundJob.objects.filter(waiting_for__isnull=False, created_by=user_id)
    jobs = jobs.exclude(waiting_for=Waiting.PAUSED)
    jobs = jobs.exclude(pk=but) if but else jobs
    return rows.read(jobs.order_by("-id")[: ASKING + 1])


def open_causes() -> int:
    """Return how many causes of failure are open."""
    return _recently_failed().aggregate(n=Count("error_fingerprint", distinct=True))["n"]


@dataclass(frozen=True)
class Strip:
    """The last hour, minute by minute, oldest first: `minutes[word]` are 60 numbers."""

    now: datetime
    minutes: dict[str, list[int]]

    def total(self, word: str) -> int:
        return sum(self.minutes[word])


def last_hour() -> Strip:
    """Return what ended in the last hour: completed, failed, and tries that are to be retried."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT word, floor(extract(epoch FROM now() - at) / 60)::int, count(*), now()
            FROM (
                SELECT 'completed' AS word, completed_at AS at FROM background_jobs
                WHERE status = 'completed' AND completed_at > now() - interval '1 hour'
                UNION ALL
                SELECT 'failed', failed_at FROM background_jobs
                WHERE status = 'failed' AND failed_at > now() - interval '1 hour'
                UNION ALL
                SELECT 'retry', a.finished_at FROM background_jobs b
                JOIN job_attempts a ON a.job_id = b.id
                WHERE b.status = 'pending' AND b.run_after IS NOT NULL
                AND a.outcome IN ('retryable', 'crashed', 'lost')
                AND a.finished_at > now() - interval '1 hour'
            ) ended
            GROUP BY 1, 2
            UNION ALL SELECT '', 0, 0, now()
            """
        )
        found = cursor.fetchall()
    minutes = {word: [0] * 60 for word in ("completed", "retry", "failed")}
    for word, back, number, _ in found:
        if word and 0 <= back < 60:
            minutes[word][59 - back] = number
    return Strip(found[0][3], minutes)


def stopped_schedules() -> list[JobSchedule]:
    """Return the schedules that paused themselves, counted to 1,000, by name."""
    stopped = JobSchedule.objects.filter(paused=True).exclude(paused_because="")
    return list(stopped.only("name", "paused_because").order_by("name")[:1000])


@dataclass(frozen=True)
class Cause:
    """Failed jobs of `CAUSE_DAYS` that failed alike. `hours` counts them over the last 24."""

    fingerprint: str
    message: str
    number: int
    kinds: list[str]
    first: datetime
    last: datetime
    now: datetime
    hours: list[int]


def causes() -> list[Cause]:
    """Return the most frequent causes of failure, at most `CAUSES_SHOWN`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT error_fingerprint, (array_agg(error ORDER BY failed_at DESC))[1], count(*),
                array_agg(DISTINCT job_type), min(failed_at), max(failed_at), now(),
                array_agg(floor(extract(epoch FROM now() - failed_at) / 3600)::int)
            FROM background_jobs
            WHERE status = 'failed' AND failed_at > now() - make_interval(days => %s)
            AND error_fingerprint <> ''
            GROUP BY 1 ORDER BY 3 DESC, 6 DESC LIMIT %s
            """,
            [CAUSE_DAYS, CAUSES_SHOWN],
        )
        return [Cause(*[*row[:7], _by_hour(row[7])]) for row in cursor.fetchall()]


def failed_alike(fingerprint: str) -> list[UUID]:
    """Return the failed jobs behind a cause, oldest first: what its Retry all retries."""
    jobs = _recently_failed().filter(error_fingerprint=fingerprint)
    return list(jobs.order_by("id").values_list("pk", flat=True))


def needing_people() -> list[rows.Row]:
    """Return up to 100 jobs that wait for a person or have stalled, oldest first. Each has its own
    index; asked for together they would be looked for in every pending job."""
    waiting = BackgroundJob.objects.filter(waiting_for__isnull=False).order_by("waiting_for", "id")
    running = BackgroundJob.objects.filter(status=Status.PROCESSING, stalled_at__isnull=False)
    found = waiting.values("pk")[:PEOPLE].union(running.values("pk")[:PEOPLE], all=True)
    return rows.read(BackgroundJob.objects.filter(pk__in=found).order_by("id")[:PEOPLE])


def _recently_failed() -> QuerySet[BackgroundJob]:
    return BackgroundJob.objects.filter(
        status=Status.FAILED, failed_at__gt=Now() - timedelta(days=CAUSE_DAYS)
    ).exclude(error_fingerprint="")


def _by_hour(hours_back: list[int]) -> list[int]:
    """Return 24 counts, oldest first, from hours back."""
    number = Counter(hours_back)
    return [number[hour] for hour in reversed(range(24))]
