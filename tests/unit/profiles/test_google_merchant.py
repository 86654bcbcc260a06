"""Google Merchant feeds: the namespace's attributes, in RSS, in Atom and as a table."""

from tests.unit.profiles.feeds import read


def test_rss():
    feed = read("google_rss.xml")
    assert (feed.profile.name, feed.asks, feed.skipped) == ("Google Merchant", None, [])
    white = feed.vals("NL-100-W")
    assert white["name"] == "Alba floor tile white"
    assert white["price"] == {"amount": "39.90", "currency": "EUR"}
    assert white["category"] == ["Floors", "Tiles"]
    assert [url.rpartition("/")[2] for url in white["images"]] == [
        "alba-w.jpg",
        "alba-w-2.jpg",
        "alba-w-3.jpg",
    ]
    assert (white["ean"]["valid"], white["sku"]["raw"]) == ("4006381333931", "ALBA-W")
    assert feed.vals("NL-100-G")["stock"] == "0"


def test_variants_of_a_group_are_products_of_their_own():
    assert set(read("google_rss.xml").rows) == {"NL-100-W", "NL-100-G"}


def test_reasons_name_the_format_and_decoys_what_they_are():
    fields = {each.source: each for each in read("google_rss.xml").suggestion.fields}
    assert fields["g:price"].reason.startswith("Google Merchant: the price")
    for decoy in ("g:sale_price", "g:shipping/g:price"):
        assert fields[decoy].decoy
        assert fields[decoy].target is None
        assert fields[decoy].reason.startswith("Google Merchant: ")


def test_atom():
    feed = read("google_atom.xml")
    assert (feed.profile.name, feed.asks) == ("Google Merchant", None)
    bora = feed.vals("NL-200")
    assert bora["price"] == {"amount": "199.00", "currency": "SEK"}
    assert bora["attributes"]["url"] == "https://northlight.example/bora"


def test_table(tmp_path):
    path = tmp_path / "feed.txt"
    path.write_text(
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tsale_price\n"
        "1\tTile one\tHard\thttps://a.example/1\t//a.example/1.jpg\tin stock\t1.50 PLN\t1 PLN\n"
        "2\tTile two\tHard\thttps://a.example/2\t//a.example/2.jpg\tin stock\t2.50 PLN\t2 PLN\n"
    )
    feed = read(path)
    assert (feed.profile.name, feed.asks) == ("Google Merchant table", None)
    assert feed.vals("2")["price"] == {"amount": "2.50", "currency": "PLN"}
