"""gz, zip and workbooks: the feed in them is found, and what is hostile or damaged is refused."""

import gzip
import io
import json
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from imports.readers import Inspection, Record, UnreadableFeed, inspect, packing, read, unpacked
from tests.fixtures import feeds
from tests.fixtures.feeds import workbook, zip_of

TABLE = "sku;name;price\nA1;Tile ä;1,50\nA2;Tile ö;2,50\n".encode()
CATEGORIES = b"<c>" + b"<category><id>1</id><title>Tiles</title></category>" * 400 + b"</c>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feed"


def opened(file: Path, content: bytes, **options: Any) -> tuple[Inspection, list[Record]]:
    file.write_bytes(content)
    with unpacked(file, options.pop("entry", None), file.parent) as plain:
        found = inspect(plain, **options)
        return found, list(read(plain.path, found.source))


def refusal(file: Path, content: bytes, **options: Any) -> str:
    with pytest.raises(UnreadableFeed) as caught:
        opened(file, content, **options)
    assert list(file.parent.iterdir()) == [file]
    return str(caught.value)


def skus(records: list[Record]) -> list[Any]:
    return [record.fields["sku"] for record in records]


@pytest.mark.parametrize(
    ("content", "type"),
    [
        (TABLE, "csv"),
        (feeds.TILES, "xml"),
        (json.dumps([{"sku": "A1"}, {"sku": "A2"}]).encode(), "json"),
        (workbook({"S": [["sku", "price"], ["A1", 1], ["A2", 2]]}), "xlsx"),
    ],
)
@pytest.mark.parametrize("packed", ["plain", "gzip", "zip"])
def test_every_type_is_read_packed_or_not(
    file: Path, content: bytes, type: str, packed: str
) -> None:
    stored = {"plain": content, "gzip": gzip.compress(content), "zip": zip_of({"a/f.x": content})}
    found, records = opened(file, stored[packed])
    assert (found.source.type, skus(records)) == (type, ["A1", "A2"])
    assert list(file.parent.iterdir()) == [file]
    with unpacked(file, found.source.entry) as plain:
        assert skus(list(read(plain.path, found.source))) == ["A1", "A2"]


def test_of_several_files_the_one_with_products_is_read_and_told(file: Path) -> None:
    archive = {
        "__MACOSX/._tiles.xml": b"\0",
        "lists/": b"",
        "categories.xml": CATEGORIES,
        "readme.txt": feeds.PROSE * 50,
        "tiles.xml": feeds.TILES,
        "logo.png": feeds.NOT_FEEDS["a picture"],
    }
    found, records = opened(file, zip_of(archive))
    assert (found.source.entry, skus(records)) == ("tiles.xml", ["A1", "A2"])
    assert found.warnings == (
        "Of the archive tiles.xml is read, not categories.xml, readme.txt, logo.png.",
    )


def test_a_stated_file_is_read_and_an_unknown_one_named(file: Path) -> None:
    archive = zip_of({"a/tiles.xml": feeds.TILES, "table.csv": TABLE})
    assert opened(file, archive, entry="table.csv")[0].source.type == "csv"
    assert opened(file, archive, entry="a/tiles.xml")[0].source.type == "xml"
    sentence = refusal(file, archive, entry="b.csv")
    assert sentence == 'The archive holds no file "b.csv"; it has a/tiles.xml, table.csv.'
    assert 'There is no "x"' in refusal(file, TABLE, entry="x")


def test_names_that_lead_out_of_the_archive_lead_nowhere(file: Path, tmp_path: Path) -> None:
    archive = zip_of({"../../escaped.csv": TABLE})
    found, records = opened(file, archive)
    assert skus(records) == ["A1", "A2"]
    assert found.source.entry == "../../escaped.csv"
    assert not list(tmp_path.parent.rglob("escaped.csv"))


def test_bombs_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bytes(packing.RATIO_FREE + 1)
    for packed in (gzip.compress(bomb), zip_of({"bomb.xml": bomb})):
        assert "zip bomb" in refusal(file, packed)
    monkeypatch.setattr(packing, "MAX_BYTES", 100)
    many = zip_of({f"{n}.csv": TABLE for n in range(9)})
    assert "holds more than" in refusal(file, many)


def test_a_bomb_that_lies_about_its_size_is_refused(file: Path) -> None:
    data = bytearray(zip_of({"bomb.csv": bytes(packing.RATIO_FREE + 1)}))
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 1_000)
    assert refusal(file, bytes(data)).startswith("bomb.csv in the zip archive is damaged")


def test_too_many_files_are_refused(file: Path) -> None:
    archive = zip_of({f"{n}.csv": b"x" for n in range(packing.MAX_ENTRIES + 1)})
    assert refusal(file, archive) == "The zip archive holds more than 1,000 files."


@pytest.mark.parametrize(
    "inner",
    [gzip.compress(TABLE), zip_of({"t.csv": TABLE}), b"Rar!\x1a\x07"],
    ids=["gzip", "zip", "rar"],
)
def test_archives_in_archives_are_refused(file: Path, inner: bytes) -> None:
    assert "archive" in refusal(file, gzip.compress(inner))
    assert "archive" in refusal(file, zip_of({"inner.zip": inner}))


