"""Runs trials of fault points in one worker and asks the invariants afterwards."""

import random
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobtracker import faults, pipelines
from jobtracker.catalogue.models import Supplier
from jobtracker.faults import ACTIONS, POINTS, Fault
from jobtracker.states import JobType
from tests.chaos import provocations
from tests.chaos.pipeline import ChaosPipeline
from tests.chaos.sink import Sink
from tests.chaos.trial import LEASE_SECONDS, Ground, Steps, Trial
from tests.fixtures.worker_host import WorkerHost, comm, query, until

HERE = Path(__file__).parent
SLOTS = 8
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 120.0  # in which some trial comes to its end
# There the attempt's child fails, so it is the job's own trouble and uses the attempt up.
CHILD = ("child.", "item.", "checkpoint.", "finish.recounted", "finish.told")
# Each job passes them, several times or not, so that it need not be the first time.
OFTEN = ("claim.", "fork.", "child.", "item.", "checkpoint.", "flush.", "end.")
SESSIONS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'jt-%'
"""
NO_TABLES = """
    DROP FUNCTION IF EXISTS chaos_keep_job, chaos_keep_attempt CASCADE;
    DROP TABLE IF EXISTS chaos_ledger, chaos_history, chaos_rows, chaos_raised, chaos_calls,
        chaos_faults, chaos_samples;
"""


def draw(seed: int) -> list[Fault]:
    """Return one fault for each point."""
    dice = random.Random(seed)
    return [
        Fault(point, dice.randint(1, 3) if point.startswith(OFTEN) else 1, action)
        for point in sorted(POINTS)
        for action in [dice.choice(sorted(ACTIONS))]
    ]


@contextmanager
def ground(folder: Path) -> Iterator[tuple[Ground, Sink]]:
    """Start a worker of the chaos pipeline on this process's database, with tables and sink."""
    data = folder / "data"
    data.mkdir()
    kept = pipelines.get(JobType.IMPORT)
    pipelines.register(ChaosPipeline())
    query((HERE / "tables.sql").read_text())
    supplier, _ = Supplier.objects.get_or_create(name="Chaos")
    sink = Sink(folder / "calls")
    host = WorkerHost(folder, SLOTS)
    try:
        host.start(
            DJANGO_SETTINGS_MODULE="tests.chaos.settings",
            JOBTRACKER_DATA=str(data),
            JOBTRACKER_FAULT=faults.BY_FILE,
            CHAOS_SINK=sink.address,
            LEASE_SECONDS=str(LEASE_SECONDS),
        )
        yield Ground(host, data / faults.FOLDER, supplier.pk), sink
    finally:
        host.clean_up()
        sink.stop()
        until(lambda: not query(SESSIONS), "the worker's sessions are gone")
        query(NO_TABLES)
        pipelines.register(kept)


def lanes(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Let all run at the same time, but one after another those that use up attempts: a job that
    met three of them would have failed, and rightly."""
    using_up = [trial for trial in trials if uses_up(trial.fault)]
    return [using_up, *([trial] for trial in trials if trial not in using_up)]


def run(lanes: Sequence[Sequence[Trial]]) -> list[str]:
    """Run the trials of each lane one after another, the lanes at the same time; return a line for
    each trial that does not come to its end."""
    began = ended = time.monotonic()
    under_way: set[Trial] = set()

    def walk(lane: Sequence[Trial]) -> Steps:
        nonlocal ended
        for trial in lane:
            under_way.add(trial)
            yield from trial.steps(provocations.of(trial.fault.point))
            under_way.remove(trial)
            ended = time.monotonic()
            print(f"{ended - began:6.1f} s  {trial.name}", flush=True)

    walks = [walk(lane) for lane in lanes]
    try:
        while walks and time.monotonic() - ended < PATIENCE_SECONDS:
            time.sleep(LOOK_SECONDS)
            for trial in list(under_way)[:1]:
                trial.ground.look()
            for trial in under_way:
                trial.tend()
            walks = [steps for steps in walks if next(steps, walks) is not walks]
        return [f"does not end: {_describe(trial)}" for trial in under_way]
    finally:
        for trial in under_way:
            trial.clean_up()


def _describe(trial: Trial) -> str:
    attempts = query(
        "SELECT b.id, b.status, b.run_after, a.number, a.outcome, a.error, a.pid"
        " FROM background_jobs b LEFT JOIN job_attempts a ON a.job_id = b.id"
        " WHERE b.metadata->>'trial' = %s ORDER BY b.id, a.number",
        trial.name,
    )
    pid = trial.fired
    where = f"fired in {pid} {comm(pid)}" if pid else "has not fired"
    return f"{trial.name} {where}; {attempts}"


def broken(wanted: Sequence[Fault], sink: Sink) -> dict[str, list[tuple[Any, ...]]]:
    """Ask every invariant; return the rows of those that do not hold, by name. The worker must
    have stopped."""
    _tell_faults(wanted)
    for job, item, token, moment in sink.calls():
        query(
            "INSERT INTO chaos_calls VALUES (%s, %s, %s, to_timestamp(%s))",
            job, item, token, moment,
        )  # fmt: skip
    found = {path.stem: query(path.read_text()) for path in sorted(HERE.glob("invariants/*.sql"))}
    # Which child a fault met is not told to the invariants; so no more may be used up in all.
    [(used,)] = query("SELECT count(*) FROM job_attempts WHERE outcome IN ('crashed', 'retryable')")
    allowed = sum(uses_up(fault) for fault in wanted)
    found["attempts_used_up_in_all"] = [(used, allowed)] if used > allowed else []
    return {name: rows for name, rows in found.items() if rows}


def uses_up(fault: Fault) -> bool:
    """Tell whether the fault costs the job that it meets an attempt."""
    return fault.point.startswith(CHILD) and fault.action in ("raise", "kill")


def _tell_faults(wanted: Sequence[Fault]) -> None:
    """Tell the invariants what was done: any job may have been met, at any time."""
    kinds = {"raise": "backend", "close": "backend"}
    told = [(provocations.LOST_HOST, "host")]
    for fault in wanted:
        kind = "child" if uses_up(fault) else kinds.get(fault.action, fault.action)
        told.append((socket.gethostname(), kind))
    for number, (host, kind) in enumerate(told):
        query(
            "INSERT INTO chaos_faults SELECT %s, %s, %s, array_agg(id), min(created_at) -"
            " interval '1 day', clock_timestamp() FROM background_jobs",
            number, kind, host,
        )  # fmt: skip
