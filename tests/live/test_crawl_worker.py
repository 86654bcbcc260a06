"""Crawls by a real worker whose processes are killed in the middle: the end is the same."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from jobtracker.catalogue.models import Material
from jobtracker.models import BackgroundJob
from jobtracker.workers import processes
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession
from scraping.options import Options
from scraping.start import Request, pause, resume, start_crawls, stop
from tests.fixtures.database import empty
from tests.fixtures.site import Answer, Site, page, product
from tests.fixtures.worker_host import (
    WorkerHost,
    outcomes,
    query,
    until,
    wait_dead,
)

TILES = 120
HELD = 60  # the request from which on a shut site does not answer


class CrawlHost(WorkerHost):
    """A worker with the project's own pipelines, that may crawl this site."""

    def __init__(self, folder: Path, site: Site) -> None:
        super().__init__(folder)
        self._site = site

    def start(self, **environment: str) -> None:
        super().start(
            DJANGO_SETTINGS_MODULE="tests.settings", OUTBOUND_ALLOW=self._site.host, **environment
        )


class Shop(Site):
    """A start page and its tiles. Within `shut` no tile is answered from the HELD-th request."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()
        self.gate.set()
        self.page("/", links=[f"/tile{number}" for number in range(TILES)])
        self.unknown = self._tile

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Hold back; the end of the block lets everything go."""
        self.asked.clear()
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    def _tile(self, path: str) -> Answer:
        number = path.removeprefix("/tile")
        if not number.isdigit():
            return Answer(404)
        if len(self.asked) > HELD:
            self.gate.wait(25)
        body = page(path, products=[product(f"W-{number}")])
        return Answer(headers={"Content-Type": "text/html"}, body=body)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    with shop:
        yield shop


@pytest.fixture(scope="module")
def host(
    shop: Shop,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CrawlHost]:
    """A running worker, on a database that is clean before and after."""
    parts = urlsplit(shop.url())
    allowed = frozenset({(parts.hostname, parts.port)})
    with django_db_blocker.unblock(), override_settings(OUTBOUND_ALLOW=allowed):
        empty()
        host = CrawlHost(tmp_path_factory.mktemp("worker"), shop)
        try:
            host.start()
            yield host
        finally:
            host.clean_up()
            empty()


@pytest.fixture(scope="module")
def undisturbed(host: CrawlHost, shop: Shop) -> Any:
    session = started(shop, "Undisturbed")
    assert ended(session).status == "completed"
    left = what_is_left(session)
    assert len(left["materials"]) == TILES
    return left


def started(shop: Shop, supplier: str) -> ScrapingSession:
    options = Options(mode="crawl", delay=0.0)
    (created,) = start_crawls([Request([shop.url()], supplier, options)])
    return ScrapingSession.objects.get(background_job_id=created.job_id)


def ended(session: ScrapingSession) -> BackgroundJob:
    """Wait for the end; a wait before the next attempt is cut short."""
    job_id = session.background_job_id

    def over() -> BackgroundJob | None:
        query("UPDATE background_jobs SET run_after = now() WHERE run_after > now()")
        done = ("completed", "failed", "cancelled")
        return BackgroundJob.objects.filter(pk=job_id, status__in=done).first()

    job: BackgroundJob = until(over, "it ended", 60)
    return job


def what_is_left(session: ScrapingSession) -> dict[str, Any]:
    """Everything that a run leaves, without ids, times and the order of the pages."""
    rows = ScrapingRow.objects.filter(job_id=session.background_job_id)
    supplier = session.background_job.supplier_id
    numbers = list(rows.values_list("number", flat=True))
    assert len(set(numbers)) == len(numbers)
    kept = ("url", "status", "skip_rule", "error", "materials_found", "rows")
    return {
        "pages": sorted(ScrapingPage.objects.filter(session=session).values_list(*kept)),
        "rows": sorted(rows.values_list("key", "outcome")),
        "materials": sorted(
            Material.objects.filter(supplier=supplier).values_list("sku", flat=True)
        ),
    }


def crawlers(host: CrawlHost) -> list[int]:
    """Return the crawl processes below the worker, by their command line."""

    def words(pid: int) -> bytes:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    return [p for p in processes.descendants(host.pid) if b"scraping.crawl" in words(p)]


def in_the_middle(host: CrawlHost, session: ScrapingSession) -> int:
    """Wait until some pages are written and others asked for; return the crawl's process."""

    def some() -> bool:
        statuses = set(session.pages.values_list("status", flat=True))
        return statuses >= {"completed", "fetching"} and session.pages.filter(rows=1).exists()

    until(some, "it is in the middle")
    (crawler,) = crawlers(host)
    return crawler


def _attempt(crawler: int) -> int:
    return int(Path(f"/proc/{crawler}/stat").read_text().rpartition(")")[2].split()[1])


def _crawl(crawler: int) -> int:
    return crawler


@pytest.mark.parametrize(
    ("victim", "said"), [(_attempt, "crashed"), (_crawl, "retryable")], ids=["attempt", "crawl"]
)
def test_a_kill_in_the_middle_changes_nothing(
    host: CrawlHost, shop: Shop, undisturbed: Any, victim: Callable[[int], int], said: str
) -> None:
    with shop.shut():
        session = started(shop, f"Killed {said}")
        crawler = in_the_middle(host, session)
        os.kill(victim(crawler), signal.SIGKILL)
        wait_dead([crawler])
    assert ended(session).status == "completed"
    assert outcomes(session.background_job_id) == [said, "completed"]
    assert what_is_left(session) == undisturbed
    assert crawlers(host) == []


def test_a_paused_crawl_leaves_the_site_alone_and_goes_on(
    host: CrawlHost, shop: Shop, undisturbed: Any
) -> None:
    with shop.shut():
        session = started(shop, "Paused")
        crawler = in_the_middle(host, session)
        assert pause(session, None)
        job = BackgroundJob.objects.filter(pk=session.background_job_id, waiting_for="paused")
        until(job.exists, "it is paused")
        wait_dead([crawler])
    assert crawlers(host) == []
    statuses = set(session.pages.values_list("status", flat=True))
    assert statuses == {"completed", "pending"}
    paused = BackgroundJob.objects.get(pk=session.background_job_id)
    assert paused.done_items == session.pages.filter(status="completed").count()
    assert resume(session, None)
    assert ended(session).status == "completed"
    assert what_is_left(session) == undisturbed


def test_a_stopped_crawl_keeps_what_it_has(host: CrawlHost, shop: Shop) -> None:
    with shop.shut():
        session = started(shop, "Stopped")
        crawler = in_the_middle(host, session)
        assert stop(session, None)
        assert ended(session).status == "completed"
        wait_dead([crawler])
    left = what_is_left(session)
    rules = {(status, rule) for _, status, rule, *_ in left["pages"]}
    assert rules == {("completed", ""), ("skipped", "stopped by a person")}
    assert len(left["pages"]) == TILES + 1
    completed = sum(status == "completed" for _, status, *_ in left["pages"])
    assert len(left["materials"]) == len(left["rows"]) == completed - 1 < TILES
