"""The memory of reading a feed, by type: python benchmarks/readers.py [--megabytes 500]

Each feed is generated, then unpacked, inspected, surveyed and read to its end, as the stages of an
import do, in a process of its own. Printed are the most memory that the process held (VmHWM), what
of that the reading added, and how much is read in a second of CPU.
"""

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, Figure, record, show

from imports.readers import SURVEYED
from samples.make_samples import write_feed

TYPES = ("xml", "csv", "json", "json.gz")
STARTS = {"xml": "  <product>", "csv": "\n", "json": "{\n"}  # of the first product
ENDS = {"xml": "</product>\n", "csv": "\n", "json": "\n}"}  # of the last
BETWEEN = {"xml": "", "csv": "", "json": ",\n"}

READ = """
import re, sys, time
from pathlib import Path
from imports.readers import inspect, read, survey, unpacked

def most():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024 / 1e6

before = most()
with unpacked(Path(sys.argv[1]), folder=Path(sys.argv[2])) as plain:
    source = inspect(plain).source
    found = survey(plain.path, source)
    count = sum(1 for _ in read(plain.path, source))
assert found.count == count
print(count, most(), most() - before, time.process_time())
"""


def large_feed(path: Path, kind: str, size: int) -> Path:
    """Write a feed of about `size` bytes: more products than a survey looks into, over and over."""
    block = write_feed(path.with_suffix(".block"), SURVEYED * 2, type=kind).read_text("utf-8")
    head, start, rest = block.partition(STARTS[kind])
    body, end, tail = rest.rpartition(ENDS[kind])
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(head)
        for number in range(round(size / len(block)) or 1):
            file.write((BETWEEN[kind] if number else "") + start + body + end)
        file.write(tail)
    return path


def measured(feed: Path, folder: Path) -> tuple[str, float, float, float]:
    """Return the number of records, the most memory, what reading added, and CPU seconds."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(feed), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    count, *figures = done.stdout.split()
    most, added, cpu = map(float, figures)
    return count, most, added, cpu


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--megabytes", type=int, default=100)
    options.add_argument("--types", nargs="*", default=TYPES, choices=TYPES)
    asked = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in asked.types:
            kind = name.partition(".")[0]
            feed = large_feed(folder / "feed", kind, asked.megabytes * 1_000_000)
            size = feed.stat().st_size / 1e6
            if name.endswith(".gz"):
                with feed.open("rb") as plain, gzip.open(folder / "feed.gz", "wb", 1) as packed:
                    shutil.copyfileobj(plain, packed, 1 << 20)
                feed.unlink()
                feed = folder / "feed.gz"
            count, most, added, cpu = measured(feed, folder)
            feed.unlink()
            rows.append(
                [f"{size:.0f} MB {name}", count, f"{most:.0f}", f"{added:.0f}", f"{size / cpu:.1f}"]
            )
            record(
                Figure(f"memory of reading {size:.0f} MB {name}, MB", f"{most:.0f}", goal="< 100")
            )
    show(
        "Memory of reading a feed in MB (unpacked, inspected, surveyed, read); goal under 100",
        ["feed", "records", "most", "added by reading", "MB per CPU second"],
        rows,
    )


if __name__ == "__main__":
    main()
