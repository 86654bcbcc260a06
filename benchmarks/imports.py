"""What an import costs: python benchmarks/imports.py [--rows N] [--rounds N] [--peer-rows N]

CPU is that of this process and of its database session together. The yardstick is our own reader
followed by a COPY of the raw records into a logged table with one primary key. Against it stand
the stage that writes (`rows_imported`: read, map, normalise, write) and the whole job (which also
looks at the feed and reads it to its end before anything is written). django-import-export is
compared row by row, since it is too slow for as many. Rounds are interleaved.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import harness
import psycopg
from django.db import connection, models, transaction
from harness import Figure, cpu_of, median, record, show
from import_export import resources
from import_export.instance_loaders import CachedInstanceLoader
from tablib import Dataset

from imports.pipeline import ImportPipeline
from imports.readers import Source, inspect, read
from imports.start import Request, start_import
from jobtracker import context, lifecycle, pipelines
from jobtracker.catalogue.models import Supplier
from jobtracker.context import JobContext
from jobtracker.models import BackgroundJob
from jobtracker.pipelines import Stage
from samples.make_samples import FEED_FIELDS, feed_rows, write_feed

BATCH = 1000
GOALS = {"create": 2.2, "unchanged": 1.6, "30 % changed": 2.0}
PEER_GOALS = {"create": 2.0, "update": 30.0}


@dataclass
class Cost:
    """CPU seconds of this process and of its session, and seconds by the clock."""

    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0

    @property
    def cpu(self) -> float:
        return self.client + self.server


def measured(work: Callable[[], Any]) -> Cost:
    pid = connection.connection.info.backend_pid
    client, server, wall = time.process_time(), cpu_of(pid), time.perf_counter()
    work()
    return Cost(time.process_time() - client, cpu_of(pid) - server, time.perf_counter() - wall)


class MeasuredPipeline(ImportPipeline):
    """The import, with the cost of each stage of the latest job."""

    costs: dict[str, Cost]

    def run_stage(self, stage: Stage, context: JobContext) -> None:
        run = super().run_stage
        self.costs[stage.name] = measured(lambda: run(stage, context))


class Silent:
    """A nurse that only listens for the end."""

    end: Mapping[str, Any]

    def send(self, message: Mapping[str, Any]) -> None:
        self.end = message.get("end", {})

    def stop(self) -> None:
        return None


def run_job(pipeline: MeasuredPipeline, feed: Path, supplier: str) -> dict[str, Cost]:
    """Run the whole job in this process; return what its stages cost."""
    start_import(Request(str(feed), supplier=supplier))
    claimed = lifecycle.claim(uuid4(), "bench", 1)
    assert claimed
    pipeline.costs = {}
    link = Silent()
    whole = measured(lambda: context.run(claimed, link))
    assert link.end["outcome"] == "completed", link.end
    # The next job must find this one ended, and nobody keeps its books here.
    lifecycle.fail(claimed.token, lifecycle.Failure("a benchmark's job"))
    BackgroundJob.objects.filter(pk=claimed.job_id).update(unique_key=None)
    return pipeline.costs | {"whole": whole}


def copy_raw(feed: Path, source: Source) -> None:
    """The yardstick: read all records and COPY them as they stand in the feed."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE raw_records")
    records = read(feed, source)
    while batch := list(islice(records, BATCH)):
        with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
            with cursor.copy("COPY raw_records FROM STDIN") as copy:
                for record in batch:
                    copy.write_row((record.number, record.raw))


def against_copy(rows: int, rounds: int, folder: Path) -> None:
    first = write_feed(folder / "feed.xml", rows)
    (folder / "third").mkdir()
    third = write_feed(folder / "third" / "feed.xml", rows, changed_share=0.3)
    source = inspect(first).source
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE raw_records (number int PRIMARY KEY, record text)")
    pipeline = MeasuredPipeline()
    pipelines.register(pipeline)
    base: list[Cost] = []
    jobs: dict[str, list[dict[str, Cost]]] = {name: [] for name in GOALS}
    gc.freeze()  # as an attempt's process does
    for number in range(rounds):
        base.append(measured(lambda: copy_raw(first, source)))
        for name, feed in zip(GOALS, (first, first, third), strict=True):
            jobs[name].append(run_job(pipeline, feed, f"Supplier {number}"))
    unit = _cpu(base, rows)
    table = [_line("reader and COPY", base, rows, unit, "")]
    for name, goal in GOALS.items():
        stages = [costs["rows_imported"] for costs in jobs[name]]
        table.append(_line(f"{name}: rows_imported", stages, rows, unit, f"{goal}"))
        ours = _cpu(stages, rows)
        record(
            Figure(
                f"import, {name}: CPU s per 100,000 rows; reader and COPY",
                f"{ours:.1f}",
                f"{_cpu(base, rows):.1f}",
                ours / _cpu(base, rows),
                f"{goal} at most",
            )
        )
    table += [
        _line(f"{name}: whole job", [costs["whole"] for costs in jobs[name]], rows, unit, "")
        for name in GOALS
    ]
    for stage in ("feed_parsed", "fields_mapped"):
        costs = [c[stage] for name in GOALS for c in jobs[name]]
        table.append(_line(f"of it {stage}", costs, rows, unit, ""))
    size = first.stat().st_size / 1e6
    show(
        f"Import of {rows:,} products ({size:.0f} MB XML), medians of {rounds} rounds;"
        " CPU seconds per 100,000 rows",
        ["", "client", "server", "sum", "ratio", "goal", "rows/s"],
        table,
    )


