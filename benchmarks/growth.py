"""Whether an import grows dearer as the catalogue grows: python benchmarks/growth.py [--rows N]

One feed of a million products (1.8 GB as XML) is imported into an empty catalogue, and the CPU of
this process and of its database session is read off as the rows go by. The cost of a row at each
size stands beside that of the first 100,000.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

os.environ["MAX_UPLOAD_MB"] = "4096"  # before the settings are read

import harness
from django.db import connection
from harness import Figure, cpu_of, record, show
from import_jobs import Listener, MeasuredPipeline, run_job

from jobtracker import pipelines
from jobtracker.catalogue.models import Supplier
from samples.make_samples import write_feed

GOAL = 1.3
MARKS = (0, 10_000, 100_000, 200_000, 300_000, 500_000, 700_000, 900_000, 1_000_000)
STAGE = "rows_imported"


class Passed(NamedTuple):
    """CPU seconds used when so many rows were written."""

    rows: int
    client: float
    server: float


class Watch(Listener):
    """Notes the CPU as the rows go by; the pipeline reports a few times a second."""

    def __init__(self) -> None:
        self._server = connection.connection.info.backend_pid
        self.passed: list[Passed] = []

    def hear(self, progress: Mapping[str, Any]) -> None:
        if progress["stage"] == STAGE:
            self.passed.append(
                Passed(progress["stage_done"], time.process_time(), cpu_of(self._server))
            )

    def between_marks(self) -> Iterator[tuple[Passed, Passed]]:
        """The reports next after each two of the marks that were passed."""
        last = self.passed[-1].rows
        marks = sorted({min(mark, last) for mark in MARKS})
        return pairwise(next(at for at in self.passed if at.rows >= mark) for mark in marks)


def per_100_000(begun: Passed, ended: Passed) -> tuple[float, float]:
    """Return the CPU seconds of client and server for 100,000 rows."""
    scale = 100_000 / (ended.rows - begun.rows)
    return (ended.client - begun.client) * scale, (ended.server - begun.server) * scale


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    with harness.database(), tempfile.TemporaryDirectory() as folder:
        Supplier.objects.count()  # opens the session
        feed = write_feed(Path(folder) / "feed.xml", rows)
        pipeline = MeasuredPipeline()
        pipelines.register(pipeline)
        gc.freeze()  # as an attempt's process does
        watch = Watch()
        costs = run_job(pipeline, feed, "Growth", watch)
    begun = watch.passed[0]
    first = next(at for at in watch.passed if at.rows >= min(100_000, rows // 2))
    unit = sum(per_100_000(begun, first))
    table = []
    for before, after in watch.between_marks():
        client, server = per_100_000(before, after)
        ratio = (client + server) / unit
        table.append(
            [
                f"{before.rows:,} to {after.rows:,}",
                f"{client:.1f}",
                f"{server:.1f}",
                f"{client + server:.1f}",
                f"{ratio:.2f}",
            ]
        )
    record(
        Figure(
            f"import at {rows:,} materials: CPU s per 100,000 rows; the first 100,000",
            f"{client + server:.1f}",
            f"{unit:.1f}",
            ratio,
            f"{GOAL} at most",
        )
    )
    stage = costs[STAGE]
    show(
        f"Creates as the catalogue grows to {rows:,} materials; CPU seconds per 100,000 rows;"
        f" {rows / stage.wall:,.0f} rows/s, at most {stage.most:.0f} MB",
        ["materials", "client", "server", "sum", "by the first 100,000"],
        table,
    )


if __name__ == "__main__":
    main()
