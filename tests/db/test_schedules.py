"""What is due starts once, whatever died or was missed; what keeps failing is put off, then paused;
and persons start, pause, resume, change and delete."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from imports.models import DataImportJob
from jobtracker import lifecycle, reporting, schedules
from jobtracker.models import AuditEntry, BackgroundJob, JobEvent, JobSchedule, User
from jobtracker.plans import Plan, PlanError
from jobtracker.schedules import BACK_OFF, PAUSE_AFTER
from jobtracker.states import JobType, Priority
from jobtracker.uploads import SourceRefused
from jobtracker.workers.block import Block
from jobtracker.workers.lifeline import Lifeline
from scraping.models import ScrapingSession

from .jobs import claim
from .schedules import ADDRESS, end, jobs_of, let_come, make_schedule, wanted
from .test_reporting import recorder

pytestmark = pytest.mark.django_db

__all__ = ["recorder"]

OFTEN = Plan("*/5 * * * *")


@pytest.fixture
def schedule(db):
    return make_schedule()


@pytest.fixture
def sam(db):
    return User.objects.create_user("sam")


def due(schedule, hours: float = 0.01) -> JobSchedule:
    """Let the schedule come due, and the lifeline look; returns it afresh."""
    let_come(schedule, hours)
    schedules.run_due()
    return fresh(schedule)


def fresh(schedule) -> JobSchedule:
    return JobSchedule.objects.get(pk=schedule.pk)


def fail_times(schedule, times: int) -> list[JobSchedule]:
    """Let its run come and fail so many times; returns the schedule after each."""
    seen = []
    for _ in range(times):
        due(schedule)
        end("failed")
        schedules.run_due()
        seen.append(fresh(schedule))
    return seen


# --- by plan ---


def test_what_is_due_starts_and_the_next_run_is_planned(schedule, sam):
    JobSchedule.objects.filter(pk=schedule.pk).update(created_by=sam, priority=Priority.HIGH)
    after = due(schedule)
    [job] = jobs_of(schedule)
    assert (job.status, job.job_type, job.priority) == ("pending", JobType.IMPORT, Priority.HIGH)
    assert (job.supplier.name, job.filename, job.created_by) == ("Acme", "feed.xml", sam)
    assert job.unique_key == f"schedule:{schedule.pk}"
    assert job.metadata["schedule"] == {"id": schedule.pk, "name": schedule.name}
    assert DataImportJob.objects.get(background_job=job).source_url == ADDRESS
    assert (after.last_job, after.last_run) == (job, "plan")
    assert after.next_run_at == Plan(schedule.cron, schedule.time_zone).next(timezone.now())
    assert after.last_started_at
    assert schedules.run_due() == []
    assert len(jobs_of(schedule)) == 1


def test_nothing_starts_before_its_time_or_while_paused(schedule):
    schedules.run_due()
    assert jobs_of(schedule) == []
    schedules.pause(schedule.pk, None)
    schedules.run_due()
    assert jobs_of(schedule) == []


def test_starting_asks_no_host_and_no_disk(schedule, monkeypatch, settings):
    def reach(*args, **kwargs):
        raise AssertionError("it reached out")

    monkeypatch.setattr("jobtracker.outbound.check", reach)
    monkeypatch.setattr("jobtracker.uploads.check_inside", reach)
    path = make_schedule(name="path", spec={"path": "/nowhere/feed.xml"})
    crawl = make_schedule(name="crawl", job_type="web_scraping", spec={"urls": ["https://a.b/"]})
    for each in (schedule, path, crawl):
        due(each)
        assert len(jobs_of(each)) == 1


def test_a_crawl_starts_with_its_options(db):
    spec = {"urls": ["https://a.example/x", "https://a.example/y"], "max_pages": 7, "delay": 0.5}
    crawl = make_schedule(job_type=JobType.SCRAPING, spec=spec)
    due(crawl)
    [job] = jobs_of(crawl)
    assert (job.filename, job.metadata["urls"]) == ("a.example", spec["urls"])
    config = ScrapingSession.objects.get(background_job=job).scraping_config
    assert (config["max_pages"], config["delay"], config["mode"]) == (7, 0.5, "auto")


def test_of_missed_runs_one_is_started(db):
    schedule = make_schedule(plan=Plan("* * * * *"))
    after = due(schedule, hours=72)
    assert len(jobs_of(schedule)) == 1
    assert after.next_run_at > timezone.now()
    end("completed")
    schedules.run_due()
    assert len(jobs_of(schedule)) == 1


def test_a_run_that_finds_the_one_before_alive_is_that_job(schedule):
    first = due(schedule).last_job
    claim()
    after = due(schedule)
    assert jobs_of(schedule) == [first]
    assert after.next_run_at > timezone.now()
    assert "found the one before still alive" in after.last_note
    said = JobEvent.objects.filter(job=first, message__contains="was due again at").get()
    assert "no second one was started" in said.message


def test_the_next_run_after_an_overlap_is_a_job_again(schedule):
    due(schedule)
    due(schedule)
    end("completed")
    after = due(schedule)
    assert len(jobs_of(schedule)) == 2
    assert after.last_note == ""


def test_one_schedule_that_cannot_start_stops_no_other(schedule, monkeypatch):
    broken = make_schedule(name="broken", job_type=JobType.SCRAPING, spec={})
    let_come(schedule)
    after = due(broken, hours=1)
    assert jobs_of(broken) == []
    assert (after.failures, after.last_job) == (1, None)
    assert after.last_error.startswith("The job could not be started: ")
    assert len(jobs_of(schedule)) == 1


def test_a_mapping_template_that_is_gone_is_a_failure_in_words(db):
    schedule = make_schedule(spec={"url": ADDRESS, "template": "spring"})
    after = due(schedule)
    assert after.last_error == "Acme has no mapping template 'spring' now."
    assert after.failures == 1


def test_a_plan_that_became_unreadable_pauses_its_schedule(schedule):
    JobSchedule.objects.filter(pk=schedule.pk).update(time_zone="Mars/Base")
    let_come(schedule)
    assert schedules.run_due() == [schedule]
    after = fresh(schedule)
    assert after.paused
    assert after.paused_because.startswith("Paused as its plan cannot be read: 'Mars/Base' is no")


# --- failures ---


def test_after_each_failure_the_next_run_is_put_off_for_twice_as_long(db):
    schedule = make_schedule(plan=OFTEN)
    for number, seen in enumerate(fail_times(schedule, PAUSE_AFTER - 1)):
        assert (seen.failures, seen.last_error) == (number + 1, "The feed is gone.")
        put_off = seen.next_run_at - timezone.now()
        assert BACK_OFF * 2**number - timedelta(minutes=1) < put_off
        assert put_off <= BACK_OFF * 2**number + timedelta(minutes=5)


def test_a_plan_that_is_slower_than_the_back_off_stays(schedule):
    planned = Plan(schedule.cron, schedule.time_zone).next(timezone.now() + BACK_OFF)
    [after] = fail_times(schedule, 1)
    assert after.next_run_at == planned


def test_five_failures_in_a_row_pause_it_at_once_and_are_told_once(schedule):
    fail_times(schedule, PAUSE_AFTER - 1)
    due(schedule)
    end("failed")
    assert schedules.run_due() == [schedule]
    after = fresh(schedule)
    assert (after.paused, after.next_run_at, after.failures) == (True, None, PAUSE_AFTER)
    said = "Paused after 5 failures in a row, the last: The feed is gone."
    assert after.paused_because == said
    assert schedules.run_due() == []


def test_a_success_ends_the_row(schedule):
    fail_times(schedule, PAUSE_AFTER - 1)
    due(schedule)
    end("completed")
    schedules.run_due()
    after = fresh(schedule)
    assert (after.failures, after.last_error, after.paused) == (0, "", False)


def test_a_cancelled_job_counts_neither_way(schedule):
    fail_times(schedule, 2)
    job = due(schedule).last_job
    lifecycle.cancel([job.pk], None)
    schedules.run_due()
    after = fresh(schedule)
    assert (after.failures, after.settled) == (2, True)


def test_an_end_is_counted_once_however_often_one_looks(schedule):
    fail_times(schedule, 1)
    for _ in range(3):
        schedules.run_due()
    assert fresh(schedule).failures == 1


def test_an_end_that_nobody_looked_at_counts_before_the_next_run(schedule):
    due(schedule)
    end("failed")
    let_come(schedule)
    schedules.run_due()
    after = fresh(schedule)
    assert after.failures == 1
    assert after.next_run_at > timezone.now()  # put off, not started


def test_a_job_that_was_pruned_counts_neither_way(schedule):
    due(schedule)
    end("failed")
    BackgroundJob.objects.all().delete()
    schedules.run_due()
    after = fresh(schedule)
    assert (after.failures, after.settled, after.last_job) == (0, True, None)


# --- persons ---


def acts_of(schedule) -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(subject="schedule", subject_id=schedule.pk).order_by("id")
    return list(entries.values_list("action", "actor_name"))


def test_run_now_starts_at_once_and_leaves_the_plan_alone(schedule, sam):
    created = schedules.run_now(schedule.pk, sam)
    after = fresh(schedule)
    assert after.next_run_at == schedule.next_run_at
    assert (after.last_job_id, after.last_run) == (created.job_id, "hand")
    assert jobs_of(schedule)[0].created_by == sam
    again = schedules.run_now(schedule.pk, sam)
    assert again.existing
    assert again.job_id == created.job_id
    assert acts_of(schedule) == [
        ("add", "command line"),
        ("run", "sam"),
        ("run, found alive", "sam"),
    ]


def test_a_run_by_hand_that_fails_counts_not_and_one_that_succeeds_ends_the_row(schedule):
    fail_times(schedule, 2)
    for outcome, failures in (("failed", 2), ("completed", 0)):
        schedules.run_now(schedule.pk, None)
        end(outcome, "By hand.")
        before = fresh(schedule).next_run_at
        schedules.run_due()
        after = fresh(schedule)
        assert (after.failures, after.next_run_at) == (failures, before)


def test_run_now_counts_what_ended_just_before(schedule):
    due(schedule)
    end("failed")
    schedules.run_now(schedule.pk, None)
    assert fresh(schedule).failures == 1


def test_run_now_says_why_nothing_can_start(db):
    schedule = make_schedule(spec={"url": ADDRESS, "template": "spring"})
    with pytest.raises(SourceRefused, match="no mapping template 'spring'"):
        schedules.run_now(schedule.pk, None)
    assert fresh(schedule).failures == 0


def test_a_paused_schedule_runs_by_hand_and_stays_paused(schedule):
    fail_times(schedule, PAUSE_AFTER)
    schedules.run_now(schedule.pk, None)
    end("completed")
    assert schedules.run_due() == []
    after = fresh(schedule)
    assert (after.paused, after.failures) == (True, 0)
    assert after.paused_because


def test_pause_and_resume(schedule, sam):
    assert schedules.pause(schedule.pk, sam)
    assert not schedules.pause(schedule.pk, sam)
    after = fresh(schedule)
    assert (after.paused, after.next_run_at, after.paused_because) == (True, None, "")
    assert schedules.resume(schedule.pk, sam)
    assert not schedules.resume(schedule.pk, sam)
    assert fresh(schedule).next_run_at == Plan("0 6 * * *", "Europe/Athens").next(timezone.now())
    assert acts_of(schedule)[1:] == [("pause", "sam"), ("resume", "sam")]


def test_resume_forgets_the_failures(schedule):
    fail_times(schedule, PAUSE_AFTER)
    schedules.resume(schedule.pk, None)
    after = fresh(schedule)
    assert (after.failures, after.paused_because, after.paused) == (0, "", False)
    assert not due(schedule).paused


def test_resume_refuses_a_plan_that_cannot_be_read(schedule):
    schedules.pause(schedule.pk, None)
    JobSchedule.objects.filter(pk=schedule.pk).update(cron="often")
    with pytest.raises(PlanError):
        schedules.resume(schedule.pk, None)


def test_a_changed_plan_counts_from_now_and_another_change_leaves_it(schedule, sam):
    schedules.edit(schedule.pk, wanted(name="Tiles", supplier="Weaver"), sam)
    after = fresh(schedule)
    assert (after.name, after.supplier.name) == ("Tiles", "Weaver")
    assert after.next_run_at == schedule.next_run_at
    schedules.edit(schedule.pk, wanted(name="Tiles", plan=Plan("0 0 1 1 *")), sam)
    assert fresh(schedule).next_run_at == datetime(timezone.now().year + 1, 1, 1, tzinfo=UTC)
    entry = AuditEntry.objects.filter(action="edit").order_by("id").last()
    assert entry.details["changed"]["cron"] == ["0 6 * * *", "0 0 1 1 *"]


def test_a_change_of_nothing_leaves_no_line(schedule):
    assert schedules.edit(schedule.pk, wanted(), None)
    assert acts_of(schedule) == [("add", "command line")]


def test_a_paused_schedule_stays_paused_when_changed(schedule):
    schedules.pause(schedule.pk, None)
    schedules.edit(schedule.pk, wanted(plan=OFTEN), None)
    assert fresh(schedule).next_run_at is None


def test_a_name_is_taken_once(schedule):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_schedule()


def test_delete_leaves_the_jobs(schedule, sam):
    due(schedule)
    assert schedules.delete(schedule.pk, sam)
    assert not schedules.delete(schedule.pk, sam)
    assert BackgroundJob.objects.count() == 1
    entry = AuditEntry.objects.get(action="delete", subject="schedule")
    assert entry.details["spec"] == {"url": ADDRESS}


def test_a_schedule_that_is_gone_answers_nothing(db):
    assert schedules.run_now(1, None) is None
    assert not schedules.edit(1, wanted(), None)
    assert not schedules.pause(1, None)


# --- told ---


def test_the_leading_lifeline_starts_what_is_due_and_reports_what_paused_itself(
    schedule, recorder, settings
):
    settings.SENTRY_DSN = "http://key@127.0.0.1:1/1"
    lifeline = Lifeline(Block(slots=1))
    lifeline._leads = True
    fail_times(schedule, PAUSE_AFTER - 1)
    let_come(schedule)
    lifeline._lead()
    assert len(jobs_of(schedule)) == PAUSE_AFTER
    assert recorder.events == []
    end("failed")
    for _ in range(2):
        lifeline._lead()
    [event] = recorder.events
    [said] = event["exception"]["values"]
    assert said["type"] == "SchedulePaused"
    assert said["value"].startswith(f"{schedule.name}: Paused after 5 failures in a row")
    assert event["tags"]["schedule"] == schedule.name
    assert event["contexts"]["schedule"]["page"].endswith(f"/admin/schedules/{schedule.pk}")


def test_nothing_is_reported_where_reporting_is_off(schedule):
    assert reporting.report_paused(schedule) is None
