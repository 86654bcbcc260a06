"""What one source's rows do to the catalogue: created, unchanged, updated, and what is kept."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobtracker.catalogue.models import Material, MaterialSource, MaterialVersion
from jobtracker.catalogue.statements import BATCH, COLUMNS
from jobtracker.catalogue.write import Change, Outcome, Rejected, Row, Writer
from tests.db.catalogue_feed import (
    CREATE_ROWS_TABLE,
    ROWS_TABLE,
    outcomes,
    price,
    row,
    source,
    write,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


FULL = {
    "name": "Arona 60",
    "brand": "Lindvall",
    "category": ["Floors", "Tiles, matt"],
    "sku": {"raw": "AR-60", "fold": "AR60"},
    "ean": {"raw": "4006381333931", "valid": "4006381333931"},
    "size": {"text": "60x60 cm", "w": "600", "h": "600", "t": "9.5"},
    "finish": "matt",
    "colour": "grey",
    "price": {"amount": "24.900", "currency": "EUR", "unit": "m2"},
    "stock": "12",
    "description": 'Back\\slash, "quotes",\ttab,\nline, λ and 𝛑',
    "images": ["https://img.example/1.jpg"],
    "attributes": {"Slip": "R10"},
}


def test_a_new_row_becomes_a_material_with_every_value():
    job = uuid4()
    assert write([Row(7, 70, "  key\t1 ", FULL, {"row": {"line": 70}})], job=job) == Outcome(1)
    material = Material.objects.get()
    assert {column.name: getattr(material, column.name) for column in COLUMNS} == {
        "name": "Arona 60",
        "brand": "Lindvall",
        "category": ["Floors", "Tiles, matt"],
        "sku": "AR-60",
        "sku_folded": "AR60",
        "ean": "4006381333931",
        "ean_valid": "4006381333931",
        "size_text": "60x60 cm",
        "width_mm": Decimal(600),
        "height_mm": Decimal(600),
        "thickness_mm": Decimal("9.5"),
        "finish": "matt",
        "colour": "grey",
        "price": Decimal("24.900"),
        "currency": "EUR",
        "unit": "m2",
        "stock": Decimal(12),
        "description": FULL["description"],
        "images": ["https://img.example/1.jpg"],
        "attributes": {"Slip": "R10"},
    }
    assert str(material.price) == "24.900"
    assert (material.active, material.review) == (True, None)
    kept = material.sources.get()
    assert (kept.source_key, kept.job_id, kept.row_number) == ("  key\t1 ", job, 7)
    assert kept.vals == FULL
    assert kept.provenance == {"row": {"line": 70}}
    version = MaterialVersion.objects.get()
    assert (version.op, version.material_id, version.job_id) == ("c", material.pk, job)
    assert (version.old, version.old_source, version.old_hash) == (None, None, None)
    assert bytes(version.new_hash) == bytes(kept.content_hash)


def test_the_same_rows_again_write_nothing_but_their_outcome():
    write([row(1), row(2)])
    before = list(MaterialSource.objects.order_by("pk").values())
    job = uuid4()
    assert write([row(1), row(2)], job=job) == Outcome(unchanged=2)
    assert list(MaterialSource.objects.order_by("pk").values()) == before
    assert MaterialVersion.objects.count() == 2
    assert outcomes(job) == [(1, "=", None), (2, "=", None)]


def test_the_order_of_a_rows_fields_is_no_change():
    write([row(1, attributes={"a": "1", "b": "2"})])
    assert write([row(1, attributes={"b": "2", "a": "1"})]) == Outcome(unchanged=1)


def test_an_update_keeps_what_it_replaced():
    first, second = uuid4(), uuid4()
    write([row(1, price=price("1.10"), finish="matt", brand="B")], job=first)
    before = MaterialSource.objects.get()
    changed = row(1, price=price("1.20"), colour="red", brand="B")
    assert write([changed], job=second) == Outcome(updated=1)
    material = Material.objects.get()
    assert (material.price, material.finish, material.colour) == (Decimal("1.20"), None, "red")
    version = MaterialVersion.objects.get(job_id=second)
    assert version.op == "u"
    assert version.old == {"price": 1.1, "finish": "matt", "colour": None}
    assert version.old_source == {"price": price("1.10"), "finish": "matt", "colour": None}
    assert version.old_provenance == before.provenance
    assert (version.old_job, version.old_row) == (first, 1)
    assert version.old_changed_at == before.changed_at
    assert bytes(version.old_hash) == bytes(before.content_hash)


def test_only_changed_rows_of_a_batch_are_written():
    write([row(number, price=price("1")) for number in range(1, 11)])
    job = uuid4()
    rows = [row(number, price=price("2" if number > 7 else "1")) for number in range(1, 11)]
    assert write(rows, job=job) == Outcome(updated=3, unchanged=7)
    assert [outcome for _, outcome, _ in outcomes(job)] == ["="] * 7 + ["u"] * 3
    assert MaterialVersion.objects.filter(job_id=job).count() == 3


def test_a_row_without_values_empties_its_material():
    write([row(1, price=price("1"))])
    assert write([Row(1, None, "k1", {})]) == Outcome(updated=1)
    assert Material.objects.values_list("name", "price", "attributes").get() == (None, None, None)


def test_a_material_that_comes_back_unchanged_is_active_again():
    write([row(1)])
    Material.objects.update(active=False)
    assert write([row(1)]) == Outcome(updated=1)
    assert Material.objects.get().active
    assert MaterialVersion.objects.latest("pk").old == {"active": False}


def test_the_last_row_with_a_key_counts_and_the_others_are_named():
    job = uuid4()
    rows = [row(1, key="k", finish="matt"), row(2, key="k", finish="gloss")]
    assert write(rows, job=job) == Outcome(created=1, skipped=1)
    assert Material.objects.get().finish == "gloss"
    (_, skipped, reason), (_, created, _) = outcomes(job)
    assert (skipped, created) == ("s", "c")
    assert "'k'" in reason
    assert "line 3" in reason


def test_a_key_that_comes_again_in_a_later_batch_updates():
    write([row(1, key="k", finish="matt")])
    assert write([row(2, key="k", finish="gloss")]) == Outcome(updated=1)
    assert Material.objects.get().finish == "gloss"


def test_keys_keep_zeros_blanks_and_case():
    keys = ["007", "7", "7 ", " 7", "a", "A"]
    assert write([row(n, key=key) for n, key in enumerate(keys, 1)]) == Outcome(created=6)
    kept = MaterialSource.objects.order_by("row_number").values_list("source_key", flat=True)
    assert list(kept) == keys


def test_failed_and_skipped_records_are_written_with_their_reason():
    job = uuid4()
    rejected = [
        Rejected(2, 3, "k2", "f", {"reason": "price 'abc' is no number"}),
        Rejected(3, 4, "", "s", {"reason": "only an image"}),
    ]
    assert write([row(1)], job=job, rejected=rejected) == Outcome(created=1, failed=1, skipped=1)
    assert outcomes(job) == [
        (1, "c", None),
        (2, "f", "price 'abc' is no number"),
        (3, "s", "only an image"),
    ]
    assert write([], job=job, rejected=[Rejected(4, 5, "k4", "f", {})]) == Outcome(failed=1)


def test_warnings_stand_on_the_row_whether_it_changed_or_not():
    for expected in "c=":
        job = uuid4()
        warned = row(1)
        warned.detail = {"reason": "the check digit is wrong"}
        write([warned], job=job)
        assert outcomes(job) == [(1, expected, "the check digit is wrong")]


def test_a_dry_run_shows_old_and_new_and_leaves_nothing():
    write([row(1, price=price("1.10")), row(2)])
    job = uuid4()
    writer = Writer(job, source(), ROWS_TABLE)
    with transaction.atomic():
        changed = [row(1, price=price("1.20")), row(2)]
        writer.stage(changed)
        assert writer.apply() == Outcome(updated=1, unchanged=1)
        writer.stage([row(3, stock="4")])
        assert writer.apply() == Outcome(created=1)
        updates, creates = writer.sample("u", 5), writer.sample("c", 5)
        transaction.set_rollback(True)
    assert updates == [Change(1, 2, "k1", {"price": Decimal("1.10")}, {"price": Decimal("1.20")})]
    assert creates == [Change(3, 4, "k3", None, {"name": "Tile 3", "stock": 4, "active": True})]
    assert outcomes(job) == []
    assert MaterialVersion.objects.count() == 2


def test_a_batch_has_a_limit():
    with pytest.raises(ValueError, match=str(BATCH)), transaction.atomic():
        Writer(uuid4(), source(), ROWS_TABLE).stage([row(n) for n in range(BATCH + 1)])


def test_long_values_survive():
    description = "matt tile " * 20_000
    write([row(1, description=description)])
    assert Material.objects.get().description == description
    assert write([row(1, description=description)]) == Outcome(unchanged=1)
