"""An import as a person sees it: `manage.py up`, a real worker, a real browser."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jobtracker import embedded_pg
from samples.make_samples import write_feed
from tests.db.import_runs import without_currency, xml_feed
from tests.fixtures.up_host import Up
from tests.fixtures.worker_host import until

ROWS = 5000
PASSWORD = "correct horse battery"
RUN = "**/admin/data-import/*-*"
MOVES = """new MutationObserver(() => {
    const bar = document.querySelector("#jt-top .jt-meter i");
    if (bar && bar.style.width !== moves.at(-1)) moves.push(bar.style.width);
}).observe(document.body, {subtree: true, childList: true, attributes: true})"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    stack = Up(tmp_path_factory.mktemp("stack"))
    try:
        stack.start(WORKERS="2", ADMIN_PASSWORD=PASSWORD)
        stack.wait_ready()
        stack.query(
            "WITH made AS (INSERT INTO users (username, password, is_staff, is_active,"
            " is_superuser, first_name, last_name, email, date_joined, time_zone,"
            " density, shortcuts)"
            " VALUES ('viewer', %s, true, true, false, '', '', '', now(), '', 'comfortable', true)"
            " RETURNING id)"
            " INSERT INTO users_groups (user_id, group_id)"
            " SELECT made.id, g.id FROM made, auth_group g WHERE g.name = 'Viewers'",
            make_password(PASSWORD, hasher="pbkdf2_sha256"),
        )
        yield stack
        assert stack.stop(signal.SIGINT) == 0
    finally:
        stack.clean_up()


@contextmanager
def logged_in(browser: Browser, stack: Up, user: str) -> Iterator[BrowserContext]:
    """The browser of a person who logged in by the form."""
    origin = f"http://127.0.0.1:{stack.port}"
    context = browser.new_context(base_url=origin, reduced_motion="reduce")
    with window(context) as page:
        page.goto("/")
        page.fill("[name=username]", user)
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url("**/admin/async-queue-monitor")
    yield context
    context.close()


