"""What a worker leaves behind when it is told to stop, or killed: jobs that go on, no process."""

import os
import signal
import socket

from jobtracker.models import Worker
from tests.fixtures.worker_host import (
    WorkerHost,
    child_of,
    job,
    ledger,
    outcomes,
    start_job,
    until,
    wait_dead,
    wait_items,
    wait_status,
)


def test_a_drain_hands_running_jobs_back_and_leaves_nothing(own_host: WorkerHost) -> None:
    own_host.start()
    job_id = start_job(do="gate", once=True)
    wait_items(job_id, 5)
    assert own_host.stop() == 0
    waiting = job(job_id)
    assert (waiting.status, outcomes(job_id)) == ("pending", ["handed_back"])
    assert (waiting.crash_count, waiting.retry_count, waiting.run_after) == (0, 0, None)
    assert not Worker.objects.filter(pid=own_host.pid).exists()
    own_host.start()
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["handed_back", "completed"]
    assert ledger(job_id) == list(range(10))
    assert own_host.stop(signal.SIGINT) == 0


def test_a_drain_does_not_wait_for_a_stuck_attempt(own_host: WorkerHost) -> None:
    own_host.start()
    job_id = start_job(do="stuck", once=True)
    wait_items(job_id, 5)
    assert own_host.stop() == 0
    assert (job(job_id).status, outcomes(job_id)) == ("pending", ["handed_back"])
    own_host.start()
    wait_status(job_id, "completed")
    assert own_host.stop() == 0


def test_a_killed_supervisor_takes_all_along_and_the_next_one_goes_on(
    own_host: WorkerHost,
) -> None:
    own_host.start()
    job_id = start_job(do="gate", once=True)
    child = child_of(wait_items(job_id, 5))
    everything = own_host.everything()
    assert child in everything
    os.kill(own_host.pid, signal.SIGKILL)
    own_host.clean_up()
    wait_dead(everything)
    own_host.start()
    done = wait_status(job_id, "completed")
    assert outcomes(job_id) == ["handed_back", "completed"]
    assert (done.crash_count, done.retry_count) == (0, 0)
    assert ledger(job_id) == list(range(10))
    until(
        lambda: list(Worker.objects.values_list("pid", flat=True)) == [own_host.pid],
        "only the living worker is listed",
    )
    assert Worker.objects.get().host == socket.gethostname()
    assert own_host.stop() == 0
