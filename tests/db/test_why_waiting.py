"""Why a job waits: each reason, by one statement, on the job, in JSON and on the command line."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from jobtracker import lifecycle, why_waiting
from jobtracker.lifecycle import Failure
from jobtracker.models import BackgroundJob, JobQueue, User, Worker
from jobtracker.states import Priority, Waiting
from tests.db.import_runs import manage
from tests.db.jobs import claim, make_job, pipeline_in_place

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stand_in")]


@pytest.fixture
def stand_in():
    with pipeline_in_place() as stand_in:
        yield stand_in


@pytest.fixture
def worker():
    return Worker.objects.create(
        id=uuid4(), host="h", boot_id="b", pid_namespace="n", pid=1, start_ticks=1, slots=2
    )


def why(job: BackgroundJob) -> tuple[str, str]:
    found = why_waiting.why_waiting(BackgroundJob.objects.get(pk=job.pk))
    assert found
    return found.reason, found.said


def test_the_first_in_line_is_next(worker, django_assert_num_queries):
    job = make_job()
    with django_assert_num_queries(1):
        found = why_waiting.why_waiting(job)
    assert found == why_waiting.Why("next", "Next: a slot is free", 0)


def test_all_slots_are_busy(worker):
    Worker.objects.update(busy=2)
    assert why(make_job()) == ("busy", "Next; all 2 slots are busy")


def test_no_worker_runs():
    assert why(make_job())[0] == "no_worker"


def test_a_worker_that_was_not_seen_or_drains_does_not_count(worker):
    job = make_job()
    Worker.objects.update(draining=True)
    assert why(job)[0] == "no_worker"
    Worker.objects.update(draining=False, last_seen=Now() - timedelta(hours=1))
    assert why(job)[0] == "no_worker"


def test_the_type_is_paused_since_when_and_by_whom():
    job = make_job()
    lifecycle.set_queue("xml_import", User.objects.create(username="ann"), paused=True)
    reason, said = why(job)
    assert reason == "paused"
    assert said.startswith("Import is paused since 20")
    assert said.endswith(" by ann")


def test_a_pause_that_left_no_audit_line_is_a_pause():
    JobQueue.objects.filter(pk="xml_import").update(paused=True)
    assert why(make_job()) == ("paused", "Import is paused")


def test_the_cap_is_reached(worker):
    lifecycle.set_queue("xml_import", None, max_running=1)
    running, job = make_job(), make_job()
    assert why(job)[0] == "behind"
    assert claim().job_id == running.pk
    assert why(job) == ("cap", "The cap is reached: 1 of 1 Import jobs run")


def test_it_is_scheduled_or_waits_to_be_tried_again():
    job = make_job()
    BackgroundJob.objects.filter(pk=job.pk).update(run_after=Now() + timedelta(hours=2))
    reason, said = why(job)
    assert reason == "scheduled"
    assert said.startswith("Scheduled for 20")
    assert said.endswith(", in 2 h")
    other = make_job()
    lifecycle.fail_retryably(claim().token, Failure("Timed out."))
    reason, said = why(other)
    assert reason == "retry"
    assert said.startswith("Tried again in ")


def test_it_waits_for_a_person():
    job = make_job()
    lifecycle.wait(claim().token, Waiting.MAPPING, {})
    assert why(job) == ("person", "Needs a field mapping")


def test_what_runs_or_is_over_waits_for_nothing():
    job = make_job()
    claim()
    assert why_waiting.why_waiting(BackgroundJob.objects.get(pk=job.pk)) is None
    # Read as pending, but claimed meanwhile.
    assert why_waiting.why_waiting(job) is None


def test_those_ahead_are_those_that_the_claim_takes_first(worker):
    """The claims from now on agree with the number that was told."""
    jobs = [make_job(priority=n % 4) for n in range(12)]
    other = lifecycle.create("web_scraping", priority=Priority.HIGH, detail={"source_url": "x"})
    lifecycle.create("pdf_processing", priority=Priority.CRITICAL, detail=pdf())
    lifecycle.set_queue("pdf_processing", None, paused=True)
    told = {}
    for job in jobs:
        found = why_waiting.why_waiting(job)
        assert found
        told[job.pk] = found.ahead
    taken = [claim().job_id for _ in range(13)]
    assert other.job_id in taken
    assert told == {job.pk: taken.index(job.pk) for job in jobs}


def pdf() -> dict[str, object]:
    return {"filename": "a.pdf", "source_file": "a", "content_hash": "a", "bytes": 1}


def test_words_of_the_number_ahead(worker):
    make_job()
    second = make_job()
    assert why(second) == ("behind", "Behind 1 other job")
    third = make_job()
    Worker.objects.update(busy=2)
    assert why(third) == ("behind", "Behind 2 other jobs; all 2 slots are busy")
    assert why_waiting.Why("behind", "", 1001).as_json()["ahead"] == 1000


def test_commands_and_json_say_it(worker):
    make_job()
    job = make_job()
    shown = manage("jobs", "show", job.pk)
    assert "  waits: Behind 1 other job\n" in shown.out
    told = manage("jobs", "show", job.pk, "--json").json["why_waiting"]
    assert told == {"reason": "behind", "message": "Behind 1 other job", "ahead": 1}
    lifecycle.cancel([job.pk], None)
    assert manage("jobs", "show", job.pk, "--json").json["why_waiting"] is None


def test_no_more_than_a_thousand_are_counted(worker):
    job = make_job()
    BackgroundJob.objects.bulk_create(
        BackgroundJob(job_type="xml_import", priority=Priority.HIGH) for _ in range(1100)
    )
    found = why_waiting.why_waiting(job)
    assert found
    assert (found.ahead, found.said) == (1001, "Behind 1,000+ other jobs")
    assert found.as_json()["ahead"] == 1000
