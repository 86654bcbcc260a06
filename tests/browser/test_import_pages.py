"""The pages of an import as a person uses them: steps with live examples, a preview and back."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from imports.models import DataImportJob
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from tests.browser.conftest import Site
from tests.browser.test_accessibility import RULES, troubles, violations
from tests.db.import_runs import (
    PRODUCTS,
    imported,
    lines_of,
    without_currency,
    work_off,
    xml_feed,
)


@pytest.fixture
def address(page: Page, tmp_path: Path) -> str:
    """The pages of a job that asks for a currency, beside products that it would change."""
    feed = tmp_path / "feed.xml"
    imported(xml_feed(feed, PRODUCTS[:2]), "--supplier", "Northlight")
    wrong = {"sku": "NL-4", "name": "Wrong", "price": "abc", "colour": "red"}
    job = imported(xml_feed(feed, [*without_currency(), wrong]), "--supplier", "Northlight")
    return f"/admin/data-import/{DataImportJob.objects.get(background_job=job).pk}"


def line(page: Page, field: str) -> Locator:
    return page.locator(".jt-map > li", has=page.locator(f"code:text-is('{field}')")).first


@pytest.mark.parametrize("name", ["preview", "source", "mapping"])
def test_each_page_is_readable(page: Page, address: str, name: str) -> None:
    assert troubles(page, f"{address}/{name}") == []


def test_each_drop_zone_names_its_own_files(page: Page, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.pdf"
    catalogue.write_bytes(b"%PDF-1.7\n%%EOF\n")
    page.goto("/admin/data-import")
    feeds, pdfs = page.locator("#import-names"), page.locator("#pdf-names")
    unsaid = pdfs.text_content() or ""
    page.set_input_files("[name=feeds]", xml_feed(tmp_path / "tiles.xml"))
    expect(feeds).to_have_text("tiles.xml")
    expect(pdfs).to_have_text(unsaid)
    page.set_input_files("[name=pdfs]", catalogue)
    expect(pdfs).to_contain_text("catalogue.pdf")
    expect(feeds).to_have_text("tiles.xml")


@pytest.fixture
def two_files(tmp_path: Path) -> tuple[Path, Path]:
    texts, prices = tmp_path / "texts.csv", tmp_path / "prices.csv"
    texts.write_text("sku;name\nT-1;Slate\nT-2;Chalk\n")
    prices.write_text("Article;Price;Currency\nT-2;2.20;EUR\nT-1;1.10;EUR\n")
    return texts, prices


def test_two_files_are_joined_by_the_start_form(page: Page, two_files: tuple[Path, Path]) -> None:
    texts, prices = two_files
    page.goto("/admin/data-import")
    start = page.locator("form", has=page.get_by_role("button", name="Start import"))
    start.locator("[name=feeds]").set_input_files(texts)
    start.locator("[name=supplier]").fill("Northlight")
    start.get_by_text("Prices or stock in a second file").click()
    start.get_by_label("Choose the second file").set_input_files(prices)
    expect(start.locator("#import-names")).to_have_text("texts.csv")
    expect(start.locator("#import-second")).to_have_text("prices.csv")
    expect(start.get_by_label("Joined by")).to_have_value("")
    start.get_by_label("Joined by").fill("Article=code")
    start.get_by_role("button", name="Start import").click()
    expect(start.get_by_role("alert")).to_contain_text('no field "code" to join by')
    assert violations(page, "main.jt", *RULES) == []
    start.locator("[name=feeds]").set_input_files(texts)
    start.get_by_label("Choose the second file").set_input_files(prices)
    start.get_by_label("Joined by").fill("")
    start.locator("[name=confirm]").select_option("")
    start.get_by_role("button", name="Start import").click()
    page.wait_for_url("**/admin/data-import/*-*")
    work_off()
    expect(page.locator("#jt-top .jt-state")).to_have_text("Completed")
    assert {key: line["price"] for key, line in lines_of().items()} == {
        "T-1": "1.10",
        "T-2": "2.20",
    }
    page.locator("#import-steps").get_by_role("link", name="Source").click()
    joined = page.locator(".jt-fields > div").filter(has_text="Joined with")
    expect(joined).to_contain_text("2 of 2 records have a row in it")


def test_two_files_are_joined_without_scripts(
    page: Page, site: Site, profile: BrowserContext, two_files: tuple[Path, Path]
) -> None:
    assert profile.browser
    with profile.browser.new_context(
        base_url=site.origin, java_script_enabled=False, storage_state=profile.storage_state()
    ) as bare:
        plain = bare.new_page()
        plain.goto("/admin/data-import")
        start = plain.locator("form", has=plain.get_by_role("button", name="Start import"))
        start.get_by_text("Prices or stock in a second file").click()
        for name, file in zip(("feeds", "join"), two_files, strict=True):
            start.locator(f"[name={name}]").set_input_files(file)
        start.locator("[name=supplier]").fill("Northlight")
        start.get_by_role("button", name="Start import").click()
        plain.wait_for_url("**/admin/data-import/*-*")
    assert BackgroundJob.objects.get().metadata["stated"]["join"] == "prices.csv"


def test_the_start_form_says_the_default_of_the_supplier_that_is_named(page: Page) -> None:
    Supplier.objects.create(name="Northlight", when_missing="deactivate")
    page.goto("/admin/data-import")
    start = page.locator("form", has=page.get_by_role("button", name="Start import"))
    default = start.get_by_label("Products that the feed has no more").locator("option").first
    expect(default).to_have_text("the supplier’s default")
    for name, said in (("Northlight", "become inactive"), ("Northern", "stay active")):
        start.locator("[name=supplier]").fill(name)
        expect(default).to_have_text(f"default: {said}")


def test_steps_with_a_live_example_a_preview_and_back(page: Page, address: str) -> None:
    page.goto(f"{address}/mapping")
    line(page, "colour").get_by_role("button", name="Change values").click()
    line(page, "colour").get_by_label("Step to add").select_option("replace")
    line(page, "colour").get_by_role("button", name="Add this step").click()
    line(page, "colour").get_by_label("One a line").fill("grey = anthracite")
    expect(line(page, "colour").locator(".jt-examples")).to_contain_text("anthracite")
    line(page, "colour").get_by_label("One a line").fill("grey anthracite")
    expect(line(page, "colour").locator(".jt-examples")).to_contain_text("not of the form")
    heading = line(page, "colour").locator(".jt-step-head b")
    expect(heading).to_have_attribute("data-wrong", "")
    line(page, "colour").get_by_label("One a line").fill("grey = anthracite")
    expect(heading).not_to_have_attribute("data-wrong", "")
    page.fill("[name=currency]", "EUR")
    page.locator(".jt-dock").get_by_role("button", name="Preview").click()
    page.wait_for_url("**/preview")
    outcomes = page.locator(".jt-outcomes dd")
    expect(outcomes).to_have_text(["1", "1", "1", "1", "0"])
    expect(page.locator(".jt-updates")).to_contain_text("anthracite")
    page.get_by_role("button", name="Back to the mapping").click()
    page.wait_for_url("**/mapping")
    expect(page.locator("[name=currency]")).to_have_value("EUR")
    expect(line(page, "colour").get_by_label("One a line")).to_have_value("grey = anthracite")
    page.locator("#import-steps").get_by_role("button", name="Preview").click()
    expect(page.locator(".jt-updates")).to_contain_text("anthracite")
    page.get_by_role("button", name="Confirm and import").click()
    page.wait_for_url(f"**{address}")
    job = BackgroundJob.objects.latest("pk")
    assert job.waiting_for is None
    assert job.answer["currency"]["defaults"] == {"currency": "EUR"}


@pytest.fixture
def priced_twice(page: Page, tmp_path: Path) -> str:
    """The mapping page of a feed with two prices, the first of which is suggested."""
    feed = tmp_path / "floors.csv"
    feed.write_text("sku;name;price_net;price_gross\nA-1;Oak;5,25;6,25\nA-2;Ash;7,10;8,50\n")
    job = imported(feed, "--supplier", "Northlight")
    return f"/admin/data-import/{DataImportJob.objects.get(background_job=job).pk}/mapping"


def test_a_choice_and_the_lists_below_agree(page: Page, priced_twice: str) -> None:
    page.goto(priced_twice)
    net, gross = (page.locator(f"select[data-source='price_{each}']") for each in ("net", "gross"))
    line_of_gross = page.locator(".jt-map > li").filter(has=gross)
    chosen = page.locator("[name=choice-price]:checked")
    expect(chosen).to_have_value("price_net")
    page.locator("[name=choice-price][value=price_gross]").check()
    expect(net).to_have_value("")
    expect(gross).to_have_value("price")
    expect(line_of_gross).to_contain_text("Chosen here")
    net.select_option("price")
    expect(chosen).to_have_value("price_net")
    expect(gross).to_have_value("")
    expect(line_of_gross).not_to_contain_text("Chosen here")
    net.select_option("")
    expect(chosen).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1280, 1000, 390])
def test_the_bar_ends_with_its_main_button(page: Page, priced_twice: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(priced_twice)
    dock = page.locator(".jt-dock")
    boxes = [
        found.bounding_box()
        for found in (
            dock,
            dock.get_by_role("button", name="Preview"),
            dock.get_by_role("button", name="Confirm and import"),
        )
    ]
    bar, preview, main = (box for box in boxes if box)
    assert preview["y"] == main["y"]
    assert bar["x"] + bar["width"] - main["x"] - main["width"] < 20


def test_the_return_key_confirms_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}/mapping")
    page.fill("[name=currency]", "EUR")
    with page.expect_navigation(url="**/mapping"):
        page.press("[name=currency]", "Enter")
    expect(page.locator("[name=currency]")).to_have_value("EUR")
    assert BackgroundJob.objects.latest("pk").waiting_for == "currency"
