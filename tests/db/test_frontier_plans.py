"""A new crawl reads what it asks for, also where the planner's statistics know only others."""

import pytest
from django.db import connection

from jobtracker import lifecycle
from scraping import frontier
from scraping.models import ScrapingPage, ScrapingSession
from scraping.options import Options

from .reading import rows_read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]

ROOT = "https://tiles.example/"
PAGES = 2000
LINKS = 40  # of one page


def crawl(name: str) -> ScrapingSession:
    created = lifecycle.create(
        "web_scraping", filename=name, detail={"source_url": ROOT, "scraping_config": {}}
    )
    session = ScrapingSession.objects.get(background_job_id=created.job_id)
    add(session, 0, PAGES)
    return session


def add(session: ScrapingSession, first: int, last: int) -> int:
    found = [(f"{ROOT}{number}", 1, ROOT) for number in range(first, last)]
    return frontier.add(session.pk, found, Options())


@pytest.fixture
def session():
    crawl("before")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scraping_pages")
    return crawl("now")


def test_a_claim_reads_the_pages_that_it_takes(session):
    reading = rows_read(lambda: frontier.claim(session.pk, session.pk, 16), "scraping_pages")
    assert reading <= 10 * 16
    assert ScrapingPage.objects.filter(session=session, status="fetching").count() == 16


def test_known_links_are_found_one_by_one(session):
    reading = rows_read(lambda: add(session, 0, LINKS), "scraping_pages")
    assert reading <= 10 * LINKS
