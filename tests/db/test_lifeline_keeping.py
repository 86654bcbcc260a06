"""The lifeline that leads prunes and rolls up beside its recovery, and no other does."""

import psycopg
import pytest
from django.db import connection

from jobtracker import metrics
from jobtracker.metrics import Bite
from jobtracker.models import JobMetricsHour
from jobtracker.workers import lifeline
from jobtracker.workers.block import Block
from jobtracker.workers.lifeline import LEADER_LOCK, Lifeline
from tests.db.ended_jobs import ended_job, left
from tests.fixtures.worker_host import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)
    monkeypatch.setattr(metrics, "_hours", Bite(most=10_000, least=1))
    yield
    connection.close()  # and with it the leader's lock


def test_the_leader_rolls_up_and_then_prunes():
    old, young = ended_job(days=31), ended_job(days=29)
    Lifeline(Block(slots=1)).round()
    assert JobMetricsHour.objects.filter(completed=1).count() == 2
    assert (left(old), left(young)) == (False, True)


def test_what_is_left_is_gone_on_with_soon(monkeypatch):
    ended_job(days=31)
    monkeypatch.setattr(metrics, "_hours", Bite(most=1, least=1))
    monkeypatch.setattr(lifeline, "KEEP_ON_SECONDS", 0.0)
    monkeypatch.setattr(lifeline, "LEADER_SECONDS", 0.0)
    monkeypatch.setattr(lifeline.metrics, "roll_up", lambda roll_up=metrics.roll_up: roll_up(0.0))
    leader = Lifeline(Block(slots=1))
    counts = []
    for _ in range(4):
        leader.round()
        counts.append(JobMetricsHour.objects.count())
    assert counts == [3, 6, 9, 12]


def test_one_that_does_not_lead_does_neither():
    old = ended_job(days=31)
    with psycopg.connect(database_url(), autocommit=True) as leader:
        leader.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])
        Lifeline(Block(slots=1)).round()
    assert not JobMetricsHour.objects.exists()
    assert left(old)
