"""Health: what is wrong and the cure, for those who may know."""

from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from jobtracker import health
from jobtracker.live.listener import State
from jobtracker.live.service import live
from jobtracker.models import User, Worker


@pytest.fixture(autouse=True)
def listening(monkeypatch):
    """A listener that is connected; the list's last item is its state."""
    states = [State(connected=True, heard_seconds=0.1, error="")]
    monkeypatch.setattr(live.listener, "state", lambda: states[-1])
    return states


@pytest.fixture
def a_worker(db):
    return Worker.objects.create(id=uuid4(), host="h", pid=1, start_ticks=1, slots=2)


@pytest.fixture
def staff(client, django_user_model):
    client.force_login(User.objects.create_user("sam", is_staff=True))
    return client


def finding(response, name):
    return next(each for each in response.json()["findings"] if each["name"] == name)


def test_live_asks_no_database(client):
    assert client.get("/health/live").json() == {"status": "alive"}


def test_ready_when_all_is_well(client, a_worker):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": True, "migrations": True, "worker": True, "listener": True},
    }
    assert "no-store" in response["Cache-Control"]


def test_without_a_worker_staff_are_told_the_cure(staff):
    response = staff.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["worker"] is False
    assert "manage.py worker" in finding(response, "worker")["cure"]


def test_others_are_told_no_details(client, db):
    client.force_login(User.objects.create_user("guest"))
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "findings" not in response.json()


@pytest.mark.parametrize("change", [{"draining": True}, {"last_seen": None}], ids=str)
def test_a_worker_that_leaves_or_is_gone_does_not_count(a_worker, settings, change):
    if "last_seen" in change:
        settings.LEASE_SECONDS = 0
    Worker.objects.update(**{"draining": change.get("draining", False), "last_seen": Now()})
    assert not health.worker().ok


def test_a_deaf_listener_is_said_so(staff, a_worker, listening):
    listening.append(State(connected=False, heard_seconds=None, error="connection refused"))
    response = staff.get("/health/ready")
    assert response.status_code == 503
    assert "connection refused" in finding(response, "listener")["found"]


def test_missing_migrations_are_named(db, monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobtracker' AND name >= '0002'")
    found = health.migrations()
    assert not found.ok
    assert "jobtracker.0002" in found.found
    assert "migrate" in found.cure


def test_without_a_database_only_that_is_said(client, monkeypatch):
    def refuse(*_):
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": False, "listener": True}
    assert health.database().found == "It does not answer: connection refused"
