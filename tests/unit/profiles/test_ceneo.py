"""Ceneo feeds: values in attributes, names of attributes that are fixed."""

from tests.unit.profiles.feeds import read


def test_offers():
    feed = read("ceneo.xml")
    assert (feed.profile.name, feed.asks) == ("Ceneo", None)
    oak = feed.vals("9001")
    assert oak["name"] == "Panel Wisła dąb"
    assert oak["price"] == {"amount": "89.99", "currency": "PLN"}
    assert oak["category"] == ["Budowa", "Podłogi", "Panele"]
    assert (oak["brand"], oak["sku"]["raw"]) == ("Wisła", "WIS-9001")
    assert oak["ean"]["valid"] == "5901234123457"
    assert oak["attributes"]["Klasa ścieralności"] == "AC4"
    assert oak["stock"] == "30"
    assert len(oak["images"]) == 2


def test_days_until_it_is_sent_say_whether_it_is_in_stock(tmp_path):
    path = tmp_path / "offers.xml"
    path.write_text(
        '<offers version="1">'
        '<o id="1" url="https://a.example/1" price="5.00" avail="1"><name>Uno</name></o>'
        '<o id="2" url="https://a.example/2" price="6.00" avail="99"><name>Duo</name></o>'
        "</offers>"
    )
    feed = read(path)
    assert feed.vals("1")["attributes"]["availability"] == "in stock"
    assert "availability" not in feed.vals("2")["attributes"]
