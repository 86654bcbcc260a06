"""The notice to who started a job that waits for an answer: on every page, to nobody else."""

import pytest

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob, User
from jobtracker.states import Waiting
from tests.db.jobs import make_job
from tests.db.pages import signed_in

pytestmark = pytest.mark.django_db
URL = "/admin/async-queue-monitor"
PAGES = (URL, "/admin/data-import", "/scraper")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def asks(user: str, waiting_for: Waiting = Waiting.MAPPING) -> BackgroundJob:
    job = make_job(created_by=User.objects.get(username=user))
    BackgroundJob.objects.filter(pk=job.pk).update(
        waiting_for=waiting_for, question={"message": "Which field is the price?"}
    )
    return job


def notice(client, url: str = f"{URL}/asking") -> str:
    page = client.get(url).content.decode()
    return page.partition('id="jt-asking"')[2].partition("</main>")[0]


@pytest.mark.parametrize("url", PAGES)
def test_stands_on_every_page_of_who_started_it(operator, url):
    assert 'data-number="" hidden' in notice(operator, url)
    job = asks("operators")
    found = notice(operator, url)
    assert 'data-number="1"' in found
    assert "Your Import job tiles.xml needs a field mapping." in found
    assert "Which field is the price?" in found
    assert f'href="{URL}/jobs/{job.pk}/answer"' in found


def test_is_by_one_statement_and_counts_no_further_than_needed(operator, django_assert_num_queries):
    for _ in range(25):
        asks("operators")
    with django_assert_num_queries(5):  # session, user, permissions (2), the notice
        found = notice(operator)
    assert 'data-number="20+"' in found
    assert found.count(">Answer<") == 3
    assert "All that wait for a person" in found


def test_says_nothing_to_others(operator):
    User.objects.create(username="ann")
    asks("ann")
    make_job()
    assert 'data-number="" hidden' in notice(operator)


def test_goes_with_the_answer_and_asks_for_no_paused_job(operator):
    job = asks("operators")
    asks("operators", Waiting.PAUSED)
    assert 'data-number="1"' in notice(operator)
    assert lifecycle.answer(job.pk, Waiting.MAPPING, {}, None)
    assert 'data-number="" hidden' in notice(operator)


def test_is_not_said_twice_on_the_page_of_the_job(operator):
    job, other = asks("operators"), asks("operators")
    found = notice(operator, f"{URL}/jobs/{job.pk}")
    assert f'data-poll="{URL}/asking?but={job.pk}"' in found
    assert f'href="{URL}/jobs/{other.pk}/answer"' in found
    assert f'href="{URL}/jobs/{job.pk}/answer"' not in found
    assert f"{job.pk}/answer" not in notice(operator, f"{URL}/asking?but={job.pk}")
