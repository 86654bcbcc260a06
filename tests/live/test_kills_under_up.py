"""Whatever is killed while `manage.py up` imports a feed: its owner starts it again, and the end
is that of an undisturbed run."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobtracker import embedded_pg
from jobtracker.workers import processes
from samples.make_samples import write_feed
from tests.fixtures.up_host import Up
from tests.fixtures.worker_host import until, wait_dead

ROWS = 3000
SECONDS = 40.0
SLOTS = 2

# What a run leaves behind; nothing of it may be there twice.
END = """
    SELECT b.status, b.done_items, b.failed_items, b.result->>'materials',
      (SELECT count(*) FROM import_rows r WHERE r.job_id = b.id),
      (SELECT count(*) FROM import_rows r WHERE r.job_id = b.id AND r.outcome = 'c'),
      (SELECT count(DISTINCT r.material_id) FROM import_rows r WHERE r.job_id = b.id),
      (SELECT count(*) FROM materials m WHERE m.supplier_id = b.supplier_id),
      (SELECT count(DISTINCT m.sku) FROM materials m WHERE m.supplier_id = b.supplier_id),
      (SELECT count(*) FROM material_versions v WHERE v.job_id = b.id)
    FROM background_jobs b WHERE b.id = %s"""
UNDISTURBED = ("completed", ROWS, 0, str(ROWS), ROWS, ROWS, ROWS, ROWS, ROWS, ROWS)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_feed(tmp_path_factory.mktemp("feed") / "feed.xml", ROWS)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"))
    try:
        start(up)
        yield up
    finally:
        up.clean_up()


def start(up: Up) -> None:
    up.start(LEASE_SECONDS="6", WORKERS=str(SLOTS))
    up.wait_ready()
    until(lambda: len(up.named("nurse")) == SLOTS, "the worker is complete", SECONDS)


@pytest.fixture
def job_id(request: pytest.FixtureRequest, up: Up, feed: Path) -> str:
    """An import for a supplier of the test's own."""
    supplier = f"--supplier={request.node.name}"
    job = json.loads(up.manage("import_feed", str(feed), supplier, "--json"))
    return job["id"]


@contextmanager
def held(up: Up, job_id: str) -> Iterator[None]:
    """Hold the job behind its first batch."""

    def begun() -> list[Any]:
        return up.query("SELECT 1 FROM import_rows WHERE job_id = %s LIMIT 1", job_id)

    until(begun, "a batch is written", SECONDS)
    session = embedded_pg.connect(up.data, embedded_pg.DATABASE)
    session.autocommit = False
    session.execute("LOCK TABLE import_rows IN EXCLUSIVE MODE")
    [(status,)] = up.query("SELECT status FROM background_jobs WHERE id = %s", job_id)
    assert status == "processing"
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # the server was killed
            session.rollback()
        session.close()


def end_of(up: Up, job_id: str) -> tuple[Any, ...]:
    """Wait for the job's end and return what it left behind."""
    ends = ("completed", "failed", "cancelled")

    def ended() -> tuple[Any, ...] | None:
        with suppress(psycopg.OperationalError):  # the server is just started again
            [found] = up.query(END, job_id)
            return found if found[0] in ends else None
        return None

    return until(ended, f"the job ended\n{up.output.read_text()[-4000:]}", SECONDS)


def outcomes(up: Up, job_id: str) -> list[str]:
    """Return how the job's attempts ended, in their order."""
    statement = "SELECT outcome FROM job_attempts WHERE job_id = %s ORDER BY number"
    return [outcome for (outcome,) in up.query(statement, job_id)]


def nurses(up: Up, *, busy: bool) -> list[int]:
    """Return the nurses that hold, or do not hold, an attempt's child."""
    parents = {
        nurse
        for nurse in up.named("nurse")
        if set(processes.children(nurse)) & set(up.named("child"))
    }
    return [pid for pid in up.named("nurse") if (pid in parents) == busy]


VICTIMS = {
    "child": lambda up: up.named("child"),
    "nurse": lambda up: nurses(up, busy=True),
    "idle nurse": lambda up: nurses(up, busy=False),
    "sentinel": lambda up: up.named("sentinel"),
    "supervisor": lambda up: [up.child("manage.py worker")],
    "web server": lambda up: [up.child("live.server")],
    "PostgreSQL": lambda up: [up.child("/postgres")],
}
ENDS = {
    "child": [["crashed", "completed"]],
    "nurse": [["handed_back", "completed"], ["lost", "completed"]],
    "web server": [["completed"]],
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_process_costs_a_batch_at_most(up: Up, job_id: str, victim: str) -> None:
    with held(up, job_id):
        [killed] = VICTIMS[victim](up)
        os.kill(killed, signal.SIGKILL)
        wait_dead([killed])
    assert end_of(up, job_id) == UNDISTURBED
    ended = outcomes(up, job_id)
    assert ended[-1] == "completed"
    assert len(ended) <= 3
    assert ended in ENDS.get(victim, [ended])
    until(lambda: whole(up), f"all is back: {VICTIMS[victim](up)}", SECONDS)


def whole(up: Up) -> bool:
    """Tell whether everything runs again, and nothing beside it."""
    counts = {name: len(up.named(name)) for name in ("nurse", "sentinel", "supervisor", "child")}
    return (
        counts == {"nurse": SLOTS, "sentinel": 1, "supervisor": 1, "child": 0}
        and up.answers()
        and up.processes() == {pid for pid in up.everything() if processes.start_ticks(pid)}
    )


def test_an_interrupt_hands_the_job_back_and_a_start_goes_on(up: Up, job_id: str) -> None:
    with held(up, job_id):
        everything = up.processes()
        up.running.send_signal(signal.SIGINT)
        assert up.running.wait(20) == 0
    wait_dead(list(everything))
    assert not up.processes()
    start(up)
    assert end_of(up, job_id) == UNDISTURBED
    assert outcomes(up, job_id)[-1] == "completed"


def test_a_killed_up_leaves_nothing_and_a_start_goes_on(up: Up, job_id: str) -> None:
    with held(up, job_id):
        everything = up.processes()
        up.running.kill()
        up.running.wait()
        wait_dead(list(everything))
    assert not up.processes()
    start(up)
    assert end_of(up, job_id) == UNDISTURBED
    assert up.stop(signal.SIGINT) == 0
    assert not up.processes()
