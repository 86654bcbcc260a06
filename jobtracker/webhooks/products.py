"""Sends products to `PRODUCT_API_URL`, in batches that are calls.

A body is `{"job": ID, "products": [...]}`, a product as in a line of `materials export --format
ndjson`. The rows of calls commit with the checkpoint of what they cover, so a crash neither loses
nor doubles a product; sending them is not the job's work any more.
"""

import json
from array import array
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from jobtracker.catalogue import export
from jobtracker.catalogue.models import Material
from jobtracker.context import JobContext
from jobtracker.monitor.words import counted
from jobtracker.states import StageState
from jobtracker.webhooks.calls import call
from jobtracker.webhooks.models import WebhookCall

PRODUCTS = 100  # of one call, at most
BYTES = 512 * 1024  # of one call, unless a single product is larger
MATERIALS = 500  # of one transaction


def deliver(context: JobContext, materials: QuerySet[Any, Any]) -> None:
    """Write the calls of a stage that delivers `materials` (ids), to its checkpoint. Without
    `PRODUCT_API_URL`, or without a material, the stage is empty."""
    if not settings.PRODUCT_API_URL:
        context.checkpoint(0, {}, StageState.EMPTY)
        return
    kept = context.resumed
    after, products, calls = (kept.get(name, 0) for name in ("after", "products", "calls"))
    ids = _ids(materials, after)
    whole = products + len(ids)
    for start in range(0, len(ids), MATERIALS):
        part = ids[start : start + MATERIALS]
        lines = export.lines(materials=Material.objects.filter(pk__in=list(part)).values("pk"))
        made = [
            call(
                context.job.id,
                context.job.job_type,
                settings.PRODUCT_API_URL,
                {"job": str(context.job.id), "products": batch},
                len(batch),
            )
            for batch in batches(lines)
        ]
        products, calls = products + sum(each.items for each in made), calls + len(made)
        data = {"after": part[-1], "products": products, "calls": calls}
        with context.transaction():
            WebhookCall.objects.bulk_create(made)
            context.checkpoint(products, data, StageState.RUNNING)
        context.advance(products, whole)
    data = {"products": products, "calls": calls}
    context.checkpoint(products, data, StageState.DONE if products else StageState.EMPTY)
    if calls:
        waiting = "waits" if products == 1 else "wait"
        said = f"{counted(products, 'products')} {waiting} to be delivered"
        context.log(f"{said}, in {counted(calls, 'calls')}")


def batches(lines: Iterator[export.Line]) -> Iterator[list[export.Line]]:
    """Part products by `PRODUCTS` and `BYTES`; one that is larger goes alone."""
    batch: list[export.Line] = []
    size = 0
    for line in lines:
        length = len(json.dumps(line, ensure_ascii=False).encode())
        if batch and (len(batch) == PRODUCTS or size + length > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


def _ids(materials: QuerySet[Any, Any], after: int) -> "array[int]":
    """Return the ids above `after`, each once, in order: eight bytes each, however many."""
    statement, params = materials.query.sql_with_params()
    found = array("q")
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT m.id FROM ({statement}) AS m (id) WHERE m.id > %s ORDER BY 1",
            [*params, after],
        )
        for (pk,) in cursor:
            found.append(pk)
    return found
