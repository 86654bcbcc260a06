"""A batch of a supplier or a source that the planner's statistics do not know yet reads its own
rows alone, not all that there are by then for each of them."""

import pytest
from django.db import connection

from jobtracker.catalogue.models import Kind, Material

from .catalogue_feed import CREATE_ROWS_TABLE, row, source, write
from .reading import rows_read

pytestmark = pytest.mark.django_db
ROWS = 400
TABLES = ("materials", "material_sources")


def rows(first: int, last: int):
    return [
        row(number, sku=f"LV-{number}", ean=f"{4_000_000_000_000 + number}")
        for number in range(first, last)
    ]


@pytest.fixture(autouse=True)
def statistics_of_another_supplier():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)
        write(rows(0, 1000), source(supplier="Lindvall"))
        cursor.execute("ANALYZE materials, material_sources")


def test_of_a_new_supplier():
    new = source(supplier="Northlight")
    write(rows(0, ROWS), new)
    assert rows_read(lambda: write(rows(ROWS, 2 * ROWS), new), *TABLES) <= 4 * ROWS
    assert Material.objects.filter(supplier=new.supplier).count() == 2 * ROWS


def test_of_a_new_source_of_a_known_supplier():
    pages = source(Kind.SITE, supplier="Lindvall")
    write(rows(0, ROWS), pages)
    assert rows_read(lambda: write(rows(ROWS, 2 * ROWS), pages), *TABLES) <= 10 * ROWS
    assert not Material.objects.filter(pk__gt=0).exclude(supplier=pages.supplier).exists()
