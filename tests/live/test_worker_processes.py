"""What a worker does when one of its own processes dies."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

from jobtracker import lifecycle
from jobtracker.models import JobAttempt, Worker
from jobtracker.states import Priority
from jobtracker.workers import processes
from tests.fixtures.worker_host import (
    WorkerHost,
    ledger,
    open_gate,
    outcomes,
    start_job,
    until,
    wait_items,
    wait_status,
)


@pytest.fixture
def whole(host: WorkerHost) -> Iterator[WorkerHost]:
    """The shared worker, complete before the test and still the same supervisor after it."""
    host.wait_complete()
    supervisor = host.pid
    yield host
    assert processes.start_ticks(supervisor)


@pytest.mark.parametrize("name", ["nurse", "pusher", "monitor", "sentinel", "cluster", "lifeline"])
def test_an_idle_worker_goes_on_whatever_was_killed(whole: WorkerHost, name: str) -> None:
    # Of two idle nurses one holds the lock of the task queue, so killing both freezes django-q2.
    killed = whole.kill(name)
    job_id = start_job()
    wait_status(job_id, "completed")
    # A cluster that is replaced hands back what it had claimed meanwhile.
    assert set(outcomes(job_id)[:-1]) <= {"handed_back"}
    whole.wait_complete(besides=killed)


@pytest.mark.parametrize("name", ["pusher", "monitor", "sentinel", "cluster", "lifeline"])
def test_a_running_job_survives_the_death_of_any_other(whole: WorkerHost, name: str) -> None:
    # Each attempt waits at the gate: one handed back here must not run on to the end.
    job_id = start_job(do="gate")
    wait_items(job_id, 5)
    killed = whole.kill(name)
    whole.wait_complete(besides=killed)
    open_gate(job_id)
    done = wait_status(job_id, "completed")
    assert set(outcomes(job_id)[:-1]) <= {"handed_back"}
    assert (done.crash_count, done.retry_count) == (0, 0)
    assert ledger(job_id) == list(range(10))


def test_a_silent_pusher_is_replaced(whole: WorkerHost) -> None:
    [pusher] = whole.pids("pusher")
    os.kill(pusher, signal.SIGSTOP)
    job_id = start_job()
    wait_status(job_id, "completed")
    assert not processes.start_ticks(pusher)


def test_a_plain_task_runs_and_is_acknowledged(whole: WorkerHost) -> None:
    name = uuid4().hex
    async_task("math.sqrt", 4, task_name=name, save=True)
    task = until(lambda: Task.objects.filter(name=name).first(), "the task's result is stored")
    assert (task.success, task.result) == (True, 2.0)
    until(lambda: not OrmQ.objects.exists(), "the task is acknowledged")


def test_an_attempt_that_no_process_holds_is_given_back(whole: WorkerHost) -> None:
    """The claim was committed and its answer lost."""
    mine = Worker.objects.get(pid=whole.pid)
    with transaction.atomic():
        # Unseen by the worker's own nurses until it is claimed.
        job_id = start_job(priority=Priority.CRITICAL)
        claimed = lifecycle.claim(mine.id, mine.host, os.getpid())
        assert claimed
        assert claimed.job_id == job_id
        JobAttempt.objects.filter(token=claimed.token).update(
            claimed_at=Now() - timedelta(seconds=60)
        )
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["handed_back", "completed"]
