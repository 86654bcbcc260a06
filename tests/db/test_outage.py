"""A database that is away, or asked too much, is said in a sentence with a way on."""

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.urls import reverse

from jobtracker.context import session_is_lost
from jobtracker.monitor import acts, views
from jobtracker.outage import trouble_of

from .jobs import make_job

MONITOR = "/admin/async-queue-monitor"


@pytest.fixture
def away(monkeypatch):
    def refuse():
        with connection.wrap_database_errors:
            raise psycopg.OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(connection, "ensure_connection", refuse)


def asks_too_much(*_):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20")
        cursor.execute("SELECT pg_sleep(20)")


def finds_it_locked(*_):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$")


def loses_the_session(*_):
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$")


def is_wrong(*_):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nothing_of_that_name")


def test_a_page_says_that_the_database_is_away_and_asks_again(client, away):
    answered = client.get(f"{MONITOR}?status=failed")
    assert answered.status_code == 503
    assert (answered["Retry-After"], answered["Cache-Control"]) == ("3", "no-store")
    assert "frame-ancestors" in answered["Content-Security-Policy"]
    text = answered.content.decode()
    assert "<h1>The database is away</h1>" in text
    assert "outage.js" in text
    assert f'href="{MONITOR}?status=failed">Ask again now' in text
    assert "connection refused" not in text  # where it lies is nobody's business


def test_an_action_that_was_not_begun_is_said_not_to_be_done(client, away):
    page = f"{MONITOR}/jobs/x"
    answered = client.post(page, headers={"referer": f"http://testserver{page}"})
    text = answered.content.decode()
    assert answered.status_code == 503
    assert "Nothing was done: ask again." in text
    assert f'href="http://testserver{page}">Back to the page' in text
    assert "outage.js" not in text  # it would ask for the action again
    elsewhere = client.post(page, headers={"referer": "https://elsewhere.example/"})
    assert "elsewhere.example" not in elsewhere.content.decode()


def test_programs_are_told_in_json(client, away):
    answered = client.get("/admin/", headers={"accept": "application/json"})
    assert answered.status_code == 503
    assert answered.json()["error"] == "The database is away"


@pytest.mark.parametrize(
    ("fault", "title", "asks_again"),
    [
        (asks_too_much, "This took too long", False),
        (finds_it_locked, "Somebody else is at it", True),
    ],
)
def test_a_page_that_fails_says_why(admin_client, monkeypatch, fault, title, asks_again):
    monkeypatch.setattr(views.queries, "page", fault)
    answered = admin_client.get(MONITOR)
    text = answered.content.decode()
    assert answered.status_code == 503
    assert f"<h1>{title}</h1>" in text
    assert ("outage.js" in text) == asks_again


def test_an_action_that_failed_half_way_is_to_be_looked_at(admin_client, monkeypatch):
    job = make_job()
    monkeypatch.setattr(acts.lifecycle, "cancel", asks_too_much)
    answered = admin_client.post(reverse("job-cancel", args=[job.pk]))
    assert answered.status_code == 503
    assert "look before you ask again" in answered.content.decode()


def test_a_failure_outside_of_any_view_is_answered_too(client, db, monkeypatch, caplog):
    from django.contrib.sessions.middleware import SessionMiddleware

    client.raise_request_exception = False
    monkeypatch.setattr(SessionMiddleware, "process_response", loses_the_session)
    answered = client.get("/admin/login/")
    assert answered.status_code == 503
    assert "<h1>The database is away</h1>" in answered.content.decode()


def test_a_fault_of_ours_stays_one(admin_client, monkeypatch):
    monkeypatch.setattr(views.queries, "page", is_wrong)
    with pytest.raises(ProgrammingError):
        admin_client.get(MONITOR)


def test_a_lost_session_means_that_the_database_is_away(db):
    with pytest.raises(OperationalError) as caught:
        loses_the_session()
    assert session_is_lost(caught.value)
    assert trouble_of(caught.value).title == "The database is away"
