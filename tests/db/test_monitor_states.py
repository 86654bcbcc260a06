"""A job's state as a page shows it, as the filter selects it and as the counts add it up."""

import pytest
from django.db.models.functions import Now
from django.http import QueryDict

from jobtracker.models import BackgroundJob
from jobtracker.monitor import queries
from jobtracker.monitor.filters import STATES, Filter, state_of
from tests.db.jobs import make_job

pytestmark = pytest.mark.django_db

HELD = {"status": "processing", "attempt_token": "0" * 32, "last_heartbeat": Now()}
EXAMPLES = {
    "pending": {},
    "processing": HELD,
    "scraping": HELD | {"job_type": "web_scraping"},
    "retry": {"retry_count": 1, "run_after": Now()},
    "person": {"waiting_for": "mapping"},
    "stalled": HELD | {"stalled_at": Now()},
    "completed": {"status": "completed", "completed_at": Now()},
    "failed": {"status": "failed", "failed_at": Now()},
    "cancelled": {"status": "cancelled", "cancelled_at": Now()},
}


@pytest.fixture
def every_state():
    """A job in each state, and one more for each way into it that is easily forgotten."""
    jobs = {}
    for word, values in EXAMPLES.items():
        job = make_job()
        BackgroundJob.objects.filter(pk=job.pk).update(**values)
        jobs[word] = BackgroundJob.objects.get(pk=job.pk)
    crashed = make_job()
    BackgroundJob.objects.filter(pk=crashed.pk).update(crash_count=1)
    asked_again = make_job()
    BackgroundJob.objects.filter(pk=asked_again.pk).update(retry_count=2, waiting_for="currency")
    return jobs


def selected(query: str) -> set:
    return set(Filter.from_query(QueryDict(query)).rows().values_list("pk", flat=True))


def test_each_state_has_an_example():
    assert EXAMPLES.keys() == STATES.keys()


def test_python_and_sql_agree_on_every_job(every_state):
    for word, state in STATES.items():
        in_sql = set(BackgroundJob.objects.filter(state.rows).values_list("pk", flat=True))
        jobs = BackgroundJob.objects.all()
        assert in_sql == {job.pk for job in jobs if state_of(job).word == word}
        assert every_state[word].pk in in_sql


def test_states_divide_all_jobs(every_state):
    found = [pk for word in STATES for pk in selected(f"status={word}")]
    assert len(found) == len(set(found)) == BackgroundJob.objects.count()


@pytest.mark.parametrize("query", ["", "q=tiles", "type=import", "supplier="])
def test_counts_add_up_to_the_jobs(every_state, query):
    matrix = queries.counts(Filter.from_query(QueryDict(query)))
    assert sum(matrix.values()) == BackgroundJob.objects.count()
    for word in STATES:
        assert sum(n for (_, w), n in matrix.items() if w == word) == len(
            selected(f"status={word}")
        )


def test_finished_counts_stop_at_the_cap(every_state, monkeypatch):
    monkeypatch.setattr(queries, "CAP", 0)
    matrix = queries.counts(Filter())
    assert matrix["xml_import", "completed"] == 1
    assert matrix["xml_import", "pending"] == 1
