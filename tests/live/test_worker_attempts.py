"""An attempt's life and deaths, with a real worker on a real database."""

import os
import signal
from itertools import pairwise

import pytest

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.states import Priority, Waiting
from tests.fixtures.worker_host import (
    GRACE_SECONDS,
    WorkerHost,
    child_of,
    job,
    ledger,
    open_attempt,
    open_gate,
    outcomes,
    query,
    start_job,
    until,
    wait_dead,
    wait_items,
    wait_status,
)

pytestmark = pytest.mark.usefixtures("host")


def test_a_job_runs_to_its_end() -> None:
    job_id = start_job(items=20)
    done = wait_status(job_id, "completed")
    assert (done.total_items, done.done_items, done.progress) == (20, 20, 100)
    assert outcomes(job_id) == ["completed"]
    assert ledger(job_id) == list(range(20))


def test_progress_is_seen_while_it_runs() -> None:
    job_id = start_job(do="gate")
    until(lambda: job(job_id).done_items == 5, "five items are reported")
    seen = job(job_id)
    assert (seen.current_stage, seen.total_items) == ("work", 10)
    assert 10 < seen.progress < 100
    open_gate(job_id)
    wait_status(job_id, "completed")


def test_a_killed_child_is_a_crash_and_the_next_attempt_goes_on() -> None:
    job_id = start_job(do="gate", once=True)
    os.kill(child_of(wait_items(job_id, 5)), signal.SIGKILL)
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["crashed", "completed"]
    assert ledger(job_id) == list(range(10))
    crashed = JobAttempt.objects.get(job_id=job_id, number=1)
    assert "SIGKILL" in crashed.error
    assert crashed.stage == "work"


def test_a_killed_nurse_takes_its_child_along_and_uses_up_nothing() -> None:
    job_id = start_job(do="gate", once=True)
    attempt = wait_items(job_id, 5)
    child = child_of(attempt)
    os.kill(attempt.pid, signal.SIGKILL)
    wait_dead([child])
    done = wait_status(job_id, "completed")
    assert outcomes(job_id) == ["handed_back", "completed"]
    assert (done.crash_count, done.retry_count) == (0, 0)
    assert ledger(job_id) == list(range(10))


@pytest.mark.parametrize("do", ["segfault", "exit", "mute"])
def test_a_poison_job_fails_after_three_crashes_with_all_on_record(do: str) -> None:
    job_id = start_job(do=do)
    failed = wait_status(job_id, "failed")
    assert outcomes(job_id) == ["crashed"] * 3
    assert ("SIGSEGV" if do == "segfault" else "code 7") in failed.error
    assert ledger(job_id) == list(range(5))


def test_too_much_memory_ends_the_attempt_and_not_the_worker(host: WorkerHost) -> None:
    host.wait_complete()
    nurses = host.pids("nurse")
    job_id = start_job(do="exhaust", once=True)
    until(lambda: outcomes(job_id) == ["retryable"], "the first attempt has ended")
    assert "MemoryError" in job(job_id).error
    assert host.pids("nurse") == nurses


def test_a_permanent_error_fails_at_once_with_its_sentence() -> None:
    job_id = start_job(do="permanent")
    assert wait_status(job_id, "failed").error == "The probe was told to fail."
    assert outcomes(job_id) == ["failed"]


def test_a_passing_error_is_tried_again_when_its_time_has_come() -> None:
    job_id = start_job(do="retryable", once=True)
    until(lambda: outcomes(job_id) == ["retryable"], "the first attempt has ended")
    waiting = job(job_id)
    assert waiting.status == "pending"
    assert waiting.run_after
    BackgroundJob.objects.filter(pk=job_id).update(run_after="2020-01-01T00:00Z")
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["retryable", "completed"]


def test_a_question_ends_the_attempt_until_someone_answers() -> None:
    job_id = start_job(do="ask")
    until(lambda: job(job_id).waiting_for == Waiting.MAPPING, "it waits for a mapping")
    assert job(job_id).question == {"columns": ["a", "b"]}
    assert not open_attempt(job_id)
    lifecycle.answer(job_id, Waiting.MAPPING, {"a": "name"}, None)
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["waiting", "completed"]


def test_a_cancel_is_obeyed_at_the_next_safe_point() -> None:
    job_id = start_job(do="gate")
    wait_items(job_id, 5)
    lifecycle.cancel([job_id], None)
    wait_status(job_id, "cancelled")
    assert outcomes(job_id) == ["cancelled"]
    assert ledger(job_id) == list(range(5))


def test_a_cancel_that_is_not_obeyed_is_enforced_after_the_grace() -> None:
    job_id = start_job(do="stuck")
    child = child_of(wait_items(job_id, 5))
    lifecycle.cancel([job_id], None)
    wait_status(job_id, "cancelled")
    wait_dead([child])
    [(seconds,)] = query(
        "SELECT extract(epoch FROM cancelled_at - claimed_at) FROM background_jobs b"
        " JOIN job_attempts a ON a.job_id = b.id WHERE b.id = %s",
        job_id,
    )
    assert seconds >= GRACE_SECONDS


