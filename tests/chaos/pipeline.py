"""The pipeline of the fault harness: every item leaves a trace outside the system's own tables.

An item calls the HTTP sink (`CHAOS_SINK`, host:port) under an idempotency key and then appends to
the ledger in a fenced transaction of its own. What a job does is in its metadata:

    label      names its products
    items      how many items it has
    behaviour  plain, scheduled, cancel (the harness cancels it), transient (one passing error),
               permanent (an error that no retry mends), poison (a segmentation fault each time)
    at         before which item it misbehaves, or is cancelled
    pace       seconds that an item takes besides
"""

import http.client
import mmap
import os
import signal
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from imports.models import DataImportJob
from jobtracker import lifecycle
from jobtracker.catalogue import write
from jobtracker.catalogue.models import CatalogueSource, Kind
from jobtracker.catalogue.write import Row
from jobtracker.context import JobContext
from jobtracker.lifecycle import Created
from jobtracker.models import JobSchedule
from jobtracker.pipelines import SAME_STATUS, Counts, Detail, Pipeline, Stage
from jobtracker.states import JobType, Permanent, Retryable, StageState

CHECKPOINT_ITEMS = 10
BATCH_ITEMS = 60
SCRATCH_BYTES = 48 << 20  # asked for at each item, so that a memory limit is met soon


class ChaosPipeline(Pipeline):
    job_type = JobType.IMPORT
    label = "Chaos"
    stages = (
        Stage("prepare", "Prepare"),
        Stage("work", "Work", 8, "items"),
        Stage("materials", "Write materials", 1, "materials"),
    )
    detail = Detail(
        DataImportJob,
        SAME_STATUS
        | {
            "total_products": "b.total_items",
            "processed_products": "b.done_items + b.skipped_items",
            "failed_products": "b.failed_items",
        },
    )

    def start_scheduled(
        self, schedule: JobSchedule, *, metadata: dict[str, Any], **common: Any
    ) -> Created:
        return lifecycle.create(
            JobType.IMPORT,
            metadata=schedule.spec | metadata,
            max_attempts=20,
            detail={"source_name": "chaos", "import_type": "xml"},
            **common,
        )

    def prepare(self, context: JobContext) -> None:
        with context.transaction():
            CatalogueSource.objects.get_or_create(
                supplier_id=context.job.supplier_id,
                kind=Kind.FEED,
                name=context.job.metadata["label"],
            )
            context.checkpoint(1)

    def work(self, context: JobContext) -> None:
        items = context.job.metadata["items"]
        committed = set(_rows("SELECT item FROM chaos_ledger WHERE job = %s", context.job.id))
        done = len(committed)
        sink = Sink()
        for item in range(items):
            if item in committed:
                continue
            mmap.mmap(-1, SCRATCH_BYTES).close()
            time.sleep(context.job.metadata.get("pace", 0))
            _misbehave(context, item)
            context.check()
            sink.call(context.job.id, item, context.token)
            with context.transaction():
                _rows(
                    "INSERT INTO chaos_ledger (job, item, token) VALUES (%s, %s, %s)",
                    context.job.id, item, context.token,
                )  # fmt: skip
                done += 1
                if done % CHECKPOINT_ITEMS == 0:
                    context.checkpoint(done, state=StageState.RUNNING)
            context.advance(done, items, counts=Counts(total=items, done=done))
        context.checkpoint(items)

    def materials(self, context: JobContext) -> None:
        told = context.job.metadata
        source = CatalogueSource.objects.select_related("supplier").get(
            supplier_id=context.job.supplier_id, kind=Kind.FEED, name=told["label"]
        )
        writer = write.Writer(context.job.id, source, "chaos_rows")
        last = context.resumed.get("number", 0)
        while last < told["items"]:
            rows = [
                product(told["label"], number)
                for number in range(last + 1, min(last + BATCH_ITEMS, told["items"]) + 1)
            ]
            _write(context, writer, rows)
            last = rows[-1].number
            context.advance(last, told["items"])
        context.checkpoint(last, {"number": last})

    def recount(self, job_id: UUID) -> Counts:
        [total] = _rows(
            "SELECT (metadata->>'items')::int FROM background_jobs WHERE id = %s", job_id
        )
        [done] = _rows("SELECT count(DISTINCT item) FROM chaos_ledger WHERE job = %s", job_id)
        [made] = _rows("SELECT count(DISTINCT key) FROM chaos_rows WHERE job_id = %s", job_id)
        return Counts(total=total, done=done, result={"materials": made})

    def forget(self, job_id: UUID, stages: Iterable[str]) -> None:
        for stage, table, column in ("work", "ledger", "job"), ("materials", "rows", "job_id"):
            if stage in stages:
                _rows(f"DELETE FROM chaos_{table} WHERE {column} = %s", job_id)


class Sink:
    """The job's line to the HTTP sink, opened at its first call."""

    def __init__(self) -> None:
        # No time-out: a process that was stopped finds its answer there when it goes on.
        self._line = http.client.HTTPConnection(os.environ["CHAOS_SINK"])

    def call(self, job: UUID, item: int, token: UUID) -> None:
        """Return once the sink has the call on its disk."""
        headers = {"Idempotency-Key": f"{job}:{item}", "X-Token": str(token), "Content-Length": "0"}
        self._line.request("POST", "/", headers=headers)
        answer = self._line.getresponse()
        answer.read()
        if answer.status != 204:
            raise AssertionError(f"the sink answers {answer.status}")


def product(label: str, number: int) -> Row:
    """Return a job's product; `invariants/materials.sql` knows the same values."""
    sku = f"{label}-{number}"
    return Row(
        number,
        number,
        sku,
        {
            "name": f"Product {number} of {label}",
            "sku": {"raw": sku, "fold": sku},
            "price": {"amount": f"{number * 37 % 1000}.50", "currency": "EUR", "unit": "m2"},
        },
    )


def _write(context: JobContext, writer: write.Writer, rows: list[Row]) -> None:
    """Commit a batch of materials with its checkpoint."""

    def commit() -> None:
        writer.stage(rows)
        context.fence()
        writer.apply()
        last = rows[-1].number
        context.checkpoint(last, {"number": last}, StageState.RUNNING)

    write.in_transaction(commit)


def _misbehave(context: JobContext, item: int) -> None:
    told = context.job.metadata
    if item != told["at"]:
        return
    match told["behaviour"]:
        case "poison":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "permanent":
            raise Permanent("This job was told to fail.")
        case "transient":
            if not _rows("SELECT job FROM chaos_raised WHERE job = %s", context.job.id):
                with context.transaction():
                    _rows("INSERT INTO chaos_raised VALUES (%s)", context.job.id)
                raise Retryable("This job was told to try once more.")


def _rows(statement: str, *params: Any) -> list[Any]:
    """Run a statement; return the first column of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []
