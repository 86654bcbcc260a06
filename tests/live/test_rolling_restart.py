"""Two worker hosts on one database are restarted in turn under load, as a release does it: every
job is done once, and no attempt is used up."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob, JobAttempt, Worker
from tests.fixtures.worker_host import (
    WorkerHost,
    ledger,
    outcomes,
    query,
    start_job,
    until,
    wait_status,
)

ITEMS = 60
ROUNDS = 2
SECONDS = 60.0


@pytest.fixture
def hosts(
    worker_database: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[WorkerHost]]:
    hosts = [WorkerHost(tmp_path_factory.mktemp("rolling")) for _ in range(2)]
    try:
        for host in hosts:
            host.start()
        yield hosts
    finally:
        for host in hosts:
            host.clean_up()


def worker_of(host: WorkerHost) -> UUID:
    return Worker.objects.get(pid=host.pid).pk


def at_work(worker: UUID) -> bool:
    """Tell whether an attempt of that worker has committed items."""
    statement = (
        "SELECT 1 FROM job_attempts a JOIN probe_ledger l ON l.token = a.token"
        " WHERE a.worker = %s AND a.finished_at IS NULL LIMIT 1"
    )
    return bool(query(statement, worker))


def test_restarts_in_turn_under_load_use_up_no_attempt(hosts: list[WorkerHost]) -> None:
    jobs: list[UUID] = []
    handed_back = 0
    for host in hosts * ROUNDS:
        jobs += [start_job(items=ITEMS) for _ in range(4)]
        worker = worker_of(host)
        until(lambda worker=worker: at_work(worker), f"{worker} works", SECONDS)
        assert host.stop() == 0
        theirs = JobAttempt.objects.filter(worker=worker)
        assert not theirs.filter(finished_at=None).exists()
        handed_back += theirs.filter(outcome="handed_back").count()
        host.start()
    for job_id in jobs:
        done = wait_status(job_id, "completed")
        assert (done.retry_count, done.crash_count, done.hand_back_count) == (0, 0, 0)
        assert sorted(ledger(job_id)) == list(range(ITEMS))
        assert set(outcomes(job_id)) <= {"handed_back", "completed"}
    assert handed_back >= len(hosts)  # else nothing was to be seen
    assert {host.stop() for host in hosts} == {0}


def test_releases_with_some_progress_in_between_do_not_add_up(own_host: WorkerHost) -> None:
    """A job that is handed back often is failed only where it never gets on."""
    job_id = start_job(items=100_000)
    for _ in range(2):
        own_host.start()
        before = len(ledger(job_id))
        until(lambda before=before: len(ledger(job_id)) > before, "it gets on", SECONDS)
        assert own_host.stop() == 0
        job = BackgroundJob.objects.get(pk=job_id)
        assert (job.status, job.hand_back_count) == ("pending", 0)
    assert outcomes(job_id) == ["handed_back"] * 2
    lifecycle.cancel([job_id], None)
