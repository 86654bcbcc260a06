"""What failed in an import, grouped by what repairs it."""

import pytest

from imports.models import DataImportJob
from imports.rows import repairs
from jobtracker.models import User

from .import_runs import PRODUCTS, imported, xml_feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(tmp_path):
    bad = [
        {"sku": f"X-{n}", "name": "Rust", "price": price, "colour": "red"}
        for n, price in enumerate(["soon", "later", "never"])
    ]
    bad.append({"sku": "", "name": "", "price": "9.00 EUR", "colour": "red"})
    return imported(xml_feed(tmp_path / "tiles.xml", [*PRODUCTS, *bad]), "--supplier", "N")


def test_rows_with_the_same_fault_are_one_line_the_commonest_first(job):
    first, second = repairs(job.pk)
    assert (first["column"], first["rows"], first["raw"]) == ("price", 3, "later")
    assert second["rows"] == 1
    assert all(each["reason"] for each in (first, second))


def test_the_page_names_what_the_run_warns_of(tmp_path, client):
    doubtful = [PRODUCTS[0], PRODUCTS[1] | {"price": "-5.00 EUR"}]
    job = imported(xml_feed(tmp_path / "tiles.xml", doubtful), "--supplier", "N")
    client.force_login(User.objects.create_superuser("admin", password="x"))
    found = DataImportJob.objects.get(background_job=job)
    page = client.get(f"/admin/data-import/{found.pk}/").content.decode()
    assert "1 warning</summary>" in page
    assert "1 row: price: the price is negative" in page


def test_the_page_says_how_many_rows_each_repair_mends(job, client):
    client.force_login(User.objects.create_superuser("admin", password="x"))
    found = DataImportJob.objects.get(background_job=job)
    page = client.get(f"/admin/data-import/{found.pk}/").content.decode()
    assert "<b>3 rows</b>: <code>price</code>" in page
    assert "<b>1 row</b>" in page
