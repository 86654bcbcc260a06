"""The engine beside its peers: python benchmarks/engine.py [--quick] [--only PART,..]

Two workers each: ours, stock django-q2, procrastinate, Celery (as it is, and a child a task) and
RQ, with the settings that their documentation gives for work that must not be lost. Parts:
start (commit to start, idle), backlog (the same behind a million pending rows), rate (empty jobs
a second), behind (a high priority behind 10,000 low ones), kill (time to run again after SIGKILL)
and chaos (a while of random kills, then what was lost, doubled or stuck).
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.ours"
_folder = tempfile.TemporaryDirectory(prefix="jobtracker-engine-")
os.environ["BENCH_FOLDER"] = _folder.name

import harness
from harness import Figure, median, percentile, record, show

from benchmarks import engine_faults as faults
from benchmarks.peers import bodies, systems, units
from benchmarks.peers.journal import Journal
from benchmarks.peers.systems import System, execute

BEGIN_SECONDS = 60.0
RATE_SECONDS = 300.0
FOLDER = Path(_folder.name)
NO_BACKLOG = "keeps its jobs in a list of Redis, not in rows"
NO_PRIORITY = "knows no priorities within a queue"


@dataclass(frozen=True)
class Sizes:
    starts: int
    backlog: int
    jobs: int
    rounds: int
    behind: int
    kills: int
    never: float
    chaos_jobs: int
    chaos_seconds: float


FULL = Sizes(60, 1_000_000, 500, 3, 40, 3, faults.NEVER_SECONDS, 150, 75.0)
QUICK = Sizes(6, 10_000, 60, 1, 4, 1, 15.0, 20, 8.0)

Row = dict[str, float | str | None]  # by system: a figure, or why there is none


class Table:
    """Rows of figures, each with ours, the peers' and how many times ours a peer's is."""

    def __init__(self, known: Sequence[System]) -> None:
        self._names = [system.name for system in known]
        self._rows: list[list[str]] = []
        self._reasons: list[str] = []

    def add(self, label: str, row: Row, goal: str = "", digits: int = 1) -> None:
        ours = row.get("ours")
        cells = [label]
        for name in self._names:
            value = row.get(name)
            if isinstance(value, str):
                if value not in self._reasons:
                    self._reasons.append(value)
                cells.append(f"n/a [{self._reasons.index(value) + 1}]")
            elif value is None:
                cells.append("-")
            else:
                share = name != "ours" and isinstance(ours, float | int) and value
                ratio = f" ({ours / value:.2f})" if share else ""  # type: ignore[operator]
                cells.append(f"{value:.{digits}f}{ratio}")
        self._rows.append([*cells, goal])
        for name in self._names[1:]:
            peer = row.get(name)
            if isinstance(ours, float | int) and isinstance(peer, float | int):
                ratio = ours / peer if peer else None
                shown = f"{ours:.{digits}f}", f"{peer:.{digits}f}"
                record(Figure(f"{label}; {name}", *shown, ratio, goal))

    def print(self, title: str) -> None:
        show(title, ["", *self._names, "goal"], self._rows)
        for number, reason in enumerate(self._reasons, 1):
            print(f"[{number}] {reason}")
        print("In brackets: ours divided by the peer's.")


def one_at_a_time(
    known: Sequence[System], journal: Journal, count: int, tag: str
) -> dict[str, list[float]]:
    """Send jobs one by one, in turns of random order. Returns, for each system, the milliseconds
    from before the commit to the first line of the job's own code."""
    delays: dict[str, list[float]] = {system.name: [] for system in known}
    for number in range(count):
        for system in random.sample(known, len(known)):
            # Stock django-q2 looks each 0.2 s, so it must be met at any moment of that.
            time.sleep(random.uniform(0.2, 0.4))
            text = f"mark:{tag}-{number}-{system.name}".replace(" ", "-")
            sent = system.send([text], high=tag != "idle")
            if not journal.await_begun([text], BEGIN_SECONDS):
                raise system.trouble("begin a job")
            delays[system.name].append(1000 * (journal.begun[text][0].at - sent))
    return delays


def measure_starts(
    known: Sequence[System], journal: Journal, count: int, tag: str
) -> dict[str, list[float]]:
    """Measure with all the systems running; each has begun a few jobs before."""
    with ExitStack() as stack:
        for system in known:
            stack.enter_context(system.running())
        for system in known:
            warm = [f"mark:warm-{tag}-{system.name}-{n}".replace(" ", "-") for n in range(4)]
            system.send(warm, high=True)
            if not journal.await_begun(warm, BEGIN_SECONDS):
                raise system.trouble("begin its first jobs")
        return one_at_a_time(known, journal, count, tag)


def add_starts(
    table: Table, label: str, delays: dict[str, list[float]], goals: tuple[str, str], why: Row
) -> None:
    for share, goal in ((0.5, goals[0]), (0.95, goals[1])):
        row = why | {name: percentile(values, share) for name, values in delays.items()}
        table.add(f"{label}: commit to first line, p{share * 100:.0f}, ms", row, goal)


