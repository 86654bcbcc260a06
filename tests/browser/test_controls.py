"""The operator's controls in a browser: asked before, done, seen by others, kept from viewers."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from jobtracker import lifecycle
from jobtracker.models import AuditEntry, BackgroundJob, JobQueue, User, Worker
from jobtracker.pipelines import Counts
from jobtracker.states import Waiting
from tests.db.import_runs import PRODUCTS, imported, xml_feed
from tests.db.jobs import claim, make_job

URL = "/admin/async-queue-monitor"


@pytest.fixture
def watcher(page: Page) -> Page:
    """A second window of the same person, as another's would be."""
    return page.context.new_page()


def monitor(page: Page) -> Page:
    page.goto(URL)
    expect(page.locator("#jt-live")).to_contain_text("Live")
    return page


def confirm(page: Page, question: str, effect: str, answer: str) -> None:
    dialog = page.get_by_role("dialog", name=question)
    expect(dialog).to_contain_text(effect)
    dialog.get_by_role("button", name=answer).click()


def test_pauses_and_resumes_a_type_under_the_eyes_of_others(page: Page, watcher: Page) -> None:
    job = make_job()
    monitor(page), monitor(watcher)
    page.get_by_role("button", name="Pause Import").click()
    confirm(page, "Pause Import?", "1 waiting job and all new ones are held", "Pause Import")
    expect(watcher.locator("#jt-queues")).to_contain_text("by operator")
    expect(watcher.locator(f"#job-{job.pk}")).to_contain_text("Import is paused")
    expect(watcher.locator("#jt-banner")).to_contain_text("Paused: Import.")
    assert lifecycle.ready(1) == 0
    watcher.get_by_role("button", name="Resume Import").click()
    confirm(watcher, "Resume Import?", "1 waiting job may start again", "Resume Import")
    expect(page.locator("#jt-banner")).not_to_contain_text("Paused: Import.")
    expect(page.locator(f"#job-{job.pk}")).not_to_contain_text("paused")
    assert [each.action for each in AuditEntry.objects.order_by("id")] == ["pause", "resume"]


def test_caps_a_type_by_the_keyboard(page: Page, watcher: Page) -> None:
    for _ in range(3):
        make_job()
    monitor(page), monitor(watcher)
    page.get_by_role("button", name="Cap the Import jobs").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Jobs at once")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cap the Import jobs")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Jobs at once").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#jt-queues")).to_contain_text("0 of 1 running")
    claim()
    expect(watcher.locator("#jt-queues")).to_contain_text("1 of 1 running · 2 waiting")
    expect(watcher.locator("#jt-rows")).to_contain_text("Cap reached: 1 of 1 running")
    page.get_by_role("button", name="Cap the Import jobs").click()
    expect(page.get_by_label("Jobs at once")).to_have_value("1")
    page.get_by_label("Jobs at once").fill("")
    page.get_by_role("button", name="Set the cap").click()
    expect(watcher.locator("#jt-queues")).not_to_contain_text("1 of 1 running")
    assert JobQueue.objects.get(pk="xml_import").max_running is None


def test_changes_a_priority_from_the_row(page: Page, watcher: Page) -> None:
    job = make_job()
    monitor(page)
    watcher.goto(f"{URL}/jobs/{job.pk}")
    page.click(f"#job-{job.pk} .jt-more")
    page.get_by_role("menuitem", name="Change priority…").click()
    expect(page.get_by_label("Priority", exact=True)).to_have_value("normal")
    page.get_by_label("Priority", exact=True).select_option("critical")
    page.get_by_role("button", name="Change priority").click()
    expect(page.locator(f"#job-{job.pk}")).to_contain_text("critical priority")
    expect(watcher.locator("#jt-top")).to_contain_text("critical")
    assert AuditEntry.objects.get().action == "prioritise"


def test_a_cancelled_attempt_shows_when_it_is_killed(page: Page, watcher: Page) -> None:
    job = make_job()
    claim()
    monitor(watcher)
    page.goto(f"{URL}/jobs/{job.pk}")
    page.get_by_role("button", name="Cancel job").click()
    page.get_by_role("button", name="Keep as it is").click()
    assert BackgroundJob.objects.get(pk=job.pk).cancel_requested_at is None
    page.get_by_role("button", name="Cancel job").click()
    confirm(page, "Cancel tiles.xml?", "what has not stopped 8 s later is killed", "Cancel job")
    expect(page.locator("#jt-said")).to_contain_text("it is killed in at most")
    row = watcher.locator(f"#job-{job.pk}")
    expect(row).to_contain_text("Cancelling")
    expect(row.locator("[data-until]")).to_have_text("at most 5 s")
    expect(page.locator("[data-until]")).to_have_text("at most 3 s")
    expect(row.locator("[data-until]")).to_have_text("a moment")


