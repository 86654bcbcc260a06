"""Two connections at once: whoever loses a race changes nothing, and knows it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from imports.models import DataImportJob
from jobtracker import lifecycle
from jobtracker.models import BackgroundJob, JobAttempt, JobCheckpoint
from jobtracker.states import LeaseLost, Status

from .jobs import GOOD, WORKER, Elsewhere, claim, make_job, pipeline_in_place, wait_until_blocked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture(autouse=True)
def pipeline():
    with pipeline_in_place() as stand_in:
        yield stand_in


def claim_elsewhere():
    return Elsewhere(lambda: lifecycle.claim(WORKER, "other", 2))


def test_two_claims_never_take_the_same_job():
    for _ in range(6):
        make_job()
    with transaction.atomic():
        mine = claim()
        theirs = claim_elsewhere().result()
    assert mine.job_id != theirs.job_id
    claimers = [claim_elsewhere() for _ in range(6)]
    taken = [c.job_id for each in claimers if (c := each.result())]
    assert len(taken) == len(set(taken)) == 4
    assert BackgroundJob.objects.filter(status=Status.PROCESSING).count() == 6


def test_a_cap_is_exact_while_claims_overlap():
    lifecycle.set_queue("xml_import", None, max_running=2)
    for _ in range(5):
        make_job()
    claim()
    with transaction.atomic():
        claim()
        late = claim_elsewhere()
        wait_until_blocked()
    assert late.result() is None
    assert BackgroundJob.objects.filter(status=Status.PROCESSING).count() == 2


def test_no_claim_follows_a_pause():
    make_job()
    with transaction.atomic():
        lifecycle.set_queue("xml_import", None, paused=True)
        late = claim_elsewhere()
        wait_until_blocked()
    assert late.result() is None


def test_a_pause_waits_for_the_claim_that_is_under_way():
    make_job()
    with transaction.atomic():
        claim()
        pause = Elsewhere(lambda: lifecycle.set_queue("xml_import", None, paused=True))
        wait_until_blocked()
        assert pause.is_alive()
    assert pause.result()


def test_a_finish_that_came_first_wins_over_the_cancel():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.complete(token, GOOD)
        cancel = Elsewhere(lambda: lifecycle.cancel([job.pk], None))
        wait_until_blocked()
    assert cancel.result() == {}
    job.refresh_from_db()
    assert job.status == Status.COMPLETED


def test_a_cancel_that_came_first_is_obeyed_by_the_failure_that_waited():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.cancel([job.pk], None)
        end = Elsewhere(lambda: lifecycle.crash(token, lifecycle.Failure("signal 9")))
        wait_until_blocked()
    assert end.result() == Status.CANCELLED


def test_two_cancels_of_a_pending_job_leave_one_audit_line():
    from jobtracker.models import AuditEntry

    job = make_job()
    with transaction.atomic():
        lifecycle.cancel([job.pk], None)
        other = Elsewhere(lambda: lifecycle.cancel([job.pk], None))
        wait_until_blocked()
    assert other.result() == {}
    assert AuditEntry.objects.filter(action="cancel").count() == 1


def expire():
    BackgroundJob.objects.update(last_heartbeat=timezone.now() - timedelta(seconds=60))


def test_a_rescue_waits_for_the_commit_under_the_fence():
    job = make_job()
    token = claim().token
    expire()
    with transaction.atomic():
        lifecycle.fence(token)
        JobCheckpoint.objects.create(job=job, stage="first", state="done", attempt=1)
        rescue = Elsewhere(lambda: lifecycle.rescue(token, 45))
        wait_until_blocked()
        assert rescue.is_alive()
    assert rescue.result() == Status.PENDING
    assert JobCheckpoint.objects.filter(job=job).exists()


def test_after_a_rescue_nothing_commits_under_the_old_token():
    make_job()
    token = claim().token
    expire()

    def late_commit():
        with transaction.atomic():
            lifecycle.fence(token)

    with transaction.atomic():
        lifecycle.rescue(token, 45)
        zombie = Elsewhere(late_commit)
        wait_until_blocked()
    with pytest.raises(LeaseLost):
        zombie.result()


def test_a_heartbeat_that_came_first_saves_the_job_from_the_rescue():
    make_job()
    token = claim().token
    expire()
    with transaction.atomic():
        assert lifecycle.beat(token).alive
        rescue = Elsewhere(lambda: lifecycle.rescue(token, 45))
        wait_until_blocked()
    assert rescue.result() is None
    assert JobAttempt.objects.get().finished_at is None


def test_beats_and_reports_do_not_wait_for_an_item_transaction():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
        JobCheckpoint.objects.create(job=job, stage="first", state="done", attempt=1)
        assert Elsewhere(lambda: lifecycle.beat(token)).result().alive


def test_two_retries_make_one():
    job = make_job()
    lifecycle.fail(claim().token, lifecycle.Failure("x"))
    with transaction.atomic():
        assert lifecycle.retry([job.pk], None)
        other = Elsewhere(lambda: lifecycle.retry([job.pk], None))
        wait_until_blocked()
    assert other.result() == []


@pytest.mark.parametrize(
    "live_again",
    [
        lambda job: lifecycle.retry([job.pk], None),
        lambda job: lifecycle.rerun_from(job.pk, "first", None, "why"),
    ],
)
def test_of_two_jobs_with_one_unique_key_only_one_becomes_live_again(live_again):
    first = make_job(unique_key="one")
    lifecycle.cancel([first.pk], None)
    second = make_job(unique_key="one")
    lifecycle.cancel([second.pk], None)
    with transaction.atomic():
        assert lifecycle.retry([first.pk], None)
        other = Elsewhere(lambda: live_again(second))
        wait_until_blocked()
    assert not other.result()
    second.refresh_from_db()
    assert second.status == Status.CANCELLED


def test_a_job_marked_failed_waits_for_an_item_transaction_that_writes_its_detail_row():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
        mark = Elsewhere(lambda: lifecycle.mark_failed(job.pk, "stuck", None))
        wait_until_blocked()
        DataImportJob.objects.filter(background_job=job).update(encoding="utf-8")
    assert mark.result()
    detail = DataImportJob.objects.get(background_job=job)
    assert (detail.status, detail.encoding) == (Status.FAILED, "utf-8")


@pytest.mark.parametrize(
    ("before", "act"),
    [
        (None, lambda jobs: lifecycle.cancel(jobs, None)),
        (None, lambda jobs: lifecycle.edit(jobs, None, "why", priority=3)),
        (lifecycle.cancel, lambda jobs: lifecycle.retry(jobs, None)),
    ],
)
def test_acts_on_many_jobs_lock_them_in_one_order(before, act):
    jobs = [make_job().pk for _ in range(2)]
    if before:
        before(jobs, None)
    # The first job's new version now lies behind the other's: a scan meets it last.
    BackgroundJob.objects.filter(pk=jobs[0]).update(priority=2)
    with transaction.atomic():
        act(jobs[:1])
        other = Elsewhere(lambda: act(jobs))
        wait_until_blocked()
        assert len(act(jobs[1:])) == 1  # the other waits for the first and holds nothing yet
    other.result()


def test_beats_pass_while_the_end_of_an_attempt_waits_for_a_commit_under_the_fence():
    make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
        back = Elsewhere(lambda: lifecycle.hand_back(token, "its nurse died"))
        wait_until_blocked()
        assert Elsewhere(lambda: lifecycle.beat(token)).result().alive
        assert back.is_alive()
    assert back.result() == Status.PENDING


def test_a_commit_that_a_hand_back_waited_for_is_progress():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
        JobCheckpoint.objects.create(job=job, stage="first", state="running", attempt=1)
        back = Elsewhere(lambda: lifecycle.hand_back(token, "its nurse died"))
        wait_until_blocked()
    assert back.result() == Status.PENDING
    job.refresh_from_db()
    assert job.hand_back_count == 0


def test_of_several_who_end_an_attempt_one_does():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.fence(token)
        ends = [
            Elsewhere(lambda: lifecycle.crash(token, lifecycle.Failure("signal 9"))),
            Elsewhere(lambda: lifecycle.complete(token, GOOD)),
        ]
        mark = Elsewhere(lambda: lifecycle.mark_failed(job.pk, "stuck", None))
        wait_until_blocked(3)
    assert sum(bool(end.result()) for end in ends) + mark.result() >= 1
    attempt = JobAttempt.objects.get()
    assert attempt.finished_at
    assert [end.result() for end in ends].count(None) >= 1
    job.refresh_from_db()
    assert job.attempt_token is None


def test_work_that_is_done_completes_its_job_although_a_cancel_came():
    job = make_job()
    token = claim().token
    with transaction.atomic():
        lifecycle.cancel([job.pk], None)
        end = Elsewhere(lambda: lifecycle.complete(token, GOOD))
        wait_until_blocked()
    assert end.result() == Status.COMPLETED
    job.refresh_from_db()
    assert (job.cancelled_at, job.cancel_requested_at) == (None, None)
