"""CSV: the ways of writing cells that csv-spectrum names, made here, and tables that go wrong."""

from pathlib import Path
from typing import Any

import pytest

from imports.readers import Record, UnreadableFeed, inspect, read

# name: text, rows
SPECTRUM: dict[str, tuple[str, list[dict[str, str]]]] = {
    "simple": ("a,b,c\n1,2,3\n", [{"a": "1", "b": "2", "c": "3"}]),
    "simple, carriage returns": ("a,b,c\r\n1,2,3\r\n", [{"a": "1", "b": "2", "c": "3"}]),
    "old line ends": ("a,b\r1,2\r3,4\r", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    "comma in quotes": (
        'first,last,city\nJo,Doe,"Bo, Mo"\nAl,Roe,Ulm\n',
        [
            {"first": "Jo", "last": "Doe", "city": "Bo, Mo"},
            {"first": "Al", "last": "Roe", "city": "Ulm"},
        ],
    ),
    "empty cells": (
        'a,b,c\n1,"",""\n2,3,4\n',
        [{"a": "1", "b": "", "c": ""}, {"a": "2", "b": "3", "c": "4"}],
    ),
    "empty cells, carriage returns": (
        'a,b,c\r\n1,"",""\r\n2,3,4\r\n',
        [{"a": "1", "b": "", "c": ""}, {"a": "2", "b": "3", "c": "4"}],
    ),
    "escaped quotes": (
        'a,b\n1,"ha ""ha"" ha"\n3,4\n',
        [{"a": "1", "b": 'ha "ha" ha'}, {"a": "3", "b": "4"}],
    ),
    "JSON in a cell": (
        'key,val\n1,"{""type"": ""Point"", ""at"": [102.0, 0.5]}"\n',
        [{"key": "1", "val": '{"type": "Point", "at": [102.0, 0.5]}'}],
    ),
    "line breaks": (
        'a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n',
        [
            {"a": "1", "b": "2", "c": "3"},
            {"a": "Once upon \na time", "b": "5", "c": "6"},
            {"a": "7", "b": "8", "c": "9"},
        ],
    ),
    "line breaks, carriage returns": (
        'a,b,c\r\n1,2,3\r\n"Once upon \r\na time",5,6\r\n7,8,9\r\n',
        [
            {"a": "1", "b": "2", "c": "3"},
            {"a": "Once upon \r\na time", "b": "5", "c": "6"},
            {"a": "7", "b": "8", "c": "9"},
        ],
    ),
    "quotes and line breaks": (
        'a,b\n1,"ha \n""ha"" \nha"\n3,4\n',
        [{"a": "1", "b": 'ha \n"ha" \nha'}, {"a": "3", "b": "4"}],
    ),
    "letters of all scripts": (
        "a,b,c\n1,2,3\n4,5,ʤ κωδικός\n",
        [{"a": "1", "b": "2", "c": "3"}, {"a": "4", "b": "5", "c": "ʤ κωδικός"}],
    ),
    "header only in quotes": ('"sku","price"\nA1,2\n', [{"sku": "A1", "price": "2"}]),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed.csv"


def records(file: Path, text: str | bytes, **options: Any) -> list[Record]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read(file, inspect(file, type="csv", **options).source))


def refusal(file: Path, text: str | bytes, **options: Any) -> str:
    with pytest.raises(UnreadableFeed) as caught:
        records(file, text, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", SPECTRUM)
def test_cells_are_read_however_they_are_written(file: Path, name: str) -> None:
    text, rows = SPECTRUM[name]
    found = records(file, text)
    assert [record.fields for record in found] == rows
    assert not [record.error for record in found if record.error]


def test_ragged_rows_fail_alone_with_their_line(file: Path) -> None:
    found = records(file, "sku,name,price\nA1,x,1\nA2,y\nA3,z,3,4\nA4,w,4\nA5,v,5\n")
    assert [(r.line, bool(r.error)) for r in found] == [
        (2, False), (3, True), (4, True), (5, False), (6, False),
    ]  # fmt: skip


def test_a_header_may_repeat_leave_out_and_be_long(file: Path) -> None:
    wide = [f"c{n}" for n in range(5_000)]
    (record,) = records(file, ",".join(wide) + "\n" + ",".join("1" * 5_000) + "\n", delimiter=",")
    assert len(record.fields) == 5_000
    file.write_text("sku,,price,price\nA1,x,1,2\nA2,y,3,4\n")
    found = inspect(file)
    assert found.columns == ("sku", "column 2", "price", "price [2]")
    assert found.warnings == ("The header names a column more than once: price.",)


def test_a_header_of_nothing_is_passed_over_for_the_first_that_names(file: Path) -> None:
    (record,) = records(file, ",,\nsku,name,price\nA1,x,1\n")
    assert (record.line, record.fields) == (3, {"sku": "A1", "name": "x", "price": "1"})


def test_a_cell_of_50_megabytes_is_refused_with_its_line(file: Path) -> None:
    cell = "x" * 50_000_000
    assert "line 3" in refusal(file, f"sku,name\nA1,x\nA2,{cell}\nA3,y\n", delimiter=",")
    assert "line 3" in refusal(file, f'sku,name\nA1,x\nA2,"{cell}"\nA3,y\n', delimiter=",")


def test_nul_bytes_and_half_characters_are_removed_and_told(file: Path) -> None:
    _, record, _ = records(file, b"sku,name\nA1,x\nA2,a\0b\nA3,y\n")
    assert (record.fields["name"], bool(record.warnings)) == ("ab", True)
    text = "sku,name\nA1,x\nA2,a\ud800b\nA3,y\n".encode("utf-16-le", "surrogatepass")
    _, record, _ = records(file, b"\xff\xfe" + text)
    assert (record.fields["name"], bool(record.warnings)) == ("ab", True)


def test_two_encodings_in_one_file_are_told_with_the_place(file: Path) -> None:
    utf8 = "".join(f"A{n},Möbelstoff grün\n" for n in range(50)).encode()
    text = b"sku,name\n" + utf8 + "B1,Räume\n".encode("cp1252") + utf8
    assert "byte 0xE4 at line 52, column 5" in refusal(file, text)


def test_a_quote_that_never_closes_is_told_with_its_line(file: Path) -> None:
    text = "sku,name\nA1,x\n" + 'A2,"y\n' + "".join(f"A{n},z\n" for n in range(3, 40))
    assert "line 3" in refusal(file, text, delimiter=",")
