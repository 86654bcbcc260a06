"""idealo tables: columns in two languages, costs of delivery and payment that are no prices."""

from tests.unit.profiles.feeds import read


def test_offers():
    feed = read("idealo.csv")
    assert (feed.profile.name, feed.asks) == ("idealo", None)
    floor = feed.vals("LM-2")
    assert floor["name"] == "Stehleuchte Moor"
    assert floor["price"] == {"amount": "1249.00", "currency": "EUR"}
    assert floor["ean"]["valid"] == floor["ean"]["raw"]
    assert floor["category"] == ["Wohnen", "Leuchten"]


def test_other_amounts_are_decoys():
    fields = {each.source: each for each in read("idealo.csv").suggestion.fields}
    for decoy in ("formerPrice", "deliveryCosts_dhl", "paymentCosts_paypal", "basePrice"):
        assert fields[decoy].decoy


def test_german_columns(tmp_path):
    path = tmp_path / "idealo.csv"
    path.write_text(
        "Artikelnummer im Shop;EAN / GTIN / Barcodenummer / UPC;Hersteller / Markenname;"
        "Produktname;Preis (Brutto);Lieferzeit;ProduktURL;BildURL_1;DHL\n"
        "A1;4006381333931;Moor;Leuchte;19,90;2 Tage;https://moor.de/1;https://moor.de/1.jpg;4,90\n"
        "A2;;Moor;Lampe;29,90;2 Tage;https://moor.de/2;https://moor.de/2.jpg;4,90\n"
    )
    feed = read(path, currency="EUR")
    assert (feed.profile.name, feed.asks) == ("idealo", None)
    assert feed.vals("A2")["price"] == {"amount": "29.90", "currency": "EUR"}
