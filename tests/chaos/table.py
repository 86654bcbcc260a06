"""`python -m tests.chaos.table FILE...`: recorded runs as the tables of docs/reliability.md.

Runs without a safeguard (the negative controls) are left out.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.plan import KINDS
from tests.chaos.report import percentile

RUNS = ("date", "commit", "seed", "jobs", "items", "faults", "damage", "seconds", "load")
FAULTS = ("fault", "faults", "found no victim", "starts", "p50 s", "p95 s", "max s")


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the recorded runs in the order of the files."""
    lines = [line for path in paths for line in path.read_text().splitlines()]
    return [run for run in map(json.loads, lines) if not run["without"]]


def by_run(runs: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return a row for each run."""
    return [
        (
            run["at"][:10],
            run["commit"],
            run["seed"],
            f"{run['jobs']:,}",
            f"{run['items']:,}",
            f"{sum(run['faults'].values())} of {len(run['faults'])} kinds",
            _damage(run),
            f"{run['seconds']:,.0f}",
            "{} to {}".format(*run["load"]),
        )
        for run in runs
    ]


def by_kind(runs: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return a row for each kind of fault: how often it was there, and how soon work went on."""
    happened: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    starts: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for run in runs:
        happened.update(run["faults"])
        missed.update(run["missed"])
        for kind, seconds in run["starts"].items():
            starts[kind] += seconds
    return [
        (kind, happened[kind], missed[kind], len(starts[kind]), *_times(starts[kind]))
        for kind in KINDS
        if happened[kind] or missed[kind]
    ]


def markdown(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _damage(run: dict[str, Any]) -> str:
    """Say how many rows which invariants returned."""
    found = {name: rows for name, rows in run["damage"].items() if rows}
    return ", ".join(f"{name} {rows}" for name, rows in found.items()) or "0"


def _times(starts: Sequence[float]) -> tuple[str, ...]:
    if not starts:
        return ("", "", "")
    ranked = sorted(starts)
    return tuple(
        f"{seconds:.2f}" for seconds in (percentile(ranked, 50), percentile(ranked, 95), ranked[-1])
    )


if __name__ == "__main__":
    runs = read(map(Path, sys.argv[1:]))
    print(markdown(RUNS, by_run(runs)), markdown(FAULTS, by_kind(runs)), sep="\n\n")
