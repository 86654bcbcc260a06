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

import mmap
import os
import signal
import tempfile
import time
from collections.abc import Iterable
from typing import Any, BinaryIO
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
from tests.chaos.sink import Line

CHECKPOINT_ITEMS = 10
BATCH_MATERIALS = 20
ITEMS_PER_MATERIAL = 5  # the catalogue's own writes would else be most of a run's work
SCRATCH_BYTES = 48 << 20


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
        sink = Line(os.environ["CHAOS_SINK"])
        with tempfile.TemporaryFile(buffering=0) as scratch:
            for item in range(items):
                if item not in committed:
                    _use_limited(scratch)
                    time.sleep(context.job.metadata.get("pace", 0))
                    _misbehave(context, item)
                    context.check()
                    sink.call(context.job.id, item, context.token)
                    committed.add(item)
                    _commit(context, item, len(committed))
                    counts = Counts(total=items, done=len(committed))
                    context.advance(len(committed), items, counts=counts)
        context.checkpoint(items)

    def materials(self, context: JobContext) -> None:
        told = context.job.metadata
        source = CatalogueSource.objects.select_related("supplier").get(
            supplier_id=context.job.supplier_id, kind=Kind.FEED, name=told["label"]
        )
        writer = write.Writer(context.job.id, source, "chaos_rows")
        last = context.resumed.get("number", 0)
        whole = -(-told["items"] // ITEMS_PER_MATERIAL)
        while last < whole:
            rows = [
                product(told["label"], number)
                for number in range(last + 1, min(last + BATCH_MATERIALS, whole) + 1)
            ]
            _write(context, writer, rows)
            last = rows[-1].number
            context.advance(last, whole)
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


def _use_limited(scratch: BinaryIO) -> None:
    """Use address space, memory and disk, so that a limit of theirs is met soon."""
    with mmap.mmap(-1, SCRATCH_BYTES) as memory:
        memory[0] = 1
    scratch.seek(0)
    scratch.write(b"scratch")


def _commit(context: JobContext, item: int, done: int) -> None:
    """Append the item to the ledger, with the checkpoint that covers it where one is due."""
    with context.transaction():
        _rows(
            "INSERT INTO chaos_ledger (job, item, token) VALUES (%s, %s, %s)",
            context.job.id, item, context.token,
        )  # fmt: skip
        if done % CHECKPOINT_ITEMS == 0:
            context.checkpoint(done, state=StageState.RUNNING)


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
