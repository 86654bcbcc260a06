"""Ended jobs are rolled up by hour and type, and an hour keeps what it has."""

from bisect import bisect_right
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.db.models.functions import Now
from psycopg.errors import QueryCanceled

from jobtracker import lifecycle, metrics
from jobtracker.metrics import EDGES, Bite, percentile
from jobtracker.models import BackgroundJob, JobMetricsHour
from jobtracker.states import JobType
from tests.db.ended_jobs import ENDED, end, ended_job, hour_of, next_hour, rolled_up, tried
from tests.db.import_runs import manage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """No time-outs that a busy machine runs into, and few transactions."""
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)
    monkeypatch.setattr(metrics, "_hours", Bite(most=1000, least=1))


def test_an_hour_says_what_ended_in_it():
    good, bad, stopped = (ended_job(status, hours=3) for status in ENDED)
    tried(good, "retryable", hours=3)
    tried(good, "handed_back", 2, hours=3)
    tried(good, "lost", 3, hours=3)
    tried(good, "completed", 4, hours=3)
    tried(bad, "crashed", hours=3)
    BackgroundJob.objects.filter(pk=good.pk).update(
        total_items=9, done_items=7, failed_items=2, cost_usd="0.25"
    )
    rolled_up()
    found = hour_of(good)
    del found["id"], found["hour"], found["computed_at"]
    durations = found.pop("durations")
    assert found.pop("waited") == pytest.approx(20, abs=1)  # two started, 10 s after they were made
    assert found.pop("seconds") == pytest.approx(240, abs=1)  # in four attempts
    assert str(found.pop("cost_usd")) == "0.250000"
    assert found == {
        "job_type": "xml_import", "completed": 1, "failed": 1, "cancelled": 1, "started": 2,
        "retries": 1, "crashes": 1, "hand_backs": 2, "items_done": 7, "items_failed": 2,
    }  # fmt: skip
    assert durations == [
        int(bucket == bisect_right(EDGES, 240)) for bucket in range(len(EDGES) + 1)
    ]
    assert hour_of(stopped) == hour_of(good) == hour_of(bad)


def test_every_hour_that_is_over_has_a_row_for_each_type():
    ended_job(hours=50)
    rolled_up()
    hours = JobMetricsHour.objects.filter(job_type="xml_import").order_by("hour")
    found = list(hours.values_list("hour", flat=True))
    assert {b - a for a, b in pairwise(found)} == {timedelta(hours=1)}
    assert JobMetricsHour.objects.count() == len(found) * len(JobType)
    assert JobMetricsHour.objects.aggregate(Sum("completed"))["completed__sum"] == 1
    assert not JobMetricsHour.objects.filter(hour__gt=Now() - timedelta(hours=1)).exists()


def test_without_a_job_the_last_hour_is_there():
    rolled_up()
    assert JobMetricsHour.objects.count() == len(JobType)
    assert metrics.roll_up().hours == 0


def test_a_retried_job_moves_to_the_hour_in_which_it_ends_at_last():
    job = ended_job("failed", hours=10)
    rolled_up()
    failed_in = hour_of(job)
    assert failed_in["failed"] == 1
    lifecycle.retry([job.pk], None)
    assert metrics.roll_up().hours == 0  # once an hour is enough
    end(job, "completed", hours=2)
    next_hour()
    rolled_up()
    assert JobMetricsHour.objects.get(pk=failed_in["id"]).failed == 0
    assert hour_of(job)["completed"] == 1


def test_an_hour_is_final_after_a_day():
    old, young = ended_job(hours=40), ended_job(hours=4)
    rolled_up()
    before = hour_of(old)
    since, until = metrics.final_span()
    assert since <= before["hour"] < until
    young_hour = hour_of(young)
    assert young_hour["hour"] >= until
    BackgroundJob.objects.all().update(total_items=5, done_items=5)
    next_hour()
    rolled_up()
    assert hour_of(young)["items_done"] == 5
    after = JobMetricsHour.objects.get(pk=before["id"])
    assert after.items_done == 0
    assert after.computed_at < JobMetricsHour.objects.get(pk=young_hour["id"]).computed_at


def test_older_jobs_than_ever_before_are_found():
    ended_job(hours=30)
    rolled_up()
    older = ended_job("failed", hours=300)
    rolled_up()
    assert hour_of(older)["failed"] == 1
    assert len(set(JobMetricsHour.objects.values_list("hour", flat=True))) * 3 == (
        JobMetricsHour.objects.count()
    )


def test_turns_end_in_time_and_add_up(monkeypatch):
    job = ended_job(hours=30)
    monkeypatch.setattr(metrics, "_hours", Bite(most=6, least=1))
    turns = [metrics.roll_up(0.0)]
    while turns[-1].left:
        turns.append(metrics.roll_up(0.0))
    assert len(turns) > 4
    assert max(turn.hours for turn in turns) == 6
    assert sum(turn.hours for turn in turns) * len(JobType) == JobMetricsHour.objects.count()
    assert hour_of(job)["completed"] == 1


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("seed", range(3))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(share, seed):
    random = Random(seed)
    took = [random.lognormvariate(seed + 1, 1.5) + 0.1 for _ in range(2000)]
    durations = [0] * (len(EDGES) + 1)
    for each in took:
        durations[bisect_right(EDGES, each)] += 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(%s) WITHIN GROUP (ORDER BY x) FROM unnest(%s::float8[]) x",
            [share, took],
        )
        true = cursor.fetchone()[0]
    found = percentile(durations, share)
    assert true / 2**0.25 <= found <= true * 2**0.25


def test_percentiles_at_the_ends():
    empty = [0] * (len(EDGES) + 1)
    assert percentile([], 0.5) is percentile(empty, 0.5) is None
    assert percentile([3, *empty[1:]], 0.5) == EDGES[0]
    assert percentile([*empty[1:], 3], 0.5) == EDGES[-1]


def test_what_takes_too_long_is_taken_in_smaller_bites():
    bite = Bite(most=8, least=2)
    sizes = []
    with bite.taken() as size:
        sizes.append(size)
        raise OperationalError from QueryCanceled()
    with bite.taken() as size:
        sizes.append(size)
    assert (sizes, bite.size) == ([8, 2], 4)


def test_a_bite_is_what_was_done_in_its_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("jobtracker.metrics.time.monotonic", lambda: clock[0])
    bite, sizes = Bite(most=100, least=10), []
    for seconds in (1.0, 0.05, 9.0, 0.25, 0.05):
        with bite.taken():
            clock[0] += seconds
        sizes.append(bite.size)
    assert sizes == [25, 50, 10, 10, 20]


def test_the_least_bite_that_takes_too_long_is_an_error():
    def take(bite: Bite) -> None:
        with bite.taken():
            raise OperationalError from QueryCanceled()

    with pytest.raises(OperationalError):
        take(Bite(most=2, least=2))


def test_the_command_says_what_it_did():
    ended_job(hours=30)
    told = manage("rollup", "--json").json
    assert told["hours"] * len(JobType) == JobMetricsHour.objects.count()
    assert told["final_until"] == metrics.final_span()[1].isoformat()
    assert "0 hours computed" in manage("rollup").out
