"""A job and its detail row change together: the one way in which the other verbs write both."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from jobtracker import faults, pipelines
from jobtracker.pipelines import Detail
from jobtracker.states import Status


def change(statement: str, params: Sequence[Any]) -> dict[UUID, Status]:
    """Run one guarded update of jobs `b`; returns the new status of each that changed."""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING b.id, b.status, b.job_type", params)
        rows = cursor.fetchall()
    faults.point("change.written")
    for job_type in {kind for _, _, kind in rows}:
        mirror(job_type, [job_id for job_id, _, kind in rows if kind == job_type])
    return {job_id: Status(status) for job_id, status, _ in rows}


def mirror(job_type: str, job_ids: list[UUID]) -> None:
    """Bring the detail rows of jobs of one type in line with the jobs.

    A type without a pipeline here has no detail rows that this process could know.
    """
    pipeline = pipelines.find(job_type)
    if pipeline is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_update(pipeline.detail, 'background_jobs')} AND b.id = ANY(%s)", [job_ids]
        )


def mirrored(jobs: str) -> str:
    """Return what a statement's WITH goes on with to do the same for the changed jobs in `jobs`,
    an earlier part of it that returns whole rows, of whichever type they are."""
    return "".join(
        f", mirrored_{pipeline.job_type} AS ({_update(pipeline.detail, jobs)})"
        for pipeline in pipelines.registered()
    )


def _update(detail: Detail, jobs: str) -> str:
    columns = ", ".join(f"{name} = {value}" for name, value in detail.mirrors.items())
    return (
        f"UPDATE {detail.model._meta.db_table} d SET {columns} FROM {jobs} b"
        " WHERE b.id = d.background_job_id"
    )
