"""The rows of a run: which material each became, and what it changed of it."""

import pytest

from imports.models import DataImportJob
from imports.rows import page_of_rows
from jobtracker.catalogue.models import Material

from .import_runs import PRODUCTS, imported, xml_feed
from .pages import signed_in

pytestmark = pytest.mark.django_db


def run(path, *changed):
    return imported(xml_feed(path, [*changed, *PRODUCTS[len(changed) :]]), "--supplier", "N")


@pytest.fixture
def second(tmp_path):
    """A run that changed the first product, with another one after it that did so again."""
    run(tmp_path / "tiles.xml")
    changed = PRODUCTS[0] | {"price": "30.00 EUR", "colour": "anthracite"}
    found = run(tmp_path / "tiles.xml", changed)
    run(tmp_path / "tiles.xml", changed | {"price": "31.00 EUR"})
    return found


def test_an_updated_row_says_what_it_changed_from_what_to_what(second):
    first, *others = page_of_rows(second.pk, {"rows": "all"})["lines"]
    assert first.outcome == "Updated"
    assert set(first.changes) == {("price", "24.50", "30.00"), ("colour", "grey", "anthracite")}
    assert not any(line.changes for line in others)


def test_a_row_leads_to_its_material(client, second):
    operator = signed_in(client, "Viewers")
    found = DataImportJob.objects.get(background_job=second)
    page = operator.get(f"/admin/data-import/{found.pk}?rows=u").content.decode()
    material = Material.objects.earliest("pk")
    assert f'href="/admin/materials/{material.pk}">{material.name}</a>' in page
    assert "<del>grey</del> <ins>anthracite</ins>" in page
