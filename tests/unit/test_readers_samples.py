"""The sample feeds are what their script makes, and hold the bad rows that they promise."""

from pathlib import Path

import pytest

from imports.readers import inspect, read, survey
from samples.make_samples import (
    FEED_FIELDS,
    boards_json,
    ean13,
    fabrics_csv,
    tiles_xml,
    write_feed,
)

SAMPLES = Path(__file__).parents[2] / "samples"


def test_the_script_makes_the_files_that_are_kept() -> None:
    assert (SAMPLES / "tiles.xml").read_bytes() == tiles_xml()
    assert (SAMPLES / "fabrics.csv").read_bytes() == fabrics_csv()
    assert (SAMPLES / "boards.json").read_bytes() == boards_json()


def test_check_digits_are_those_of_gs1() -> None:
    assert ean13("400638133393") == "4006381333931"
    assert ean13("000000000000") == "0000000000000"


def test_the_tiles_are_read() -> None:
    path = SAMPLES / "tiles.xml"
    source = inspect(path).source
    assert source.record_path == "catalog/product"
    products = [record.fields for record in read(path, source)]
    assert len(products) == 240
    assert {product["price/@currency"] for product in products} == {"EUR"}
    assert [product["price"] for product in products if product["price"] == "abc"] == ["abc"]
    assert [n for n, product in enumerate(products, 1) if not product["sku"]] == [88]
    eans = [str(product["ean"]) for product in products]
    assert [n for n, ean in enumerate(eans, 1) if ean13(ean[:12]) != ean] == [131]


def test_the_fabrics_are_read() -> None:
    path = SAMPLES / "fabrics.csv"
    source = inspect(path).source
    assert source.encoding == "cp1252"
    assert source.dialect is not None
    assert source.dialect.delimiter == ";"
    rows = list(read(path, source))
    assert len(rows) == 180
    assert [row.number for row in rows if row.error] == [150]
    assert [row.number for row in rows if row.fields["Preis"] == "abc"] == [21]
    assert [row.number for row in rows if not row.fields["Artikelnummer"]] == [64]
    assert any("Crêpe Élodie" in str(row.fields["Bezeichnung"]) for row in rows)


def test_the_boards_are_read() -> None:
    path = SAMPLES / "boards.json"
    source = inspect(path).source
    assert source.record_path == "$.products.*"
    boards = list(read(path, source))
    assert len(boards) == 150
    assert [board.number for board in boards if board.error] == [131]
    assert [b.number for b in boards if b.fields.get("price.amount") == "abc"] == [19]
    assert boards[0].fields["@key"] == "HB-0001"
    eans = {board.number: str(board.fields["ean"]) for board in boards if not board.error}
    assert [number for number, ean in eans.items() if ean13(ean[:12]) != ean] == [58]


@pytest.mark.parametrize("kind", ["xml", "csv"])
def test_large_feeds_are_reproducible_and_change_by_share(tmp_path: Path, kind: str) -> None:
    def feed(name: str, **options: float) -> Path:
        return write_feed(tmp_path / name, 400, type=kind, **options)  # type: ignore[arg-type]

    same, again, changed = feed("a"), feed("b"), feed("c", changed_share=0.3)
    assert same.read_bytes() == again.read_bytes()
    source = inspect(same).source
    assert [field.source for field in survey(same, source).fields] == FEED_FIELDS
    before, after = ([record.fields for record in read(path, source)] for path in (same, changed))
    differing = sum(one != other for one, other in zip(before, after, strict=True))
    assert 80 < differing < 160
    assert [row["ean"] for row in before] == [row["ean"] for row in after]
