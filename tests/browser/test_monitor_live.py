"""The queue monitor in a browser: it follows the database and leaves people's hands alone."""

from uuid import uuid4

from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob
from tests.browser.conftest import Site
from tests.db.jobs import make_job

URL = "/admin/async-queue-monitor"


def change(job: BackgroundJob, **values: object) -> None:
    BackgroundJob.objects.filter(pk=job.pk).update(**values, updated_at=Now())


def run(job: BackgroundJob, done: int) -> None:
    change(
        job,
        status="processing",
        attempt_token=uuid4(),
        last_heartbeat=Now(),
        started_at=Now(),
        progress=done // 80,
        stage_done=done,
        stage_total=8000,
    )


def await_text(page: Page, job: BackgroundJob, text: str) -> None:
    """Wait until the job's row has the text; at every frame, where `expect` looks once a second."""
    shown = "([id, text]) => document.getElementById(id).textContent.includes(text)"
    page.wait_for_function(shown, arg=[f"job-{job.pk}", text])


def update(page: Page, jobs: list[BackgroundJob], done: int) -> None:
    """Let each of the jobs get on, and wait until the page shows all of it."""
    for job in jobs:
        run(job, done)
    for job in jobs:
        await_text(page, job, f"{done:,} of 8,000")


def open_monitor(page: Page) -> None:
    page.goto(URL)
    expect(page.locator("#jt-live")).to_contain_text("Live")


def test_a_job_moves_and_ends_in_place(page: Page) -> None:
    job, other = make_job(), make_job()
    page.emulate_media(reduced_motion="no-preference")
    open_monitor(page)
    row = page.locator(f"#job-{job.pk}")
    expect(row).to_contain_text("Pending")
    run(job, 3120)
    expect(row).to_contain_text("3,120 of 8,000 · 39 %")
    expect(page.locator("#jt-states")).to_contain_text("Processing 1")
    change(
        job,
        status="completed",
        completed_at=Now(),
        attempt_token=None,
        progress=100,
        result={"materials": 7996},
    )
    expect(row).to_contain_text("7,996 materials")
    assert page.locator("#jt-rows tr").first.get_attribute("id") == f"job-{other.pk}"


def test_newcomers_wait_behind_a_bar(page: Page) -> None:
    first = make_job()
    open_monitor(page)
    newer = make_job()
    expect(page.locator("#jt-new")).to_contain_text("1 new job · show")
    assert page.locator("#jt-rows tr").count() == 1
    page.click("#jt-new a")
    expect(page.locator(f"#job-{newer.pk}")).to_be_visible()
    expect(page.locator(f"#job-{first.pk}")).to_be_visible()


def test_many_updates_leave_what_a_person_does_alone(page: Page) -> None:
    running = [make_job() for _ in range(5)]
    for _ in range(36):
        make_job()
    for job in running:
        run(job, 0)
    page.goto(f"{URL}?type=import")
    page.fill("#jt-q", "half typ")
    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY > 0")
    page.locator("#jt-rows tr .jt-more").last.focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.c-job a'))")
    before = page.evaluate("[scrollY, getSelection().toString()]")
    for done in range(10, 270, 10):
        update(page, running, done)
    assert page.evaluate("[scrollY, getSelection().toString()]") == before
    assert page.input_value("#jt-q") == "half typ"
    focused = "document.activeElement === [...document.querySelectorAll('#jt-rows .jt-more')].pop()"
    assert page.evaluate(focused)

    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Open job")).to_be_focused()
    for done in range(270, 410, 10):  # the 200th update is the last
        update(page, running, done)
    expect(page.get_by_role("menuitem", name="Open job")).to_be_focused()
    page.keyboard.press("Escape")
    assert page.evaluate(focused)
    assert page.evaluate("scrollY") == before[0]


def test_pause_holds_the_page_and_going_on_catches_up(page: Page) -> None:
    held, seen = make_job(), make_job()
    open_monitor(page)
    page.click("#jt-pause")
    expect(page.locator("#jt-live")).to_contain_text("Paused")
    run(held, 800)
    watcher = page.context.new_page()
    watcher.goto(URL)
    expect(watcher.locator(f"#job-{held.pk}")).to_contain_text("800 of 8,000")
    run(seen, 80)
    expect(watcher.locator(f"#job-{seen.pk}")).to_contain_text("80 of 8,000")
    expect(page.locator(f"#job-{held.pk}")).to_contain_text("Pending")
    page.click("#jt-pause")
    expect(page.locator(f"#job-{held.pk}")).to_contain_text("800 of 8,000")


def test_a_lost_server_is_said_and_its_return_catches_up(page: Page, site: Site) -> None:
    job = make_job()
    open_monitor(page)
    site.stop()
    try:
        expect(page.locator("#jt-live")).to_contain_text("Reconnecting, data from")
        expect(page.locator("#jt-alert")).to_contain_text("Connection lost")
        run(job, 400)
    finally:  # the tests behind this one share the site
        site.start()
    expect(page.locator(f"#job-{job.pk}")).to_contain_text("400 of 8,000")
    expect(page.locator("#jt-live")).to_contain_text("Live")


def test_an_operator_cancels_from_the_row(page: Page) -> None:
    job = make_job()
    open_monitor(page)
    page.click(f"#job-{job.pk} .jt-more")
    page.get_by_role("menuitem", name="Cancel job").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
    expect(page.locator(f"#job-{job.pk}")).to_contain_text("Cancelled")
    assert BackgroundJob.objects.get(pk=job.pk).status == "cancelled"


def test_the_job_page_keeps_what_was_opened(page: Page) -> None:
    job = make_job()
    claimed = lifecycle.claim(uuid4(), "host", 1)
    assert claimed
    trouble = lifecycle.Failure("Out of memory.", "MemoryError", "Traceback: here")
    lifecycle.crash(claimed.token, trouble)
    page.goto(f"{URL}/jobs/{job.pk}")
    expect(page.locator("#jt-live")).to_contain_text("Live")
    page.click("#jt-traceback summary")
    page.click("[data-show]")
    run(job, 3120)
    expect(page.locator("#jt-top")).to_contain_text("3,120 of 8,000")
    expect(page.get_by_text("Traceback: here")).to_be_visible()
    expect(page.locator("#jt-stage-table")).to_be_visible()