def test_what_a_child_has_started_dies_with_it() -> None:
    job_id = start_job(do="linger", once=True, items=6)
    wait_status(job_id, "completed")
    strays = [pid for (pid,) in query("SELECT pid FROM probe_strays WHERE job = %s", job_id)]
    assert len(strays) == 2
    wait_dead(strays)


def test_a_child_that_loses_its_session_hands_back() -> None:
    job_id = start_job(do="lose_session", once=True)
    done = wait_status(job_id, "completed")
    assert outcomes(job_id) == ["handed_back", "completed"]
    assert (done.crash_count, done.retry_count) == (0, 0)
    assert ledger(job_id) == list(range(10))


def test_a_nurse_that_loses_its_session_opens_another() -> None:
    job_id = start_job(do="gate")
    attempt = wait_items(job_id, 5)
    [(ended,)] = query(
        "SELECT count(pg_terminate_backend(a.pid, 5000)) FROM pg_stat_activity a"
        " JOIN job_attempt_sessions s USING (pid, backend_start)"
        " WHERE s.token = %s AND application_name = 'jt-nurse'",
        attempt.token,
    )
    assert ended == 1
    open_gate(job_id)
    wait_status(job_id, "completed")
    assert outcomes(job_id) == ["completed"]
    assert ledger(job_id) == list(range(10))


def test_a_frozen_nurse_loses_its_job_and_its_child_writes_nothing_more() -> None:
    job_id = start_job(do="gate", once=True, items=12)
    attempt = wait_items(job_id, 5)
    os.kill(attempt.pid, signal.SIGSTOP)
    try:
        until(lambda: outcomes(job_id)[:1] == ["lost"], "the lease has run out")
        wait_status(job_id, "completed")
        open_gate(job_id)
    finally:
        os.kill(attempt.pid, signal.SIGCONT)
    assert outcomes(job_id) == ["lost", "completed"]
    assert ledger(job_id) == list(range(12))


def test_a_process_frozen_inside_its_transaction_holds_nobody_up() -> None:
    job_id = start_job(do="frozen", once=True)
    attempt = wait_items_of(job_id)
    child = child_of(attempt)
    os.kill(attempt.pid, signal.SIGSTOP)
    os.kill(child, signal.SIGSTOP)
    other = start_job()
    try:
        wait_status(other, "completed")
        wait_status(job_id, "completed")
    finally:
        os.kill(child, signal.SIGCONT)
        os.kill(attempt.pid, signal.SIGCONT)
    assert outcomes(job_id) == ["lost", "completed"]
    assert ledger(job_id) == list(range(10))


def wait_items_of(job_id: object) -> JobAttempt:
    """Wait until the probe holds its fence before item 5, which is not committed yet."""
    attempt = wait_items(job_id, 5)  # type: ignore[arg-type]
    until(
        lambda: query(
            "SELECT 1 FROM pg_stat_activity a"
            " JOIN job_attempt_sessions s USING (pid, backend_start)"
            " WHERE s.token = %s AND application_name = 'jt-attempt'"
            " AND xact_start < clock_timestamp() - interval '0.3 s'",
            attempt.token,
        ),
        "it is inside a transaction",
    )
    return attempt


def test_a_paused_type_starts_nothing_until_it_goes_on() -> None:
    lifecycle.set_queue("web_scraping", None, paused=True)
    job_id = start_job()
    other = lifecycle.ready(5)
    lifecycle.set_queue("web_scraping", None, paused=False)
    wait_status(job_id, "completed")
    assert other == 0
    assert outcomes(job_id) == ["completed"]


def test_a_cap_holds_though_a_slot_is_free() -> None:
    lifecycle.set_queue("web_scraping", None, max_running=1)
    try:
        jobs = [start_job(items=30) for _ in range(6)]
        for job_id in jobs:
            wait_status(job_id, "completed")
    finally:
        lifecycle.set_queue("web_scraping", None, max_running=None)
    spans = query(
        "SELECT claimed_at, finished_at FROM job_attempts WHERE job_id = ANY(%s) ORDER BY 1", jobs
    )
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))


def test_the_more_urgent_job_goes_first() -> None:
    lifecycle.set_queue("web_scraping", None, paused=True)
    low = start_job(priority=Priority.LOW)
    high = start_job(priority=Priority.CRITICAL)
    lifecycle.set_queue("web_scraping", None, max_running=1, paused=False)
    try:
        wait_status(low, "completed")
        wait_status(high, "completed")
    finally:
        lifecycle.set_queue("web_scraping", None, max_running=None)
    claims = query(
        "SELECT job_id FROM job_attempts WHERE job_id = ANY(%s) ORDER BY claimed_at", [low, high]
    )
    assert claims == [(high,), (low,)]
