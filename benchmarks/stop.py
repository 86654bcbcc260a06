"""How long a worker takes to go after SIGTERM: python benchmarks/stop.py [--rounds N]

A real `manage.py worker` with two slots, both at work, and more jobs waiting. From the signal to
the exit of its first process, which ends all that is below it. The jobs of one kind ask each 10 ms
whether they should stop, those of the other never do, so that the grace is waited for.
"""

import argparse
import signal
import subprocess
import sys
import time

import harness
from django.conf import settings
from django.db import connection
from harness import Figure, median, percentile, record, show

from jobtracker import lifecycle
from jobtracker.models import JobAttempt
from jobtracker.states import JobType
from tests.fixtures.probe import TABLES

SLOTS = 2
WAITING = 20  # further jobs that are ready as the signal comes
ITEMS = 5  # that each running job has committed by then
KINDS = {
    "cooperative stages": ("gate", 5.0),
    "stages that never ask": ("stuck", settings.GRACE_SECONDS),
}


def stop(does: str) -> float:
    """Return the seconds from SIGTERM to the exit of a worker whose slots are busy so."""
    told = {"do": does, "at": ITEMS, "items": ITEMS + 1}
    jobs = [
        lifecycle.create(JobType.SCRAPING, metadata=told, detail={"source_url": "probe"}).job_id
        for _ in range(SLOTS + WAITING)
    ]
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=harness.ROOT,
        env=harness.environment(
            WORKERS=str(SLOTS), DJANGO_SETTINGS_MODULE="tests.fixtures.probe_settings"
        ),
        stderr=subprocess.DEVNULL,
    )
    try:
        while count("SELECT count(*) FROM probe_ledger") < SLOTS * ITEMS:
            time.sleep(0.05)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(timeout=60)
        took = time.monotonic() - began
    finally:
        worker.kill()
        worker.wait()
    handed_back = JobAttempt.objects.filter(outcome="handed_back").count()
    if code or handed_back != SLOTS or JobAttempt.objects.exclude(outcome="handed_back").exists():
        raise RuntimeError(f"exit code {code}, {handed_back} of {SLOTS} attempts handed back")
    lifecycle.cancel(jobs, None)
    JobAttempt.objects.all().delete()
    return took


def count(question: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return int(cursor.fetchone()[0])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=10)
    rounds = options.parse_args().rounds
    took: dict[str, list[float]] = {name: [] for name in KINDS}
    with harness.database():
        for _ in range(rounds):
            for name, (does, _) in KINDS.items():
                with connection.cursor() as cursor:
                    cursor.execute(TABLES)
                took[name].append(stop(does))
    rows = []
    for name, (_, goal) in KINDS.items():
        times = took[name]
        shown = [median(times), percentile(times, 0.95), max(times)]
        rows.append([name, *(f"{seconds:.2f}" for seconds in shown), f"{goal:g}"])
        label = f"SIGTERM to the worker's exit, {name}, longest of {rounds}, s"
        record(Figure(label, f"{max(times):.2f}", goal=f"{goal:g} s"))
    title = f"SIGTERM to exit, s; {rounds} rounds, GRACE_SECONDS {settings.GRACE_SECONDS:g}"
    show(title, ["", "p50", "p95", "longest", "goal"], rows)


if __name__ == "__main__":
    main()
