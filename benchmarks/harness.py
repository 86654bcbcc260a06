"""What every benchmark stands on: a throw-away database, CPU by process, tables of medians.

Imported before anything of Django. The server is an embedded one in a temporary folder, or that
of DATABASE_URL, in a database of its own that is dropped at the end.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
_data = tempfile.TemporaryDirectory(prefix="jobtracker-bench-")
os.environ["JOBTRACKER_DATA"] = _data.name
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")

import django

django.setup()

from django.conf import settings
from django.db import connection

from jobtracker import embedded_pg
from jobtracker.database import database_url
from jobtracker.models import Worker

FIGURES = "BENCH_FIGURES"  # the file, of a run of all, that `record` adds to

# A benchmark that is told to end still stops the servers that it started.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

median = statistics.median
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def database() -> Iterator[None]:
    """Serve a new database, with Django connected to it, for the length of the block."""
    server = None
    if settings.EMBEDDED_POSTGRES:
        server = embedded_pg.start(settings.DATA_DIR, settings.PG_BIN)
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield
        finally:
            connection.creation.destroy_test_db("", verbosity=0)
            connection.close()
    finally:
        if server:
            server.stop()


def environment(**values: str) -> dict[str, str]:
    """Return the environment of a process of ours that works on the block's database."""
    return os.environ | {"DATABASE_URL": database_url(), "PYTHONWARNINGS": "ignore"} | values


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a living process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


@dataclass(frozen=True)
class Figure:
    """A line of the table at the end of `make bench`; `ratio` is ours by the peer's, or theirs
    by ours, as `goal` says it."""

    name: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    goal: str = ""


def record(figure: Figure) -> None:
    """Keep a figure for the table of all, when this is a run of all."""
    if path := os.environ.get(FIGURES):
        with Path(path).open("a") as file:
            file.write(json.dumps(asdict(figure)) + "\n")


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    load = " ".join(f"{number:.1f}" for number in os.getloadavg())
    print(f"\n{title}\n{os.cpu_count()} cores, load {load}")
    for cells in (heads, ["-" * width for width in widths], *rows):
        first, *others = cells
        rest = "".join(f"  {c:>{w}}" for c, w in zip(others, widths[1:], strict=True))
        print(f"{first:{widths[0]}}{rest}", flush=True)


@contextmanager
def worker(slots: int = 2) -> Iterator[int]:
    """Run `manage.py worker` on the block's database; gives its pid once it is registered."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment(WORKERS=str(slots))
    )
    try:
        while not Worker.objects.filter(pid=process.pid).exists():
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()
