"""Heureka feeds: parameters, groups of variants, a currency by country."""

from tests.unit.profiles.feeds import FOLDER, read


def test_items():
    feed = read("heureka.xml")
    assert (feed.profile.name, feed.asks) == ("Heureka", None)
    beige = feed.vals("K100")
    assert beige["name"] == "Dlažba Morava béžová"
    assert beige["price"] == {"amount": "499.00", "currency": "CZK"}
    assert beige["category"] == ["Stavebniny", "Dlažby"]
    assert beige["colour"] == "béžová"
    assert beige["size"] == {"t": "9"}
    assert beige["attributes"]["Mrazuvzdorná"] == "ano"
    assert len(beige["images"]) == 2
    assert feed.vals("K101")["price"]["amount"] == "1249.50"


def test_what_clicks_and_delivery_cost_are_decoys():
    fields = {each.source: each for each in read("heureka.xml").suggestion.fields}
    assert fields["HEUREKA_CPC"].decoy
    assert fields["DELIVERY/DELIVERY_PRICE"].decoy


def test_the_currency_is_that_of_the_shops_country_or_asked(tmp_path):
    text = (FOLDER / "heureka.xml").read_text()
    path = tmp_path / "feed.xml"
    path.write_text(text.replace("morava-dlazby.cz", "morava-dlazby.sk"))
    assert read(path).vals("K100")["price"]["currency"] == "EUR"
    path.write_text(text.replace("morava-dlazby.cz", "morava-dlazby.com"))
    assert read(path).asks == "currency"