def test_a_form_is_sent_once_until_its_page_is_shown_again(page: Page) -> None:
    monitor(page)
    form = page.locator("#jt-act")
    send = "form => form.dispatchEvent(new Event('submit', {bubbles: true, cancelable: true}))"
    assert [form.evaluate(send) for _ in range(2)] == [True, False]
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    assert form.evaluate(send)


def test_retries_all_that_failed_alike(page: Page) -> None:
    jobs = [make_job() for _ in range(2)]
    for _ in jobs:
        lifecycle.fail(claim().token, lifecycle.Failure("Cut off."))
    monitor(page)
    page.get_by_role("button", name="Retry all (2)").click()
    confirm(page, "Retry 2 jobs?", "They failed with: Cut off.", "Retry all (2)")
    for job in jobs:
        expect(page.locator(f"#job-{job.pk}")).to_contain_text("Pending")
    assert AuditEntry.objects.filter(action="retry").count() == 2


def test_retries_failed_rows_alone(page: Page, tmp_path: Path) -> None:
    wrong = {**PRODUCTS[0], "sku": "NL-9", "price": "abc"}
    job = imported(xml_feed(tmp_path / "feed.xml", [*PRODUCTS, wrong]), "--supplier", "Northlight")
    page.goto(f"{URL}/jobs/{job.pk}")
    page.get_by_role("button", name="Retry 1 failed row").click()
    confirm(page, "Retry 1 failed row of feed.xml?", "A new job does them alone", "Retry 1")
    again = BackgroundJob.objects.get(parent=job)
    page.get_by_role("link", name=f"job {str(again.pk)[-4:]}").click()
    expect(page.locator("#jt-top")).to_contain_text("failed items of an earlier job")
    assert AuditEntry.objects.get(subject_id=job.pk).action == "run items again"


def test_tells_who_started_a_job_what_it_waits_for(page: Page, watcher: Page) -> None:
    owner = User.objects.get(username="operator")
    job = make_job(created_by=owner)
    token = claim().token
    for window, address in ((page, "/admin/data-import"), (watcher, f"{URL}?status=failed")):
        window.goto(address)
        expect(window.locator("#jt-asking")).to_be_hidden()
    lifecycle.wait(token, Waiting.MAPPING, {"message": "Which field is the price?"})
    for window in (page, watcher):
        expect(window.locator("#jt-asking")).to_contain_text("needs a field mapping")
        expect(window).to_have_title(re.compile(r"^\(1\) "))
    page.locator("#jt-asking").get_by_role("link", name="Answer").click()
    page.wait_for_url("**/mapping")
    lifecycle.answer(job.pk, Waiting.MAPPING, {}, None)
    expect(watcher.locator("#jt-asking")).to_be_hidden()


def test_the_place_in_the_line_moves_without_a_word_about_the_job(page: Page) -> None:
    make_job()
    job = make_job()
    Worker.objects.create(
        id=uuid4(), host="h", boot_id="b", pid_namespace="n", pid=1, start_ticks=1, slots=4
    )
    page.goto(f"{URL}/jobs/{job.pk}")
    expect(page.locator("#jt-said")).to_contain_text("Behind 1 other job")
    claim()
    expect(page.locator("#jt-said")).to_contain_text("Next: a slot is free")


def test_a_viewer_is_offered_nothing(page: Page) -> None:
    viewer = User.objects.get(username="operator")
    viewer.groups.set([Group.objects.get(name="Viewers")])
    job = make_job(created_by=viewer)
    claimed = claim()
    lifecycle.complete(claimed.token, Counts(total=2, done=1, failed=1))
    waiting = make_job(created_by=viewer)
    BackgroundJob.objects.filter(pk=waiting.pk).update(waiting_for="mapping", updated_at=Now())
    for address in (URL, f"{URL}/jobs/{job.pk}", f"{URL}/jobs/{waiting.pk}"):
        page.goto(address)
        expect(page.locator("#jt-live")).to_contain_text("Live")
        assert page.locator(".jt-op:visible").count() == 0
    page.goto(URL)
    page.click(f"#job-{waiting.pk} .jt-more")
    assert page.get_by_role("menuitem").all_inner_texts()[:1] == ["Open job"]
    assert page.locator("#jt-menu .jt-op:visible").count() == 0
