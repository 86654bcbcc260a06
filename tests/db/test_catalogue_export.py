"""`materials export`: the shape of a line, where its values came from, and wrong usage."""

import csv
import io
import json
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from jobtracker import pipelines
from jobtracker.catalogue import export
from jobtracker.catalogue.models import Kind, Material
from jobtracker.catalogue.write import Row
from jobtracker.models import BackgroundJob
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, price, row, source, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)


def exported(capsys, *options):
    call_command("materials", "export", *options)
    return capsys.readouterr().out


VALUES = {
    "name": "Arona 60",
    "category": ["Floors", "Tiles"],
    "sku": {"raw": "AR-60", "fold": "AR60"},
    "ean": {"raw": "123"},
    "size": {"text": "60x60 cm", "w": "600", "h": "600.0", "t": "9.5"},
    "price": {"amount": "24.90", "currency": "EUR"},
    "stock": "12",
    "images": ["https://img.example/1.jpg"],
    "attributes": {"Slip": "R10"},
}


def test_a_line_has_every_field(capsys):
    job = uuid4()
    provenance = {"row": {"line": 70}, "price": {"raw": "24,90 €", "confidence": 0.9}}
    write([Row(1, 70, "k1", VALUES, provenance)], job=job)
    (line,) = map(json.loads, exported(capsys, "--format", "ndjson").splitlines())
    assert line == {
        "supplier": "Lindvall Tiles",
        "key": "k1",
        "name": "Arona 60",
        "brand": None,
        "category": ["Floors", "Tiles"],
        "sku": "AR-60",
        "ean": "123",
        "size": {"raw": "60x60 cm", "width_mm": 600, "height_mm": 600, "thickness_mm": 9.5},
        "finish": None,
        "colour": None,
        "price": "24.90",
        "currency": "EUR",
        "unit": None,
        "stock": 12,
        "description": None,
        "images": ["https://img.example/1.jpg"],
        "attributes": {"Slip": "R10"},
        "active": True,
        "source_job": str(job),
        "source": {"kind": "feed", "page": None, "url": None, "line": 70},
        "provenance": {
            "key": {"raw": "k1", "line": 70},
            "name": {"raw": "Arona 60", "line": 70},
            "category": {"raw": "Floors > Tiles", "line": 70},
            "sku": {"raw": "AR-60", "line": 70},
            "ean": {"raw": "123", "line": 70},
            "size": {"raw": "60x60 cm", "line": 70},
            "width": {"raw": "600", "line": 70},
            "height": {"raw": "600.0", "line": 70},
            "thickness": {"raw": "9.5", "line": 70},
            "price": {"raw": "24,90 €", "line": 70, "confidence": 0.9},
            "currency": {"raw": "EUR", "line": 70},
            "stock": {"raw": "12", "line": 70},
            "images": [{"raw": "https://img.example/1.jpg", "line": 70}],
            "attribute.Slip": {"raw": "R10", "line": 70},
        },
        "confidence": 0.9,
        "updated_at": Material.objects.get().changed_at.isoformat(),
    }


def test_each_field_names_the_source_that_won_it():
    write([row(1, sku="A", price=price("10"))])
    found = row(1, key="/a", sku="A", price=price("99"), finish="matt")
    found.provenance = {
        "row": {"url": "https://shop.example/a"},
        "images": [{"method": "og"}, {"method": "img"}],
    }
    write([found], source(Kind.SITE))
    corrected = Row(1, None, "1", {"sku": {"raw": "A", "fold": "A"}, "colour": "grey"})
    write([corrected], source(Kind.CORRECTION))
    (line,) = export.lines()
    assert (line["key"], line["source"]["kind"], line["price"]) == ("k1", "feed", "10")
    assert line["provenance"]["price"] == {"raw": "10", "line": 2}
    assert line["provenance"]["finish"] == {"raw": "matt", "url": "https://shop.example/a"}
    assert line["provenance"]["colour"] == {"raw": "grey"}
    assert line["provenance"]["images"] == [
        {"url": "https://shop.example/a", "method": "og"},
        {"url": "https://shop.example/a", "method": "img"},
    ]


def test_a_supplier_or_a_job_narrows_it(capsys, monkeypatch):
    monkeypatch.setattr(pipelines, "_registered", {"xml_import": pipelines.Pipeline()})
    job = BackgroundJob.objects.create(job_type="xml_import")
    write([row(1), row(2)])
    write([row(1), row(2, stock="1")], job=job.pk)
    write([row(3)], source(supplier="Mosshult"))
    of_supplier = exported(capsys, "--format", "ndjson", "--supplier", "Mosshult")
    assert [json.loads(line)["name"] for line in of_supplier.splitlines()] == ["Tile 3"]
    assert len(list(export.lines())) == 3
    changed = Material.objects.filter(name="Tile 2").values("pk")
    assert [line["name"] for line in export.lines(materials=changed)] == ["Tile 2"]
    of_job = exported(capsys, "--format", "ndjson", "--job", str(job.pk))
    assert "Tile 2" in of_job
    assert "Tile 3" not in of_job


def test_json_is_one_array(capsys):
    assert json.loads(exported(capsys, "--format", "json")) == []
    write([row(1), row(2)])
    names = [line["name"] for line in json.loads(exported(capsys, "--format", "json"))]
    assert names == ["Tile 1", "Tile 2"]


def test_csv_has_a_head_and_no_formulas(capsys):
    risky = row(1, brand='=HYPERLINK("x")', price=price("-5.00"), finish="-12.5")
    risky.values["category"] = ["@a", "b"]
    write([risky])
    (line,) = csv.DictReader(io.StringIO(exported(capsys, "--format", "csv")))
    assert line["brand"] == '\'=HYPERLINK("x")'
    assert line["category"] == "'@a > b"
    assert (line["price"], line["finish"], line["active"]) == ("-5.00", "-12.5", "true")
    assert line["source_line"] == "2"


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "＝1"])
def test_formula_starts_are_quoted(text):
    assert export.formula_safe(text) == f"'{text}"


def test_output_goes_to_a_file(capsys, tmp_path):
    write([row(1, name="Καρέ")])
    target = tmp_path / "out.ndjson"
    assert exported(capsys, "--format", "ndjson", "--output", str(target)) == ""
    assert json.loads(target.read_text("utf-8"))["name"] == "Καρέ"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--supplier", "Nobody"], "There is no supplier named 'Nobody'."),
        (["--job", "7"], "There is no job 7."),
        (["--job", "01890a5d-ac96-774b-bcce-b302099a8057"], "There is no job 01890a5d"),
        (["--output", "/nowhere/out"], "Cannot write /nowhere/out: No such file or directory."),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(capsys, options, sentence):
    with pytest.raises(SystemExit) as ended:
        call_command("materials", "export", "--format", "csv", *options)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(sentence)
