"""What a job leaves behind in tables, and how rows of it are removed with their files.

A file goes after the commit of the change that let it go: the same transaction notes it in
`files_to_remove`, and `files` removes what is noted. So a process that dies in between leaves no
row that names a missing file, and no file that nobody knows.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from psycopg.errors import QueryCanceled

from jobtracker import pipelines
from jobtracker.models import (
    AttemptSession,
    FileToRemove,
    JobAttempt,
    JobCheckpoint,
    JobEvent,
)
from jobtracker.pipelines import ItemTable, Pipeline
from jobtracker.webhooks.models import WebhookCall

JOBS = 250  # of one transaction
ROWS = 10_000  # of one table in one transaction of that many jobs, and fewer in a smaller one

logger = logging.getLogger(__name__)

Jobs = list[tuple[UUID, str]]  # ids and types

LONG_TABLES = (ItemTable(JobEvent, "job_id"), ItemTable(WebhookCall, "job_id"))
"""The tracker's own tables with many rows a job."""
SHORT_TABLES = (
    ItemTable(AttemptSession, "attempt__job_id"),
    ItemTable(JobAttempt, "job_id"),
    ItemTable(JobCheckpoint, "job_id"),
)
"""Those with few; what refers to another of them comes first."""
ALL_TABLES = LONG_TABLES + SHORT_TABLES


@dataclass(frozen=True)
class Bit:
    """What one small transaction removed, by kind, and whether there may be more of it."""

    gone: Counter[str] = field(default_factory=Counter)
    more: bool = False


@dataclass(frozen=True)
class Items:
    """The item rows of jobs, and with them their files."""

    setting: str = "RETENTION_DAYS_ROWS"

    def remove(self, jobs: Jobs, most: int) -> Bit:
        """Remove rows of jobs that stay. Their checkpoints hold for nothing from then on, so that
        a retry begins anew."""
        bit = remove_rows(jobs, most)
        if bit.gone:
            void_checkpoints(jobs)
        return bit

    def count(self, pipeline: Pipeline, ids: QuerySet[Any]) -> dict[str, int]:
        return {table.name: table.rows(ids).count() for table in pipeline.item_tables}


@dataclass(frozen=True)
class Sources:
    """The stored files that jobs worked on."""

    setting: str = "RETENTION_DAYS_SOURCES"

    def remove(self, jobs: Jobs, most: int) -> Bit:
        gone: Counter[str] = Counter()
        for pipeline, ids in by_pipeline(jobs):
            gone["sources"] += release_sources(pipeline, ids)
        return Bit(+gone)

    def count(self, pipeline: Pipeline, ids: QuerySet[Any]) -> dict[str, int]:
        return {"sources": _with_source(pipeline, ids).count()} if pipeline.source_column else {}


@dataclass(frozen=True)
class Pictures:
    """The pictures of pages; the pages stay without them."""

    setting: str = "RETENTION_DAYS_PICTURES"

    def remove(self, jobs: Jobs, most: int) -> Bit:
        gone: Counter[str] = Counter()
        for pipeline, ids in by_pipeline(jobs):
            for table in filter(_has_pictures, pipeline.item_tables):
                rows = _with_picture(table, ids).values_list("pk", *table.pictures)
                found = list(rows[: rows_of(most)])
                fresh = table.model()
                table.model._base_manager.filter(pk__in=[row[0] for row in found]).update(
                    **{name: getattr(fresh, name) for name in table.pictures}
                )
                note_files("default", _names(found))
                gone["pictures"] += len(found)
                if len(found) == rows_of(most):
                    return Bit(+gone, more=True)
        return Bit(+gone)

    def count(self, pipeline: Pipeline, ids: QuerySet[Any]) -> dict[str, int]:
        tables = filter(_has_pictures, pipeline.item_tables)
        return {"pictures": sum(_with_picture(table, ids).count() for table in tables)}


Act = Items | Sources | Pictures


def by_pipeline(jobs: Jobs) -> Iterator[tuple[Pipeline, list[UUID]]]:
    """Part jobs by their pipeline."""
    for pipeline in pipelines.registered():
        if mine := [job_id for job_id, kind in jobs if kind == pipeline.job_type]:
            yield pipeline, mine


