"""UBL catalogues: prices for a quantity, codes of units, properties."""

from tests.unit.profiles.feeds import read


def test_lines():
    feed = read("ubl.xml")
    assert (feed.profile.name, feed.asks) == ("UBL catalogue", None)
    screw = feed.vals("SC-440")
    assert screw["name"] == "Screw 4x40"
    assert screw["price"] == {"amount": "12", "currency": "NOK", "unit": "pc"}
    assert screw["ean"]["valid"] == screw["ean"]["raw"]
    assert screw["brand"] == "Stavanger Skrue"
    assert screw["category"] == ["Screws"]
    assert screw["attributes"]["Head"] == "Flat"
    assert feed.vals("RP-8")["price"] == {"amount": "14.25", "currency": "NOK", "unit": "m"}


def test_lines_to_delete_are_skipped():
    assert read("ubl.xml").skipped == ["the feed says that this product is deleted"]


def test_line_numbers_and_least_quantities_are_decoys():
    fields = {each.source: each for each in read("ubl.xml").suggestion.fields}
    assert fields["cbc:ID"].decoy
    assert fields["cbc:MinimumOrderQuantity"].decoy
