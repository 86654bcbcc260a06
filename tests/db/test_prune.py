"""What was kept for its days goes, whole, and only when nothing needs it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models.functions import Now
from django_q.conf import Conf
from django_q.models import OrmQ, Task

from imports.models import ImportRow
from jobtracker import audit, faults, lifecycle, metrics, retention
from jobtracker.catalogue.models import (
    CatalogueSource,
    Material,
    MaterialSource,
    MaterialVersion,
    Supplier,
)
from jobtracker.images.models import ImageFetch
from jobtracker.metrics import Bite
from jobtracker.models import (
    AttemptSession,
    AuditEntry,
    BackgroundJob,
    FileToRemove,
    JobAttempt,
    JobCheckpoint,
    JobEvent,
    JobMetricsHour,
    JobSchedule,
)
from jobtracker.retention import Pruner, rows
from jobtracker.webhooks.models import WebhookCall
from tests.db.ended_jobs import end, ended_job, hour_of, left, next_hour, rolled_up, tried
from tests.db.import_runs import imported, manage, work_off, xml_feed
from tests.db.jobs import Elsewhere, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """No time-outs that a busy machine runs into, and few transactions for many hours."""
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)
    monkeypatch.setattr(metrics, "BITE_SECONDS", 60.0)
    monkeypatch.setattr(metrics, "_hours", Bite(most=10_000, least=1))


def prune() -> dict[str, int]:
    return dict(retention.prune_all())


# --- which jobs ---


def test_each_outcome_has_its_days():
    gone = [
        ended_job("completed", days=31),
        ended_job("failed", days=181),
        ended_job("cancelled", days=181),
    ]
    kept = [
        ended_job("completed", days=29),
        ended_job("failed", days=179),
        ended_job("cancelled", days=179),
        make_job(),
    ]
    BackgroundJob.objects.filter(pk=kept[-1].pk).update(created_at=Now() - timedelta(days=400))
    rolled_up()
    told = prune()
    assert not [job for job in gone if left(job)]
    assert all(map(left, kept))
    assert told == {
        "background_jobs completed": 1, "background_jobs failed": 1,
        "background_jobs cancelled": 1, "data_import_jobs": 3,
    }  # fmt: skip


def test_no_days_are_for_ever(settings):
    settings.RETENTION_DAYS_COMPLETED = settings.RETENTION_DAYS_FAILED = settings.UNDO_DAYS = 0
    jobs = [ended_job("completed", days=300), ended_job("failed", days=300)]
    MaterialVersion.objects.create(material_id=1, op="c", source_id=1, source_key="k")
    MaterialVersion.objects.update(at=Now() - timedelta(days=3000))
    rolled_up()
    assert prune() == {}
    assert all(map(left, jobs))


def test_no_job_goes_before_its_hour_is_final(settings):
    settings.RETENTION_DAYS_COMPLETED = 1
    job = ended_job(days=40)
    assert prune() == {}
    rolled_up()
    young = ended_job(hours=26)
    assert hour_of(young)["hour"] >= metrics.final_span()[1] - timedelta(hours=3)
    JobMetricsHour.objects.filter(hour__gt=Now() - timedelta(hours=12)).delete()
    prune()
    assert not left(job)
    assert left(young)


def test_what_is_rolled_up_stays_when_its_jobs_go():
    jobs = [ended_job(days=40), ended_job("failed", days=200)]
    rolled_up()
    before = [hour_of(job) for job in jobs]
    prune()
    next_hour()
    rolled_up()
    ended_job("failed", days=300)  # older hours are added, those between stay
    rolled_up()
    after = [JobMetricsHour.objects.filter(pk=hour["id"]).values().get() for hour in before]
    counted = [{**hour, "computed_at": None} for hour in after]
    assert counted == [{**hour, "computed_at": None} for hour in before]
    assert [hour["completed"] + hour["failed"] for hour in after] == [1, 1]


def test_what_a_live_rerun_goes_back_to_stays(settings):
    settings.RETENTION_DAYS_ROWS = 1
    parent = ended_job("failed", days=200)
    ImportRow.objects.create(job=parent, number=1, line=2, outcome="f")
    rerun = make_job(parent_id=parent.pk)
    rolled_up()
    assert prune() == {}
    end(rerun, "completed", hours=1)
    assert prune()["background_jobs failed"] == 1
    rerun.refresh_from_db()
    assert rerun.parent_id is None


def test_what_a_schedule_shows_stays():
    shown = ended_job(days=31)
    supplier = Supplier.objects.create(name="Acme")
    schedule = JobSchedule.objects.create(
        name="nightly", job_type="xml_import", cron="0 3 * * *", supplier=supplier,
        next_run_at=Now(), last_job=shown,
    )  # fmt: skip
    rolled_up()
    assert prune() == {}
    schedule.last_job = ended_job(days=1)
    schedule.save(update_fields=["last_job"])
    prune()
    assert not left(shown)


@pytest.mark.parametrize("status", ["pending", "retrying", "success", "failed"])
def test_a_job_waits_for_its_calls(status):
    job = ended_job(days=31)
    WebhookCall.objects.create(
        job=job, job_type=job.job_type, webhook_url="u", host="h", idempotency_key=uuid4(),
        status=status,
    )  # fmt: skip
    rolled_up()
    prune()
    assert left(job) == (status in {"pending", "retrying"})


# --- all of a job, and nothing else ---


def test_all_of_a_job_goes_and_the_catalogue_stays(tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    audit.record(None, "edit", "job", [job.pk], "a reason")
    attempt = JobAttempt.objects.get(job=job)
    end(job, "completed", days=31)
    rolled_up()
    due = dict(retention.count_due())
    told = prune()
    sources = told.pop("sources"), told.pop("files")
    assert sources == (1, 1)
    assert told == due
    assert told["import_rows"] == 3
    assert told["job_attempts"] == told["background_jobs completed"] == 1
    for model in (JobAttempt, JobCheckpoint, JobEvent, ImportRow, AttemptSession, FileToRemove):
        assert not model.objects.exists(), model
    assert Material.objects.count() == MaterialSource.objects.count() == 3
    assert set(MaterialVersion.objects.values_list("job_id", flat=True)) == {job.pk}
    assert AuditEntry.objects.filter(subject_id=str(job.pk)).exists()
    assert attempt.job_id == job.pk


def test_what_undo_needs_goes_after_its_days():
    supplier = Supplier.objects.create(name="Acme")
    source = CatalogueSource.objects.create(supplier=supplier, kind="feed", name="tiles")
    for days in (91, 89):
        made = MaterialVersion.objects.create(
            material_id=1, op="c", source_id=source.pk, source_key=str(days), job_id=uuid4()
        )
        MaterialVersion.objects.filter(pk=made.pk).update(at=Now() - timedelta(days=days))
    assert retention.count_due() == {"material_versions": 1}
    assert prune() == {"material_versions": 1}
    assert MaterialVersion.objects.get().source_key == "89"


def test_what_ages_by_itself_goes():
    attempts = [tried(make_job(), "completed", minutes=minutes) for minutes in (2, 0)]
    running = JobAttempt.objects.create(
        job=make_job(), number=1, token=uuid4(), worker=uuid4(), host="h", pid=1
    )
    for attempt in (*attempts, running):
        AttemptSession.objects.create(attempt=attempt, pid=1, backend_start=Now())
    for hours in (-1, 1):
        Session.objects.create(
            session_key=f"k{hours}", session_data="", expire_date=Now() + timedelta(hours=hours)
        )
    taken = Now() + timedelta(seconds=Conf.RETRY)
    OrmQ.objects.create(key="left", payload="", lock=taken - timedelta(days=8))
    OrmQ.objects.create(key="taken", payload="", lock=taken - timedelta(days=6))
    OrmQ.objects.create(key="queued", payload="", lock=Now() - timedelta(days=80))
    for days in (179, 181):
        Task.objects.create(
            id=f"{days:032}", name=str(days), func="f", success=False,
            started=Now(), stopped=Now() - timedelta(days=days),
        )  # fmt: skip
    expected = {
        "job_attempt_sessions": 1, "django_session": 1, "django_q_ormq": 1, "django_q_task": 1,
    }  # fmt: skip
    assert retention.count_due() == expected
    assert prune() == expected
    assert Session.objects.get().session_key == "k1"
    assert set(OrmQ.objects.values_list("key", flat=True)) == {"taken", "queued"}
    assert Task.objects.get().name == "179"


# --- jobs that stay ---


def test_rows_go_first_and_a_retry_begins_anew(tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    end(job, "failed", days=91)
    young = ended_job("failed", days=89)
    ImportRow.objects.create(job=young, number=1, line=2, outcome="f")
    rolled_up()
    told = prune()
    assert told["import_rows"] == told["sources"] + 2 == 3
    assert left(job)
    assert ImportRow.objects.get().job_id == young.pk
    assert JobCheckpoint.objects.filter(job=job).count() == 5  # they tell what was done
    lifecycle.retry([job.pk], None)
    work_off()
    job.refresh_from_db()
    assert job.status == "failed"
    assert job.error.startswith("The source file was kept for its days and is removed.")


def test_a_retry_with_the_source_still_there_does_all_again(tmp_path, settings):
    settings.RETENTION_DAYS_SOURCES = 0
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    end(job, "failed", days=91)
    rolled_up()
    assert prune()["import_rows"] == 3
    lifecycle.retry([job.pk], None)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.done_items, job.total_items) == ("completed", 3, 3)
    assert ImportRow.objects.filter(job=job, outcome="=").count() == 3


def test_rows_that_stay_for_ever(settings):
    settings.RETENTION_DAYS_ROWS = 0
    job = ended_job("failed", days=170)
    ImportRow.objects.create(job=job, number=1, line=2, outcome="f")
    rolled_up()
    assert prune() == {}


# --- a little at a time ---


def test_a_turn_ends_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(rows, "JOBS", 10)
    for _ in range(25):
        ended_job(days=31)
    rolled_up()
    pruner, turns = Pruner(), 0
    while pruner.turn(0.0):
        turns += 1
        assert 25 - BackgroundJob.objects.count() <= turns * 10
    assert pruner.gone["background_jobs completed"] == 25


def test_a_job_with_many_rows_goes_in_parts(monkeypatch):
    monkeypatch.setattr(rows, "ROWS", 10)
    job = ended_job(days=31)
    JobCheckpoint.objects.create(job=job, stage="rows_imported", state="done", attempt=1)
    ImportRow.objects.bulk_create(
        ImportRow(job=job, number=number, line=number, outcome="c") for number in range(35)
    )
    JobEvent.objects.bulk_create(JobEvent(job=job, message="m") for _ in range(15))
    rolled_up()
    pruner, seen = Pruner(), []
    while pruner.turn(0.0):
        if left(job) and ImportRow.objects.count() not in {35, 0}:
            # Whoever retries it now does not find half of its rows taken for all.
            assert JobCheckpoint.objects.get(job=job).data == {"pruned": True}
            seen.append(ImportRow.objects.count())
    assert seen == [25, 15, 5]
    assert not left(job)
    assert (pruner.gone["import_rows"], pruner.gone["job_events"]) == (35, 15)


@pytest.mark.parametrize("point", [name for name in faults.POINTS if name.startswith("prune.")])
def test_a_crash_leaves_nothing_in_parts(tmp_path, monkeypatch, point):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Acme")
    job_that_stays = imported(xml_feed(tmp_path / "more.xml"), "--supplier", "Acme")
    end(job, "completed", days=31)
    end(job_that_stays, "failed", days=91)
    long_ago = Now() - timedelta(days=99)
    ImageFetch.objects.create(job_id=job.pk, url_hash=b"", status="failed", completed_at=long_ago)
    rolled_up()

    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", die)
        with pytest.raises(Killed):
            Pruner().turn(60.0)
    for each in (job, job_that_stays):
        kept = ImportRow.objects.filter(job=each).count()
        assert kept == (3 if left(each) and not voided(each) else 0)
        assert left(each) == JobAttempt.objects.filter(job=each).exists()
    prune()
    assert not left(job)
    assert left(job_that_stays)
    assert not ImportRow.objects.exists()
    assert not ImageFetch.objects.exists()
    assert not FileToRemove.objects.exists()


def voided(job: BackgroundJob) -> bool:
    return JobCheckpoint.objects.filter(job=job, data__has_key="pruned").exists()


@pytest.mark.django_db(transaction=True)
def test_a_locked_job_is_passed_over(queues):
    busy, free = ended_job(days=31), ended_job(days=32)
    rolled_up()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM background_jobs WHERE id = %s FOR UPDATE", [busy.pk])
        Elsewhere(prune).result()
        cursor.execute("COMMIT")
    assert left(busy)
    assert not left(free)
    prune()
    assert not left(busy)


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_while_hours_are_computed(queues, monkeypatch):
    monkeypatch.setattr(metrics, "LOCK_MS", 20)
    job = ended_job(days=31)
    rolled_up()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [metrics.LOCK])
        assert Elsewhere(prune).result() == {}
        cursor.execute("COMMIT")
    assert left(job)


def test_the_command_counts_first():
    job = ended_job(days=31)
    rolled_up()
    expected = {"background_jobs completed": 1, "data_import_jobs": 1}
    assert manage("prune", "--dry-run", "--json").json == expected
    assert left(job)
    assert "1  background_jobs completed" in manage("prune").out
    assert manage("prune").out == "Nothing is due.\n"
