"""Skroutz feeds: prices in EUR with tax, sizes as variations of one product."""

from tests.unit.profiles.feeds import read


def test_products():
    feed = read("skroutz.xml")
    assert (feed.profile.name, feed.asks) == ("Skroutz", None)
    tile = feed.vals("501")
    assert tile["price"] == {"amount": "18.60", "currency": "EUR"}
    assert tile["category"] == ["Δάπεδα", "Πλακάκια"]
    assert tile["stock"] == "40"
    assert tile["attributes"]["weight"] == "1800 g"
    assert len(tile["images"]) == 2


def test_the_products_own_price_counts_not_that_of_a_variation():
    shirt = read("skroutz.xml").vals("502")
    assert shirt["price"]["amount"] == "25.00"
    assert shirt["attributes"]["sizes"] == "M, L"


def test_the_default_says_why():
    suggestion = read("skroutz.xml").suggestion
    assert suggestion.default_reasons == {"currency": "Skroutz feeds are in EUR"}
