"""PrestaShop tables: hints in the names of columns, features in one cell."""

from tests.unit.profiles.feeds import read


def test_products():
    feed = read("prestashop.csv", currency="EUR")
    assert (feed.profile.name, feed.asks) == ("PrestaShop", None)
    table = feed.vals("1")
    assert (table["name"], table["sku"]["raw"]) == ("Table Brume", "TB-1")
    assert table["price"] == {"amount": "349.00", "currency": "EUR"}
    assert table["category"] == ["Tables"]
    assert table["attributes"]["material"] == "Oak"
    assert table["finish"] == "Oiled"
    assert len(table["images"]) == 2


def test_wholesale_prices_and_minimal_quantities_are_decoys():
    fields = {each.source: each for each in read("prestashop.csv").suggestion.fields}
    assert fields["Wholesale price"].decoy
    assert fields["Minimal quantity"].decoy
    assert fields["Quantity"].target == "stock"


def test_the_list_of_the_back_office(tmp_path):
    path = tmp_path / "product.csv"
    path.write_text(
        '"Product ID";"Name";"Reference";"Category";"Price (tax excl.)";"Price (tax incl.)";'
        '"Quantity";"Status"\n'
        '1;"Mug";"M-1";"Home";"10.000000";"12.000000";300;1\n'
        '2;"Cup";"M-2";"Home";"8.500000";"10.200000";0;1\n'
    )
    feed = read(path, currency="EUR")
    assert (feed.profile.name, feed.asks) == ("PrestaShop", None)
    assert feed.vals("2")["price"]["amount"] == "8.500000"
