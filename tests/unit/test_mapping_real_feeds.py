"""Feeds as shops publish them: the right key, name, price and currency (see REAL_INPUTS)."""

import os
from itertools import islice
from pathlib import Path

import pytest

from imports import readers
from imports.mapping import PICTURE_ROW, Families, Hints, column_styles, needs_person, suggest
from imports.profiles import Feed, inspect, with_structure
from jobtracker.catalogue.normalise import normalise_record

FEEDS = Path(os.environ.get("REAL_INPUTS", "")) / "feeds"
BAR = 0.8

pytestmark = pytest.mark.skipif(
    "REAL_INPUTS" not in os.environ, reason="REAL_INPUTS names no folder of real feeds"
)


def run(name, **defaults):
    path = FEEDS / name
    found, profile = inspect(path)
    source = found.source
    feed = Feed(path, source, readers.survey(path, source))
    hints = with_structure(profile.hints(feed) if profile else Hints("", {}), feed)
    suggestion = suggest(feed.survey, islice(readers.read(path, source), 300), defaults, hints)
    mapping = suggestion.mapping(BAR).bound(feed.read)
    records = [record.fields for record in readers.read(path, source)]
    styles = column_styles(mapping, records)
    families = Families()
    rows, skipped = [], []
    for record in records:
        values = mapping.apply(record)
        reason = families.fold(values)
        if reason:
            skipped.append(reason)
        else:
            rows.append(normalise_record(values, styles, mapping.defaults, mapping.columns))
    return suggestion, rows, skipped


def test_greek_shop_feed():
    suggestion, rows, _ = run("greek-420-products.xml")
    assert needs_person(suggestion, BAR) is None
    assert len(rows) == len({row.key for row in rows}) == 420
    first = rows[0]
    assert first.key == "5887568412833"
    assert first.vals["name"].startswith("Slip Sporties")
    assert first.vals["price"] == {"amount": "12.70", "currency": "EUR"}
    assert first.vals["sku"]["raw"] == "29375/578b"
    assert not any(row.errors for row in rows)


def test_spanish_feed():
    suggestion, rows, _ = run("spanish-productos.xml")
    assert needs_person(suggestion, BAR) is None
    assert [row.key for row in rows] == ["HRM-NV-001", "WA-MD-002", "FM-OAK-003"]
    assert rows[0].vals["name"] == "Porcelain Tile Harmony Nova"
    assert rows[0].vals["price"] == {"amount": "45.50", "currency": "EUR"}
    assert rows[0].vals["size"] == {"text": "60x60 cm", "w": "600", "h": "600"}
    assert len(rows[0].vals["images"]) == 3


def test_google_merchant_feed_keeps_prices_of_zero_with_a_warning():
    suggestion, rows, _ = run("google-merchant-106.xml")
    assert needs_person(suggestion, BAR) is None
    assert (len(rows), rows[0].key, rows[0].vals["name"]) == (106, "gate-valve", "Gate Valve")
    assert rows[0].vals["price"] == {"amount": "0.00", "currency": "INR"}
    assert "the price is 0" in [warning["reason"] for warning in rows[0].warnings]
    assert not any(row.errors for row in rows)


def test_shopify_export_asks_only_for_the_currency():
    asked, _, _ = run("shopify-home-and-garden.csv")
    assert needs_person(asked, BAR) == "currency"
    suggestion, rows, skipped = run("shopify-home-and-garden.csv", currency="USD")
    assert needs_person(suggestion, BAR) is None
    assert [row.key for row in rows[:3]] == [
        "clay-plant-pot / Regular",
        "clay-plant-pot / Large",
        "copper-light",
    ]
    assert rows[1].vals["name"] == "Clay Plant Pot"
    assert rows[1].vals["price"] == {"amount": "15.99", "currency": "USD"}
    assert set(skipped) <= {PICTURE_ROW}
    assert not any(row.errors for row in rows)


def test_json_lines_keep_their_features():
    suggestion, rows, _ = run("icecat-tablets.ndjson")
    assert needs_person(suggestion, BAR) is None
    assert len({row.key for row in rows}) == len(rows) == 10
    assert rows[0].vals["name"].startswith("Lenovo ThinkPad 8")
    assert len(rows[0].vals["attributes"]) > 20


def test_bmecat():
    suggestion, rows, _ = run("bmecat12-new-catalog.xml")
    assert needs_person(suggestion, BAR) is None
    (row,) = rows
    assert (row.key, row.vals["name"]) == ("1000", 'Apple MacBook Pro 13"')
    assert row.vals["price"] == {"amount": "1499.5", "currency": "EUR", "unit": "box"}
    update, (prices,), _ = run("bmecat12-update-prices.xml")
    assert needs_person(update.of_prices(), BAR) is None
    assert prices.vals["price"] == {"amount": "1499.5", "currency": "EUR"}
