"""Negative controls: the harness finds the damage that is done without a safeguard.

The runs are programs of their own, at the same time. A run with all safeguards is `make chaos`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

pytestmark = [
    pytest.mark.timeout(600),  # on a busy machine
    pytest.mark.skipif("CHAOS" not in os.environ, reason="`make check-faults` runs it"),
]

ONE_WORKER = "--groups 1 --slots 3"
RUNS = {
    # Jobs long enough to be still at work when another takes them over.
    "fence": f"{ONE_WORKER} --jobs 6 --pace 0.15 --lease 4 --faults 3 --kinds stop-nurse",
    "quiet": f"{ONE_WORKER} --jobs 6 --pace 0.05 --lease 4 --faults 3 --kinds pg-outage",
    "rowlock": f"{ONE_WORKER} --jobs 10 --lease 20 --faults 0",
}
SEEN_BY = {
    "fence": "zombie_writes",
    "quiet": "lost_without_cause",
    "rowlock": "open_attempts",
}


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, subprocess.Popen[str]]]:
    started = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.chaos", "--without", name, *arguments.split()],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, arguments in RUNS.items()
    }
    yield started
    for run in started.values():
        run.kill()
        run.wait()


def rows(output: str) -> dict[str, int]:
    """Return how many rows each invariant returned."""
    _, _, table = output.partition("\ninvariant              rows\n")
    lines = [line.split() for line in table.splitlines() if line and not line.startswith(" ")]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2}


@pytest.mark.parametrize("safeguard", SEEN_BY)
def test_damage_is_found_without(runs: dict[str, subprocess.Popen[str]], safeguard: str) -> None:
    output, _ = runs[safeguard].communicate()
    assert runs[safeguard].returncode == 1, output
    assert rows(output)[SEEN_BY[safeguard]], output
