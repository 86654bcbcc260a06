"""Magento exports: languages and heads of families make no products, attributes stand in a cell."""

from imports.profiles.behaviours import FAMILY
from tests.unit.profiles.feeds import read


def test_products():
    feed = read("magento.csv", currency="EUR")
    assert (feed.profile.name, feed.asks) == ("Magento", None)
    assert list(feed.rows) == ["RUG-S", "RUG-L"]
    assert feed.skipped == ["the same product in another language", FAMILY]
    small = feed.vals("RUG-S")
    assert small["price"] == {"amount": "149.00", "currency": "EUR"}
    assert small["category"] == ["Textiles", "Rugs"]
    assert small["colour"] == "Blue"
    assert small["size"]["w"] == "800"
    assert small["attributes"]["material"] == "Wool"
    assert len(small["images"]) == 3


def test_a_code_that_repeats_for_languages_only_is_a_key():
    assert read("magento.csv").suggestion.find("sku").confidence > 0.9


def test_special_and_list_prices_are_decoys():
    fields = {each.source: each for each in read("magento.csv").suggestion.fields}
    assert fields["special_price"].decoy
    assert fields["msrp_price"].decoy
