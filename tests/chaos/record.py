"""A run as one JSON line, so that many runs can be told of together: `tests.chaos.table` does."""

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.utils import timezone

from tests.chaos.run import Options, Verdict

PACKAGES = ("django", "django-q2", "psycopg")


def append(path: Path, options: Options, verdict: Verdict, began_with: float) -> None:
    """Append the run to the file; `began_with` is the machine's load at its start. Times are
    seconds, `damage` counts the rows of each invariant."""
    told: dict[str, Any] = {
        "at": timezone.now().isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {"python": platform.python_version(), "postgresql": verdict.postgresql}
        | {name: version(name) for name in PACKAGES},
        "load": [round(load, 1) for load in (began_with, os.getloadavg()[0])],
        **asdict(options),
        "faults": _kinds(verdict.faults),
        "missed": _kinds(verdict.missed),
        "damage": {name: len(rows) for name, rows in verdict.violations.items()},
        "statuses": verdict.statuses,
        "starts": {
            kind: [round(seconds, 3) for seconds in starts]
            for kind, starts in verdict.starts.items()
        },
        "items": verdict.items,
        "seconds": round(verdict.seconds, 1),
    }
    with path.open("a") as file:  # one write: several runs may share the file
        file.write(json.dumps(told) + "\n")


def _kinds(faults: Iterable[Any]) -> dict[str, int]:
    return dict(Counter(fault.kind for fault in faults))


def _commit() -> str:
    """Return the commit that was tried, with a + where files differ from it."""
    root = Path(__file__).parent
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    return told.stdout.strip()
