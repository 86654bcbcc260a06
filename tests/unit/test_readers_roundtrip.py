"""What is written by the standard tools is read back exactly."""

import csv
from pathlib import Path
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.readers import Dialect, Source, inspect, read
from imports.readers.csv_reader import column_names

SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# A lone carriage return is left out: Python 3.11's writer does not quote it.
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)
printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
xml_text = st.text(
    st.one_of(st.sampled_from("äß€ \t\n&<>'\"]"), st.characters(codec="ascii", min_codepoint=32)),
    max_size=30,
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)


def is_filled(row: list[str]) -> bool:
    """Whether a row is more than a blank line."""
    return any(map(str.strip, row))


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3).filter(is_filled), max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@SETTINGS
def test_tables(
    tmp_path: Path, rows: list[list[str]], delimiter: str, end: str, encoding: str
) -> None:
    path = tmp_path / "feed.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
        writer.writerow(["sku", "name", "price"])
        writer.writerows(rows)
    source = Source("csv", encoding, Dialect(delimiter, '"', 1))
    records = list(read(path, source))
    assert [list(record.fields.values()) for record in records] == rows
    assert all(record.error is None and record.warnings == () for record in records)


@given(header=st.lists(st.one_of(cells, st.sampled_from(["", "a", "a [2]"])), max_size=12))
@SETTINGS
def test_column_names_are_distinct(header: list[str]) -> None:
    columns = column_names(header)
    assert len(set(columns)) == len(columns) <= len(header)
    assert all(columns)


@given(
    records=st.lists(st.lists(st.tuples(names, xml_text), min_size=1, max_size=6), max_size=6),
    padding=st.sampled_from(["", "\n", "\n  ", "<!-- x -->"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "ascii", "windows-1252"]),
)
@SETTINGS
def test_documents(
    tmp_path: Path, records: list[list[tuple[str, str]]], padding: str, encoding: str
) -> None:
    path = tmp_path / "feed.xml"
    body = "".join(
        "<r>"
        + "".join(f"{padding}<{name}>{escape(text)}</{name}>" for name, text in record)
        + f"{padding}</r>{padding}"
        for record in records
    )
    xml = f'<?xml version="1.0" encoding="{encoding}"?><c>{padding}{body}<x><y/></x></c>'
    path.write_bytes(xml.encode(encoding, "xmlcharrefreplace"))
    source = Source("xml", encoding, record_path="c/r")
    expected: list[dict[str, list[str]]] = []
    for record in records:
        fields: dict[str, list[str]] = {}
        for name, text in record:
            fields.setdefault(name, []).append(text)
        expected.append(fields)
    found = [
        {name: [value] if isinstance(value, str) else value for name, value in each.fields.items()}
        for each in read(path, source)
    ]
    assert found == expected


@given(rows=st.lists(st.tuples(printable, printable), min_size=1, max_size=6))
@SETTINGS
def test_any_table_of_text_is_inspected(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "feed.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sku", "name"), *rows])
    found = inspect(path, delimiter=",", type="csv")
    assert found.source.encoding == "utf-8"
