"""The materials in a real browser: review by keyboard, a correction that a later run cannot take
away, an undo; and all pages read by axe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from jobtracker.catalogue.models import Kind, Material
from jobtracker.catalogue.write import Row
from tests.browser.test_accessibility import troubles
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, price, row, source, write
from tests.db.import_runs import PRODUCTS, imported, xml_feed

LIST = "/admin/materials"


@pytest.fixture
def rows_table(page: Page) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE outcome_rows")


def unsure(number: int) -> Row:
    values = {"name": f"Card {number}", "colour": "sand"}
    return Row(number, 1, f"c{number}", values, {"row": {"page": 1, "confidence": 0.7}})


def test_the_review_by_keyboard(page: Page, rows_table: None) -> None:
    write([unsure(n) for n in range(1, 6)], source(Kind.PDF))
    page.goto(f"{LIST}/review")
    page.evaluate("window.same = true")
    item = page.locator("#jt-item h2")

    def press(key: str) -> None:
        page.locator("#jt-desk[data-ready]").wait_for()
        page.keyboard.press(key)

    expect(item).to_have_text("Card 1")
    press("j")
    expect(item).to_have_text("Card 2")
    press("k")
    expect(item).to_have_text("Card 1")
    press("a")
    expect(item).to_have_text("Card 2")
    expect(page.locator("#jt-status")).to_have_text("Accepted.")
    press("x")
    expect(item).to_have_text("Card 3")
    press("e")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    press("Escape")
    expect(name).to_have_count(0)
    press("e")
    expect(name).to_be_focused()
    # In a field the keys are letters.
    page.keyboard.press("End")
    page.keyboard.type(" jax")
    page.keyboard.press("Enter")
    expect(item).to_have_text("Card 4")
    press("a")
    expect(item).to_have_text("Card 5")
    press("a")
    expect(page.locator("#jt-desk")).to_contain_text("Nothing is left to review.")
    assert page.evaluate("window.same")  # no page was loaded on the way
    states = Material.objects.order_by("pk").values_list("name", "active", "review")
    assert list(states) == [
        ("Card 1", True, None),
        ("Card 2", False, None),
        ("Card 3 jax", True, None),
        ("Card 4", True, None),
        ("Card 5", True, None),
    ]


def test_a_correction_wins_over_a_later_run_until_it_is_taken_back(
    page: Page, tmp_path: Path
) -> None:
    feed = xml_feed(tmp_path / "feed.xml")
    imported(feed, "--supplier", "Northlight")
    page.goto(LIST)
    page.get_by_role("searchbox").fill("nl1")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Slate 60").click()
    page.get_by_role("link", name="Correct").click()
    page.get_by_label("Colour").fill("ash grey")
    page.get_by_role("button", name="Save").click()
    values = page.locator(".jt-values")
    expect(values).to_contain_text("corrected by operator")
    later = [each | {"colour": "blue", "price": "30.00 EUR"} for each in PRODUCTS]
    imported(xml_feed(feed, later), "--supplier", "Northlight")
    page.reload()
    expect(values.get_by_role("row", name="Colour")).to_contain_text("ash grey")
    expect(values.get_by_role("row", name="Price")).to_contain_text("30.00")
    page.get_by_role("button", name="Take back Colour").click()
    page.locator("dialog[open] [data-yes]").click()
    expect(values.get_by_role("row", name="Colour")).to_contain_text("blue")


def test_a_job_is_undone_from_its_page(page: Page, tmp_path: Path) -> None:
    job = imported(xml_feed(tmp_path / "feed.xml"), "--supplier", "Northlight")
    page.goto(f"/admin/async-queue-monitor/jobs/{job.pk}")
    page.get_by_role("link", name="Undo").click()
    page.get_by_label("Reason").fill("The wrong file")
    page.get_by_role("button", name="Undo 3 products").click()
    expect(page.locator("main")).to_contain_text("Undone")
    assert not Material.objects.exists()


def many(number: int) -> None:
    rows = [
        row(
            n,
            key=f"p{n}",
            name=f"A tile with a rather long name of the spring collection {n}",
            sku=f"A-{n}",
            category=["Floors", "Tiles"],
            colour="grey",
            price=price(f"{n}.90"),
        )
        for n in range(1, 11)
    ]
    write(rows)
    others = [f.column for f in Material._meta.concrete_fields if f.name != "id"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO materials ({', '.join(others)}) SELECT {', '.join(others)}"
            " FROM materials, generate_series(2, %s)",
            [number // 10],
        )


@pytest.mark.parametrize("number", [0, 10_000])
def test_the_list_is_accessible(page: Page, rows_table: None, number: int) -> None:
    if number:
        many(number)
    assert troubles(page, LIST) == []


def test_the_other_pages_are_accessible(page: Page, rows_table: None) -> None:
    write([unsure(1), unsure(2)], source(Kind.PDF))
    write([row(1, sku="A-1", colour="grey", price=price("9.90")), row(2, sku="A-1")])
    write([row(1, sku="B-1")], source(Kind.SITE))
    flagged = Material.objects.filter(review="several candidates").latest("pk")
    assert troubles(page, f"{LIST}/{flagged.pk}") == []
    assert troubles(page, f"{LIST}/{flagged.pk}/edit") == []
    assert troubles(page, f"{LIST}/review?at={flagged.pk}") == []
    assert troubles(page, f"{LIST}/doubles?by=sku") == []
