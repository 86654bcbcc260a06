"""Shopify exports: a handle's rows are its variants and its further pictures."""

from imports.mapping import PICTURE_ROW
from tests.unit.profiles.feeds import read


def test_variants_and_pictures():
    feed = read("shopify.csv", currency="EUR")
    assert (feed.profile.name, feed.asks) == ("Shopify", None)
    assert list(feed.rows) == ["WL-1-S", "WL-1-L", "WL-2"]
    assert feed.skipped == [PICTURE_ROW]
    long = feed.vals("WL-1-L")
    assert long["name"] == "Linen curtain"
    assert long["price"] == {"amount": "69.00", "currency": "EUR"}
    assert long["attributes"]["variant"] == "Sand / Long"
    assert long["attributes"]["weight"] == "1100 g"
    assert feed.vals("WL-2")["category"] == ["Home & Garden", "Linens"]


def test_only_the_currency_is_asked():
    feed = read("shopify.csv")
    assert feed.asks == "currency"
    assert len(feed.suggestion.open_questions(0.8)) == 1


def test_decoys():
    fields = {each.source: each for each in read("shopify.csv").suggestion.fields}
    assert fields["Variant Compare At Price"].reason == "Shopify: an old or list price"
    assert fields["Cost per item"].decoy
