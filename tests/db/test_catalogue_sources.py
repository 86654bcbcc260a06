"""Several sources of one product: when they meet in one material, and which one wins a field."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from jobtracker.catalogue.models import Kind, Material, MaterialSource, MaterialVersion, Supplier
from jobtracker.catalogue.write import Outcome, Row
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, outcomes, price, row, source, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


def test_a_second_source_attaches_by_sku_however_it_is_spelt():
    write([row(1, sku="AR-60")])
    job = uuid4()
    assert write([row(1, sku="AR60")], source(Kind.SITE), job) == Outcome(unchanged=1)
    material = Material.objects.get()
    assert material.sources.count() == 2
    assert material.sku == "AR-60"
    assert MaterialVersion.objects.get(job_id=job).op == "a"


def test_a_second_source_attaches_by_ean_where_the_sku_is_unknown():
    write([row(1, ean="4006381333931")])
    by_ean = row(1, sku="other", ean="4006381333931", colour="grey")
    assert write([by_ean], source(Kind.SITE)) == Outcome(updated=1)
    assert Material.objects.get().colour == "grey"


def test_another_suppliers_product_is_another_material():
    write([row(1, sku="AR-60")])
    assert write([row(1, sku="AR-60")], source(supplier="Mosshult")) == Outcome(created=1)


def test_two_candidates_make_a_new_material_to_review():
    write([row(1, sku="AR-60")])
    write([row(1, sku="AR60", ean="4006381333931")], source(name="second"))
    write([row(2, key="again", sku="AR60")])
    assert Material.objects.count() == 2
    job = uuid4()
    assert write([row(9, sku="AR60")], source(Kind.SITE), job) == Outcome(created=1, review=1)
    assert outcomes(job) == [(9, "c", "several candidates")]
    assert Material.objects.latest("pk").review == "several candidates"


@pytest.mark.parametrize("same", [{"sku": "AR-60"}, {"ean": "4006381333931"}])
def test_one_number_under_two_keys_of_a_source_is_two_products_to_review(same):
    assert write([row(1, **same), row(2, **same)]) == Outcome(created=2, review=2)
    assert write([row(3, **same)]) == Outcome(created=1, review=1)
    assert write([row(1, **same), row(2, **same), row(3, **same)]) == Outcome(unchanged=3)


def test_of_two_rows_that_match_one_material_the_first_attaches():
    write([row(1, sku="AR-60")])
    job = uuid4()
    rows = [row(1, key="a", sku="AR60"), row(2, key="b", sku="AR60")]
    assert write(rows, source(Kind.SITE), job) == Outcome(created=1, unchanged=1, review=1)
    assert [outcome for _, outcome, _ in outcomes(job)] == ["=", "c"]


def test_rows_without_numbers_never_meet():
    write([row(1)])
    assert write([row(1)], source(Kind.SITE)) == Outcome(created=1)


def test_a_feed_beats_a_site_whichever_came_last():
    write([row(1, sku="A", price=price("10"))])
    site = source(Kind.SITE)
    assert write([row(1, sku="A", price=price("99"))], site) == Outcome(unchanged=1)
    assert Material.objects.get().price == 10
    assert write([row(1, sku="A", price=price("98"))], site) == Outcome(unchanged=1)
    assert MaterialVersion.objects.latest("pk").old_source == {"price": price("99")}
    assert write([row(1, sku="A", price=price("11"))]) == Outcome(updated=1)
    assert Material.objects.get().price == 11


def test_a_worse_source_fills_what_better_ones_leave_out():
    write([row(1, sku="A", price=price("10", "EUR"), attributes={"Slip": "R10"})])
    site = row(1, sku="A", price={"amount": "12", "unit": "m2"}, finish="matt")
    site.values["attributes"] = {"Slip": "R9", "Frost": "yes"}
    assert write([site], source(Kind.SITE)) == Outcome(updated=1)
    material = Material.objects.get()
    assert material.finish == "matt"
    assert material.attributes == {"Slip": "R10", "Frost": "yes"}
    assert (material.price, material.currency, material.unit) == (Decimal(10), "EUR", None)


def test_a_correction_wins_and_stays():
    write([row(1, sku="A", colour="gray")])
    corrected = Row(1, None, "1", {"sku": {"raw": "A", "fold": "A"}, "colour": "grey"})
    assert write([corrected], source(Kind.CORRECTION)) == Outcome(updated=1)
    assert write([row(1, sku="A", colour="green", stock="3")]) == Outcome(updated=1)
    material = Material.objects.get()
    assert (material.colour, material.stock) == ("grey", 3)


def test_the_order_is_the_suppliers_own():
    site = source(Kind.SITE)
    Supplier.objects.update(source_order=["correction", "site", "feed", "pdf"])
    site.refresh_from_db()
    write([row(1, sku="A", price=price("10"))], source())
    assert write([row(1, sku="A", price=price("12"))], site) == Outcome(updated=1)
    assert write([row(1, sku="A", price=price("11"))], source()) == Outcome(unchanged=1)
    assert Material.objects.get().price == 12


def test_within_a_kind_the_newer_value_wins():
    one, two = source(name="one"), source(name="two")
    write([row(1, sku="A", price=price("10"))], one)
    MaterialSource.objects.update(changed_at="2020-01-01T00:00:00Z")
    assert write([row(1, sku="A", price=price("12"))], two) == Outcome(updated=1)
    assert write([row(1, sku="A", price=price("10"))], one) == Outcome(unchanged=1)
    assert Material.objects.get().price == 12


def test_a_kind_that_the_order_leaves_out_comes_last():
    pdf = source(Kind.PDF)
    Supplier.objects.update(source_order=["feed"])
    pdf.refresh_from_db()
    write([row(1, sku="A", price=price("10"))], source())
    assert write([row(1, sku="A", price=price("12"))], pdf) == Outcome(unchanged=1)