@contextmanager
def window(context: BrowserContext) -> Iterator[Page]:
    """A window of it. An error in its console fails the test."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    page.close()
    assert not errors


@pytest.fixture(scope="module")
def administrator(browser: Browser, stack: Up) -> Iterator[BrowserContext]:
    with logged_in(browser, stack, "admin") as context:
        yield context


@pytest.fixture
def admin(administrator: BrowserContext) -> Iterator[Page]:
    with window(administrator) as page:
        yield page


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_feed(tmp_path_factory.mktemp("feed") / "spring.xml", ROWS)


def upload(page: Page, feed: Path, supplier: str, *, confirm: bool = False) -> str:
    """Start an import from the form; return the id of its job."""
    page.goto("/admin/data-import")
    form = page.locator("form[action='/admin/data-import/start']")
    form.locator("[name=feeds]").set_input_files(feed)
    form.locator("[name=supplier]").fill(supplier)
    form.locator("[name=confirm]").select_option("new" if confirm else "")
    form.get_by_role("button", name="Start import").click()
    page.wait_for_url(RUN)
    return page.locator("#jt-top code").inner_text()


def left_behind(stack: Up, job_id: str) -> list[tuple[object, ...]]:
    return stack.query(
        "SELECT b.status, b.done_items, b.failed_items, b.result->>'materials',"
        " (SELECT count(*) FROM import_rows r WHERE r.job_id = b.id AND r.outcome = 'c'),"
        " (SELECT count(DISTINCT r.material_id) FROM import_rows r WHERE r.job_id = b.id),"
        " (SELECT count(*) FROM materials m WHERE m.supplier_id = b.supplier_id),"
        " (SELECT count(*) FROM material_versions v WHERE v.job_id = b.id)"
        " FROM background_jobs b WHERE b.id = %s",
        job_id,
    )


UNDISTURBED = [("completed", ROWS, 0, str(ROWS), ROWS, ROWS, ROWS, ROWS)]


@contextmanager
def held(stack: Up, job_id: str) -> Iterator[None]:
    """Hold the job behind its first batch."""
    begun = "SELECT 1 FROM import_rows WHERE job_id = %s LIMIT 1"
    until(lambda: stack.query(begun, job_id), "a batch is written")
    with embedded_pg.connect(stack.data, embedded_pg.DATABASE) as session:
        session.autocommit = False
        session.execute("LOCK TABLE import_rows IN EXCLUSIVE MODE")
        yield
        session.rollback()


def test_upload_mapping_bar_and_end_without_reloading(admin: Page, stack: Up, feed: Path) -> None:
    job_id = upload(admin, feed, "Northlight", confirm=True)
    expect(admin.locator("#jt-top")).to_contain_text("This job needs a field mapping")
    admin.locator("#jt-top").get_by_role("link", name="Answer").click()
    expect(admin.locator("[name^=target-]").first).to_be_visible()
    admin.evaluate("window.moves = []")
    admin.get_by_role("button", name="Confirm and import").click()
    admin.wait_for_url(RUN)
    admin.evaluate(f"window.moves = []; {MOVES}")
    expect(admin.locator("#jt-top .jt-state")).to_have_text("Completed", timeout=40_000)
    expect(admin.locator("#import-rows")).to_contain_text(f"Created {ROWS:,}")
    widths = [float(width.removesuffix("%")) for width in admin.evaluate("moves")]
    assert len(widths) >= 3
    assert widths == sorted(widths)
    assert widths[-1] == 100
    assert left_behind(stack, job_id) == UNDISTURBED


def test_a_killed_attempt_is_shown_and_made_good(admin: Page, stack: Up, feed: Path) -> None:
    job_id = upload(admin, feed, "Southlight")
    admin.goto(f"/admin/async-queue-monitor/jobs/{job_id}?tab=attempts")
    expect(admin.locator("#jt-live")).to_contain_text("Live")
    with held(stack, job_id):
        [child] = stack.named("child")
        os.kill(child, signal.SIGKILL)
    expect(admin.locator("#jt-top .jt-state")).to_have_text("Completed", timeout=40_000)
    table = admin.locator("#jt-panel tbody tr")
    expect(table).to_have_count(2)
    expect(table.nth(1)).to_contain_text("Crashed", ignore_case=True)
    expect(table.nth(0)).to_contain_text("Completed", ignore_case=True)
    assert left_behind(stack, job_id) == UNDISTURBED


def test_cancel_and_retry_from_the_page(admin: Page, stack: Up, feed: Path) -> None:
    job_id = upload(admin, feed, "Westlight")
    with held(stack, job_id):
        admin.get_by_role("button", name="Cancel job").click()
        admin.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
        expect(admin.locator("#jt-actions")).not_to_contain_text("Cancel job")
    expect(admin.locator("#jt-top .jt-state")).to_have_text("Cancelled")
    admin.get_by_role("button", name="Retry").click()
    admin.get_by_role("dialog").get_by_role("button", name="Retry").click()
    expect(admin.locator("#jt-top .jt-state")).to_have_text("Completed", timeout=40_000)
    assert left_behind(stack, job_id) == UNDISTURBED


def test_a_currency_is_asked_for_and_given(admin: Page, stack: Up, tmp_path: Path) -> None:
    job_id = upload(admin, xml_feed(tmp_path / "bare.xml", without_currency()), "Eastlight")
    expect(admin.locator("#jt-top")).to_contain_text("This job needs a currency")
    admin.locator("#jt-top").get_by_role("link", name="Answer").click()
    admin.fill("[name=currency]", "EUR")
    admin.get_by_role("button", name="Confirm and import").click()
    expect(admin.locator("#jt-top .jt-state")).to_have_text("Completed")
    asked = "SELECT DISTINCT m.currency FROM materials m JOIN background_jobs b"
    assert stack.query(f"{asked} USING (supplier_id) WHERE b.id = %s", job_id) == [("EUR",)]


def test_a_viewer_sees_no_actions_and_is_refused(
    browser: Browser, stack: Up, admin: Page, tmp_path: Path
) -> None:
    upload(admin, xml_feed(tmp_path / "seen.xml", without_currency()), "Farlight")
    expect(admin.locator("#jt-top")).to_contain_text("This job needs a currency")
    with logged_in(browser, stack, "viewer") as viewer, window(viewer) as page:
        for address in (admin.url, f"{admin.url}/mapping", "/admin/data-import", "/"):
            page.goto(address)
            page.locator("main.jt").wait_for()
            assert page.locator(".jt-op:visible").count() == 0
        page.goto(admin.url)
        cancel = page.locator("#jt-actions [formaction$=cancel]").get_attribute("formaction")
        token = page.locator("#jt-act [name=csrfmiddlewaretoken]").input_value()
        headers = {"Referer": page.url}
        form = {"csrfmiddlewaretoken": token}
        assert page.request.post(str(cancel), form=form, headers=headers).status == 403
    expect(admin.locator("#jt-top")).to_contain_text("This job needs a currency")
