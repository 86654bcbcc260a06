"""A pipeline of ours whose one stage is a body; the job's file name says which."""

from typing import Any
from uuid import UUID

from django.db import connection

from benchmarks.peers import bodies
from jobtracker import pipelines
from jobtracker.context import JobContext
from jobtracker.pipelines import Counts, Detail, Pipeline, Stage
from jobtracker.states import JobType
from scraping.models import ScrapingSession


class BodyPipeline(Pipeline):
    job_type = JobType.SCRAPING
    label = "Body"
    stages = (Stage("work", "Work"),)
    detail = Detail(ScrapingSession, pipelines.SAME_STATUS)

    def work(self, context: JobContext) -> None:
        bodies.work(context.job.filename, _session, context.transaction)
        context.checkpoint(1)

    def recount(self, job_id: UUID) -> Counts:
        return Counts(total=1, done=1)


def _session() -> Any:
    connection.ensure_connection()
    return connection.connection
