"""The template library and a supplier's page in a real browser: read by axe-core, and acted on."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from imports.models import FeedLogin, MappingTemplate
from jobtracker import lifecycle
from jobtracker.catalogue import coverage
from jobtracker.catalogue.models import Material, Supplier, SupplierCoverage
from jobtracker.sealed import seal
from jobtracker.states import Waiting
from tests.browser.test_accessibility import troubles
from tests.db.import_runs import imported, without_currency, work_off, xml_feed
from tests.db.jobs import make_job

LIBRARY = "/admin/data-import/templates"
STEPS = [{"do": "split", "by": "/"}, {"do": "replace", "table": {"grau": "grey", "blau": "blue"}}]
FIELDS = [
    {"source": "artikelnummer", "target": "sku", "transform": None},
    {"source": "bezeichnung", "target": "name", "transform": "one line"},
    {"source": "farbe", "target": "colour", "transform": STEPS},
    {"source": "glanzgrad", "target": "attribute.gloss", "transform": None},
]


@pytest.fixture
def supplier(transactional_db) -> Supplier:
    """One with figures of two days, a run, a template of two versions and a log-in."""
    supplier = Supplier.objects.create(name="Northlight Tiles")
    Material.objects.create(supplier=supplier, name="Slate", price="9.90")
    Material.objects.create(supplier=supplier, name="Chalk")
    coverage.count(supplier.pk)
    SupplierCoverage.objects.create(
        supplier=supplier, day=timezone.now().date() - timedelta(days=9),
        active=2, inactive=0, price=2, picture=1, ean=0, size=0, colour=2,
    )  # fmt: skip
    for number in (1, 2):
        fields = FIELDS[: number + 2]
        MappingTemplate.objects.create(
            supplier=supplier, name="tiles.xml", version=number, shape="s",
            mapping={"fields": fields, "defaults": {"currency": "EUR"}},
        )  # fmt: skip
    FeedLogin.objects.create(
        supplier=supplier, host="feeds.example", name="sam", sealed_secret=seal("s3cret word")
    )
    make_job(supplier_id=supplier.pk)
    return supplier


def newest() -> MappingTemplate:
    return MappingTemplate.objects.order_by("-version")[0]


@pytest.mark.parametrize("address", ["/admin/suppliers", LIBRARY, f"{LIBRARY}/new"])
def test_empty_pages(page: Page, address: str) -> None:
    assert troubles(page, address) == []


@pytest.mark.parametrize("what", ["list", "supplier", "library", "template", "edit"])
def test_filled_pages(page: Page, supplier: Supplier, what: str) -> None:
    template = newest()
    addresses = {
        "list": "/admin/suppliers",
        "supplier": f"/admin/suppliers/{supplier.pk}",
        "library": LIBRARY,
        "template": f"{LIBRARY}/{template.pk}",
        "edit": f"{LIBRARY}/{template.pk}/edit",
    }
    assert troubles(page, addresses[what]) == []


def test_a_template_is_edited_and_set_aside_after_a_question(page: Page, tmp_path: Path) -> None:
    job = imported(xml_feed(tmp_path / "tiles.xml", without_currency()), "--supplier", "N")
    reply = {**job.question["mapping"], "defaults": {"currency": "EUR"}, "remember": True}
    assert lifecycle.answer(job.pk, Waiting.CURRENCY, reply, None)
    work_off()
    address = f"{LIBRARY}/{newest().pk}/edit"
    assert troubles(page, address) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(address)
    colour = page.locator("li", has=page.get_by_text("colour", exact=True))
    colour.get_by_role("button", name="Change values").click()
    colour.get_by_label("Step to add to colour").select_option("prefix")
    colour.get_by_role("button", name="Add this step").click()
    colour.get_by_label("Put before").fill("stone ")
    expect(colour.locator(".jt-examples")).to_contain_text("stone")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    fields = {field["source"]: field for field in newest().mapping["fields"]}
    assert fields["colour"]["transform"] == [{"do": "prefix", "text": "stone "}]
    page.get_by_role("button", name="Set aside").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Set tiles.xml aside?")
    dialog.get_by_role("button", name="Keep as it is").click()
    assert newest().retired_at is None
    page.get_by_role("button", name="Set aside").click()
    dialog.get_by_role("button", name="Set aside").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    assert newest().retired_at


def test_a_log_in_is_deleted_after_a_question(page: Page, supplier: Supplier) -> None:
    page.goto(f"/admin/suppliers/{supplier.pk}")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete the log-in for feeds.example?")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted the log-in for feeds.example.")).to_be_visible()
    assert not FeedLogin.objects.exists()
