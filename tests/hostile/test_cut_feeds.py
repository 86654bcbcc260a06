"""Feeds that break off at any tenth byte: refused with the place, or the row that is cut fails or
bears a warning; no whole row before it is missing or changed."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from imports.readers import Record, UnreadableFeed, inspect, read, unpacked

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
    "json lines": lines(),
}


def opened(file: Path, content: bytes) -> list[Record]:
    file.write_bytes(content)
    with unpacked(file, folder=file.parent) as plain:
        return list(read(plain.path, inspect(plain).source))


def plain(record: Record) -> Any:
    return {name: value.replace("\r", "") for name, value in record.fields.items()}  # type: ignore[union-attr]


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
