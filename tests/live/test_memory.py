"""An import needs the same memory for a feed of any size."""

from pathlib import Path

import pytest

from imports.request import Request
from imports.start import start_import
from jobtracker.models import BackgroundJob
from jobtracker.states import TERMINAL
from samples.make_samples import write_feed
from tests.fixtures.worker_host import WorkerHost, until

pytestmark = pytest.mark.usefixtures("worker_database")

PRODUCTS = 3_500  # 6 MB
GROWTH = 48_000  # kB over the nurse's own; 29,000 measured
SAME = 8_000  # kB


def peak_of(host: WorkerHost, feed: Path) -> int:
    """Import a feed; return the most resident memory of the attempt's process, in kB."""
    job_id = start_import(Request(str(feed), supplier=feed.stem)).job_id
    peak = 0

    def ended() -> bool:
        nonlocal peak
        peak = max([peak, *(in_kb(pid, "VmHWM") for pid in host.pids("child"))])
        return BackgroundJob.objects.get(pk=job_id).status in TERMINAL

    until(ended, "the import has ended", 120.0)
    job = BackgroundJob.objects.get(pk=job_id)
    assert job.status == "completed", job.error
    return peak


def in_kb(pid: int, name: str) -> int:
    """Return a size from a process's status; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def test_memory_does_not_follow_the_size_of_the_feed(own_host: WorkerHost, tmp_path: Path) -> None:
    own_host.start()
    base = max(in_kb(pid, "VmRSS") for pid in own_host.pids("nurse"))
    small, large = (
        peak_of(own_host, write_feed(tmp_path / f"feed-{times}.xml", times * PRODUCTS))
        for times in (1, 4)
    )
    assert 0 < small < base + GROWTH
    assert large < small + SAME
