"""Schedules in a real browser: the next runs as one types, a schedule made, run, paused."""

from playwright.sync_api import Page, expect

from jobtracker.models import JobSchedule
from tests.browser.test_accessibility import troubles
from tests.db.schedules import make_schedule


def test_a_schedule_is_made_and_run(page: Page) -> None:
    page.goto("/admin/schedules/new?type=xml_import")
    coming = page.locator("#jt-coming")
    page.get_by_label("When").press_sequentially("0 6 * * FUN")
    wrong = page.get_by_text("The day of week 'FUN' cannot be read")
    expect(wrong).to_have_count(1)
    expect(page.get_by_role("button", name="Show next runs")).to_have_count(0)
    page.get_by_label("When").press("Backspace")
    page.get_by_label("When").press("Backspace")
    page.get_by_label("When").press_sequentially("RI")
    expect(coming).to_contain_text("At 06:00 on Friday, by the clock of UTC")
    expect(wrong).to_have_count(0)
    page.get_by_label("Time zone").select_option("Europe/Athens")
    expect(coming).to_contain_text("by the clock of Europe/Athens")
    expect(coming.locator("li")).to_have_count(5)
    expect(coming.locator("li").first).to_contain_text("Fri")
    page.get_by_label("Name", exact=True).fill("Tiles")
    page.get_by_label("Supplier").fill("Acme")
    page.get_by_label("Address").fill("http://127.0.0.1:9/feed.xml")
    page.get_by_role("button", name="Schedule it").click()
    # The guard goes to no address of this machine.
    expect(page.locator("#id_url_error")).to_contain_text("is not a public address")
    expect(page.get_by_label("When")).to_have_value("0 6 * * FRI")
    assert not JobSchedule.objects.exists()


def test_it_is_run_paused_and_resumed(page: Page) -> None:
    made = make_schedule()
    page.goto("/admin/schedules")
    page.get_by_role("button", name=f"Pause {made.name}").click()
    expect(page.locator("main")).to_contain_text("Paused")
    page.get_by_role("button", name=f"Resume {made.name}").click()
    page.get_by_role("button", name=f"Run {made.name} now").click()
    expect(page.locator("#jt-top")).to_contain_text("feed.xml")
    page.get_by_role("link", name=made.name).click()
    expect(page.get_by_label("Address")).to_have_value("https://tiles.example/feed.xml")


def test_the_pages_are_accessible(page: Page) -> None:
    made = [make_schedule(name=f"A feed with a long name, number {number}") for number in range(10)]
    JobSchedule.objects.filter(pk=made[0].pk).update(failures=2, last_error="The feed is gone.")
    JobSchedule.objects.filter(pk=made[1].pk).update(
        paused=True, next_run_at=None, paused_because="Paused after 5 failures in a row."
    )
    assert troubles(page, "/admin/schedules") == []
    assert troubles(page, f"/admin/schedules/{made[1].pk}") == []
