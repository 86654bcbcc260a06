"""Pruning and rolling up read what they remove and add up, never whole tables."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from jobtracker import metrics, retention, seeding
from jobtracker.models import BackgroundJob, JobAttempt, JobMetricsHour
from jobtracker.retention import images, rows
from tests.db.import_runs import manage

JOBS = 10_000
LARGE = {"background_jobs", "job_attempts", "data_import_jobs", "pdf_documents"}


@pytest.fixture
def many_jobs(transactional_db, queues):
    """So many that the planner has a choice."""
    seeding.seed(JOBS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def scanned(statement: str, tables: set[str] = LARGE) -> set[str]:
    """Return those of the large tables that the plan of a statement reads from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    return set(re.findall(r"Seq Scan on (\w+)", plan)) & tables


def test_the_statements_use_indexes(many_jobs, monkeypatch):
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)
    with CaptureQueriesContext(connection) as caught:
        metrics.roll_up(0.0)
    computed = [query["sql"] for query in caught if "INSERT INTO job_metrics" in query["sql"]]
    asked = [query["sql"] for query in caught if query["sql"].lstrip().startswith("SELECT (SELECT")]
    assert computed
    assert asked
    assert not [sql for sql in computed + asked if scanned(sql)]

    for days in (0, 400):  # the ends of what is rolled up
        JobMetricsHour.objects.create(hour=Now() - timedelta(days=days), job_type="xml_import")
    monkeypatch.setattr(rows, "JOBS", 20)
    pruner = retention.Pruner()
    with CaptureQueriesContext(connection) as caught:
        while not pruner.gone["background_jobs completed"]:
            pruner.turn(0.0)
    acts = [
        query["sql"] for query in caught if re.match("SELECT|DELETE|UPDATE", query["sql"].lstrip())
    ]
    assert all(any(table in sql for sql in acts) for table in LARGE)
    assert not [sql for sql in acts if scanned(sql)]


@pytest.mark.django_db
def test_invented_jobs_lie_in_all_the_year_whatever_the_batch(monkeypatch):
    monkeypatch.setattr(seeding, "BATCH", 500)
    seeding.seed(1200)
    months = BackgroundJob.objects.order_by().values_list("created_at__month", flat=True).distinct()
    assert len(set(months)) == 12
    assert BackgroundJob.objects.count() == 1200


@pytest.mark.django_db
def test_invented_jobs_are_of_every_kind(settings):
    refused = manage("seed_jobs", 3000)
    assert (refused.code, BackgroundJob.objects.count()) == (2, 0)
    settings.DEBUG = True
    assert manage("seed_jobs", 3000).code == 0
    jobs = BackgroundJob.objects
    assert jobs.count() == 3000
    for column, least in {
        "job_type": 3, "status": 3, "supplier": 30, "error_fingerprint": 10, "priority": 4,
    }.items():  # fmt: skip
        assert jobs.order_by().values(column).distinct().count() >= least, column
    details = sum(
        pipeline.detail.model.objects.count() for pipeline in retention.pipelines.registered()
    )
    assert details == 3000
    assert not JobAttempt.objects.filter(finished_at__lt="2020-01-01T00:00Z").exists()
    assert not JobMetricsHour.objects.exists()


@pytest.mark.django_db
def test_pictures_without_an_address_are_looked_for_in_parts(monkeypatch):
    monkeypatch.setattr(images, "rows_of", lambda most: JOBS // 5)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stored_images"
            " (sha256, file, thumbnail, content_type, bytes, width_px, height_px)"
            " SELECT n, n, n, 'image/png', 1, 1, 1 FROM generate_series(1, %s) n",
            [JOBS],
        )
        cursor.execute(
            "INSERT INTO image_fetches (url, url_hash, host, job_id, status, image_id)"
            " SELECT file, file::bytea, 'x', uuidv7(), 'stored', id FROM stored_images"
        )
        cursor.execute("ANALYZE stored_images, image_fetches")
    forgetting = images.Forgetting()
    with CaptureQueriesContext(connection) as caught:
        forgetting._remove_images(1)
    asked = [query["sql"] for query in caught if "FOR UPDATE" in query["sql"]]
    assert asked
    assert not [sql for sql in asked if scanned(sql, {"stored_images"})]
