"""What the triggers announce: every visible change, whoever made it, and no heartbeat."""

import json

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob, JobQueue, Worker

from .jobs import claim, make_job
from .test_lifecycle import pipeline, report  # noqa: F401

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("queues", "pipeline"),
]


class Ear:
    """Listens on a connection of its own; `heard()` gives what has come since the last call."""

    def __init__(self) -> None:
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        self._session = psycopg.connect(**params, autocommit=True)
        self._session.execute("LISTEN job_changes")

    def heard(self) -> list[dict]:
        # A message of our own marks the end: what was sent before it has arrived before it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('job_changes', '{\"end\": true}')")
        found = []
        for message in self._session.notifies(timeout=20):
            payload = json.loads(message.payload)
            if payload.get("end"):
                break
            found.append(payload)
        return found

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def ear():
    listener = Ear()
    yield listener
    listener.close()


def test_a_job_is_announced_when_it_comes_changes_and_goes(ear):
    job = make_job()
    mine = {"jobs": [str(job.pk)]}
    assert ear.heard() == [mine]
    lifecycle.edit([job.pk], None, "", priority=2)
    assert ear.heard() == [mine]
    token = claim().token
    assert ear.heard() == [mine]
    lifecycle.flush(token, report())
    assert ear.heard() == [mine]
    BackgroundJob.objects.filter(pk=job.pk).delete()
    assert mine in ear.heard()


def test_an_act_on_many_jobs_is_announced_without_comparing_them(ear):
    """A session that had updated single rows would compare each with each: 46 s for 10,000."""
    jobs = [make_job().pk for _ in range(181)]
    ear.heard()
    BackgroundJob.objects.filter(pk__in=jobs).update(updated_at=Now())
    assert ear.heard() == [{"bulk": True}]
    BackgroundJob.objects.filter(pk__in=jobs[:180]).update(updated_at=Now())
    assert ear.heard() == []


def test_a_change_by_plain_sql_is_announced(ear):
    job = make_job()
    ear.heard()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE background_jobs SET filename = 'other.xml' WHERE id = %s", [job.pk])
    assert ear.heard() == [{"jobs": [str(job.pk)]}]


def test_a_heartbeat_alone_is_not_announced(ear):
    make_job()
    token = claim().token
    ear.heard()
    lifecycle.beat(token)
    assert ear.heard() == []


def test_bulk_changes_send_one_mark(ear):
    with connection.cursor() as cursor:
        make_job()
        cursor.execute(
            "INSERT INTO background_jobs (job_type, status, filename, metadata, progress, priority,"
            " current_stage, error, error_fingerprint, question, answer, max_attempts, retry_count,"
            " crash_count, hand_back_count, stage_done, total_items, done_items, failed_items,"
            " skipped_items, result, warnings) SELECT job_type, status, filename, metadata,"
            " progress, priority, current_stage, error, error_fingerprint, question, answer,"
            " max_attempts, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]'"
            " FROM background_jobs, generate_series(1, 1000)"
        )
    assert ear.heard()[1:] == [{"bulk": True}]


def test_queues_and_workers_are_announced_but_not_their_liveness(ear):
    lifecycle.set_queue("xml_import", None, paused=True)
    assert ear.heard() == [{"queues": True}]
    worker = Worker.objects.create(
        id="0190c3f0-0000-7000-8000-000000000001", host="h", boot_id="b", pid_namespace="n",
        pid=1, start_ticks=1, slots=2,
    )  # fmt: skip
    assert ear.heard() == [{"workers": True}]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workers SET last_seen = now()")
    assert ear.heard() == []
    Worker.objects.filter(pk=worker.pk).update(busy=1)
    assert ear.heard() == [{"workers": True}]
    assert JobQueue.objects.filter(paused=True).exists()
