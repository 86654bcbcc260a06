"""The crawl's queue in the page table, with two connections at it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from jobtracker import lifecycle
from scraping import frontier
from scraping.models import ScrapingPage, ScrapingSession
from scraping.options import Options
from tests.db.jobs import Elsewhere
from tests.db.scrape_runs import NO_LINES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]

ROOT = "https://tiles.example/"


@pytest.fixture
def session() -> ScrapingSession:
    created = lifecycle.create(
        "web_scraping", filename="tiles.example", detail={"source_url": ROOT, "scraping_config": {}}
    )
    return ScrapingSession.objects.get(background_job_id=created.job_id)


def add(session: ScrapingSession, *paths: str, depth: int = 1, **options: Any) -> int:
    found = [(ROOT + path, depth, ROOT) for path in paths]
    return frontier.add(session.pk, found, Options(**options))


def settle(claim: UUID, page: frontier.Page, **told: Any) -> int:
    return frontier.settle(claim, [{**NO_LINES, "id": page.id, "status": "completed", **told}])


def test_two_claims_never_take_the_same_page(session: ScrapingSession) -> None:
    add(session, *(f"p{number}" for number in range(20)))
    with transaction.atomic():
        mine = frontier.claim(session.pk, uuid4(), 7)
        other = Elsewhere(lambda: frontier.claim(session.pk, uuid4(), 7))
        theirs = other.result()  # does not wait for the first one's commit
    others = [Elsewhere(lambda: frontier.claim(session.pk, uuid4(), 2)) for _ in range(4)]
    taken = [*mine, *theirs, *(page for each in others for page in each.result())]
    ids = {page.id for page in taken}
    assert len(mine) == len(theirs) == 7
    assert len(taken) == len(ids)
    assert session.pages.filter(status="fetching").count() == len(ids)


def test_shallow_pages_come_first(session: ScrapingSession) -> None:
    add(session, "deep", depth=3)
    add(session, "near", depth=1)
    assert [page.url for page in frontier.claim(session.pk, uuid4(), 2)] == [
        ROOT + "near",
        ROOT + "deep",
    ]


def test_what_was_taken_back_is_no_more_the_first_ones(session: ScrapingSession) -> None:
    add(session, "a", "b")
    dead, alive = uuid4(), uuid4()
    lost = frontier.claim(session.pk, dead, 2)
    assert frontier.claim(session.pk, alive, 2) == []
    assert frontier.reclaim(session.pk) == 2
    again = frontier.claim(session.pk, alive, 2)
    assert [page.id for page in again] == [page.id for page in lost]
    assert settle(dead, lost[0]) == 0
    assert settle(alive, again[0]) == 1
    assert session.pages.get(pk=again[0].id).status == "completed"


def test_what_has_ended_is_not_taken_back(session: ScrapingSession) -> None:
    add(session, "a")
    claim = uuid4()
    (page,) = frontier.claim(session.pk, claim, 1)
    settle(claim, page)
    assert frontier.reclaim(session.pk) == 0
    assert settle(claim, page, status="failed") == 0
    assert frontier.claim(session.pk, claim, 1) == []


def test_a_page_for_later_waits_its_time(session: ScrapingSession) -> None:
    add(session, "a")
    claim = uuid4()
    (page,) = frontier.claim(session.pk, claim, 1)
    settle(claim, page, status="pending", delay=60.0)
    assert frontier.claim(session.pk, claim, 1) == []
    due = frontier.next_due(session.pk)
    assert due is not None
    assert 50 < due <= 60
    ScrapingPage.objects.update(next_attempt_at="2026-01-01T00:00Z")
    (again,) = frontier.claim(session.pk, claim, 1)
    assert (again.id, again.attempts) == (page.id, 1)
    settle(claim, again)
    assert frontier.next_due(session.pk) is None


def test_the_limit_counts_pages_and_names_itself(session: ScrapingSession) -> None:
    assert add(session, "a", "b", max_pages=3) == 2
    assert add(session, "a", "c", "d", max_pages=3) == 1
    rules = dict(session.pages.values_list("url", "skip_rule"))
    assert rules == {
        ROOT + "a": "",
        ROOT + "b": "",
        ROOT + "c": "",
        ROOT + "d": "page limit of 3",
    }


def test_a_skipped_page_is_kept_with_its_rule_and_never_claimed(session: ScrapingSession) -> None:
    outside = ("https://elsewhere.example/", 1, ROOT)
    assert frontier.add(session.pk, [outside], Options()) == 0
    assert add(session, "a.jpg", "login", "far", depth=9) == 0
    assert frontier.claim(session.pk, uuid4(), 9) == []
    pages = session.pages.values_list("status", "skip_rule")
    assert {status for status, _ in pages} == {"skipped"}
    assert len({rule for _, rule in pages if rule}) == 4
    assert frontier.add(session.pk, [outside], Options()) == 0
    assert session.pages.count() == 4


def test_skipped_pages_leave_the_limit_alone(session: ScrapingSession) -> None:
    assert add(session, "a.jpg", "b.jpg", "c", max_pages=1) == 1


def test_an_address_is_one_page_however_it_is_written(session: ScrapingSession) -> None:
    assert add(session, "a#top", "a", "a?utm_source=mail") == 1
    add(session, "a")
    assert session.pages.count() == 1


def test_the_rest_is_skipped_and_what_ended_stays(session: ScrapingSession) -> None:
    add(session, "a", "b", "c")
    claim = uuid4()
    first, _ = frontier.claim(session.pk, claim, 2)
    settle(claim, first)
    assert frontier.skip_rest(session.pk, "stopped") == 2
    counts = frontier.counts(session.pk)
    assert (counts.total, counts.done, counts.skipped) == (3, 1, 2)
