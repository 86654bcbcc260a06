"""How a job comes to be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobtracker import audit, faults, pipelines
from jobtracker.models import User
from jobtracker.states import Priority


@dataclass(frozen=True)
class Created:
    """`existing` says that a live job with the same unique key was found instead."""

    job_id: UUID
    existing: bool


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
    running job already has, nothing is created and that job is returned. A job with a parent does
    some of the parent's items again; that is an act on the parent and leaves its audit line.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        faults.point("create.opened")
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
        faults.point("create.inserted")
        model = pipelines.get(job_type).detail.model
        model._default_manager.create(background_job_id=row[0], **(detail or {}))
        if parent_id:
            audit.record(created_by, "run items again", "job", [parent_id], job=str(row[0]))
        faults.point("create.detailed")
    faults.point("create.committed")
    return Created(row[0], existing=False)
