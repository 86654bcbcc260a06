"""JSON: records wherever their list is, their fields and lines, and documents that are broken."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.readers import Record, Source, UnreadableFeed, inspect, json_reader, read
from tests.unit.test_readers_xml import MEASURE

TILES = [
    {"sku": "A1", "name": "Tile ä", "price": 1.5, "images": ["a.jpg", "b.jpg"]},
    {"sku": "A2", "name": "Tile {ö}", "price": 2.5, "images": ["c.jpg"]},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.json"


def records(file: Path, text: str | bytes, path: str | None = None) -> list[Record]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read(file, inspect(file, type="json", record=path).source))


def fields(file: Path, value: Any) -> dict[str, str | list[str]]:
    (record,) = records(file, json.dumps([value], ensure_ascii=False), "$")
    return record.fields


def refusal(file: Path, text: bytes) -> str:
    file.write_bytes(text)
    with pytest.raises(UnreadableFeed) as caught:
        list(read(file, inspect(file, type="json").source))
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (TILES, "$"),
        ({"count": 2, "products": TILES, "next": None}, "$.products"),
        ({"data": {"shop": {"id": 1}, "items": TILES}}, "$.data.items"),
        ({"groups": [{"title": "a", "products": TILES[:1]}, {"products": TILES[1:]}]}, None),
        ({"categories": [{"id": n, "name": f"C{n}"} for n in range(50)], "p": TILES}, "$.p"),
    ],
)
def test_records_are_found_wherever_their_list_is(file: Path, document: Any, path: str) -> None:
    file.write_text(json.dumps(document))
    source = inspect(file).source
    assert source.record_path == (path or "$.groups.products")
    assert [record.fields["sku"] for record in read(file, source)] == ["A1", "A2"]


def test_json_lines_are_records(file: Path) -> None:
    text = "\n".join(json.dumps(tile) for tile in TILES) + "\n"
    assert [(r.number, r.line, r.fields["sku"]) for r in records(file, text)] == [
        (1, 1, "A1"),
        (2, 2, "A2"),
    ]


def test_objects_below_each_other_are_records(file: Path) -> None:
    text = "\n".join(json.dumps(tile, indent=2) for tile in TILES)
    assert [r.line for r in records(file, text)] == [1, 10]


def test_a_single_object_is_a_record(file: Path) -> None:
    (record,) = records(file, '{"sku": "A1", "name": "x"}')
    assert record.fields == {"sku": "A1", "name": "x"}


def test_a_stated_path_may_be_an_end(file: Path) -> None:
    text = json.dumps({"a": {"deals": TILES}, "b": {"products": TILES}})
    assert len(records(file, text, "products")) == 2
    with pytest.raises(UnreadableFeed, match='The record path "nothing" does not occur'):
        records(file, text, "nothing")


def test_nested_values_have_paths(file: Path) -> None:
    value = {
        "id": 7,
        "offers": [{"price": 1.5, "seller": {"name": "N"}}, {"price": 2}],
        "images": ["a", "b"],
        "grid": [[1, 2], [3]],
        "empty": [],
    }
    assert fields(file, value) == {
        "id": "7",
        "offers.0.price": "1.5",
        "offers.0.seller.name": "N",
        "offers.1.price": "2",
        "images": ["a", "b"],
        "grid.0": ["1", "2"],
        "grid.1": "3",
    }


def test_a_list_that_is_a_record_has_numbered_fields(file: Path) -> None:
    file.write_text('{"rows": [["A1", "Tile", 2.50], ["A2", "Slate", null]]}')
    found = list(read(file, Source("json", "utf-8", record_path="$.rows")))
    assert [record.fields for record in found] == [
        {"0": "A1", "1": "Tile", "2": "2.50"},
        {"0": "A2", "1": "Slate", "2": ""},
    ]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1.50", "1.50"),
        ("1.5e3", "1500"),
        ("-0.0", "-0.0"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("true", "true"),
        ("null", ""),
        ('"007 "', "007 "),
        (r'"a\u0000b\ud83d\ude00\ud800c"', "ab\U0001f600c"),
        (r'"\\ud800"', r"\ud800"),
    ],
)
def test_values_are_kept_as_written(file: Path, written: str, text: str) -> None:
    (record,) = records(file, f'[{{"sku": "1", "v": {written}}}]')
    assert record.fields["v"] == text
    assert record.error is None
    assert bool(record.warnings) == ("u0000" in written)


def test_a_number_beyond_measure_fails_its_record(file: Path) -> None:
    first, second = records(file, '[{"sku": "1", "p": 1e400}, {"sku": "2", "p": 1}]')
    assert first.error == "The number 1E+400 in p is beyond all measure."
    assert second.error is None


def test_a_name_twice_with_different_values_fails_its_record(file: Path) -> None:
    text = '[{"sku": "1", "p": 1, "p": 2}, {"sku": "2", "p": 1, "p": 1}, {"o": {"a": 1}, "o": {}}]'
    first, second, third = records(file, text)
    assert first.error == "The name p occurs twice with different values."
    assert (second.error, second.fields["p"]) == (None, "1")
    assert second.warnings == ("The name p occurs twice with the same value.",)
    assert third.error == "The name o occurs twice."


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("name", ["Tile", "a {b [c", "[[}}", '\\" { \\'])
def test_lines_are_those_of_the_file(file: Path, indent: int | None, name: str) -> None:
    """Across the pieces that the file is read in, whatever brackets its texts hold."""
    tiles = [{"sku": f"A{n}", "offers": [{"p": n}], "name": name * 9} for n in range(3_000)]
    text = json.dumps({"meta": {"n": 1}, "products": tiles}, indent=indent)
    found = records(file, text)
    lines = text.split("\n")
    assert len(found) == 3_000
    for record in found:
        at = record.line - 1
        below = "".join(lines[at : at + 4])
        assert f'"A{record.number - 1}"' in below


def test_the_source_of_a_record_is_json_of_the_same_value(file: Path) -> None:
    value = {"a": 'ä\n"', "b": [1, None, {}, []], "c": {"d": True}, "e": "😀 "}
    (record,) = records(file, json.dumps([value]), "$")
    assert json.loads(record.raw) == value


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_other_encodings_are_read(file: Path, codec: str) -> None:
    tiles = [{"sku": f"A{n}", "name": f"Möbelstoff grün für Räume {n}"} for n in range(60)]
    found = records(file, json.dumps(tiles, ensure_ascii=False, indent=1).encode(codec))
    assert [record.fields["name"] for record in found] == [tile["name"] for tile in tiles]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'[{"a": 1},\n {"a": nan}]', "at line 2, column 8: NaN and Infinity are no numbers"),
        (b'[{"a": 1},\n {"a": -Infinity}]', "at line 2, column 8: NaN and Infinity"),
        (b'[{"a": 1}\n {"a": 2}]', "malformed at line 2, column 2: after array element"),
        ('[{"ä": "ä"},\n\n{"ä": "äé", }]'.encode(), "malformed at line 3, column 13: "),
        (b'[{"a": 1},]', "malformed at line 1, column 11: this may not stand here; perhaps"),
        (b'{"a": 1}\n{"a": 2\n{"a": 3}\n', "malformed at line 3, column 1: after key and value"),
        (b'[{"a": 1}, {"a": 1e99999999999999999999}]', "a number beyond all measure"),
        (b'[{"a": "' + b"x" * 70_000 + b'\\q"}]', "malformed at line 1, column 70,010: inside a"),
        (b'[{"a": "b"},\n{"a": "c', "The JSON is cut off at line 2, column 9: "),
        (b'[{"a": ' + b"[" * 150, "nested deeper than 100 levels at line 1"),
        (b'[{"a": "' + b"x" * 2_000_000 + b'"}]', "A value on line 1 is longer than 1,000,000"),
    ],
)
def test_broken_documents_name_the_place(file: Path, text: bytes, sentence: str) -> None:
    assert sentence in refusal(file, text)


def test_the_records_before_the_damage_have_been_given_out(file: Path) -> None:
    file.write_bytes(b'[{"a": 1}, {"a": 2}, {"a": ]')
    given_out = []
    with pytest.raises(UnreadableFeed):
        given_out += [r.number for r in read(file, Source("json", "utf-8", record_path="$"))]
    reader = read(file, Source("json", "utf-8", record_path="$"))
    assert [next(reader).number, next(reader).number] == [1, 2]


def test_every_cut_of_a_document_is_noticed(file: Path) -> None:
    text = json.dumps({"products": TILES}, ensure_ascii=False, indent=1).encode()
    source = Source("json", "utf-8", record_path="$.products")
    for length in range(1, len(text)):
        file.write_bytes(text[:length])
        with pytest.raises(UnreadableFeed, match=r"line \d+"):
            list(read(file, source))


def test_a_container_taken_for_a_record_is_refused(file: Path) -> None:
    text = json.dumps({"a": {"b": [{"c": n, "d": n} for n in range(60_000)]}})
    file.write_text(text)
    with pytest.raises(UnreadableFeed, match="more than 200,000 values"):
        list(read(file, Source("json", "utf-8", record_path="$")))


def test_a_delimiter_is_refused(file: Path) -> None:
    file.write_text("[{}]")
    with pytest.raises(UnreadableFeed, match="a delimiter can only be given for CSV"):
        inspect(file, delimiter=";")


def test_counting_agrees_with_reading(file: Path) -> None:
    file.write_text(json.dumps({"products": TILES * 500}, indent=1))
    source = inspect(file).source
    assert [*json_reader.count(file, source)] == [r.number for r in read(file, source)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(value=st.lists(st.dictionaries(st.text(max_size=4), VALUES), min_size=1, max_size=5))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_value_comes_back_as_it_went_in(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, indent=1))
    found = list(read(file, Source("json", "utf-8", record_path="$")))
    assert [json.loads(record.raw) for record in found] == value


@given(noise=st.binary(max_size=40), at=st.integers(0, 200))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_is_read_or_refused(file: Path, noise: bytes, at: int) -> None:
    text = json.dumps({"products": TILES}, ensure_ascii=False).encode()
    file.write_bytes(text[:at] + noise + text[at + len(noise) // 2 :])
    with suppress(UnreadableFeed):
        list(read(file, inspect(file, type="json").source))


@pytest.mark.parametrize("shape", ["records", "others", "lines", "keyed"])
def test_memory_does_not_grow_with_the_document(file: Path, shape: str) -> None:
    tile = json.dumps({"sku": "1", "name": "x" * 900, "price": 2})
    with file.open("w") as out:
        if shape == "lines":
            out.writelines(f"{tile}\n" * 100 for _ in range(400))
        elif shape == "keyed":
            out.write('{"products": {')
            out.writelines(f'"A{n}": {tile},' for n in range(40_000))
            out.write(f'"B": {tile}}}}}')
        else:
            key = "products" if shape == "records" else "log"
            out.write(f'{{"{key}": [')
            out.writelines(f"{tile}," * 100 for _ in range(400))  # about 38 MB
            out.write(f'{tile}], "sold": [{tile}, {tile}]}}')
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    count, megabytes = map(int, done.stdout.split())
    assert count >= 40_000
    assert megabytes < 25
