"""A small pipeline and short ways to make jobs, for tests of the tracker itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, connections

from imports.models import DataImportJob
from jobtracker import lifecycle, pipelines
from jobtracker.models import BackgroundJob
from jobtracker.pipelines import SAME_STATUS, Counts, Detail, Pipeline, Stage
from jobtracker.states import JobType

WORKER = uuid4()
GOOD = Counts(3, 1, 1, 1, {"materials": 1})


class TwoStages(Pipeline):
    """Stages `first` and `second`, whose bodies a test sets."""

    job_type = JobType.IMPORT
    label = "Import"
    stages = (Stage("first", "First"), Stage("second", "Second", share=3))
    detail = Detail(
        DataImportJob,
        SAME_STATUS
        | {
            "total_products": "b.total_items",
            "processed_products": "b.done_items + b.skipped_items",
            "failed_products": "b.failed_items",
        },
    )

    def __init__(self) -> None:
        self.first_body: Callable[[Any], None] = lambda context: context.checkpoint(1)
        self.second_body: Callable[[Any], None] = lambda context: context.checkpoint(3)
        self.counts = GOOD
        self.forgotten: list[str] = []

    def first(self, context: Any) -> None:
        self.first_body(context)

    def second(self, context: Any) -> None:
        self.second_body(context)

    def recount(self, job_id: UUID) -> Counts:
        return self.counts

    def forget(self, job_id: UUID, stages: Any) -> None:
        self.forgotten += stages


@contextmanager
def pipeline_in_place() -> Iterator[TwoStages]:
    """Stand in for the import pipeline while a test runs."""
    kept = pipelines.get(JobType.IMPORT)
    stand_in = TwoStages()
    pipelines.register(stand_in)
    try:
        yield stand_in
    finally:
        pipelines.register(kept)


def make_job(**values: Any) -> BackgroundJob:
    """Create a pending import job."""
    detail = {"source_name": "tiles.xml", "import_type": "xml"}
    created = lifecycle.create("xml_import", filename="tiles.xml", detail=detail, **values)
    return BackgroundJob.objects.get(pk=created.job_id)


def claim() -> lifecycle.Claimed:
    """Claim the next job, which must exist."""
    claimed = lifecycle.claim(WORKER, "host", 1)
    assert claimed is not None
    return claimed


class Elsewhere(Thread):
    """Runs a function on a connection of its own; `result()` joins and gives its answer."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self._outcome: tuple[str, Any] = ("missing", None)
        self.start()

    def run(self) -> None:
        try:
            self._outcome = ("value", self._act())
        except BaseException as error:
            self._outcome = ("error", error)
        finally:
            connections.close_all()

    def result(self, timeout: float = 20) -> Any:
        self.join(timeout)
        kind, value = self._outcome
        assert kind != "missing", "the other connection still waits"
        if kind == "error":
            raise value
        return value


def wait_until_blocked(count: int = 1, polls: int = 2000) -> None:
    """Return once `count` sessions of this database wait for a lock."""
    with connection.cursor() as cursor:
        for _ in range(polls):
            # One transaction otherwise sees the same list of sessions again and again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*), pg_sleep(0.005) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
    raise AssertionError("nobody waits for a lock")
