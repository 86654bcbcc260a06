"""All benchmarks, one after the other, and a table of their figures: python benchmarks/all.py

Each program runs by itself too, prints its own table, and explains itself with --help.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import FIGURES, Figure, show

PROGRAMS = (
    "imports.py",
    "import_peer.py",
    "growth.py",
    "pdf.py",
    "scraping.py",
    "materials.py",
    "memory.py",
    "readers.py",
    "engine.py",
    "stop.py",
    "browser.py",
    "clicks.py",
)


def main() -> None:
    folder = Path(__file__).parent
    with tempfile.NamedTemporaryFile("r") as kept:
        for program in PROGRAMS:
            subprocess.run(
                [sys.executable, folder / program],
                env=os.environ | {FIGURES: kept.name},
                check=True,
            )
        figures = [Figure(**json.loads(line)) for line in kept]
    rows = [
        [f.name, f.ours, f.peer, "" if f.ratio is None else f"{f.ratio:.2f}", f.goal]
        for f in figures
    ]
    show("All figures", ["", "ours", "peer", "ratio", "goal"], rows)


if __name__ == "__main__":
    main()
