"""Work that does nothing but note when it began: a job of ours, and a task of stock django-q2.

All moments are those of CLOCK_MONOTONIC, which is the same for every process of a host.
"""

import os
import time
from uuid import UUID

from django.db import connection

from jobtracker import pipelines
from jobtracker.context import JobContext
from jobtracker.pipelines import Counts, Detail, Pipeline, Stage
from jobtracker.states import JobType
from scraping.models import ScrapingSession

TABLE = "CREATE TABLE bench_starts (name text PRIMARY KEY, forked float8, begun float8)"

_forked_at = 0.0


def _note_fork() -> None:
    global _forked_at
    _forked_at = time.monotonic()


os.register_at_fork(after_in_child=_note_fork)


def begin(name: str) -> None:
    """Note that the work of that name has begun; the whole of the task."""
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_starts VALUES (%s, %s, %s)", [name, _forked_at, begun])


class ProbePipeline(Pipeline):
    job_type = JobType.SCRAPING
    label = "Probe"
    stages = (Stage("begin", "Begin"),)
    detail = Detail(ScrapingSession, pipelines.SAME_STATUS)

    def begin(self, context: JobContext) -> None:
        begin(context.job.filename)
        context.checkpoint(1)

    def recount(self, job_id: UUID) -> Counts:
        return Counts(total=1, done=1)
