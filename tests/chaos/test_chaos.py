"""A short seeded run finds no damage, and the harness would find it: each safeguard is switched off
once. The runs are programs of their own, at the same time; docs/reliability.md tells of long ones.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

pytestmark = [
    pytest.mark.timeout(300),  # on a busy machine
    pytest.mark.skipif("CHAOS" not in os.environ, reason="CHAOS is not set"),
]

ONE_WORKER = "--groups 1 --slots 3"
RUNS = {
    "": "--seed 1 --jobs 40 --faults 10",
    # Jobs long enough to be still at work when another takes them over.
    "fence": f"{ONE_WORKER} --jobs 6 --pace 0.15 --lease 4 --faults 3 --kinds stop-nurse",
    "quiet": f"{ONE_WORKER} --jobs 10 --lease 4 --faults 2 --kinds pg-outage",
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


def test_faults_do_no_damage(runs: dict[str, subprocess.Popen[str]]) -> None:
    output, _ = runs[""].communicate()
    assert runs[""].returncode == 0, output
    assert set(rows(output).values()) == {0}
    assert len(rows(output)) > 20


@pytest.mark.parametrize("safeguard", SEEN_BY)
def test_damage_is_found_without(runs: dict[str, subprocess.Popen[str]], safeguard: str) -> None:
    output, _ = runs[safeguard].communicate()
    assert runs[safeguard].returncode == 1, output
    assert rows(output)[SEEN_BY[safeguard]], output
