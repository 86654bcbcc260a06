"""The reading of PDFs beside its engines: python benchmarks/pdf.py [FOLDER | FILE ...]

For each file, in turns: our reading child asked for text, tables and drawings of every page;
pdfplumber asked for text and tables; pypdfium2 for text alone; poppler's pdftotext where it is
installed. Prints pages a second and the most memory of the process that read (VmHWM, MB).

Then a real worker processes each file, from its job's creation to its end, with all that is kept:
seconds, and the most memory of the attempt and of its reading child. Without arguments the sample
catalogues are read; the folder of REAL_INPUTS is added where it is set.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import harness
from harness import ROOT, Figure, median, record, show, worker
from memory import held

from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.states import TERMINAL
from jobtracker.workers import processes
from pdfjobs.start import Request as PdfRequest
from pdfjobs.start import start_pdfs

OURS = """
import sys, tempfile
from pathlib import Path
from pdfjobs.sandbox import PageFailed, Reader
with tempfile.TemporaryDirectory() as folder, Reader(Path(sys.argv[1])) as reader:
    for number in range(1, reader.opened.pages + 1):
        for ask in (reader.text, reader.tables, lambda n: reader.draw(n, Path(folder))):
            try:
                ask(number)
            except PageFailed as error:
                print(number, error.reason, file=sys.stderr)
    status = open(f"/proc/{reader.pid}/status").read()
    print(reader.opened.pages, status.split("VmHWM:")[1].split()[0])
"""
PLUMBER = """
import sys, pdfplumber
with pdfplumber.open(sys.argv[1]) as pdf:
    for page in pdf.pages:
        page.extract_text(); page.extract_tables(); page.close()
    print(len(pdf.pages), open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""
PDFIUM = """
import sys, pypdfium2
pdf = pypdfium2.PdfDocument(sys.argv[1])
for page in pdf:
    page.get_textpage().get_text_range()
print(len(pdf), open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def read(program: str, file: Path) -> tuple[int, float, float]:
    """Run a reader on a file; return its pages, the seconds and the most memory in MB."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, file], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pages, kilobytes = map(int, done.stdout.split()[-2:])
    return pages, time.monotonic() - began, kilobytes * 1024 / 1e6


def poppler(file: Path, pages: int) -> tuple[int, float, float]:
    """Run pdftotext; `time` would be needed for its memory, so none is given."""
    began = time.monotonic()
    subprocess.run(["pdftotext", "-q", file, os.devnull], check=True)
    return pages, time.monotonic() - began, 0.0


def processed(file: Path) -> tuple[float, float, float, int]:
    """Process a file by the worker; return seconds, the most memory in MB of the attempt and of
    its reader, and the materials."""
    (created,) = start_pdfs([PdfRequest(str(file), supplier=file.stem, again=True)])
    began = time.monotonic()
    most: dict[bool, float] = {True: 0.0, False: 0.0}
    while (job := BackgroundJob.objects.get(pk=created.job_id)).status not in TERMINAL:
        attempt = JobAttempt.objects.filter(job_id=job.pk, finished_at=None).first()
        for pid in processes.descendants(attempt.pid) if attempt else ():
            is_reader = b"pdfjobs.reading.child" in command(pid)
            most[is_reader] = max(most[is_reader], held(pid)[1])
        time.sleep(0.05)
    assert job.status == "completed", job.error
    return time.monotonic() - began, most[False], most[True], job.result["materials"]


def command(pid: int) -> bytes:
    """Return the command line of a process, nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def process_all(files: list[Path]) -> None:
    """Print what the whole job of each file costs."""
    rows = []
    with harness.database(), worker():
        for file in files:
            seconds, attempt, reader, materials = processed(file)
            rows.append(
                [file.name, f"{seconds:.1f}", f"{attempt:.0f}", f"{reader:.0f}", f"{materials:,}"]
            )
            record(Figure(f"PDF {file.name}, whole job, s", f"{seconds:.1f}"))
    show(
        "Processing PDFs, whole jobs by a real worker",
        ["file", "seconds", "MB attempt", "MB reader", "materials"],
        rows,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("paths", nargs="*", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    real = os.environ.get("REAL_INPUTS")
    paths = chosen.paths or [ROOT / "samples", *([Path(real)] if real else [])]
    files = [
        file for path in paths for file in ([path] if path.is_file() else path.rglob("*.pdf"))
        if "password" not in file.name
    ]  # fmt: skip
    files.sort()
    rows = []
    for file in files:
        runs: dict[str, list[tuple[int, float, float]]] = {}
        for _ in range(chosen.rounds):
            for name, program in (("ours", OURS), ("pdfplumber", PLUMBER), ("pypdfium2", PDFIUM)):
                runs.setdefault(name, []).append(read(program, file))
            if shutil.which("pdftotext"):
                runs.setdefault("pdftotext", []).append(poppler(file, runs["ours"][0][0]))
        pages = runs["ours"][0][0]
        speed = {name: pages / median(run[1] for run in each) for name, each in runs.items()}
        memory = {name: max(run[2] for run in each) for name, each in runs.items()}
        rows.append(
            [
                file.name,
                str(pages),
                *(f"{speed[name]:.1f}" if name in speed else "" for name in
                  ("ours", "pdfplumber", "pypdfium2", "pdftotext")),
                f"{memory['ours']:.0f}",
                f"{memory['pdfplumber']:.0f}",
            ]
        )  # fmt: skip
        record(
            Figure(
                f"PDF {file.name}: pages a second; pdfplumber",
                f"{speed['ours']:.1f}",
                f"{speed['pdfplumber']:.1f}",
                speed["ours"] / speed["pdfplumber"],
            )
        )
    show(
        "Reading PDFs: pages a second, and memory in MB. Ours draws every page too",
        ["file", "pages", "ours", "pdfplumber", "pypdfium2", "pdftotext", "MB ours", "MB plumber"],
        rows,
    )
    process_all(files)


if __name__ == "__main__":
    main()
