"""Rows of a shop's export that hold nothing but a further picture: it goes to their product."""

import pytest

from imports import batches
from imports.models import ImportRow
from jobtracker.images.models import ImageFetch
from jobtracker.states import Status

from .import_runs import imported, lines_of, manage

pytestmark = pytest.mark.django_db

HEAD = (
    "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position,Image Alt Text"
)
SHOP = ("--supplier", "Pots", "--currency", "USD")


def picture(number):
    return f"https://img.example/{number}.jpg"


def shop(path, *rows):
    path.write_text("\n".join((HEAD, *rows, "")))
    return path


def row(handle, number, title="", option="", sku="", price=""):
    return f"{handle},{title},{option},{sku},{price},{picture(number)},{number},seen from {number}"


POT = row("pot", 1, "Clay pot", "Default Title", "P-1", "9.99")
LAMP = row("lamp", 9, "Lamp", "Default Title", "L-1", "20.00")


def outcomes(job):
    rows = ImportRow.objects.filter(job=job).order_by("number")
    return "".join(rows.values_list("outcome", flat=True))


def images():
    return {key: line["images"] for key, line in lines_of().items()}


def test_pictures_go_to_their_product_in_order_and_count_as_skipped_rows(tmp_path):
    feed = shop(tmp_path / "shop.csv", POT, row("pot", 2), row("pot", 3), LAMP)
    job = imported(feed, *SHOP)
    assert (job.status, job.done_items, job.skipped_items) == (Status.COMPLETED, 2, 2)
    assert outcomes(job) == "cssc"
    assert images() == {"P-1": [picture(1), picture(2), picture(3)], "L-1": [picture(9)]}
    assert [line for line, _ in reasons(job)] == [3, 4]
    assert {reason for _, reason in reasons(job)} == {
        "a further picture of the product above, kept with it"
    }
    assert ImageFetch.objects.filter(job_id=job.pk).count() == 4


def test_each_variant_has_them_after_its_own(tmp_path):
    small = row("pot", 1, "Clay pot", "Small", "P-S", "9.99")
    large = row("pot", 3, "", "Large", "P-L", "15.99")
    imported(shop(tmp_path / "shop.csv", small, row("pot", 2), large, row("pot", 1), LAMP), *SHOP)
    assert images() == {
        "P-S": [picture(1), picture(2)],
        "P-L": [picture(3), picture(2), picture(1)],
        "L-1": [picture(9)],
    }


def test_a_second_run_finds_all_unchanged_and_a_new_picture_updates(tmp_path):
    feed = shop(tmp_path / "shop.csv", POT, row("pot", 2), LAMP)
    imported(feed, *SHOP)
    assert outcomes(imported(feed, *SHOP)) == "=s="
    assert outcomes(imported(shop(feed, POT, row("pot", 2), row("pot", 3), LAMP), *SHOP)) == "uss="
    assert images()["P-1"] == [picture(1), picture(2), picture(3)]
    assert outcomes(imported(shop(feed, POT, row("pot", 3), LAMP), *SHOP)) == "us="
    assert images()["P-1"] == [picture(1), picture(3)]


def test_a_dry_run_counts_what_the_run_then_does(tmp_path):
    feed = shop(tmp_path / "shop.csv", POT, row("pot", 2), LAMP, row("lamp", 8))
    dry = manage("import_feed", feed, *SHOP, "--dry-run", "--json").json
    assert (dry["created"], dry["skipped"]) == (2, 2)
    assert picture(2) in dry["changes"][0]["new"]["images"]
    assert outcomes(imported(feed, *SHOP)) == "cscs"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_rows_of_a_product_may_lie_in_several_batches(tmp_path, monkeypatch, size):
    monkeypatch.setattr(batches, "BATCH", size)
    feed = shop(tmp_path / "shop.csv", POT, row("pot", 2), row("pot", 3), LAMP)
    imported(feed, *SHOP)
    assert images()["P-1"] == [picture(1), picture(2), picture(3)]


def reasons(job):
    rows = ImportRow.objects.filter(job=job, outcome="s").order_by("number")
    return [(row.line, row.detail["reason"]) for row in rows]


LONE = "a further picture, but no row with it is a product"


def test_pictures_of_a_row_that_cannot_be_used_are_named(tmp_path):
    feed = shop(tmp_path / "shop.csv", f"{POT},one cell too many", row("pot", 2), LAMP)
    job = imported(feed, *SHOP)
    assert outcomes(job) == "fsc"
    assert reasons(job) == [(3, LONE)]


def test_more_rows_than_are_held_are_read_in_parts_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "HELD", 3)
    feed = shop(tmp_path / "shop.csv", POT, *(row("pot", n) for n in range(2, 6)), LAMP)
    job = imported(feed, *SHOP)
    assert outcomes(job) == "cssssc"
    assert [line for line, reason in reasons(job) if reason == LONE] == [5, 6]
    assert images()["P-1"] == [picture(1), picture(2), picture(3)]


def test_a_row_with_nothing_but_its_handle_says_so(tmp_path):
    job = imported(shop(tmp_path / "shop.csv", POT, "pot,,,,,,,", LAMP), *SHOP)
    assert reasons(job) == [(3, "it says nothing but which product it belongs to")]
