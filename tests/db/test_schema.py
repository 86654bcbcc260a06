"""The database and the code say the same, and the hot rows stay cheap to update."""

import hashlib
import re

import pytest
from django.apps import apps
from django.db import connection

from imports.models import DataImportJob, ImportRow
from jobtracker import lifecycle, sql
from jobtracker.images.models import ImageFetch
from jobtracker.models import BackgroundJob, JobAttempt, JobCheckpoint, JobQueue
from jobtracker.states import JobType, Outcome, Priority, StageState, Status, Waiting
from jobtracker.webhooks.models import WebhookCall
from scraping.models import ScrapingSession

from .jobs import claim, make_job
from .test_lifecycle import pipeline, report  # noqa: F401

SPECIFIED = {
    "background_jobs": "id job_type status progress current_stage last_heartbeat document_id"
    " filename metadata created_at started_at completed_at failed_at updated_at error retry_count",
    "scraping_sessions": "id background_job_id source_url status total_pages completed_pages"
    " failed_pages materials_processed progress_percentage scraping_config created_at updated_at"
    " error_message",
    "data_import_jobs": "id background_job_id source_name import_type status total_products"
    " processed_products failed_products field_mappings created_at updated_at error_message",
    "webhook_calls": "id job_id job_type webhook_url request_body response_status response_body"
    " response_time_ms status retry_count next_retry_at created_at completed_at error_message",
}


@pytest.mark.django_db
@pytest.mark.parametrize("table", SPECIFIED)
def test_the_four_tables_have_their_columns(table):
    with connection.cursor() as cursor:
        columns = {c.name for c in connection.introspection.get_table_description(cursor, table)}
    assert set(SPECIFIED[table].split()) <= columns


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "constraint", "values"),
    [
        (BackgroundJob, "job_type_known", JobType.values),
        (BackgroundJob, "job_status_known", Status.values),
        (BackgroundJob, "job_priority_known", Priority.values),
        (BackgroundJob, "job_waiting_for_known", Waiting.values),
        (JobAttempt, "attempt_outcome_known", Outcome.values),
        (JobCheckpoint, "checkpoint_state_known", StageState.values),
        (JobQueue, "queue_job_type_known", JobType.values),
        (DataImportJob, "import_status_known", Status.values),
        (DataImportJob, "import_type_known", DataImportJob.ImportType.values),
        (ImportRow, "row_outcome_known", ImportRow.Outcome.values),
        (ScrapingSession, "session_status_known", ScrapingSession.Status.values),
        (WebhookCall, "call_status_known", WebhookCall.Status.values),
        (WebhookCall, "call_job_type_known", JobType.values),
        (ImageFetch, "image_status_known", ImageFetch.Status.values),
    ],
)
def test_enums_and_check_constraints_agree(model, constraint, values):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conname = %s AND conrelid = %s::regclass",
            [constraint, model._meta.db_table],
        )
        definition = cursor.fetchone()[0]
    found = re.findall(r"'([^']*)'::character varying", definition) or [
        int(number) for number in re.findall(r"(?<![\w'])\d+", definition)
    ]
    assert sorted(found) == sorted(values)


@pytest.mark.django_db
def test_every_job_type_has_its_queue_row():
    assert set(JobQueue.objects.values_list("job_type", flat=True)) == set(JobType.values)


def test_no_index_touches_a_column_that_changes_all_the_time():
    busy = {"last_heartbeat", "advanced_at", "progress", "updated_at", "stalled_at"}
    for index in BackgroundJob._meta.indexes:
        text = str(index.deconstruct())
        assert not [name for name in busy if name in text], index.name


@pytest.mark.django_db(transaction=True)
def test_heartbeats_and_progress_are_heap_only_updates(queues, pipeline):  # noqa: F811
    make_job()
    token = claim().token

    def updates():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
                " WHERE relname = 'background_jobs'"
            )
            return cursor.fetchone()

    before = updates()
    for progress in range(20):
        lifecycle.beat(token)
        lifecycle.flush(token, report(progress=progress))
    after = updates()
    assert after[0] - before[0] == 40
    # A passing reader of old rows, as autovacuum is, can fill a page; an index would leave none.
    assert after[1] - before[1] >= 36


CHECKSUMS = {
    "0001_claim": "1798ca28b0250a62",
    "0002_notify": "6b35c2354b9e850d",
    "0003_tables": "b28182b9efda2bb6",
    "0004_bulk": "5f57aaca536e48b4",
    "0005_attempts": "d253404f0ee53b29",
}


@pytest.mark.parametrize("name", CHECKSUMS)
def test_numbered_sql_never_changes_once_landed(name):
    assert hashlib.sha256(sql.numbered(name).encode()).hexdigest()[:16] == CHECKSUMS[name]


def test_tables_are_named_as_designed():
    tables = {model._meta.db_table for model in apps.get_models()}
    assert {"job_attempts", "job_checkpoints", "job_events", "workers", "job_queues", "audit_log",
            "suppliers", "materials", "material_sources", "material_versions", "import_rows",
            "mapping_templates"} <= tables  # fmt: skip
