"""A page's products become rows of the catalogue, each value with how the page said it."""

from scraping.extraction.model import Evidence, Extraction, Product
from scraping.products import rows_of

PAGE = "https://shop.example/p/oak"


def rows(*products, start=1, defaults=None, categories=()):
    return rows_of(Extraction(products=list(products)), PAGE, start, defaults or {}, categories)


def test_values_are_normalised_and_keep_their_evidence():
    oak = Product(
        {"sku": "00-17 ", "name": "Oak", "price": "1234.50", "currency": "EUR", "size": "60x60 cm"},
        {"price": Evidence("json-ld:offers.price", "1234.50", 0.9)},
    )
    [row], [] = rows(oak, start=8)
    assert (row.number, row.line, row.key) == (8, None, "00-17 ")
    assert row.values["price"] == {"amount": "1234.50", "currency": "EUR"}
    assert (row.values["size"]["w"], row.values["size"]["h"]) == ("600", "600")
    assert row.provenance["row"] == {"url": PAGE}
    assert row.provenance["price"] == {
        "raw": "1234.50",
        "method": "json-ld:offers.price",
        "confidence": 0.9,
    }


def test_the_default_currency_fills_a_gap_and_says_so():
    [row], [] = rows(Product({"name": "Oak", "price": "9.90"}, {}), defaults={"currency": "SEK"})
    assert row.values["price"]["currency"] == "SEK"
    assert row.provenance["currency"]["method"] == "default"


def test_without_an_article_code_the_name_is_the_key():
    [row], [] = rows(Product({"name": "Oak"}, {}))
    assert row.key == "Oak"


def test_a_product_of_its_own_page_has_that_address_and_listed_ones_theirs():
    [alone], [] = rows(Product({"name": "Oak"}, {}))
    assert alone.values["attributes"]["url"] == PAGE
    listed, [] = rows(Product({"name": "Oak"}, {}), Product({"name": "Ash"}, {}))
    assert all("attributes" not in row.values for row in listed)


def test_variants_fold_into_one_row():
    variants = [{"sku": "A-1", "colour": "grey"}, {"sku": "A-2", "colour": "wh\x00ite"}]
    [row], [] = rows(Product({"name": "Slate", "sku": "A"}, {}, variants))
    kept = row.values["attributes"]["variants"]
    assert kept == [{"sku": "A-1", "colour": "grey"}, {"sku": "A-2", "colour": "white"}]


def test_each_image_has_its_evidence():
    images = ["https://shop.example/1.jpg", "https://shop.example/2.jpg"]
    found = Product({"name": "Oak", "images": images}, {"images": Evidence("json-ld:image", "x")})
    [row], [] = rows(found)
    assert row.provenance["images"] == [{"raw": each, "method": "json-ld:image"} for each in images]


def test_neither_name_nor_code_is_a_failed_row_with_a_hint():
    [], [rejected] = rows(Product({"price": "9.90"}, {}), start=3)
    assert (rejected.number, rejected.outcome) == (3, "f")
    assert rejected.detail["reason"] == "The product has neither a name nor an article code."
    assert rejected.detail["hint"]
    assert rejected.detail["url"] == PAGE


def test_an_unreadable_price_fails_the_row_and_names_the_field():
    [], [rejected] = rows(Product({"name": "Oak", "price": "12..3.4,5"}, {}))
    assert rejected.outcome == "f"
    assert rejected.detail["reason"].startswith("price: ")


def test_numbers_count_products_whatever_became_of_them():
    kept, rejected = rows(Product({"name": "A"}, {}), Product({}, {}), Product({"name": "B"}, {}))
    assert [row.number for row in kept] == [1, 3]
    assert [each.number for each in rejected] == [2]


def test_a_product_outside_the_wanted_categories_is_skipped():
    tile = Product({"name": "Slate", "category": ["Floors > Tiles"]}, {})
    lamp = Product({"name": "Lamp", "category": ["Lights"]}, {})
    [row], [rejected] = rows(tile, lamp, categories=["tiles"])
    assert row.key == "Slate"
    assert (rejected.key, rejected.outcome) == ("Lamp", "s")
    assert "tiles" in rejected.detail["reason"]
