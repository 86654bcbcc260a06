"""How soon a job starts: python benchmarks/start.py [--jobs N] [--many N]

From the moment before a job's INSERT commits to the first instruction of its process, and to the
first line of its own code, one job at a time with two workers idle; and empty jobs a second, from
one commit of many to the first line of the last. The peer is stock django-q2 with its ORM broker:
it calls the task in a worker that runs already, where ours forks a process for each attempt. Both
run on one database at the same time; each waits while the other is measured.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.probe_settings"

import harness
from django.db import connection, transaction
from django_q.brokers.orm import ORM
from django_q.tasks import async_task
from harness import Figure, median, percentile, record, show, worker

from benchmarks import probe
from jobtracker import lifecycle
from jobtracker.models import BackgroundJob
from jobtracker.states import TERMINAL, JobType

LOOK_SECONDS = 0.05
STOP_SECONDS = 10.0
GOALS = {"p50": 10.0, "p95": 20.0}

Start = Callable[[str], None]


def start_ours(name: str) -> None:
    lifecycle.create(JobType.SCRAPING, filename=name, detail={"source_url": "probe"})


def start_stock(name: str) -> None:
    async_task("benchmarks.probe.begin", name, broker=ORM("stock"))


@contextmanager
def stock_cluster() -> Iterator[None]:
    """Run django-q2's own `qcluster` on the block's database."""
    environment = harness.environment(DJANGO_SETTINGS_MODULE="benchmarks.stock_settings")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=harness.ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:  # which it is known for
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def commit(start: Start, names: list[str]) -> float:
    """Start work of these names in one transaction; return the moment before its commit."""
    with transaction.atomic():
        for name in names:
            start(name)
        return time.monotonic()


def wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(LOOK_SECONDS)


def begun(names: list[str]) -> list[tuple[float, float]]:
    """Wait until work of all these names has begun; return when it was forked and began."""
    found: list[tuple[float, float]] = []

    def all_begun() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT forked, begun FROM bench_starts WHERE name = ANY(%s) ORDER BY begun",
                [names],
            )
            found[:] = cursor.fetchall()
        return len(found) == len(names)

    wait(all_begun)
    wait(lambda: not BackgroundJob.objects.exclude(status__in=TERMINAL).exists())
    return found


def one_at_a_time(jobs: int) -> tuple[list[float], list[float], list[float]]:
    """Return the milliseconds to our child's first instruction, to our job's first line, and to
    the first line of stock django-q2's task."""
    child, ours, stock = [], [], []
    for number in range(jobs):
        # Stock django-q2 looks each 0.2 s, so it must be met at any moment of that.
        time.sleep(random.uniform(0.2, 0.4))
        at = commit(start_ours, [f"ours {number}"])
        ((forked, first_line),) = begun([f"ours {number}"])
        child.append(1000 * (forked - at))
        ours.append(1000 * (first_line - at))
        time.sleep(random.uniform(0.2, 0.4))
        at = commit(start_stock, [f"stock {number}"])
        ((_, first_line),) = begun([f"stock {number}"])
        stock.append(1000 * (first_line - at))
    return child, ours, stock


def per_second(start: Start, kind: str, jobs: int) -> float:
    names = [f"many {kind} {number}" for number in range(jobs)]
    at = commit(start, names)
    return jobs / (begun(names)[-1][1] - at)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--jobs", type=int, default=60)
    options.add_argument("--many", type=int, default=100)
    given = options.parse_args()
    with harness.database():
        with connection.cursor() as cursor:
            cursor.execute(probe.TABLE)
        with worker(), stock_cluster():
            for start, kind in ((start_ours, "ours"), (start_stock, "stock")):
                commit(start, [f"warm {kind}"])
                begun([f"warm {kind}"])
            child, ours, stock = one_at_a_time(given.jobs)
            rates: dict[str, list[float]] = {"ours": [], "stock": []}
            for number in range(3):
                for start, kind in ((start_ours, "ours"), (start_stock, "stock")):
                    rates[kind].append(per_second(start, f"{kind} {number}", given.many))
    rows = []
    for name, goal in GOALS.items():
        share = int(name[1:]) / 100
        peer = percentile(stock, share)
        for what, times, aim in (
            ("child's first instruction", child, f"{goal:g}"),
            ("first line of the job", ours, ""),
        ):
            mine = percentile(times, share)
            label = f"commit to {what}, {name}, ms"
            rows.append([label, f"{mine:.1f}", f"{peer:.1f}", f"{mine / peer:.2f}", aim])
            record(Figure(label, f"{mine:.1f}", f"{peer:.1f}", mine / peer, aim and f"{aim} ms"))
    mine, peer = median(rates["ours"]), median(rates["stock"])
    label = "empty jobs a second"
    rows.append([label, f"{mine:.0f}", f"{peer:.0f}", f"{mine / peer:.2f}", ""])
    record(Figure(label, f"{mine:.0f}", f"{peer:.0f}", mine / peer))
    show(
        f"Start of {given.jobs} jobs one at a time, and of {given.many} at once; two workers each",
        ["", "ours", "stock django-q2", "ratio", "goal"],
        rows,
    )


if __name__ == "__main__":
    main()
