"""WooCommerce exports: variations below a parent, numbered attributes."""

from imports.profiles.behaviours import FAMILY
from tests.unit.profiles.feeds import read


def test_variations_share_what_their_parent_says():
    feed = read("woocommerce.csv", currency="EUR")
    assert (feed.profile.name, feed.asks) == ("WooCommerce", None)
    assert set(feed.rows) == {"45", "46", "47"}
    assert feed.skipped == [FAMILY, "a group of other products"]
    blue = feed.vals("45")
    assert blue["name"] == "Vase Lune - Blue"
    assert blue["price"] == {"amount": "45.00", "currency": "EUR"}
    assert blue["description"] == "Hand made."
    assert blue["category"] == ["Home", "Vases"]
    assert blue["colour"] == "Blue"
    assert blue["size"] == {"w": "200"}


def test_sale_prices_are_decoys():
    fields = {each.source: each for each in read("woocommerce.csv").suggestion.fields}
    assert fields["Sale price"].decoy
    assert fields["Regular price"].target == "price"


def test_a_parent_is_named_by_its_number_where_it_has_no_sku(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(
        "ID,Type,SKU,Name,Regular price,Parent,Description\n"
        "1,variable,,Vase,,,Round\n2,variation,,Vase - Blue,9.50,id:1,\n"
    )
    assert read(path, currency="EUR").vals("2")["description"] == "Round"