def _cpu(costs: list[Cost], rows: int) -> float:
    """Return the median CPU seconds per 100,000 rows."""
    return median([cost.cpu for cost in costs]) * 100_000 / rows


def _line(name: str, costs: list[Cost], rows: int, unit: float, goal: str) -> list[str]:
    scale = 100_000 / rows
    cpu = _cpu(costs, rows)
    return [
        name,
        f"{median([c.client for c in costs]) * scale:.1f}",
        f"{median([c.server for c in costs]) * scale:.1f}",
        f"{cpu:.1f}",
        f"{cpu / unit:.2f}",
        goal,
        f"{rows / median([c.wall for c in costs]):,.0f}",
    ]


class ProductRow(models.Model):
    """Where django-import-export writes: the columns of a material, and a key to find it by."""

    key = models.CharField(max_length=100, unique=True)
    sku = models.CharField(max_length=100)
    ean = models.CharField(max_length=20)
    name = models.CharField(max_length=300)
    brand = models.CharField(max_length=100)
    category = models.CharField(max_length=200)
    size = models.CharField(max_length=100)
    thickness = models.CharField(max_length=50)
    colour = models.CharField(max_length=50)
    finish = models.CharField(max_length=50)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    unit = models.CharField(max_length=20)
    stock = models.IntegerField()
    description = models.TextField()
    link = models.TextField()
    image = models.TextField()

    class Meta:
        app_label = "imports"
        db_table = "bench_products"


class ProductResource(resources.ModelResource):
    """As its documentation shows it: one save a row, found by the key."""

    class Meta:
        model = ProductRow
        import_id_fields = ("key",)
        exclude = ("id",)
        use_transactions = True


class CachedResource(ProductResource):
    """The same with its cached loader, which finds all rows with one query."""

    class Meta(ProductResource.Meta):
        instance_loader_class = CachedInstanceLoader


PEERS = {"default loader": ProductResource, "cached loader": CachedResource}


def peer_import(resource: type[ProductResource], products: int, changed_share: float) -> None:
    """Import made products; the data set is handed over in memory, as reading is not its part."""
    data = Dataset(headers=["key", *FEED_FIELDS[1:]])
    for row in feed_rows(products, 1, changed_share):
        data.append(row)
    done = resource().import_data(data, raise_errors=True)
    assert done.total_rows == products


def against_import_export(rows: int, rounds: int, folder: Path) -> None:
    """Both import the same products, all new and then with each price and stock changed."""
    first = write_feed(folder / "peer.xml", rows)
    (folder / "changed").mkdir()
    changed = write_feed(folder / "changed" / "peer.xml", rows, changed_share=1.0)
    with connection.schema_editor() as editor:
        editor.create_model(ProductRow)
    pipeline = MeasuredPipeline()
    pipelines.register(pipeline)
    ours: dict[str, list[dict[str, Cost]]] = {"create": [], "update": []}
    theirs: dict[tuple[str, str], list[Cost]] = {}
    for number in range(rounds):
        for kind, feed in (("create", first), ("update", changed)):
            ours[kind].append(run_job(pipeline, feed, f"Peer {number}"))
        for name, resource in PEERS.items():
            ProductRow.objects.all().delete()
            for kind, share in (("create", 0.0), ("update", 1.0)):
                work = partial(peer_import, resource, rows, share)
                theirs.setdefault((name, kind), []).append(measured(work))
    table = []
    for kind in ours:
        stages = [costs["rows_imported"] for costs in ours[kind]]
        wholes = [costs["whole"] for costs in ours[kind]]
        unit = _cpu(stages, rows)
        table.append(_line(f"{kind}: rows_imported", stages, rows, unit, ""))
        table.append(_line(f"{kind}: whole job", wholes, rows, unit, ""))
        for name in PEERS:
            label = f"{kind}: django-import-export, {name}"
            table.append(_line(label, theirs[name, kind], rows, unit, ""))
        table[-1][5] = f"{PEER_GOALS[kind]:g}"
        peer = _cpu(theirs["cached loader", kind], rows)
        record(
            Figure(
                f"import, {kind}: CPU s per 100,000 rows; django-import-export, cached",
                f"{unit:.1f}",
                f"{peer:.1f}",
                peer / unit,
                f"{PEER_GOALS[kind]:g} at least",
            )
        )
    show(
        f"Beside django-import-export, {rows:,} products, medians of {rounds} rounds;"
        " CPU seconds per 100,000 rows",
        ["", "client", "server", "sum", "ratio", "goal", "rows/s"],
        table,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--peer-rows", type=int, default=1_000)
    given = options.parse_args()
    with harness.database(), tempfile.TemporaryDirectory() as folder:
        Supplier.objects.count()  # opens the session
        against_copy(given.rows, given.rounds, Path(folder))
        against_import_export(given.peer_rows, given.rounds, Path(folder))


if __name__ == "__main__":
    main()
