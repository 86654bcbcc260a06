"""Each verb of a job's life: what it changes, and that it changes nothing from a wrong state."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from imports.models import DataImportJob
from jobtracker import lifecycle
from jobtracker.lifecycle import Failure, Report
from jobtracker.models import AuditEntry, BackgroundJob, JobAttempt, JobCheckpoint, JobEvent
from jobtracker.pipelines import Counts
from jobtracker.states import LeaseLost, Outcome, Status, Waiting

from .jobs import GOOD, claim, make_job, pipeline_in_place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pipeline():
    with pipeline_in_place() as stand_in:
        yield stand_in


def report(**changes):
    values = {
        "progress": 40, "stage": "second", "stage_done": 2, "stage_total": 5, "left": 9.0,
        "total": 5, "done": 1, "failed": 1, "skipped": 0, "advanced": True,
    }  # fmt: skip
    return Report(**values | changes)


def test_a_created_job_is_ready_with_its_detail_row():
    job = make_job()
    assert (job.status, job.run_after, job.waiting_for) == (Status.PENDING, None, None)
    assert DataImportJob.objects.get(background_job=job).status == Status.PENDING
    assert lifecycle.ready(5) == 1


def test_the_same_unique_key_is_the_same_job_until_it_ends():
    first = lifecycle.create("xml_import", unique_key="k", detail={"import_type": "xml"})
    again = lifecycle.create("xml_import", unique_key="k", detail={"import_type": "xml"})
    assert (again.job_id, again.existing) == (first.job_id, True)
    lifecycle.cancel([first.job_id], None)
    assert not lifecycle.create(
        "xml_import", unique_key="k", detail={"import_type": "xml"}
    ).existing


def test_nothing_is_created_without_its_detail_row():
    with pytest.raises(IntegrityError), transaction.atomic():
        lifecycle.create("xml_import", detail={"import_type": "pdf"})
    assert not BackgroundJob.objects.exists()


def test_a_claim_takes_the_highest_priority_first_then_the_oldest():
    low, first, second, high = (make_job(priority=p) for p in (0, 1, 1, 2))
    assert [claim().job_id for _ in range(4)] == [high.pk, first.pk, second.pk, low.pk]
    assert lifecycle.claim(uuid4(), "host", 1) is None


def test_a_claim_opens_an_attempt_under_a_new_token():
    make_job()
    claimed = claim()
    job = BackgroundJob.objects.get()
    attempt = JobAttempt.objects.get()
    assert job.status == Status.PROCESSING
    assert job.attempt_token == attempt.token == claimed.token
    assert (attempt.number, attempt.finished_at) == (1, None)
    assert attempt.sessions.count() == 1
    assert DataImportJob.objects.get().status == Status.PROCESSING


@pytest.mark.parametrize("change", ["paused", "capped", "later", "waiting"])
def test_what_may_not_run_is_passed_over(change):
    job = make_job(run_after=timezone.now() + timedelta(hours=1) if change == "later" else None)
    match change:
        case "paused":
            lifecycle.set_queue("xml_import", None, paused=True)
        case "capped":
            make_job()
            claim()
            lifecycle.set_queue("xml_import", None, max_running=1)
        case "waiting":
            lifecycle.wait(claim().token, Waiting.MAPPING, {"message": "Which?"})
    assert lifecycle.ready(5) == 0
    assert lifecycle.claim(uuid4(), "host", 1) is None
    job.refresh_from_db()


def test_due_jobs_are_promoted():
    job = make_job(run_after=timezone.now() - timedelta(seconds=1))
    make_job(run_after=timezone.now() + timedelta(hours=1))
    assert lifecycle.ready(5) == 0
    assert lifecycle.promote_due() == 1
    assert claim().job_id == job.pk


def test_a_report_is_written_only_under_the_token():
    make_job()
    claimed = claim()
    an_hour_ago = time.monotonic() - 3600
    event = {"at": an_hour_ago, "level": "info", "stage": "second", "message": "hello", "data": {}}
    warning = {"code": "c", "message": "m", "where": ""}
    assert lifecycle.flush(claimed.token, report(events=[event], warnings=[warning]))
    assert lifecycle.flush(claimed.token, report(warnings=[warning]))
    job = BackgroundJob.objects.get()
    assert (job.progress, job.current_stage, job.stage_total) == (40, "second", 5)
    assert (job.total_items, job.done_items, job.failed_items) == (5, 1, 1)
    assert job.warnings == [warning]
    assert job.expected_at > timezone.now()
    detail = DataImportJob.objects.get()
    assert (detail.total_products, detail.processed_products, detail.failed_products) == (5, 1, 1)
    lifecycle.hand_back(claimed.token, "test")
    assert not lifecycle.flush(claimed.token, report(progress=80, events=[event]))
    written = JobEvent.objects.get(message="hello")
    assert timedelta(hours=1) <= timezone.now() - written.at < timedelta(hours=2)
    assert not lifecycle.beat(claimed.token).alive


def test_completed_needs_items_that_add_up():
    make_job()
    token = claim().token
    with pytest.raises(ValueError, match="add up"):
        lifecycle.complete(token, Counts(total=3, done=1))
    assert lifecycle.complete(token, GOOD) == Status.COMPLETED
    job = BackgroundJob.objects.get()
    assert (job.progress, job.total_items, job.result) == (100, 3, {"materials": 1})
    assert job.completed_at
    assert JobAttempt.objects.get().outcome == Outcome.COMPLETED
    assert DataImportJob.objects.get().status == Status.COMPLETED
    assert lifecycle.complete(token, GOOD) is None


def test_passing_errors_are_retried_later_until_the_attempts_are_used_up():
    make_job(max_attempts=2)
    assert lifecycle.fail_retryably(claim().token, Failure("time-out")) == Status.PENDING
    job = BackgroundJob.objects.get()
    assert (job.retry_count, job.error) == (1, "time-out")
    assert job.run_after > timezone.now()
    BackgroundJob.objects.update(run_after=None)
    assert lifecycle.fail_retryably(claim().token, Failure("time-out")) == Status.FAILED
    assert list(JobAttempt.objects.values_list("outcome", flat=True)) == ["retryable"] * 2


def test_a_permanent_error_fails_at_once_with_its_cause():
    make_job()
    failure = Failure("Row 17 is broken", "Permanent", "Traceback ...", "second")
    assert lifecycle.fail(claim().token, failure) == Status.FAILED
    job = BackgroundJob.objects.get()
    attempt = JobAttempt.objects.get()
    assert (job.error, attempt.error_type, attempt.stage) == (
        failure.message,
        "Permanent",
        "second",
    )
    make_job()
    lifecycle.fail(claim().token, Failure("Row 4711 is broken", stage="second"))
    assert len(set(BackgroundJob.objects.values_list("error_fingerprint", flat=True))) == 1


def test_a_crash_uses_no_retry_and_the_third_one_fails_the_job():
    make_job()
    outcomes = [lifecycle.crash(claim().token, Failure("signal 11")) for _ in range(3)]
    assert outcomes == [Status.PENDING, Status.PENDING, Status.FAILED]
    job = BackgroundJob.objects.get()
    assert (job.retry_count, job.crash_count) == (0, 3)
    assert job.attempts.filter(outcome=Outcome.CRASHED).count() == 3


def test_hand_backs_use_up_nothing_but_do_not_go_round_for_ever():
    job = make_job()
    for _ in range(lifecycle.IDLE_HAND_BACK_LIMIT - 1):
        assert lifecycle.hand_back(claim().token, "shutdown") == Status.PENDING
    claimed = claim()
    JobCheckpoint.objects.create(job=job, stage="first", state="done", attempt=claimed.number)
    assert lifecycle.hand_back(claimed.token, "shutdown") == Status.PENDING
    job.refresh_from_db()
    assert (job.retry_count, job.crash_count, job.hand_back_count) == (0, 0, 0)
    ends = [
        lifecycle.hand_back(claim().token, "again") for _ in range(lifecycle.IDLE_HAND_BACK_LIMIT)
    ]
    assert ends[-1] == Status.FAILED


def test_only_a_job_without_a_heartbeat_in_time_is_rescued():
    make_job()
    token = claim().token
    assert lifecycle.expired(45) == []
    assert lifecycle.rescue(token, 45) is None
    BackgroundJob.objects.update(last_heartbeat=timezone.now() - timedelta(seconds=46))
    assert lifecycle.expired(45) == [token]
    assert lifecycle.rescue(token, 45) == Status.PENDING
    assert JobAttempt.objects.get().outcome == Outcome.LOST


def test_the_fence_falls_with_the_attempt():
    make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
    lifecycle.hand_back(token, "test")
    with pytest.raises(LeaseLost), transaction.atomic():
        lifecycle.fence(token)


@pytest.mark.parametrize(
    "end",
    [
        lambda token: lifecycle.fail_retryably(token, Failure("x")),
        lambda token: lifecycle.fail(token, Failure("x")),
        lambda token: lifecycle.crash(token, Failure("x")),
        lambda token: lifecycle.hand_back(token, "x"),
        lambda token: lifecycle.wait(token, Waiting.MAPPING, {}),
        lambda token: lifecycle.finish_cancelled(token),
    ],
)
def test_a_cancel_beats_every_other_end(end):
    job = make_job()
    token = claim().token
    assert lifecycle.cancel([job.pk], None) == {job.pk: Status.PROCESSING}
    assert lifecycle.beat(token).cancel_requested
    assert end(token) == Status.CANCELLED
    job.refresh_from_db()
    assert job.cancelled_at
    assert (job.error, job.run_after) == ("", None)


def test_a_pending_job_is_cancelled_at_once_and_an_ended_one_never():
    job = make_job()
    assert lifecycle.cancel([job.pk], None, "typo") == {job.pk: Status.CANCELLED}
    assert lifecycle.cancel([job.pk], None) == {}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject_id, entry.reason) == ("cancel", str(job.pk), "typo")


def test_waiting_for_a_person_holds_no_slot_and_the_answer_lets_it_go_on():
    job = make_job()
    lifecycle.set_queue("xml_import", None, max_running=1)
    assert lifecycle.wait(claim().token, Waiting.CURRENCY, {"message": "Which currency?"})
    job.refresh_from_db()
    assert (job.waiting_for, job.question) == ("currency", {"message": "Which currency?"})
    assert job.retry_count == 0
    assert not lifecycle.answer(job.pk, Waiting.MAPPING, {}, None)
    assert lifecycle.answer(job.pk, Waiting.CURRENCY, {"currency": "EUR"}, None)
    assert claim().job_id == job.pk
    job.refresh_from_db()
    assert job.answer == {"currency": {"currency": "EUR"}}


def test_a_retry_keeps_the_history_and_starts_the_limits_anew():
    job = make_job()
    lifecycle.crash(claim().token, Failure("signal 9"))
    lifecycle.fail(claim().token, Failure("broken"))
    assert lifecycle.retry([job.pk], None) == [job.pk]
    assert lifecycle.retry([job.pk], None) == []
    job.refresh_from_db()
    assert (job.status, job.crash_count, job.error, job.failed_at) == (Status.PENDING, 0, "", None)
    assert claim().number == 3


def test_a_retry_gives_way_to_a_live_job_with_the_same_key():
    first = make_job(unique_key="k")
    lifecycle.cancel([first.pk], None)
    make_job(unique_key="k")
    assert lifecycle.retry([first.pk], None) == []
    assert not lifecycle.rerun_from(first.pk, "first", None, "why")


def test_of_ended_jobs_with_one_key_a_retry_takes_the_newest():
    jobs = []
    for _ in range(3):
        jobs.append(make_job(unique_key="k").pk)
        lifecycle.cancel(jobs[-1:], None)
    assert lifecycle.retry(jobs, None) == jobs[-1:]
    assert lifecycle.retry(jobs, None) == []


def test_running_again_from_a_stage_undoes_that_stage_and_the_later(pipeline):
    job = make_job()
    lifecycle.complete(claim().token, GOOD)
    for stage in ("first", "second"):
        JobCheckpoint.objects.create(job=job, stage=stage, state="done", attempt=1)
    with pytest.raises(ValueError, match="not a stage"):
        lifecycle.rerun_from(job.pk, "third", None, "why")
    assert lifecycle.rerun_from(job.pk, "second", None, "prices were wrong")
    assert list(job.checkpoints.values_list("stage", flat=True)) == ["first"]
    assert pipeline.forgotten == ["second"]
    assert AuditEntry.objects.get(action="run again").reason == "prices were wrong"


def test_marking_failed_takes_the_job_from_a_running_attempt():
    job = make_job()
    token = claim().token
    lifecycle.flush(token, report())
    BackgroundJob.objects.update(stalled_at=timezone.now())
    assert lifecycle.mark_failed(job.pk, "stuck", None)
    job.refresh_from_db()
    assert (job.status, job.stalled_at, job.expected_at) == (Status.FAILED, None, None)
    assert not lifecycle.beat(token).alive
    with pytest.raises(LeaseLost), transaction.atomic():
        lifecycle.fence(token)
    assert not lifecycle.mark_failed(job.pk, "again", None)
    assert AuditEntry.objects.get().reason == "stuck"


def test_marking_completed_is_for_jobs_that_do_not_run():
    job = make_job()
    token = claim().token
    assert not lifecycle.mark_completed(job.pk, "done elsewhere", None)
    lifecycle.fail(token, Failure("x"))
    assert lifecycle.mark_completed(job.pk, "done elsewhere", None)
    job.refresh_from_db()
    assert (job.status, job.progress, job.error) == (Status.COMPLETED, 100, "")
    assert "done elsewhere" in job.result["note"]


def test_only_jobs_that_stand_still_are_marked_stalled_and_once():
    job = make_job()
    token = claim().token
    assert lifecycle.mark_stalled("xml_import", 60) == []
    BackgroundJob.objects.update(advanced_at=timezone.now() - timedelta(seconds=61))
    assert lifecycle.mark_stalled("xml_import", 60) == [job.pk]
    assert lifecycle.mark_stalled("xml_import", 60) == []
    lifecycle.flush(token, report())
    job.refresh_from_db()
    assert job.stalled_at is None


def test_edits_are_limited_and_audited(django_user_model):
    job = make_job()
    olive = django_user_model.objects.create_user("olive")
    assert lifecycle.edit([job.pk], olive, "urgent", priority=3) == [job.pk]
    with pytest.raises(ValueError, match="edited"):
        lifecycle.edit([job.pk], olive, "no", status="completed")
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.details) == ("olive", {"priority": 3})


def test_the_audit_log_only_grows():
    lifecycle.cancel([make_job().pk], None)
    for statement in ("UPDATE audit_log SET reason = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
