"""Transformations of a field: what each does, what is refused, and that none breaks anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.mapping import Mapping, MappingError, column_styles
from imports.mapping.steps import STEPS, BadTransform, Divide, step_of

RECORD = {"name": "Alba", "unit": "cm", "types": ["net", "list"], "many": ["a", "b", "c"]}


def after(values, *steps, record=RECORD):
    for step in steps:
        values = step_of(step).apply(values, record)
    return values


@pytest.mark.parametrize(
    ("step", "values", "found"),
    [
        ({"do": "constant", "value": "Northlight"}, [], ["Northlight"]),
        ({"do": "constant", "value": "Northlight"}, ["x"], ["Northlight"]),
        ({"do": "split", "by": ";"}, ["a; b;;c", "d"], ["a", "b", "c", "d"]),
        ({"do": "take", "part": 1}, ["a", "b"], ["a"]),
        ({"do": "take", "part": -1}, ["a", "b"], ["b"]),
        ({"do": "take", "part": 3}, ["a", "b"], []),
        ({"do": "join", "by": " "}, ["a", "", "b"], ["a b"]),
        ({"do": "join", "by": " ", "fields": ["name", "missing"]}, ["x"], ["x Alba"]),
        ({"do": "first", "fields": ["missing", "name"]}, [" ", "-"], ["Alba"]),
        ({"do": "first", "fields": ["name"]}, ["x"], ["x"]),
        ({"do": "replace", "table": {"Grau": "grey"}}, [" GRAU ", "rot"], ["grey", "rot"]),
        ({"do": "replace", "table": {"a": "b"}, "otherwise": ""}, ["a", "z"], ["b"]),
        ({"do": "replace", "table": {"a": "b"}, "otherwise": "c"}, ["a", "z"], ["b", "c"]),
        ({"do": "decimal", "mark": ","}, ["1.234"], ["1.234"]),
        ({"do": "unit", "unit": "cm"}, ["60", "60 mm", "30x60", '24"'],
         ["60 cm", "60 mm", "30x60 cm", '24"']),
        ({"do": "html"}, ["<p>a &amp; b</p>", "<br>"], ["a & b"]),
        ({"do": "prefix", "text": "https://a.example/"}, ["/1.jpg", "https://b.example/2.jpg"],
         ["https://a.example/1.jpg", "https://b.example/2.jpg"]),
        ({"do": "where", "field": "types", "starts": ["list", ""]}, ["1", "2"], ["2", "1"]),
        ({"do": "where", "field": "types", "starts": ["net"]}, ["1", "2"], ["1"]),
        ({"do": "where", "field": "missing", "starts": ["net"]}, ["1", "2"], ["1", "2"]),
        ({"do": "path", "by": "/"}, ["Home/Floors", "Home/Floors/Tiles"],
         ["Home", "Floors", "Tiles"]),
        ({"do": "path", "by": ">", "of": ",", "drop": ["Shop"]}, ["Shop > A > B, Shop"],
         ["A", "B"]),
    ],
)  # fmt: skip
def test_what_a_step_does(step, values, found):
    assert after(values, step) == found


def test_steps_follow_each_other():
    assert after(
        ["Grau / Weiß"],
        {"do": "split", "by": "/"},
        {"do": "take", "part": 1},
        {"do": "replace", "table": {"grau": "grey"}},
    ) == ["grey"]


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [("7.50", "100", "0.075"), ("10", "3", "3.333333"), ("5", "1", "5"), ("5", "", "5")],
)
def test_a_price_is_divided_by_its_quantity(price, quantity, amount):
    assert Divide("q").apply([price], {"q": quantity}) == [amount]


@pytest.mark.parametrize("quantity", ["0", "some"])
def test_a_price_that_cannot_be_divided_is_refused(quantity):
    with pytest.raises(BadTransform):
        Divide("q").apply(["7.50"], {"q": quantity})
    with pytest.raises(BadTransform):
        Divide("q").apply(["1", "2"], {"q": ["10", "20", "30"]})


def mapping(target, *steps, source="a"):
    return Mapping.from_json([{"source": source, "target": target, "transform": list(steps)}])


def test_features_become_attributes_or_what_their_names_mean():
    spread = mapping("attributes", {"do": "pairs", "names": "n", "units": "u"}, source="v")
    record = {
        "n": ["Farbe", "Stärke", "Breite", "Holzart", "Holzart"],
        "v": ["natur", "22", "60", "Eiche", "Esche"],
        "u": ["", "mm", "", "", ""],
    }
    assert spread.apply(record) == {
        "colour": "natur",
        "thickness": "22 mm",
        "attribute.Breite": "60",  # without a unit it is no length
        "attribute.Holzart": "Eiche, Esche",
    }


def test_features_do_not_displace_a_field_of_their_own():
    both = Mapping.from_json(
        [
            {"source": "v", "target": "attributes", "transform": [{"do": "pairs", "names": "n"}]},
            {"source": "c", "target": "colour"},
        ]
    )
    assert both.apply({"c": "red", "n": "Farbe", "v": "natur"}) == {"colour": "red"}


def test_values_that_cannot_be_paired_stay_together():
    spread = mapping("attributes", {"do": "pairs", "names": "f/n"}, source="f/v")
    assert spread.apply({"f/n": ["a", "b"], "f/v": ["1", "2", "3"]}) == {"attribute.v": "1, 2, 3"}
    assert spread.apply({"f/n": "Volt", "f/v": ["110", "220"]}) == {"attribute.Volt": "110, 220"}


def test_features_without_names_keep_the_name_of_their_field():
    plain = Mapping.from_json([{"source": "specs/note", "target": "attributes"}])
    assert plain.apply({"specs/note": ["x", "y"]}) == {"attribute.note": ["x", "y"]}


def test_a_constant_needs_no_value():
    assert mapping("brand", {"do": "constant", "value": "Northlight"}).apply({}) == {
        "brand": "Northlight"
    }


def test_a_decimal_step_settles_the_column():
    styled = mapping("price", {"do": "decimal", "mark": ","})
    assert column_styles(styled, [{"a": "1.234"}, {"a": "2.345"}]) == {"price": ","}


def test_trees_and_links_are_read_when_the_mapping_is_bound():
    outside = {
        "groups": [
            {"id": "1", "name": "Floors"},
            {"id": "2", "name": "Tiles", "parent": "1"},
            {"id": "8", "name": "Loop", "parent": "9"},
            {"id": "9", "name": "Pool", "parent": "8"},
        ],
        "links": [{"product": "P", "group": "2"}, {"product": "Q", "group": "8"}],
        "head": [{"root": "https://a.example/img"}],
    }
    tree = {"do": "tree", "record": "groups", "id": "id", "name": "name", "parent": "parent"}
    linked = {"do": "linked", "record": "links", "id": "product", "to": "group"}
    bound = mapping("category", linked, tree).bound(outside.__getitem__)
    assert bound.apply({"a": "P"}) == {"category": ["Floors", "Tiles"]}
    assert bound.apply({"a": "Q"}) == {"category": ["Pool", "Loop"]}
    assert bound.apply({"a": "unknown"}) == {}
    root = mapping("images", {"do": "root", "record": "head", "name": "root"})
    assert root.bound(outside.__getitem__).apply({"a": "1.jpg"}) == {
        "images": ["https://a.example/img/1.jpg"]
    }
    assert bound.to_json() == mapping("category", linked, tree).to_json()


@pytest.mark.parametrize(
    ("target", "transform", "names"),
    [
        ("name", {"do": "magic"}, ['"a"', "transform 1", '"magic"', "split"]),
        ("name", [{"do": "html"}, {"do": "split"}], ['"a"', "transform 2 (split)", '"by"']),
        ("name", [{"do": "split", "by": ""}], ["(split)", '"by" is empty']),
        ("name", [{"do": "split", "by": ",", "part": 1}], ["(split)", '"part"']),
        ("name", [{"do": "take", "part": "1"}], ["(take)", "whole number"]),
        ("name", [{"do": "take", "part": 0}], ["(take)", "counts from 1"]),
        ("name", [{"do": "replace", "table": ["a"]}], ["(replace)", '"table"']),
        ("name", [{"do": "constant", "value": "-"}], ["(constant)", "empty"]),
        ("price", [{"do": "decimal", "mark": ";"}], ["(decimal)", '"mark"']),
        ("name", [{"do": "decimal", "mark": ","}], ['"a"', '"decimal"', "price and stock"]),
        ("name", [{"do": "pairs", "names": "b"}], ['"a"', '"pairs"', "attributes"]),
        ("attributes", [{"do": "split", "by": ","}], ['"a"', '"pairs"']),
        ("attributes", [{"do": "pairs"}], ["(pairs)", '"names"', '"sign"']),
        ("name", [3], ['"a"', "transform 1", "object"]),
        ("name", [{"do": "join", "by": " ", "fields": ["zz"]}], ['"zz"']),
    ],
)  # fmt: skip
def test_faults_name_the_field_and_the_transform(target, transform, names):
    with pytest.raises(MappingError) as fault:
        Mapping.from_json(
            [{"source": "a", "target": target, "transform": transform}], known_sources=["a", "b"]
        )
    message = str(fault.value)
    assert message.endswith(".")
    for name in names:
        assert name in message


def test_a_field_may_feed_two_things_where_one_is_transformed():
    both = Mapping.from_json(
        [
            {"source": "a", "target": "sku"},
            {"source": "a", "target": "brand", "transform": [{"do": "split", "by": "-"},
                                                             {"do": "take", "part": 1}]},
        ]
    )  # fmt: skip
    assert both.apply({"a": "NL-1"}) == {"sku": "NL-1", "brand": "NL"}
    assert both.raws({"a": "NL-1"}) == {"brand": "NL-1"}


TEXT = st.text(max_size=12)
NAMES = st.sampled_from(["name", "unit", "types", "many", "missing"])
ANY_STEP = st.one_of(
    st.builds(lambda by: {"do": "split", "by": by}, st.text(min_size=1, max_size=2)),
    st.builds(lambda part: {"do": "take", "part": part}, st.integers(1, 3)),
    st.builds(lambda by, fields: {"do": "join", "by": by, "fields": fields}, TEXT, st.lists(NAMES)),
    st.builds(lambda fields: {"do": "first", "fields": fields}, st.lists(NAMES)),
    st.builds(
        lambda table, otherwise: {"do": "replace", "table": table, "otherwise": otherwise},
        st.dictionaries(TEXT, TEXT, max_size=3),
        TEXT,
    ),
    st.builds(lambda unit: {"do": "unit", "unit": unit}, st.sampled_from(["mm", "kg"])),
    st.just({"do": "html"}),
    st.builds(lambda text: {"do": "prefix", "text": text}, st.text(min_size=1, max_size=5)),
    st.builds(
        lambda name, starts: {"do": "where", "field": name, "starts": starts},
        NAMES,
        st.lists(TEXT, max_size=3),
    ),
    st.builds(lambda by: {"do": "path", "by": by}, st.text(min_size=1, max_size=2)),
)


@given(st.lists(ANY_STEP, max_size=4), st.lists(TEXT, max_size=3))
def test_any_steps_on_any_values_give_texts_and_survive_json(steps, values):
    again = [step_of(json.loads(json.dumps(step_of(step).to_json()))) for step in steps]
    assert again == [step_of(step) for step in steps]
    before = list(values)
    found = after(values, *steps)
    assert values == before
    assert all(isinstance(value, str) for value in found)


@given(st.lists(TEXT, min_size=2, max_size=5), st.booleans())
def test_no_feature_gets_the_value_of_another(values, one_lost):
    names = [f"feature {number}" for number in range(len(values))]
    spread = mapping("attributes", {"do": "pairs", "names": "n"}, source="v")
    found = spread.apply({"n": names, "v": values[one_lost:]})
    if one_lost:
        assert set(found) <= {"attribute.v"}
        return
    for name, value in zip(names, values, strict=True):
        assert found.get(f"attribute.{name}") in (None, value.strip())


def test_every_step_is_described():
    assert all(kind.__doc__ for kind in STEPS.values())