def detail_of(pipeline: Pipeline) -> ItemTable:
    return ItemTable(pipeline.detail.model, "background_job_id")


def rows_of(most: int) -> int:
    """Return how many rows of one table a transaction of at most so many jobs removes."""
    return max(1, ROWS * most // JOBS)


def remove_rows(jobs: Jobs, most: int, tables: Iterable[ItemTable] = ()) -> Bit:
    """Remove the jobs' item rows and their rows in `tables`, no further than the first table that
    has too many for one transaction. Files of item rows that the catalogue shows stay."""
    gone: Counter[str] = Counter()
    parts = [
        (table, ids, pipeline.files_to_keep)
        for pipeline, ids in by_pipeline(jobs)
        for table in pipeline.item_tables
    ]
    ids = [job_id for job_id, _ in jobs]
    for table, mine, files_to_keep in [*parts, *((table, ids, None) for table in tables)]:
        found = list(table.rows(mine).values_list("pk", *table.files)[: rows_of(most)])
        if names := _names(found):
            if files_to_keep and not table.pictures:
                names -= _shown(files_to_keep, mine, names)
            note_files("default", names)
        gone[table.name] += delete(table.model, [row[0] for row in found])
        if len(found) == rows_of(most):
            return Bit(+gone, more=True)
    return Bit(+gone)


def remove_all(table: ItemTable, ids: list[UUID]) -> int:
    """Remove all rows of jobs in a table that has few of them."""
    return delete(table.model, list(table.rows(ids).values_list("pk", flat=True)))


def void_checkpoints(jobs: Jobs) -> None:
    """Let the stages of jobs that lost rows run again, should somebody retry them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE job_checkpoints SET data = data || '{\"pruned\": true}'"
            " WHERE job_id = ANY(%s) AND NOT data ? 'pruned'",
            [[job_id for job_id, _ in jobs]],
        )


def release_sources(pipeline: Pipeline, ids: list[UUID]) -> int:
    """Let jobs' stored sources go; returns how many jobs had one."""
    if not pipeline.source_column:
        return 0
    rows = _with_source(pipeline, ids)
    names = set(rows.values_list(pipeline.source_column, flat=True))
    number = rows.update(**{pipeline.source_column: ""})
    note_files("sources", names)
    return number


def note_files(storage: str, names: Iterable[str]) -> None:
    """Have files removed after the commit of this transaction."""
    notes = [FileToRemove(storage=storage, name=name) for name in sorted(names)]
    FileToRemove.objects.bulk_create(notes, ignore_conflicts=True, batch_size=1000)


def delete(model: type[Model], keys: list[Any]) -> int:
    """Remove rows by their keys, without Django's cascade: what refers to them is gone."""
    if not keys:
        return 0
    key = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {model._meta.db_table} WHERE {key and key.column} = ANY(%s)", [keys]
        )
        return cursor.rowcount


def _shown(
    files_to_keep: Callable[[list[UUID], set[str]], set[str]], ids: list[UUID], names: set[str]
) -> set[str]:
    """Ask a pipeline which files must stay. All do where that takes too long to find out: a file
    too many harms nobody, and a catalogue that large must not stop the pruning."""
    try:
        with transaction.atomic():
            return files_to_keep(ids, names)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        logger.warning("%d files stay: the catalogue took too long to ask about them", len(names))
        return names


def _with_source(pipeline: Pipeline, ids: Any) -> QuerySet[Any]:
    return detail_of(pipeline).rows(ids).exclude(**{pipeline.source_column: ""})


def _has_pictures(table: ItemTable) -> bool:
    return bool(table.pictures)


def _with_picture(table: ItemTable, ids: Any) -> QuerySet[Any]:
    return table.rows(ids).exclude(**{table.pictures[0]: ""})


def _names(rows: Iterable[tuple[Any, ...]]) -> set[str]:
    """Return the file names in rows of a key and columns: a name each, or JSON with names in it."""
    found: set[str] = set()
    waiting = [value for row in rows for value in row[1:]]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list):
            waiting += value
    return found - {""}
