"""A mapping as JSON: read back as it was printed, refused in one sentence that names the fault."""

import json

import pytest

from imports.mapping import PICTURE_ROW, Families, Mapping, MappingError, column_styles, suggest
from tests.unit.feed_tables import CODES, NAMES, PRICES, feed

FULL = {
    "record_path": "products/product",
    "fields": [
        {"source": "@id", "target": "key", "confidence": 0.99, "samples": ["1"]},
        {"source": "PRICES/PRICE/AMOUNT", "target": "price", "transform": "number, 1.234,5"},
        {"source": "images/image", "target": "image"},
        {"source": "picture", "target": "images"},
        {"source": "INTERNAL_1", "target": None},
    ],
    "defaults": {"currency": "EUR"},
}


def test_full_shape_and_cut_down_shape():
    mapping = Mapping.from_json(FULL)
    assert [(item.source, item.target) for item in mapping.fields] == [
        ("@id", "key"),
        ("PRICES/PRICE/AMOUNT", "price"),
        ("images/image", "images"),
        ("picture", "images"),
    ]
    assert Mapping.from_json(mapping.to_json()) == mapping
    cut = Mapping.from_json({"fields": [{"source": "Variant SKU", "target": "sku"}]})
    assert cut.to_json()["fields"] == [
        {"source": "Variant SKU", "target": "sku", "transform": None}
    ]
    assert Mapping.from_json([{"source": "Variant SKU", "target": "sku"}]) == cut


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"fields": [{"source": "a", "target": "prize"}]}, ['"a"', '"prize"']),
        (
            {"fields": [{"source": "a", "target": "name"}, {"source": "b", "target": "name"}]},
            ['"a"', '"b"'],
        ),
        (
            {"fields": [{"source": "a", "target": "name"}, {"source": "a", "target": "sku"}]},
            ['"a"'],
        ),
        ({"fields": [{"source": "zz", "target": "name"}]}, ['"zz"']),
        ({"fields": [{"source": "a", "target": "name", "transform": "magic"}]}, ['"magic"']),
        (
            {"fields": [{"source": "a", "target": "name"}], "defaults": {"currency": "Euro"}},
            ['"Euro"'],
        ),
        ({"fields": [{"source": "a", "target": "name"}], "defaults": {"prize": "1"}}, ['"prize"']),
        ({"fields": [{"source": "a", "target": "name"}], "defaults": {"unit": 3}}, ["unit"]),
        ({"fields": [{"target": "name"}]}, ['"source"']),
        ({"fields": [{"source": "a", "target": 3}]}, ['"a"']),
        ({"fields": [{"source": "a", "target": "attribute."}]}, ['"attribute."']),
        ({"fields": []}, ["no field"]),
        ({"mapping": {}}, ['"fields"']),
        ("name", ['"fields"']),
    ],
)
def test_faults_are_named_in_one_sentence(data, names):
    with pytest.raises(MappingError) as fault:
        Mapping.from_json(data, known_sources=["a", "b"])
    message = str(fault.value)
    assert message.endswith(".")
    assert "\n" not in message
    for name in names:
        assert name in message


def test_a_printed_suggestion_is_a_mapping():
    survey, records = feed({"code": CODES, "name": NAMES, "Preis (EUR)": PRICES, "note": NAMES})
    suggestion = suggest(survey, records)
    assert Mapping.from_json(json.loads(json.dumps(suggestion.as_json()))) == suggestion.mapping(
        0.8
    )


def test_apply_collects_lists_and_leaves_the_rest():
    mapping = Mapping.from_json(FULL)
    record = {"@id": "7", "images/image": ["a", "b"], "picture": "c", "INTERNAL_1": "x"}
    assert mapping.apply(record) == {"key": "7", "images": ["a", "b", "c"]}
    assert record["images/image"] == ["a", "b"]
    assert mapping.columns == {
        "key": "@id",
        "price": "PRICES/PRICE/AMOUNT",
        "images": "images/image",
    }


def test_styles_come_from_the_transform_then_from_the_values():
    mapping = Mapping.from_json(
        [
            {"source": "p", "target": "price", "transform": "number, 1.234,5"},
            {"source": "s", "target": "stock"},
            {"source": "w", "target": "width", "transform": "length, cm"},
        ]
    )
    records = [{"p": "12.50", "s": "1.50"}, {"p": ["3.20", "4.10"]}]
    assert column_styles(mapping, records) == {"price": ",", "stock": ".", "width": "cm"}


def test_variant_rows_take_what_the_first_row_says():
    families = Families()
    first = {"group": "pot", "name": "Pot", "brand": "Calda", "price": "9"}
    second = {"group": "pot", "variant": ["Large"], "price": "15"}
    other = {"group": "lamp", "price": "3"}
    assert [families.fold(row) for row in (first, second, other)] == [None, None, None]
    assert second == {
        "group": "pot",
        "variant": ["Large"],
        "price": "15",
        "name": "Pot",
        "brand": "Calda",
    }
    assert "name" not in other


def test_picture_rows_are_skipped_with_their_reason():
    families = Families()
    families.fold({"group": "pot", "name": "Pot", "price": "9"})
    assert families.fold({"group": "pot", "images": ["b.jpg"]}) == PICTURE_ROW


def test_rows_without_a_family_are_left_alone():
    row = {"name": "Pot"}
    assert Families().fold(row) is None
    assert row == {"name": "Pot"}
