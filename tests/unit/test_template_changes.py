"""Two versions of a mapping, field by field, in words."""

from imports.template_changes import Change, changes, transform_words


def mapping(*fields, **defaults):
    names = ("source", "target", "transform")
    return {
        "fields": [dict(zip(names, (*each, None)[:3], strict=True)) for each in fields],
        "defaults": defaults,
    }


def test_each_field_and_default_that_differs_is_told():
    before = mapping(("a", "sku"), ("b", "price"), ("c", "name"), currency="EUR")
    after = mapping(
        ("a", "sku"), ("b", "price", "number, 1.234,5"), ("d", "name"), currency="PLN", unit="pcs"
    )
    assert changes(before, after) == [
        Change("b", "price", "price: number, 1.234,5"),
        Change("d", "", "name"),
        Change("c", "name", ""),
        Change("default currency", "EUR", "PLN"),
        Change("default unit", "", "pcs"),
    ]
    assert changes(after, after) == []


def test_a_field_that_feeds_two_things_has_a_line_for_each():
    steps = [{"do": "split", "by": "x"}, {"do": "take", "part": 1}]
    before = mapping(("size", "size"), ("size", "width", steps))
    after = mapping(("size", "size"), ("size", "height", steps))
    assert changes(before, after) == [
        Change(
            "size (2)",
            "width: split by “x”, then take part 1",
            "height: split by “x”, then take part 1",
        )
    ]


def test_transforms_are_said_as_one_phrase():
    assert transform_words(None) == ""
    assert transform_words([]) == "as it stands"
    assert transform_words("length, cm") == "length, cm"
    table = [{"do": "replace", "table": {"grau": "grey"}, "otherwise": ""}]
    assert transform_words(table) == 'replace table {"grau": "grey"} otherwise “”'
