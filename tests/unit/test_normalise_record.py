"""A mapped record becomes catalogue values with key, provenance, warnings and errors."""

import json

from hypothesis import given
from hypothesis import strategies as st

from jobtracker.catalogue.normalise import (
    TARGETS,
    canonical_json,
    content_hash,
    hash_json,
    normalise_record,
)

TILE = {
    "sku": "NS-40112",
    "name": " Porcelain  Alba ",
    "ean": "4006381333931",
    "brand": "Northstone",
    "category": ["Floors > Tiles"],
    "price": "1.234,50",
    "currency": "EUR",
    "unit": "MTK",
    "size": "60x120 cm",
    "thickness": "9 mm",
    "stock": "1.204",
    "description": "<p>Hard</p><p>wearing</p>",
    "images": ["https://example.com/a.jpg,https://example.com/b c.jpg"],
    "attribute.collection": "Alba",
    "url": "https://example.com/alba",
}


def test_values_are_grouped():
    row = normalise_record(TILE, {"price": ","})
    assert row.vals == {
        "sku": {"raw": "NS-40112", "fold": "NS40112"},
        "name": "Porcelain Alba",
        "ean": {"raw": "4006381333931", "valid": "4006381333931"},
        "brand": "Northstone",
        "category": ["Floors", "Tiles"],
        "price": {"amount": "1234.50", "currency": "EUR", "unit": "m2"},
        "size": {"text": "60x120 cm", "w": "600", "h": "1200", "t": "9"},
        "stock": "1204",
        "description": "Hard\nwearing",
        "images": ["https://example.com/a.jpg", "https://example.com/b c.jpg"],
        "attributes": {"collection": "Alba", "url": "https://example.com/alba"},
    }
    assert row.key == "NS-40112"
    assert row.provenance["price"] == {"raw": "1.234,50"}
    assert row.provenance["images"] == [
        {"raw": "https://example.com/a.jpg"},
        {"raw": "https://example.com/b c.jpg"},
    ]
    assert (row.warnings, row.errors) == ([], [])


def test_key_is_the_mapped_column_else_sku_else_product_and_variant():
    assert normalise_record({"key": "007 ", "sku": "X", "name": "N"}).key == "007 "
    assert normalise_record({"sku": "X-1", "name": "N"}).key == "X-1"
    assert (
        normalise_record({"name": "Pot", "variant": ["Large", "Blue"]}).key == "Pot / Large / Blue"
    )
    assert (
        normalise_record({"group": "pot", "name": "Pot", "variant": ["Large"]}).key == "pot / Large"
    )
    assert normalise_record({"group": "pot", "variant": ["Default Title"]}).key == "pot"


def test_row_without_identity_fails():
    row = normalise_record({"sku": "N/A", "price": "5"}, columns={"price": "Preis"})
    assert row.key == ""
    assert row.errors == [
        {
            "column": "key",
            "field": "key",
            "raw": "",
            "reason": "no key",
            "hint": "A row needs a key, an article code or a name",
        }
    ]


def test_unreadable_price_fails_the_row_and_names_the_column():
    (error,) = normalise_record({"sku": "X", "price": "abc"}, columns={"price": "Preis"}).errors
    assert error["column"] == "Preis"
    assert (error["field"], error["raw"]) == ("price", "abc")
    assert error["reason"]
    assert error["hint"]


def test_empty_price_is_no_price_and_zero_is_kept_with_a_warning():
    assert "price" not in normalise_record({"sku": "X", "price": "on request"}).vals
    row = normalise_record({"sku": "X", "price": "0.00 INR"})
    assert row.vals["price"] == {"amount": "0.00", "currency": "INR"}
    assert [warning["reason"] for warning in row.warnings] == ["the price is 0"]


def test_unknown_currency_stays_unknown():
    row = normalise_record({"sku": "X", "price": "$5.00"})
    assert row.vals["price"] == {"amount": "5.00"}
    assert [warning["reason"] for warning in row.warnings] == ["unknown currency"]


