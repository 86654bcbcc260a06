"""The memory of an attempt: python benchmarks/memory.py [MEGABYTES ...]

Imports generated feeds by a real worker and prints the most memory that the attempt's process
held, as the kernel counts it (VmHWM): all its resident pages, those that it shares with the
process it was forked from included. The growth is what the import itself needed.
"""

import argparse
import re
import tempfile
import time
from pathlib import Path

import harness
from harness import Figure, record, show, worker

from imports.request import Request
from imports.start import start_import
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.states import TERMINAL
from jobtracker.workers import processes
from samples.make_samples import write_feed

BYTES_A_PRODUCT = 1_830


def held(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process and the most it ever had, in MB of a million bytes
    (the kernel counts in KiB); 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    sizes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    now, most = (int(sizes.get(name, 0)) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return now, most


def import_watched(feed: Path) -> tuple[float, float, float, float]:
    """Import a feed; return the nurse's memory, the child's at its start and at most, seconds."""
    job_id = start_import(Request(str(feed), supplier=feed.stem)).job_id
    began = time.monotonic()
    nurse = first = most = 0.0
    while (job := BackgroundJob.objects.get(pk=job_id)).status not in TERMINAL:
        attempt = JobAttempt.objects.filter(job_id=job_id, finished_at=None).first()
        for pid in processes.children(attempt.pid) if attempt else ():
            now, peak = held(pid)
            first, most = first or now, max(most, peak)
        nurse = max(nurse, held(attempt.pid)[0] if attempt else 0.0)
        time.sleep(0.02)
    assert job.status == "completed", job.error
    return nurse, first, most, time.monotonic() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("megabytes", type=int, nargs="*", default=[10, 100])
    sizes = options.parse_args().megabytes
    rows = []
    with harness.database(), tempfile.TemporaryDirectory() as folder:
        with worker():
            for size in sizes:
                feed = write_feed(
                    Path(folder) / f"feed-{size}.xml", size * 1_000_000 // BYTES_A_PRODUCT
                )
                nurse, first, most, seconds = import_watched(feed)
                rows.append(
                    [
                        f"{feed.stat().st_size / 1e6:.0f} MB XML",
                        f"{nurse:.0f}",
                        f"{first:.0f}",
                        f"{most:.0f}",
                        f"{seconds:.0f}",
                    ]
                )
                record(
                    Figure(f"memory of an import of {size} MB, MB", f"{most:.0f}", goal="under 100")
                )
                feed.unlink()
    show(
        "Memory of an attempt in MB (resident, shared pages included); goal under 100",
        ["feed", "nurse", "child first seen", "child at most", "seconds"],
        rows,
    )


if __name__ == "__main__":
    main()
