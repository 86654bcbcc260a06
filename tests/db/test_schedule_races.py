"""Two lifelines, persons in between, and deaths between the statements: no run lost or doubled."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobtracker import faults, schedules
from jobtracker.faults import InjectedFault
from jobtracker.models import JobSchedule

from .jobs import Elsewhere, wait_until_blocked
from .schedules import jobs_of, let_come, make_schedule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture
def due(transactional_db) -> JobSchedule:
    schedule = make_schedule()
    let_come(schedule)
    return schedule


def fail_at(monkeypatch, name: str) -> None:
    def fail(point: str) -> None:
        if point == name:
            raise InjectedFault(point)

    monkeypatch.setattr(faults, "point", fail)


@pytest.mark.parametrize("point", ["schedule.locked", "schedule.started", "schedule.planned"])
def test_a_death_before_the_commit_loses_and_doubles_nothing(due, monkeypatch, point):
    with monkeypatch.context() as patched:
        fail_at(patched, point)
        with pytest.raises(InjectedFault):
            schedules.run_due()
    assert jobs_of(due) == []
    assert JobSchedule.objects.get(pk=due.pk).next_run_at < timezone.now()
    schedules.run_due()
    assert len(jobs_of(due)) == 1


def test_a_death_after_the_commit_doubles_nothing(due, monkeypatch):
    with monkeypatch.context() as patched:
        fail_at(patched, "schedule.committed")
        with pytest.raises(InjectedFault):
            schedules.run_due()
    schedules.run_due()
    assert len(jobs_of(due)) == 1


def test_two_lifelines_at_once_start_one(due):
    """The second finds the row taken and passes over it; the first commits afterwards."""
    with transaction.atomic():
        schedules.run_due()
        assert Elsewhere(schedules.run_due).result() == []
    assert len(jobs_of(due)) == 1
    schedules.run_due()
    assert len(jobs_of(due)) == 1


def test_a_schedule_that_someone_holds_delays_no_other(due):
    other = make_schedule(name="other")
    let_come(other)
    with transaction.atomic():
        JobSchedule.objects.select_for_update().get(pk=due.pk)
        Elsewhere(schedules.run_due).result()
        assert len(jobs_of(other)) == 1
        assert jobs_of(due) == []
    schedules.run_due()
    assert len(jobs_of(due)) == 1


def test_run_now_and_a_due_run_at_once_are_one_job(due):
    with transaction.atomic():
        schedules.run_due()
        by_hand = Elsewhere(lambda: schedules.run_now(due.pk, None))
        wait_until_blocked()
    assert by_hand.result().existing
    assert len(jobs_of(due)) == 1


def test_a_locked_key_delays_no_other_schedule(due):
    """Another transaction holds the unique key: the run waits for the lifeline's next second."""
    other = make_schedule(name="other")
    let_come(other, hours=0.005)

    def look():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
        return schedules.run_due()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO background_jobs (job_type, status, unique_key, filename, metadata,"
                " priority, max_attempts, progress, current_stage, error, error_fingerprint,"
                " question, answer, retry_count, crash_count, hand_back_count, stage_done,"
                " total_items, done_items, failed_items, skipped_items, result, warnings)"
                " VALUES ('xml_import', 'pending', %s, '', '{}', 1, 3, 0, '', '', '', '{}', '{}',"
                " 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]')",
                [f"schedule:{due.pk}"],
            )
        Elsewhere(look).result()
        assert len(jobs_of(other)) == 1
        transaction.set_rollback(True)
    schedules.run_due()
    assert len(jobs_of(due)) == 1
