"""BMEcat 1.2 and 2005: prices by type and quantity, groups from behind the products, features."""

import pytest

from imports.mapping import BadTransform
from tests.unit.profiles.feeds import FOLDER, read


def test_version_1_2():
    feed = read("bmecat12.xml")
    assert (feed.profile.name, feed.asks) == ("BMEcat 1.2", None)
    board = feed.vals("AH-001")
    assert board["name"] == "Diele Eiche"
    assert board["price"] == {"amount": "79.50", "currency": "CHF", "unit": "m2"}
    assert board["category"] == ["Katalog", "Böden", "Dielen"]
    assert board["images"] == ["https://alpenholz.example/bilder/ah001.jpg"]
    assert board["colour"] == "Natur"
    assert board["size"]["t"] == "22"
    assert board["attributes"] == {"manufacturer code": "M-77", "Holzart": "Eiche"}


def test_a_price_for_a_hundred_is_divided():
    screw = read("bmecat12.xml").vals("AH-002")
    assert screw["price"] == {"amount": "0.075", "currency": "CHF", "unit": "pc"}


def test_a_price_that_cannot_be_divided_fails_its_row(tmp_path):
    path = tmp_path / "catalogue.xml"
    path.write_text((FOLDER / "bmecat12.xml").read_text().replace(">7.50<", ">seven<"))
    with pytest.raises(BadTransform) as fault:
        read(path)
    assert (fault.value.target, fault.value.raw) == ("price", "seven")
    assert fault.value.source.endswith("PRICE_AMOUNT")


def test_deleted_products_are_skipped_with_the_reason():
    assert read("bmecat12.xml").skipped == ["the feed says that this product is deleted"]


def test_version_2005_with_its_namespace():
    feed = read("bmecat2005.xml")
    assert (feed.profile.name, feed.asks) == ("BMEcat 2005", None)
    lamp = feed.vals("LL-7")
    assert lamp["price"] == {"amount": "119.00", "currency": "EUR", "unit": "pc"}
    assert lamp["category"] == ["Lighting", "Wall lamps"]
    assert lamp["ean"]["valid"] == lamp["ean"]["raw"]
    assert lamp["attributes"]["material"] == "Brass"


def test_price_updates_are_price_only_and_ask_nothing():
    feed = read("bmecat_prices.xml")
    assert (feed.profile.name, feed.profile.price_only, feed.asks) == (
        "BMEcat 1.2 prices",
        True,
        None,
    )
    assert feed.vals("AH-004")["price"] == {"amount": "12.00", "currency": "CHF"}


def test_the_record_is_the_product_though_it_occurs_once_beside_many_groups(tmp_path):
    groups = "".join(
        f"<CATALOG_STRUCTURE><GROUP_ID>{n}</GROUP_ID><GROUP_NAME>Group {n}</GROUP_NAME>"
        f"<PARENT_ID>{n // 7}</PARENT_ID></CATALOG_STRUCTURE>"
        for n in range(1, 300)
    )
    text = (FOLDER / "bmecat2005.xml").read_text()
    path = tmp_path / "catalogue.xml"
    path.write_text(text.replace("</CATALOG_GROUP_SYSTEM>", groups + "</CATALOG_GROUP_SYSTEM>"))
    assert list(read(path).rows) == ["LL-7"]
