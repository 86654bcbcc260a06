"""JSON objects whose entries are records under their keys."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imports.mapping import suggest
from imports.readers import Record, UnreadableFeed, inspect, json_reader, read, survey

TILES = {
    "A1": {"name": "Tile ä", "price": 1.5, "images": ["a.jpg", "b.jpg"]},
    "A2": {"name": "Tile ö", "price": 2.5},
}

OAK = {"name": "Oak", "price": 3.5}
MORE = {"B1": TILES["A2"], "B2": TILES["A1"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.json"


def records(file: Path, document: Any, path: str | None = None) -> list[Record]:
    text = document if isinstance(document, str) else json.dumps(document)
    file.write_text(text, encoding="utf-8")
    return list(read(file, inspect(file, record=path).source))


def path_of(file: Path, document: Any) -> str | None:
    file.write_text(json.dumps(document))
    return inspect(file).source.record_path


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (TILES, "$.*"),
        ({"count": 2, "products": TILES}, "$.products.*"),
        ({"data": {"meta": {"page": 1}, "items": TILES}}, "$.data.items.*"),
        (
            {"shops": {"s1": {"title": "a", "tiles": TILES}, "s2": {"title": "b", "tiles": MORE}}},
            "$.shops.*.tiles.*",
        ),
        ([{"group": 1, "tiles": {"A1": TILES["A1"]}}, {"group": 2, "tiles": TILES}], "$.tiles.*"),
        (
            {"products": {f"P{n}": {"name": f"T{n}", "price": n} for n in range(500)}},
            "$.products.*",
        ),
        ({"products": TILES | {"A3": {}, "A4": None}}, "$.products.*"),
    ],
)
def test_they_are_found_wherever_they_are(file: Path, document: Any, path: str) -> None:
    assert path_of(file, document) == path


@pytest.mark.parametrize(
    ("document", "path"),
    [
        # fields that are objects alike, of one record and of several
        ({"sku": {"value": "A1"}, "name": {"value": "x"}, "price": {"value": 1}}, "$"),
        (
            [{"width": {"mm": n, "raw": "x"}, "height": {"mm": n, "raw": "y"}} for n in range(9)],
            "$",
        ),
        (
            {
                "sku": "A1",
                "name": "x",
                "prices": {
                    "list": {"amount": 1, "currency": "EUR"},
                    "net": {"amount": 2, "currency": "EUR"},
                },
            },
            "$",
        ),
        # variants under their codes, in the product that they are of
        (
            [
                {"sku": f"A{n}", "name": "x", "variants": {f"A{n}{v}": {"price": n} for v in "SML"}}
                for n in range(50)
            ],
            "$",
        ),
        ({"shop": {"id": 1, "city": "X"}, "products": [TILES["A1"], TILES["A2"]]}, "$.products"),
        ({"new": [TILES["A1"]] * 3, "old": [TILES["A2"]] * 2}, "$.new"),
    ],
)
def test_other_objects_are_none(file: Path, document: Any, path: str) -> None:
    assert path_of(file, document) == path


def test_the_key_is_a_field_and_the_line_that_of_the_object(file: Path) -> None:
    found = records(file, json.dumps({"products": TILES}, indent=1))
    assert [(each.number, each.line, each.fields["@key"]) for each in found] == [
        (1, 3, "A1"),
        (2, 11, "A2"),
    ]
    assert found[0].fields["images"] == ["a.jpg", "b.jpg"]
    assert json.loads(found[1].raw) == {"@key": "A2", **TILES["A2"]}


def test_the_key_is_suggested_as_the_key(file: Path) -> None:
    found = records(
        file, {f"P-{n}": {"name": f"Tile {n}", "price": f"{n}.50 EUR"} for n in range(9)}
    )
    suggestion = suggest(survey(file, inspect(file).source), found)
    assert {each.source: each.target for each in suggestion.fields}["@key"] == "key"


def test_a_record_that_has_such_a_field_keeps_it_under_another_name(file: Path) -> None:
    [first, _] = records(file, {key: {"@key": "own", **each} for key, each in TILES.items()})
    assert (first.fields["@key"], first.fields["@key [2]"]) == ("A1", "own")
    assert json.loads(first.raw)["@key [2]"] == "own"


@pytest.mark.parametrize("entry", [None, 7, "sold", ["a", "b"]])
def test_an_entry_that_is_no_object_fails_and_the_others_are_read(file: Path, entry: Any) -> None:
    found = records(file, TILES | {"A3": entry, "A4": TILES["A1"]}, "$.*")
    wrong = [each for each in found if each.error]
    assert {each.fields["@key"] for each in wrong} == {"A3"}
    assert wrong[0].error == "What stands under A3 is no object with fields."
    assert [each.fields["@key"] for each in found if not each.error] == ["A1", "A2", "A4"]


def test_a_key_twice_gives_two_records_for_the_writer_to_judge(file: Path) -> None:
    text = '{"A1": {"name": "x", "price": 1}, "A1": {"name": "y", "price": 2}}'
    found = records(file, text, "$.*")
    assert [(each.fields["@key"], each.fields["name"]) for each in found] == [
        ("A1", "x"),
        ("A1", "y"),
    ]


def test_characters_that_are_no_text_go_from_a_key(file: Path) -> None:
    text = json.dumps({"A\0 1": TILES["A1"], "A2": TILES["A2"], "": TILES["A2"]})
    first, _, nameless = records(file, text)
    assert (first.fields["@key"], bool(first.warnings)) == ("A 1", True)
    assert nameless.fields["@key"] == ""


def test_a_stated_path_may_lead_to_a_single_entry(file: Path) -> None:
    [only] = records(file, {"products": {"A1": TILES["A1"]}}, "products.*")
    assert only.fields["@key"] == "A1"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            {"total": 2, "B1": OAK, "B2": OAK},
            "Only $.B1 is read; of the same form, and left out, are $.B2.",
        ),
        (
            {"oak": {"C1": OAK, "C2": OAK}, "ash": {"D1": OAK, "D2": OAK}},
            "Only $.oak.* is read; of the same form, and left out, are $.ash.*.",
        ),
    ],
)
def test_records_of_the_same_form_that_are_left_out_are_named(
    file: Path, document: Any, told: str
) -> None:
    file.write_text(json.dumps(document))
    found = inspect(file)
    assert found.warnings == (told,)
    assert inspect(file, record=found.source.record_path).warnings == ()


def test_names_with_dots_are_keys_like_others(file: Path) -> None:
    document = {"v1.0": {"a.b": {"T.1": TILES["A1"], "T.2": TILES["A2"]}}}
    assert [each.fields["@key"] for each in records(file, document)] == ["T.1", "T.2"]


def test_cut_off_ones_name_the_place(file: Path) -> None:
    text = json.dumps({"products": TILES}, indent=1)
    file.write_text(text)
    source = inspect(file).source
    for length in range(1, len(text)):
        file.write_text(text[:length])
        with pytest.raises(UnreadableFeed, match=r"line \d+"):
            list(read(file, source))


def test_records_of_an_object_nested_without_end_are_refused(file: Path) -> None:
    deep = "".join(f'{{"K{n}": ' for n in range(200))
    file.write_text(deep)
    with pytest.raises(UnreadableFeed, match="nested deeper than 100 levels at line 1"):
        inspect(file, type="json")


def test_counting_agrees_with_reading(file: Path) -> None:
    file.write_text(
        json.dumps({"p": TILES | {f"B{n}": TILES["A2"] for n in range(3_000)}}, indent=1)
    )
    source = inspect(file).source
    assert [*json_reader.count(file, source)] == [each.number for each in read(file, source)]


def test_the_text_of_a_record_is_made_only_when_asked_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    raw = "imports.readers.json_record._raw"
    monkeypatch.setattr(raw, lambda events: made.append(1) or "")
    found = records(file, [TILES["A1"], TILES["A2"]])
    survey(file, inspect(file).source)
    assert not made
    assert replace(found[0], error="x").raw == ""
    assert made == [1]