def starts(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    for system in known:
        system.empty()
    delays = measure_starts(known, journal, sizes.starts, "idle")
    add_starts(table, "idle", delays, ("10", "20"), {})


def backlog(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    able = [system for system in known if system.backlogs]
    why: Row = {system.name: NO_BACKLOG for system in known if not system.backlogs}
    for ready in (False, True):
        able = [system for system in able if system.priorities or not ready]
        if ready:
            why |= {s.name: NO_PRIORITY for s in known if s.backlogs and not s.priorities}
        tag = "busy" if ready else "pending"
        for system in known:
            system.empty()
        delays: dict[str, list[float]] = {}
        # One after the other where the backlog keeps the workers busy.
        for group in [[system] for system in able] if ready else [able]:
            for system in group:
                system.pile_up(sizes.backlog, ready)
            delays |= measure_starts(group, journal, sizes.starts, tag)
            for system in group:
                system.empty()
        what = "of them 3/5 ready, low" if ready else "none ready"
        add_starts(table, f"{sizes.backlog:,} pending, {what}", delays, ("", "30"), why)


def rate(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    rates: dict[str, list[float]] = {system.name: [] for system in known}
    for number in range(sizes.rounds):
        for system in random.sample(known, len(known)):
            system.empty()
            name = system.name.replace(" ", "-")
            texts = [f"mark:rate-{name}-{number}-{n}" for n in range(sizes.jobs)]
            system.send(texts)
            with system.running():
                if not journal.await_begun(texts, RATE_SECONDS):
                    raise system.trouble(f"do {sizes.jobs} jobs")
            moments = [journal.begun[text][0].at for text in texts]
            rates[system.name].append((len(texts) - 1) / (max(moments) - min(moments)))
    row: Row = {name: median(values) for name, values in rates.items()}
    table.add("empty jobs a second", row, "above RQ, Celery a child a task", 0)


def behind(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    row: Row = {}
    for system in known:
        if not system.priorities:
            row[system.name] = NO_PRIORITY if system.backlogs else NO_BACKLOG
            continue
        system.empty()
        system.send(["short:first", *(f"slow:{n}" for n in range(10_000))])
        waits = []
        with system.running():
            journal.await_begun(
                ["short:first"], BEGIN_SECONDS, len(journal.begun["short:first"]) + 1
            )
            for number in range(sizes.behind):
                time.sleep(random.uniform(0.0, 1.0))
                text = f"mark:behind-{system.name}-{number}"
                sent = system.send([text], high=True)
                journal.await_begun([text], BEGIN_SECONDS)
                waits.append(journal.begun[text][0].at - sent)
        system.empty()
        row[system.name] = percentile(waits, 0.95)
    table.add("high priority behind 10,000 low, a slot a second: wait p95, s", row, "5", 2)


def kills(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    for kind in faults.KINDS:
        times = faults.times_to_run_again(known, journal, kind, sizes.kills, sizes.never)
        row: Row = {}
        for name, values in times.items():
            missed = values.count(None)
            print(f"SIGKILL of {kind}, {name}: {values}", flush=True)
            done = [value for value in values if value is not None]
            row[name] = (
                f"not within {sizes.never:.0f} s, {missed} of {len(values)} times"
                if missed * 2 > len(values)
                else median([*done, *[sizes.never] * missed])
            )
        table.add(f"runs again after SIGKILL of {kind}, s", row, "1" if "child" in kind else "5", 2)


def chaos(table: Table, known: Sequence[System], journal: Journal, sizes: Sizes) -> None:
    found = {}
    for system in known:
        if system.needs_redis:
            continue
        found[system.name] = faults.chaos(
            system, journal, sizes.chaos_jobs, sizes.chaos_seconds, seed=1
        )
        print(f"chaos, {system.name}: {found[system.name]}", flush=True)
    for label, field, goal in (
        ("jobs lost", "lost", "0"),
        ("items doubled", "doubled_items", "0"),
        ("jobs stuck", "stuck", "0"),
        ("jobs that it shows as failed", "failed", ""),
    ):
        row: Row = {name: getattr(damage, field) for name, damage in found.items()}
        table.add(f"chaos, {sizes.chaos_jobs} jobs: {label}", row, goal, 0)


PARTS: dict[str, Callable[[Table, Sequence[System], Journal, Sizes], None]] = {
    "start": starts,
    "backlog": backlog,
    "rate": rate,
    "behind": behind,
    "kill": kills,
    "chaos": chaos,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    options.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    options.add_argument("--systems", default="", help="systems by comma; else all")
    given = options.parse_args()
    sizes = QUICK if given.quick else FULL
    wanted = given.systems.split(",") if given.systems else [kind.name for kind in systems.ALL]
    has_redis = shutil.which("redis-server") is not None
    if not has_redis:
        print("redis-server is not installed (apt install redis-server): no Celery, no RQ")
    with (
        harness.database(),
        units.redis(FOLDER / "redis") if has_redis else nullcontext("") as redis_url,
        ExitStack() as stack,
    ):
        known = [
            kind(FOLDER, redis_url)
            for kind in systems.ALL
            if kind.name in wanted and (has_redis or not kind.needs_redis)
        ]
        execute(bodies.LEDGER)
        for system in known:
            system.install()
            stack.callback(system.close)
        journal = Journal(bodies.JOURNAL)
        table = Table(known)
        for part in given.only.split(","):
            began = time.monotonic()
            PARTS[part](table, known, journal, sizes)
            print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    table.print("The engine beside its peers, two workers each")


if __name__ == "__main__":
    main()
