"""`manage.py doctor`: every problem has its cure, and nothing ends in a traceback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection

from jobtracker import doctor, health, lifecycle
from jobtracker.models import JobQueue
from jobtracker.states import JobType


@contextmanager
def answering(name: str, body: str) -> Iterator[None]:
    """Let the session see a function of ours in place of PostgreSQL's of that name."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA pretended")
        cursor.execute(f"CREATE FUNCTION pretended.{name} LANGUAGE sql AS $$ {body} $$")
        cursor.execute("SET LOCAL search_path = pretended, pg_catalog, public")
    yield


OLD = "SELECT CASE wanted WHEN 'server_version_num' THEN '150018' ELSE '20' END"


def test_a_healthy_set_up_lacks_only_the_worker(transactional_db, capsys):
    with pytest.raises(SystemExit) as exit_code:
        call_command("doctor", "--json")
    found = json.loads(capsys.readouterr().out)
    assert exit_code.value.code == 1
    assert [each["name"] for each in found if not each["ok"]] == ["worker"]
    assert {"settings", "storage", "version", "pgvector", "connections", "listener", "queue"} <= {
        each["name"] for each in found
    }


def test_each_problem_is_printed_with_its_cure(transactional_db, capsys):
    with pytest.raises(SystemExit):
        call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    (problem,) = [n for n, line in enumerate(lines) if line.startswith("problem  worker: ")]
    assert "manage.py worker" in lines[problem + 1]


def test_an_older_server_is_told_what_to_install(db):
    with answering("current_setting(wanted text) RETURNS text", OLD):
        found = doctor.examine()
    assert found[-1].name == "version"
    assert found[-1].found == "This is PostgreSQL 15; 18 or later is needed."
    assert "postgresql-18-pgvector" in found[-1].cure


def test_too_few_sessions_are_counted(db, settings):
    settings.WORKERS = 500
    found = health.connections()
    assert not found.ok
    assert "max_connections" in found.cure


def test_jobs_behind_a_pause_are_a_problem(transactional_db):
    JobQueue.objects.update_or_create(job_type=JobType.IMPORT, defaults={"paused": True})
    lifecycle.create("xml_import", detail={"source_name": "feed.xml", "import_type": "xml"})
    found = doctor.queue()
    assert not found.ok
    assert "xml_import" in found.found


def test_storage_that_cannot_be_written_is_a_problem(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.STORAGES = settings.STORAGES | {
        "sources": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "file"},
        }
    }
    found = doctor.storage()
    assert not found.ok
    assert "JOBTRACKER_DATA" in found.cure


def test_a_check_that_the_server_refuses_is_a_finding(db, monkeypatch):
    def refused() -> doctor.Finding:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        raise AssertionError

    monkeypatch.setattr(doctor, "DATABASE_CHECKS", (refused,))
    found = {each.name: each for each in doctor.examine()}
    assert found["refused"].found == "division by zero"
