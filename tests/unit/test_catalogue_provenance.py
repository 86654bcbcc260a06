"""Provenance loses nothing by being stored without what the values say themselves."""

from jobtracker.catalogue.normalise import normalise_record
from jobtracker.catalogue.provenance import compact, expand

AS_WRITTEN = {
    "key": "k1",
    "name": "Arona 60",
    "sku": "AR-60",
    "ean": "4006381333931",
    "category": ["Floors > Tiles"],
    "size": "60x60 cm",
    "price": "24.90",
    "currency": "EUR",
    "stock": "12",
    "images": ["https://img.example/1.jpg", "https://img.example/2.jpg"],
    "url": "https://shop.example/arona",
    "weight": "22.5",
    "variant": "grey",
    "attribute.Slip": "R10",
}


def test_values_that_stand_as_written_need_no_entry():
    found = normalise_record(AS_WRITTEN)
    assert compact(found.key, found.vals, found.provenance) == {}


def test_what_was_left_out_comes_back():
    changed = {"price": "24,90 €", "brand": "  Lindvall ", "width": "60 cm"}
    found = normalise_record(AS_WRITTEN | changed)
    given = found.provenance | {"finish": {"raw": "mat", "method": "guessed"}}
    stored = compact(found.key, found.vals, given)
    assert set(stored) == {"price", "brand", "width", "finish"}
    assert given.items() <= expand(found.key, found.vals, stored).items()


def test_the_place_of_the_row_holds_for_every_value():
    stored = {"row": {"page": 3}, "name": {"raw": "Arona", "box": [1, 2, 3, 4]}}
    values = {"name": "Arona", "images": ["a"]}
    assert expand("k", values, stored) == {
        "key": {"page": 3, "raw": "k"},
        "name": {"page": 3, "raw": "Arona", "box": [1, 2, 3, 4]},
        "images": [{"page": 3, "raw": "a"}],
    }


def test_an_entry_that_says_more_than_the_value_is_kept():
    entry = {"raw": "Arona", "confidence": 0.5}
    assert compact("k", {"name": "Arona"}, {"name": entry}) == {"name": entry}


def test_a_value_that_was_left_out_keeps_its_raw_text():
    assert compact("k", {}, {"ean": {"raw": "x"}}) == {"ean": {"raw": "x"}}
