"""Feeds as suppliers publish them, from the folder that REAL_INPUTS names."""

import os
from pathlib import Path

import pytest

from imports.readers import inspect, read, survey

FOLDER = Path(os.environ.get("REAL_INPUTS", "")) / "feeds"

pytestmark = pytest.mark.skipif(
    "REAL_INPUTS" not in os.environ, reason="REAL_INPUTS names no folder"
)


@pytest.mark.parametrize(
    ("name", "path", "count"),
    [
        ("greek-420-products.xml", "mywebstore/products/product", 420),
        ("spanish-productos.xml", "catalogo/producto", 3),
        ("google-merchant-106.xml", "rss/channel/item", 106),
        ("bmecat12-new-catalog.xml", "BMECAT/T_NEW_CATALOG/ARTICLE", 1),
        ("bmecat12-update-prices.xml", "BMECAT/T_UPDATE_PRICES/ARTICLE", 1),
    ],
)
def test_the_record_is_found_by_a_margin(name: str, path: str, count: int) -> None:
    found = inspect(FOLDER / name)
    assert found.source.record_path == path
    assert sum(1 for _ in read(FOLDER / name, found.source)) == count
    assert found.candidates[0].score > 1.3 * found.candidates[1].score


def test_namespaced_fields_keep_their_prefix() -> None:
    path = FOLDER / "google-merchant-106.xml"
    first = next(read(path, inspect(path).source))
    assert first.line == 7
    assert first.fields["g:price"] == "0.00 INR"
    assert first.fields["title"] == "Gate Valve"


def test_bmecat_fields_are_nested() -> None:
    path = FOLDER / "bmecat12-new-catalog.xml"
    fields = next(read(path, inspect(path).source)).fields
    assert fields["SUPPLIER_AID"] == "1000"
    assert fields["ARTICLE_DETAILS/DESCRIPTION_SHORT"] == 'Apple MacBook Pro 13"'
    assert fields["ARTICLE_PRICE_DETAILS/ARTICLE_PRICE/PRICE_AMOUNT"] == ["1499.5", "1300.9"]


def test_repeated_pictures_become_a_list() -> None:
    path = FOLDER / "spanish-productos.xml"
    first = next(read(path, inspect(path).source)).fields
    assert len(first["imagen_url"]) == 3
    assert first["precio"] == "€45.50"


def test_shopify_rows_are_read_whole() -> None:
    path = FOLDER / "shopify-home-and-garden.csv"
    found = inspect(path)
    assert found.source.encoding == "utf-8"
    seen = survey(path, found.source)
    assert (seen.count, seen.unusable) == (21, 0)
    assert len(found.columns) == 47
    assert next(read(path, found.source)).fields["Tags"] == "Pot, Plants"


def test_json_lines_are_records() -> None:
    path = FOLDER / "icecat-tablets.ndjson"
    found = inspect(path)
    assert found.source.record_path == "$"
    seen = survey(path, found.source)
    assert (seen.count, seen.unusable) == (10, 0)
    assert next(read(path, found.source)).fields["currency"]
