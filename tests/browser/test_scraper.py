"""The scraper's pages in a browser: readable for everyone in every size, alive, and safe."""

from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from jobtracker.models import BackgroundJob
from scraping.models import ScrapingPage, ScrapingSession
from tests.browser.test_accessibility import troubles
from tests.db.test_scraper_pages import (
    EVIL,
    SCRIPT,
    add_many,
    add_material,
    add_page,
    end,
    make_session,
    url,
)


def run(session: ScrapingSession, **values) -> None:
    """Let a crawl's job run, with these columns."""
    running = {"status": "processing", "attempt_token": uuid4(), "last_heartbeat": Now()}
    BackgroundJob.objects.filter(pk=session.background_job_id).update(
        started_at=Now(), current_stage="pages_scraped", **running | values
    )


def multiply(number: int) -> None:
    """Make so many sessions of the ones that there are."""
    for table, name in (("background_jobs", "jobs"), ("scraping_sessions", "sessions")):
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE some_{name} AS TABLE {table}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id::text)::uuid FROM some_jobs")
        columns = [f.column for f in BackgroundJob._meta.concrete_fields if f.name != "id"]
        cursor.execute(
            "CREATE TEMP TABLE more AS SELECT uuidv7() AS new, j.id AS old FROM some_jobs j,"
            " generate_series(1, %s) AS ten ORDER BY ten",
            [number],
        )
        cursor.execute(
            f"INSERT INTO background_jobs (id, {', '.join(columns)}) SELECT m.new,"
            f" {', '.join('j.' + c for c in columns)} FROM more m JOIN some_jobs j ON j.id = m.old"
        )
        own = [f.column for f in ScrapingSession._meta.concrete_fields]
        rest = [c for c in own if c not in ("id", "background_job_id")]
        cursor.execute(
            f"INSERT INTO scraping_sessions (id, background_job_id, {', '.join(rest)})"
            f" SELECT uuidv7(), m.new, {', '.join('s.' + c for c in rest)}"
            " FROM more m JOIN some_sessions s ON s.background_job_id = m.old"
        )
        cursor.execute("DROP TABLE some_jobs, some_sessions, more")


def all_states(number: int) -> None:
    """Make so many sessions, in all states."""
    counts = {"total_items": 1200, "done_items": 612, "failed_items": 14, "skipped_items": 88}
    for n in range(min(number, 10)):
        session = make_session()
        jobs = BackgroundJob.objects.filter(pk=session.background_job_id)
        if n % 5 == 0:
            run(session, **counts)
        elif n % 5 < 4:
            ended = end(("completed", "failed", "cancelled")[n % 5 - 1])
            jobs.update(**ended, **counts, started_at=Now(), error="The host answered 503.")
    if number > 10:
        multiply(number // 10)


@pytest.mark.parametrize("number", [0, 10_000])
def test_the_list(page: Page, number: int) -> None:
    all_states(number)
    assert troubles(page, "/scraper") == []


def add_pages(session: ScrapingSession, number: int) -> None:
    """Add so many pages, in tens of all states."""
    add_many(session, min(number, 10))
    others = [
        field.column
        for field in ScrapingPage._meta.concrete_fields
        if field.name not in ("id", "url", "canonical_url")
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO scraping_pages (url, canonical_url, {', '.join(others)})"
            f" SELECT url || '-' || ten, canonical_url || '-' || ten, {', '.join(others)}"
            " FROM scraping_pages, generate_series(2, %s) AS ten ORDER BY ten",
            [number // 10],
        )


@pytest.mark.parametrize("number", [0, 10_000])
def test_a_session(page: Page, number: int) -> None:
    session = make_session()
    add_pages(session, number)
    for n in range(1, min(number, 20)):
        add_material(session, f"Porcelain Alba {n}", f"https://tiles.example/{n}", n)
    run(session, total_items=number, done_items=number // 2)
    assert troubles(page, url(session)) == []
    assert troubles(page, f"/admin/async-queue-monitor/jobs/{session.background_job_id}") == []


def test_rows_move_by_themselves(page: Page) -> None:
    session = make_session()
    page.goto("/scraper")
    row = page.locator(f"#job-{session.background_job_id}")
    expect(page.locator("#jt-live")).to_contain_text("Live")
    expect(row).to_contain_text("Pending")
    run(session, total_items=10, done_items=4)
    expect(row).to_contain_text("Scraping")
    expect(row).to_contain_text("4 done · 0 failed · 0 skipped · 6 queued of 10")


def test_a_session_moves_by_itself_and_keeps_what_is_typed(page: Page) -> None:
    session = make_session()
    add_page(session, "a")
    run(session, total_items=10, done_items=1)
    page.goto(url(session))
    expect(page.locator("#jt-live")).to_contain_text("Live")
    page.fill("#jt-q", "half typ")
    add_page(session, "b", status="failed", http_status=404, error="There is no such page.")
    ScrapingPage.objects.filter(session=session).update(updated_at=Now())
    run(session, total_items=10, done_items=1, failed_items=1)
    expect(page.locator("#scraping-causes")).to_contain_text("There is no such page.")
    expect(page.locator("#scraping-totals")).to_contain_text("1 failed")
    expect(page.locator("#jt-q")).to_have_value("half typ")


def test_scripts_in_names_are_text(page: Page) -> None:
    session = make_session()
    add_material(session, SCRIPT, EVIL)
    add_page(session, "", url=EVIL, status="failed", error=SCRIPT)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(url(session))
    expect(page.locator(".jt-card h3")).to_have_text(SCRIPT)
    expect(page.locator("#scraping-pages tbody")).to_contain_text(EVIL)
    assert page.locator("a[href^='javascript']").count() == 0


def test_a_check_says_what_is_wrong_without_a_new_page(page: Page) -> None:
    page.goto("/scraper")
    page.evaluate("window.kept = true")
    page.fill("[name=urls]", "http://127.0.0.1:9/")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#jt-check-result li[data-s=failed]")).to_be_visible()
    expect(page.locator("#jt-status")).to_have_text("Checked.")
    assert page.evaluate("window.kept")


def test_pause_from_the_page(page: Page) -> None:
    session = make_session()
    run(session, total_items=10, done_items=1)
    page.goto(url(session))
    page.get_by_role("button", name="Pause crawl").click()
    expect(page.locator("#scraping-acts")).not_to_contain_text("Pause crawl")
    session.refresh_from_db()
    assert session.wish == "pause"
