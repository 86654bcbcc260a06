"""Every page in both themes and at every width: WCAG 2.2 AA as far as axe-core can tell, no
sideways scroll, nothing in the console."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page

from imports.models import DataImportJob
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType, Status
from tests.db.import_runs import PRODUCTS, imported, without_currency, xml_feed

AXE = (Path(__file__).with_name("vendor") / "axe.js").read_text()
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = ("color-contrast", "link-in-text-block")
LIGHT = """() => {
    document.documentElement.classList.remove("dark");
    for (const each of document.getAnimations()) each.finish();
}"""
# Lists repeat a few kinds of rows: what axe reads of them takes most of its time.
SHORTEN = """() => {
    const further = document.querySelectorAll("main :is(tr, li):nth-child(n + 13)");
    for (const each of further) each.remove();
}"""
WIDTHS = (1440, 768, 360, 320)
MONITOR = "/admin/async-queue-monitor"


def make_jobs(number: int) -> None:
    """Make so many jobs, in tens of all states, with long names and a few causes of failure."""
    now = timezone.now()
    moments = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
    jobs = []
    for n in range(min(number, 10)):
        status = list(Status)[n % 5]
        running = status == Status.PROCESSING
        job = BackgroundJob(
            job_type=list(JobType)[n % 3],
            status=status,
            filename=f"products of the spring collection, {'part_' * (n % 9)}{n}.xml",
            progress={"completed": 100, "processing": 39}.get(status, 0),
            attempt_token=uuid4() if running else None,
            last_heartbeat=now if running else None,
            started_at=None if status == Status.PENDING else now - timedelta(minutes=9),
            waiting_for="mapping" if status == Status.PENDING and n % 10 else None,
            error=f"The feed ends in line {n % 7}." if status == Status.FAILED else "",
            error_fingerprint=str(n % 7) if status == Status.FAILED else "",
            total_items=8000,
            done_items=3000,
            failed_items=20,
        )
        if moment := moments.get(status):
            setattr(job, moment, now - timedelta(minutes=n % 50))
        jobs.append(job)
    BackgroundJob.objects.bulk_create(jobs)
    others = [field.column for field in BackgroundJob._meta.concrete_fields if field.name != "id"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO background_jobs (id, {', '.join(others)}) SELECT uuidv7(),"
            f" {', '.join(others)} FROM background_jobs, generate_series(2, %s) AS ten"
            " ORDER BY ten",
            [number // 10],
        )


def violations(page: Page, part: str, *rules: str) -> list[str]:
    """Return what axe-core finds in a part by these rules or groups of them, a line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(
        "([part, rules]) => axe.run(part, {runOnly: rules, resultTypes: ['violations']})"
        ".then(({violations}) => violations.flatMap(({id, nodes}) =>"
        " nodes.map(node => `${id}: ${node.target} ${node.failureSummary}`)))",
        [part, rules],
    )
    return list(found)


def troubles(page: Page, address: str, part: str = "main.jt") -> list[str]:
    """Return what is wrong with a page in both themes and at all widths. What stands around
    every page is read once, with the queue.

    A theme is a class that changes colours alone, so the page is loaded once, and only the rules
    about colours are tried in both; the narrow layout is read in one.
    """
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.goto(address)
    page.locator("main.jt").wait_for()
    page.wait_for_function("document.documentElement.classList.contains('dark')")
    if not page.title():
        said.append("no title")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            said.append(f"{width}: {wide} wide")
    page.evaluate(SHORTEN)
    page.set_viewport_size({"width": 1440, "height": 900})
    said += [f"dark: {line}" for line in violations(page, part, *COLOURS)]
    page.evaluate(LIGHT)
    said += [f"light: {line}" for line in violations(page, part, *RULES)]
    page.set_viewport_size({"width": 360, "height": 900})
    said += [f"narrow: {line}" for line in violations(page, part, *RULES)]
    return said


@pytest.mark.parametrize("number", [0, 10_000])
def test_the_queue(page: Page, number: int) -> None:
    make_jobs(number)
    assert troubles(page, MONITOR, "html") == []


@pytest.fixture
def waiting(page: Page, tmp_path: Path) -> BackgroundJob:
    """A job that asks for a currency."""
    return imported(xml_feed(tmp_path / "feed.xml", without_currency()), "--supplier", "Northlight")


@pytest.fixture
def over(page: Page, tmp_path: Path) -> BackgroundJob:
    """A completed job with a failed row and warnings."""
    wrong = [{**PRODUCTS[0], "sku": "NL-9", "price": "abc"}, {"name": "No code"}]
    job = imported(xml_feed(tmp_path / "feed.xml", PRODUCTS + wrong), "--supplier", "Northlight")
    assert job.status == "completed"
    return job


def own(job: BackgroundJob, rest: str = "") -> str:
    return f"/admin/data-import/{DataImportJob.objects.get(background_job=job).pk}{rest}"


PAGES: dict[str, Callable[[BackgroundJob], str]] = {
    "job": lambda job: f"{MONITOR}/jobs/{job.pk}",
    "attempts": lambda job: f"{MONITOR}/jobs/{job.pk}?tab=attempts",
    "log": lambda job: f"{MONITOR}/jobs/{job.pk}?tab=log",
    "data": lambda job: f"{MONITOR}/jobs/{job.pk}?tab=data",
    "data import": lambda job: "/admin/data-import",
    "run": own,
    "mapping": lambda job: own(job, "/mapping"),
    "source": lambda job: own(job, "/source"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_finished_job(page: Page, over: BackgroundJob, name: str) -> None:
    assert troubles(page, PAGES[name](over)) == []


@pytest.mark.parametrize("name", ["job", "run", "mapping"])
def test_a_job_that_asks(page: Page, waiting: BackgroundJob, name: str) -> None:
    assert troubles(page, PAGES[name](waiting)) == []


def test_a_feed_unlike_the_last_one(page: Page, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    imported(xml_feed(feed, PRODUCTS), "--supplier", "Northlight")
    dear = [each | {"price": each["price"].replace(".", "")} for each in PRODUCTS]
    job = imported(xml_feed(feed, dear), "--supplier", "Northlight")
    assert job.waiting_for == "threshold"
    assert troubles(page, own(job)) == []
