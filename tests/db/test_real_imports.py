"""Feeds as suppliers publish them, imported whole; from the folder that REAL_INPUTS names."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from imports.models import ImportRow
from jobtracker.states import Status, Waiting

from .import_runs import imported, lines_of, manage, work_off

FOLDER = Path(os.environ.get("REAL_INPUTS", "")) / "feeds"
GREEK = FOLDER / "greek-420-products.xml"
SPANISH = FOLDER / "spanish-productos.xml"
GOOGLE = FOLDER / "google-merchant-106.xml"
SHOPIFY = FOLDER / "shopify-home-and-garden.csv"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("REAL_INPUTS" not in os.environ, reason="REAL_INPUTS names no folder"),
]


def part(line, *names):
    return {name: line[name] for name in names}


def test_the_greek_feed_is_created_once_and_then_unchanged():
    first = imported(GREEK, "--supplier", "Sovrakofanela")
    again = imported(GREEK, "--supplier", "Sovrakofanela")
    assert first.result == {"materials": 420, "created": 420, "updated": 0, "unchanged": 0}
    assert again.result == {"materials": 420, "created": 0, "updated": 0, "unchanged": 420}
    assert {first.status, again.status} == {Status.COMPLETED}
    assert len(lines_of("--job", again.pk)) == 420


def test_greek_values_are_exact():
    job = imported(GREEK, "--supplier", "Sovrakofanela")
    line = lines_of()["5887568412833"]
    updated_at = line.pop("updated_at")
    provenance = line.pop("provenance")
    image = "https://cdn.shopify.com/s/files/1/0399/0106/9473/products/96-29375_030-01.jpg"
    assert line == {
        "supplier": "Sovrakofanela",
        "key": "5887568412833",
        "name": "Slip Sporties 2 τεμάχια MINERVA",
        "brand": "Minerva",
        "category": ["Ανδρικά - Σλιπς"],
        "sku": "29375/578b",
        "ean": "5206821662761",
        "size": {
            "raw": "S, M, L, XL",
            "width_mm": None,
            "height_mm": None,
            "thickness_mm": None,
        },
        "finish": None,
        "colour": "Γκρί - Μπλέ",
        "price": "12.70",
        "currency": "EUR",
        "unit": None,
        "stock": None,
        "description": None,
        "images": [f"{image}?v=1605594633"],
        "attributes": {
            "url": "https://sovrakofanela.myshopify.com/products/slip-sporties-2-τεμάχια-minerva",
            "weight": "20 g",
            "availability": "Y",
            "delivery": "Παράδοση 1 - 3 ημέρες",
        },
        "active": True,
        "source_job": str(job.pk),
        "source": {"kind": "feed", "page": None, "url": None, "line": 5},
        "confidence": None,
    }
    assert provenance["price"] == {"raw": "12.70", "line": 5}
    assert provenance["currency"] == {"raw": "EUR", "method": "default", "line": 5}
    assert updated_at > job.created_at.isoformat()[:10]


def test_the_spanish_feed():
    job = imported(SPANISH, "--supplier", "Azulejos")
    lines = lines_of()
    assert job.result["created"] == len(lines) == 3
    assert part(lines["HRM-NV-001"], "name", "price", "currency", "finish", "stock") == {
        "name": "Porcelain Tile Harmony Nova",
        "price": "45.50",
        "currency": "EUR",
        "finish": "Matte",
        "stock": 150,
    }
    assert lines["HRM-NV-001"]["size"]["width_mm"] == 600
    assert len(lines["HRM-NV-001"]["images"]) == 3
    assert part(lines["WA-MD-002"], "price", "colour") == {
        "price": "89.00",
        "colour": "Grey Marble",
    }


def test_the_google_feed_keeps_its_prices_of_zero_and_says_so():
    job = imported(GOOGLE, "--supplier", "Valves")
    lines = lines_of()
    assert (job.status, job.result["created"], job.skipped_items) == (Status.COMPLETED, 104, 2)
    assert {line["price"] for line in lines.values()} == {"0.00"}
    assert Counter(line["currency"] for line in lines.values()) == {"INR": 98, "USD": 6}
    assert lines["gate-valve"]["name"] == "Gate Valve"
    assert [each["message"] for each in job.warnings] == ["104 rows: g:price: the price is 0"]
    skipped = ImportRow.objects.filter(job=job, outcome="s")
    assert all("comes again in line" in row.detail["reason"] for row in skipped)


def test_the_shopify_export_waits_for_its_currency():
    job = imported(SHOPIFY, "--supplier", "Pots")
    assert (job.status, job.waiting_for) == (Status.PENDING, Waiting.CURRENCY)
    assert not lines_of()
    assert manage("jobs", "answer", job.pk, "--currency", "USD").code == 0
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 21)
    assert lines_of()["copper-light"]["currency"] == "USD"


def test_shopify_keys_are_the_handle_with_its_options():
    job = imported(SHOPIFY, "--supplier", "Pots", "--currency", "USD")
    lines = lines_of()
    assert job.status == Status.COMPLETED
    shown = ("name", "price", "currency", "stock")
    assert part(lines["clay-plant-pot / Regular"], *shown) == {
        "name": "Clay Plant Pot",
        "price": "9.99",
        "currency": "USD",
        "stock": 1,
    }
    assert part(lines["clay-plant-pot / Large"], *shown) == {
        "name": "Clay Plant Pot",
        "price": "15.99",
        "currency": "USD",
        "stock": 3,
    }
    assert lines["clay-plant-pot / Large"]["source"]["line"] == 3


@pytest.mark.parametrize(
    ("feed", "options"),
    [(GREEK, []), (SPANISH, []), (GOOGLE, []), (SHOPIFY, ["--currency", "USD"])],
    ids=["greek", "spanish", "google", "shopify"],
)
def test_a_dry_run_counts_what_the_run_then_does(feed, options):
    command = [feed, "--supplier", "S", *options]
    dry = manage("import_feed", *command, "--dry-run", "--json").json
    job = imported(*command)
    ran = Counter(ImportRow.objects.filter(job=job).values_list("outcome", flat=True))
    names = ("created", "updated", "unchanged", "failed", "skipped")
    assert [dry[name] for name in names] == [ran[code] for code in "cu=fs"]
    assert dry["total"] == job.total_items


@pytest.mark.parametrize("feed", [GREEK, SPANISH, GOOGLE], ids=["greek", "spanish", "google"])
def test_a_suggested_mapping_is_obeyed_as_it_is_and_cut_down(feed, tmp_path):
    suggested = manage("suggest_mapping", feed).json
    used = [each for each in suggested["fields"] if each["target"]]
    (tmp_path / "whole.json").write_text(json.dumps(suggested))
    cut = {
        "fields": [{"source": each["source"], "target": each["target"]} for each in used],
        "defaults": suggested["defaults"],
    }
    (tmp_path / "cut.json").write_text(json.dumps(cut))
    first = imported(feed, "--supplier", "S", "--mapping", tmp_path / "whole.json")
    again = imported(feed, "--supplier", "S", "--mapping", tmp_path / "cut.json")
    assert first.result["created"] == again.result["unchanged"] > 0
    assert first.result["created"] + first.skipped_items == suggested["count"]