def test_currency_comes_from_the_price_then_its_column_then_the_default():
    read = normalise_record
    assert (
        read({"price": "€5", "name": "x"}, {}, {"currency": "USD"}).vals["price"]["currency"]
        == "EUR"
    )
    assert (
        read({"price": "$5", "name": "x"}, {}, {"currency": "CAD"}).vals["price"]["currency"]
        == "CAD"
    )
    both = read({"price": "€5", "currency": "USD", "name": "x"})
    assert both.vals["price"]["currency"] == "EUR"
    assert both.warnings[0]["reason"] == "the price itself is in EUR"
    defaulted = read({"price": "5", "name": "x"}, {}, {"currency": "USD"})
    assert defaulted.vals["price"]["currency"] == "USD"
    assert defaulted.provenance["currency"] == {"raw": "USD", "method": "default"}


def test_default_of_another_currency_does_not_override_a_mark():
    assert normalise_record({"price": "$5", "name": "x"}, {}, {"currency": "EUR"}).vals[
        "price"
    ] == {"amount": "5"}


def test_defaults_fill_gaps_and_are_marked():
    row = normalise_record(
        {"name": "x", "brand": "-"}, {}, {"brand": "Northstone", "name": "other"}
    )
    assert row.vals["brand"] == "Northstone"
    assert row.vals["name"] == "x"
    assert row.provenance["brand"] == {"raw": "Northstone", "method": "default"}


def test_length_without_unit_takes_the_columns():
    assert normalise_record({"name": "x", "width": "60"}, {"width": "cm"}).vals["size"] == {
        "w": "600"
    }
    assert normalise_record({"name": "x", "width": "60"}).vals["size"] == {"w": "60"}


def test_column_of_its_own_wins_over_the_size_text_in_any_order():
    for values in (
        {"name": "x", "thickness": "9 mm", "size": "60x60x10 cm"},
        {"name": "x", "size": "60x60x10 cm", "thickness": "9 mm"},
    ):
        assert normalise_record(values).vals["size"]["t"] == "9"


def test_unstorable_characters_are_removed_with_a_warning():
    row = normalise_record({"name": "a\x00b", "description": "c\ud800d"})
    assert (row.vals["name"], row.vals["description"]) == ("ab", "cd")
    assert [warning["field"] for warning in row.warnings] == ["name", "description"]


def test_bad_optional_values_warn():
    row = normalise_record({"sku": "X", "ean": "123", "stock": "perhaps", "width": "wide"})
    assert row.errors == []
    assert [warning["field"] for warning in row.warnings] == ["ean", "stock", "width"]
    assert row.vals["ean"] == {"raw": "123"}


def test_words_about_stock():
    assert normalise_record({"sku": "X", "stock": "in_stock"}).vals["attributes"] == {
        "availability": "in_stock"
    }
    assert normalise_record({"sku": "X", "stock": "нет в наличии"}).vals["stock"] == "0"


def test_long_keys_stay_within_an_index_and_apart():
    one, two = (normalise_record({"key": "k" * 5000 + end}).key for end in "ab")
    assert len(one) < 500
    assert one != two


def test_remarks_quote_only_the_start_of_a_long_value():
    (error,) = normalise_record({"sku": "X", "price": "abc" * 5000}).errors
    assert error["raw"].startswith("abc")
    assert len(error["raw"]) < 1000


def test_first_of_several_prices_counts():
    row = normalise_record({"sku": "X", "price": ["", "5 EUR", "4 EUR"]})
    assert row.vals["price"]["amount"] == "5"
    assert row.warnings[0]["reason"] == "the first of 2 prices"


def test_hash_depends_on_values_and_not_on_order():
    assert content_hash({"a": "1", "b": "2"}) == content_hash({"b": "2", "a": "1"})
    assert content_hash({"a": "1"}) != content_hash({"a": "2"})
    assert len(content_hash({})) == 16
    assert hash_json(canonical_json({"a": "é"})) == content_hash({"a": "é"})


@given(
    st.dictionaries(
        st.sampled_from([*TARGETS, "attribute.x"]),
        st.one_of(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3)),
    )
)
def test_any_record_is_read_without_raising(values):
    row = normalise_record(values)
    assert bool(row.key) != any(error["reason"] == "no key" for error in row.errors)
    text = canonical_json(row.vals) + json.dumps(row.provenance)
    assert "\\u0000" not in text
    text.encode()


def test_a_feed_with_article_codes_never_falls_back_to_the_name():
    coded = normalise_record({"name": "Alba ivory"}, columns={"sku": "Artikel", "name": "Titel"})
    assert [error["column"] for error in coded.errors] == ["Artikel"]
    assert normalise_record({"name": "Alba ivory"}, columns={"name": "Titel"}).key == "Alba ivory"
