"""Imports by a real worker, waited for on a real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.db.import_runs import PRODUCTS, without_currency, xml_feed
from tests.fixtures.worker_host import WorkerHost, database_url

pytestmark = pytest.mark.usefixtures("host")


def manage(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_feed_is_imported_while_the_command_waits(host: WorkerHost, tmp_path: Path) -> None:
    feed = xml_feed(tmp_path / "tiles.xml")
    done = manage("import_feed", feed, "--supplier", "Waited for", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["status"], job["created"], job["attempts"][0]["outcome"]) == (
        "completed",
        3,
        "completed",
    )
    assert "tiles.xml: completed" in done.stderr
    exported = manage("materials", "export", "--format", "ndjson", "--job", job["id"])
    keys = [json.loads(line)["key"] for line in exported.stdout.splitlines()]
    assert sorted(keys) == ["NL-1", "NL-2", "NL-3"]


def test_a_failed_import_is_the_commands_failure(host: WorkerHost, tmp_path: Path) -> None:
    feed = xml_feed(tmp_path / "bad.xml", [each | {"price": "abc"} for each in PRODUCTS])
    done = manage("import_feed", feed, "--supplier", "Bad prices", "--wait")
    assert done.returncode == 1, done.stderr
    assert "All 3 items failed" in done.stdout
    assert 'line 2, price "abc"' in done.stdout
    assert "Traceback" not in done.stderr


def test_a_question_is_answered_and_the_job_goes_on(host: WorkerHost, tmp_path: Path) -> None:
    feed = xml_feed(tmp_path / "asks.xml", without_currency())
    asked = manage("import_feed", feed, "--supplier", "Asks", "--wait", "--json")
    assert asked.returncode == 3, asked.stderr
    job = json.loads(asked.stdout)
    assert job["waiting_for"] == "currency"
    assert manage("jobs", "answer", job["id"], "--currency", "EUR").returncode == 0
    done = manage("jobs", "wait", job["id"], "--json")
    assert (done.returncode, json.loads(done.stdout)["created"]) == (0, 3)