def test_archives_without_a_feed_are_refused(file: Path) -> None:
    assert refusal(file, zip_of({})) == "The zip archive is empty."
    assert refusal(file, zip_of({"a.txt": feeds.PROSE, "b.pdf": b"%PDF-1.7"})) == (
        "The zip archive holds no feed, only a.txt, b.pdf."
    )
    assert "PDF" in refusal(file, zip_of({"b.pdf": b"%PDF-1.7"}))
    assert refusal(file, gzip.compress(b"")) == "The gzip file holds nothing."


@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zip_of({"feed.xml": data})])
def test_every_cut_is_noticed(file: Path, pack: Any, tenths: int) -> None:
    packed = pack(feeds.TILES * 20)
    sentence = refusal(file, packed[: len(packed) * tenths // 10])
    assert "cut off" in sentence or "damaged" in sentence or "neither" in sentence


def test_damage_within_is_told(file: Path) -> None:
    for packed in (gzip.compress(TABLE * 900), zip_of({"t.csv": TABLE * 900})):
        data = bytearray(packed)
        data[len(data) // 2] ^= 0xFF
        assert "damaged" in refusal(file, bytes(data))


def test_a_locked_archive_is_told(file: Path) -> None:
    data = bytearray(zip_of({"t.csv": TABLE}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    assert refusal(file, bytes(data)) == "t.csv in the zip archive needs a password."


PRODUCTS = [
    ["Price list of 2026"],
    [],
    ["sku", "name\nof tile", "price", "stock", "from", "new"],
    ["007", "Slate", 12.1, 5.0, date(2026, 1, 2), True],
    [None, None, None, None, None, None],
    ["A2", "Two\nlines", 0.0000001, 1_234_567, None, False],
    ["A3", "Plain", 3, None, None, None],
]


def test_the_cells_of_a_sheet_are_read_as_they_are_meant(file: Path) -> None:
    found, (first, second, third) = opened(file, workbook({"Tiles": PRODUCTS}))
    assert found.source.entry == "Tiles"
    assert found.source.stored_type == "csv"
    assert first.fields == {
        "sku": "007",
        "name\nof tile": "Slate",
        "price": "12.1",
        "stock": "5",
        "from": "2026-01-02",
        "new": "true",
    }
    assert (second.fields["price"], second.fields["stock"]) == ("0.0000001", "1234567")
    assert [first.line, second.line, third.line] == [4, 6, 7]


def test_the_sheet_is_chosen_by_content(file: Path) -> None:
    book = workbook(
        {
            "Cover": [["Northlight Tiles"], ["All prices are net"]],
            "Countries": [["code", "country"], *([f"C{n}", f"Land {n}"] for n in range(300))],
            "Preise": [["sku", "name", "price"], ["A1", "Tile", 1.5], ["A2", "Slate", 2]],
        }
    )
    found, records = opened(file, book)
    assert (found.source.entry, skus(records)) == ("Preise", ["A1", "A2"])
    assert found.warnings == (
        'Of the workbook the sheet "Preise" is read, not "Cover", "Countries".',
    )
    found, records = opened(file, book, entry="Countries")
    assert (found.warnings, len(records)) == ((), 300)
    assert 'no sheet "Nope"; it has "Cover"' in refusal(file, book, entry="Nope")
    found, _ = opened(file, zip_of({"lists/book.xlsx": book}), type="csv")
    assert found.source.entry == "lists/book.xlsx/Preise"


def test_a_workbook_takes_no_delimiter(file: Path) -> None:
    assert "takes no delimiter" in refusal(file, workbook({"T": PRODUCTS}), delimiter=";")


@pytest.mark.parametrize("far", ["XFD1", "A1048576", "ZZ99999"])
def test_a_sheet_with_a_cell_far_off_is_refused(file: Path, far: str) -> None:
    """calamine would make room for every cell between."""
    book = io.BytesIO(workbook({"T": [["sku", "price"], ["A1", 1]]}))
    changed = {}
    with zipfile.ZipFile(book) as archive:
        for name in archive.namelist():
            changed[name] = archive.read(name).replace(b'r="B2"', f'r="{far}"'.encode())
    changed["xl/worksheets/sheet1.xml"] = changed["xl/worksheets/sheet1.xml"].replace(
        b'r="A2"', b'r="A1048576"'
    )
    assert "more than 1,000,000 cells" in refusal(file, zip_of(changed))


def test_a_large_workbook_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from imports.readers import workbook as module

    monkeypatch.setattr(module, "MAX_CELLS", 10)
    assert "Save the sheet as CSV" in refusal(file, workbook({"T": PRODUCTS}))
    monkeypatch.setattr(module, "MAX_UNPACKED", 1_000)
    assert "more than 1,000 bytes" in refusal(file, workbook({"T": PRODUCTS}))


def test_damaged_and_empty_workbooks_are_refused(file: Path) -> None:
    assert refusal(file, workbook({"T": []})) == "The workbook has no cells with values."
    assert "The workbook is damaged" in refusal(file, zip_of({"xl/workbook.xml": b"<x/>"}))
