"""An import run in this process, and what it costs: for the benchmarks of imports."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection
from harness import cpu_of, median

from imports.pipeline import ImportPipeline
from imports.request import Request
from imports.start import start_import
from jobtracker import context, lifecycle
from jobtracker.context import JobContext
from jobtracker.models import BackgroundJob
from jobtracker.pipelines import Stage

HEADS = ["", "client", "server", "sum", "ratio", "goal", "rows/s", "MB"]


@dataclass
class Cost:
    """CPU seconds of this process and of its database session, seconds by the clock, and the most
    memory that this process held, in MB of a million bytes."""

    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0
    most: float = 0.0

    @property
    def cpu(self) -> float:
        return self.client + self.server


def measured(work: Callable[[], Any]) -> Cost:
    pid = connection.connection.info.backend_pid
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, see proc(5)
    client, server, wall = time.process_time(), cpu_of(pid), time.perf_counter()
    work()
    return Cost(
        time.process_time() - client,
        cpu_of(pid) - server,
        time.perf_counter() - wall,
        _most_memory(),
    )


def _most_memory() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


class MeasuredPipeline(ImportPipeline):
    """The import, with the cost of each stage of the latest job."""

    costs: dict[str, Cost]

    def run_stage(self, stage: Stage, context: JobContext) -> None:
        run = super().run_stage
        self.costs[stage.name] = measured(lambda: run(stage, context))


class Listener:
    """A nurse that only listens: for the end, and for how far the job is."""

    end: Mapping[str, Any]

    def send(self, message: Mapping[str, Any]) -> None:
        self.end = message.get("end", {})
        if "progress" in message:
            self.hear(message["progress"])

    def hear(self, progress: Mapping[str, Any]) -> None:
        return None

    def stop(self) -> None:
        return None


def run_job(
    pipeline: MeasuredPipeline, feed: Path, supplier: str, listener: Listener | None = None
) -> dict[str, Cost]:
    """Run the whole job in this process; return what its stages and the `whole` cost."""
    start_import(Request(str(feed), supplier=supplier))
    claimed = lifecycle.claim(uuid4(), "bench", 1)
    assert claimed
    pipeline.costs = {}
    link = listener or Listener()
    whole = measured(lambda: context.run(claimed, link))
    assert link.end["outcome"] == "completed", link.end
    # The next job must find this one ended, and nobody keeps its books here.
    lifecycle.fail(claimed.token, lifecycle.Failure("a benchmark's job"))
    BackgroundJob.objects.filter(pk=claimed.job_id).update(unique_key=None)
    return pipeline.costs | {"whole": whole}


def cpu(costs: list[Cost], rows: int) -> float:
    """Return the median CPU seconds per 100,000 rows."""
    return median([cost.cpu for cost in costs]) * 100_000 / rows


def line(name: str, costs: list[Cost], rows: int, unit: float, goal: str = "") -> list[str]:
    """Return the cells under `HEADS`: medians, CPU per 100,000 rows, the ratio to `unit`."""
    scale = 100_000 / rows
    return [
        name,
        f"{median([c.client for c in costs]) * scale:.1f}",
        f"{median([c.server for c in costs]) * scale:.1f}",
        f"{cpu(costs, rows):.1f}",
        f"{cpu(costs, rows) / unit:.2f}",
        goal,
        f"{rows / median([c.wall for c in costs]):,.0f}",
        f"{max(c.most for c in costs):.0f}",
    ]
