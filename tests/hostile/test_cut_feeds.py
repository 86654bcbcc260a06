"""Feeds that break off at any tenth byte: refused with the place, or the row that is cut fails or
bears a warning; no whole row before it is missing or changed."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imports.readers import Join, Record, Source, UnreadableFeed, inspect, joining, read, unpacked

PRODUCTS = [
    {"sku": f"A{n:03}", "name": f"Tile ä {n}", "price": f"{n}.50", "note": 'say "ha",\nok'}
    for n in range(100, 112)
]


def xml() -> bytes:
    rows = (
        "<product>" + "".join(f"<{k}>{v}</{k}>" for k, v in each.items()) + "</product>\n"
        for each in PRODUCTS
    )
    return ("<catalog>\n" + "".join(rows) + "</catalog>\n").encode()


def csv() -> bytes:
    quoted = [[*map(_quoted, each.values())] for each in PRODUCTS]
    return "".join(";".join(row) + "\n" for row in [[*PRODUCTS[0]], *quoted]).encode()


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if '"' in value else value


def lines() -> bytes:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in PRODUCTS).encode()


FEEDS: dict[str, bytes] = {
    "xml": xml(),
    "csv": csv(),
    "json": json.dumps({"products": PRODUCTS}, ensure_ascii=False, indent=1).encode(),
    "json under keys": json.dumps({each["sku"]: each for each in PRODUCTS}, indent=1).encode(),
    "json lines": lines(),
}


def opened(file: Path, content: bytes) -> list[Record]:
    file.write_bytes(content)
    with unpacked(file, folder=file.parent) as plain:
        return list(read(plain.path, inspect(plain).source))


def plain(record: Record) -> Any:
    return {
        name: value.replace("\r", "")  # type: ignore[union-attr]
        for name, value in record.fields.items()
        if name != "@key"
    }


@pytest.mark.parametrize("name", FEEDS)
def test_a_cut_feed_is_refused_or_its_last_row_is_marked(tmp_path: Path, name: str) -> None:
    whole = FEEDS[name]
    assert len(opened(tmp_path / "feed", whole)) == len(PRODUCTS)
    refused = 0
    for length in range(1, len(whole) - 1, 10):
        found: list[Record] = []
        try:
            found = opened(tmp_path / "feed", whole[:length])
        except UnreadableFeed:
            refused += 1
            continue
        if found and name == "csv" and not whole[:length].endswith(b"\n"):
            assert found[-1].error or found[-1].warnings, length
            found.pop()
        assert [plain(each) for each in found] == PRODUCTS[: len(found)]
    cuts = len(range(1, len(whole) - 1, 10))
    assert refused == cuts or name in ("csv", "json lines")


@pytest.mark.parametrize("name", FEEDS)
def test_a_cut_gzip_is_refused(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(FEEDS[name])
    for length in range(1, len(packed), 10):
        with pytest.raises(UnreadableFeed):
            opened(tmp_path / "feed", packed[:length])


def test_a_cut_feed_is_not_repaired(tmp_path: Path) -> None:
    file = tmp_path / "feed"
    whole = xml().replace(b"Tile", b"Tile &", 1)
    file.write_bytes(whole)
    assert inspect(file, repair=True).warnings
    for length in range(1, len(whole) - 1, 10):
        file.write_bytes(whole[:length])
        with pytest.raises(UnreadableFeed):
            inspect(file, type="xml", repair=True)


@pytest.mark.parametrize("name", FEEDS)
def test_a_cut_second_file_is_refused_or_nothing_is_made_up(tmp_path: Path, name: str) -> None:
    texts, prices = tmp_path / "texts", tmp_path / "prices"
    texts.write_bytes(FEEDS["csv"])
    prices.write_bytes(FEEDS[name])
    join = Join(inspect(prices).source, "prices", "sku", "sku")
    source = replace(inspect(texts).source, join=join)
    refusals = []
    for length in range(1, len(FEEDS[name]) - 1, 40):
        prices.write_bytes(FEEDS[name][:length])
        to = tmp_path / f"joined-{length}"
        try:
            joining.write(to, texts, source, prices, alone)
        except UnreadableFeed as error:
            refusals.append(str(error))
            continue
        found = [str(each.fields.get("joined/price", "")) for each in read(to, source)]
        for price, product in zip(found, PRODUCTS, strict=False):
            assert product["price"].startswith(price)
    assert all(each.startswith("prices: ") for each in refusals)
    assert refusals


def alone(path: Path, source: Source) -> Any:
    return read(path, replace(source, join=None))
