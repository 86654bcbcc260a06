"""Feeds of each type, packed or not, from the command line into the catalogue."""

import gzip
import json

import pytest

from imports.models import DataImportJob, ImportRow
from tests.fixtures.feeds import workbook, zip_of

from .import_runs import PRODUCTS, imported, lines_of, manage

pytestmark = pytest.mark.django_db

DOCUMENT = json.dumps({"shop": {"name": "N"}, "products": PRODUCTS}, indent=1).encode()
LINES = "\n".join(map(json.dumps, PRODUCTS)).encode()
SHEET = workbook({"Tiles": [[*PRODUCTS[0]], *([*each.values()] for each in PRODUCTS)]})


@pytest.mark.parametrize(
    ("name", "content", "type", "record"),
    [
        ("tiles.json", DOCUMENT, "json", "$.products"),
        ("tiles.ndjson", LINES, "json", "$"),
        ("tiles.xlsx", SHEET, "csv", ""),
        ("tiles.json.gz", gzip.compress(DOCUMENT), "json", "$.products"),
        ("tiles.zip", zip_of({"readme.txt": b"Hello you there", "t.ndjson": LINES}), "json", "$"),
        ("lists.zip", zip_of({"a/tiles.xlsx": SHEET}), "csv", ""),
    ],
)
def test_a_feed_becomes_materials(tmp_path, name, content, type, record):
    file = tmp_path / name
    file.write_bytes(content)
    suggested = manage("suggest_mapping", file).json
    assert (suggested["record_path"] or "", suggested["count"]) == (record, 3)
    job = imported(file, "--supplier", "N")
    detail = DataImportJob.objects.get()
    assert (job.status, detail.import_type, detail.record_path) == ("completed", type, record)
    assert lines_of()["NL-2"]["price"] == "9.90"
    again = imported(file, "--supplier", "N")
    assert (again.status, ImportRow.objects.filter(job=again, outcome="=").count()) == (
        "completed",
        3,
    )


def test_a_stated_type_and_entry_are_obeyed(tmp_path):
    file = tmp_path / "both.zip"
    file.write_bytes(zip_of({"tiles.json": DOCUMENT, "other.ndjson": LINES[: LINES.index(b"\n")]}))
    job = imported(file, "--supplier", "N", "--type", "json", "--entry", "other.ndjson")
    assert job.status == "completed"
    assert [*lines_of()] == ["NL-1"]


def test_a_record_that_is_ambiguous_fails_alone(tmp_path):
    file = tmp_path / "tiles.json"
    file.write_bytes(DOCUMENT.replace(b'"sku": "NL-2",', b'"sku": "NL-2", "price": "1 EUR",'))
    job = imported(file, "--supplier", "N")
    failed = ImportRow.objects.get(outcome="f")
    assert (job.status, job.failed_items) == ("completed", 1)
    assert failed.detail["reason"] == "The name price occurs twice with different values."
    assert json.loads(failed.detail["record"])["sku"] == "NL-2"


def test_a_cut_off_document_writes_nothing(tmp_path):
    file = tmp_path / "tiles.json"
    file.write_bytes(DOCUMENT[:-20])
    answer = manage("import_feed", file, "--supplier", "N")
    assert answer.code == 2
    assert "The JSON is cut off at line " in answer.err
