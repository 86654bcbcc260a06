"""What an import costs: python benchmarks/imports.py [--rows N] [--rounds N] [--types xml csv json]

CPU is that of this process and of its database session together. The yardstick is our own reader
followed by a COPY of the raw records into a logged table with one primary key; the same reader
followed by an upsert with `executemany` stands for what one writes by hand: the feed's fields as
they are, in columns, found by their key. Against them stand the stage that writes
(`rows_imported`: read, map, normalise, write) and the whole job (which also looks at the feed and
reads it to its end before anything is written). Rounds are interleaved. A feed of 100,000 products
has 200 MB as XML.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import harness
import psycopg
from django.db import connection, transaction
from harness import Figure, record, show
from import_jobs import HEADS, Cost, MeasuredPipeline, cpu, line, measured, run_job

from imports.readers import Source, inspect, read
from jobtracker import pipelines
from jobtracker.catalogue.models import Supplier
from samples.make_samples import FEED_FIELDS, write_feed

BATCH = 1000
GOALS = {"create": 2.2, "unchanged": 1.6, "30 % changed": 2.0}
KEY, *OTHERS = FEED_FIELDS

TABLES = f"""
DROP TABLE IF EXISTS raw_records, upserted;
CREATE TABLE raw_records (number int PRIMARY KEY, record text);
CREATE TABLE upserted ({KEY} text PRIMARY KEY, {", ".join(f'"{name}" text' for name in OTHERS)});
"""
UPSERT = f"""
INSERT INTO upserted VALUES ({", ".join(["%s"] * len(FEED_FIELDS))}) ON CONFLICT ({KEY})
DO UPDATE SET {", ".join(f'"{name}" = excluded."{name}"' for name in OTHERS)}
"""


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


def upsert(feed: Path, source: Source) -> None:
    """Read all records and write their fields, each row a statement, a thousand to a commit."""
    records = read(feed, source)
    while batch := list(islice(records, BATCH)):
        with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
            rows = [[record.fields.get(name) for name in FEED_FIELDS] for record in batch]
            cursor.executemany(UPSERT, rows)


def compare(kind: str, rows: int, rounds: int, folder: Path) -> None:
    """Import feeds of one type, and print what it costs beside the yardsticks."""
    (folder / "changed").mkdir(exist_ok=True)
    # One name, which is that of the source: the second is the first, later.
    first, changed = (
        write_feed(folder / place / f"feed.{kind}", rows, type=kind, changed_share=share)
        for place, share in ((".", 0.0), ("changed", 0.3))
    )
    source = inspect(first).source
    pipeline = MeasuredPipeline()
    pipelines.register(pipeline)
    peers: dict[str, Callable[[], None]] = {
        "reader and COPY": partial(copy_raw, first, source),
        "reader and upsert, create": partial(upsert, first, source),
        "reader and upsert, 30 % changed": partial(upsert, changed, source),
    }
    theirs: dict[str, list[Cost]] = {name: [] for name in peers}
    jobs: dict[str, list[dict[str, Cost]]] = {name: [] for name in GOALS}
    for number in range(rounds):
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        for name, work in peers.items():
            theirs[name].append(measured(work))
        for name, feed in zip(GOALS, (first, first, changed), strict=True):
            jobs[name].append(run_job(pipeline, feed, f"{kind} {number}"))
    unit = cpu(theirs["reader and COPY"], rows)
    table = [line(name, costs, rows, unit) for name, costs in theirs.items()]
    for name, goal in GOALS.items():
        stages = [costs["rows_imported"] for costs in jobs[name]]
        table.append(line(f"{name}: rows_imported", stages, rows, unit, f"{goal}"))
        record(
            Figure(
                f"import of {kind}, {name}: CPU s per 100,000 rows; reader and COPY",
                f"{cpu(stages, rows):.1f}",
                f"{unit:.1f}",
                cpu(stages, rows) / unit,
                f"{goal} at most",
            )
        )
    for name in GOALS:
        wholes = [costs["whole"] for costs in jobs[name]]
        table.append(line(f"{name}: whole job", wholes, rows, unit))
    for stage in ("feed_parsed", "fields_mapped"):
        costs = [c[stage] for name in GOALS for c in jobs[name]]
        table.append(line(f"of it {stage}", costs, rows, unit))
    show(
        f"Import of {rows:,} products ({first.stat().st_size / 1e6:.0f} MB {kind.upper()}),"
        f" medians of {rounds} rounds; CPU seconds per 100,000 rows",
        HEADS,
        table,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--types", nargs="+", default=["xml", "csv", "json"])
    given = options.parse_args()
    with harness.database(), tempfile.TemporaryDirectory() as folder:
        Supplier.objects.count()  # opens the session
        gc.freeze()  # as an attempt's process does
        for kind in given.types:
            compare(kind, given.rows, given.rounds, Path(folder))


if __name__ == "__main__":
    main()
