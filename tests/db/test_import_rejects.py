"""Rows that failed come as a feed of the same format, and go back in once they are corrected."""

import json
from pathlib import Path

import pytest
from lxml import etree

from imports import readers
from imports.models import DataImportJob
from jobtracker.catalogue.models import CatalogueSource, Material
from jobtracker.models import User
from jobtracker.states import Status

from .import_runs import PRODUCTS, imported, lines_of, manage, xml_feed

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")
BAD = {"sku": "NL-9", "name": "Rust", "price": "=1+1", "colour": "red & blue"}


def rejects_of(job, folder: Path) -> Path:
    answer = manage("import_rejects", job.pk, "--folder", folder)
    assert answer.code == 0, answer.err
    return Path(answer.out.rpartition(": ")[0])


def corrected(path: Path, wrong: str, right: str, encoding="utf-8") -> Path:
    text = path.read_text(encoding=encoding)
    assert wrong in text
    path.write_text(text.replace(wrong, right, 1), encoding=encoding)
    return path


def csv_feed(path: Path, *lines: str, encoding="utf-8", end="\r\n") -> Path:
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def test_csv_keeps_header_dialect_encoding_and_rows_as_written(tmp_path):
    feed = csv_feed(
        tmp_path / "tiles.csv",
        "Artikel;Name;Preis;Währung;Farbe",
        'A-1;"Fliese ""Öl""; matt";12,50;EUR;grau',
        'A-2;"Fliese; größer";auf Anfrage!;EUR;weiß',
        "A-3;Fliese drei;9,90;EUR;weiß",
        "A-4;Fliese vier",
        encoding="cp1252",
    )
    job = imported(feed, *SUPPLIER, "--encoding", "cp1252")
    assert job.failed_items == 2, job.question
    lines = rejects_of(job, tmp_path).read_bytes().decode("cp1252").split("\r\n")
    assert lines[0] == 'Artikel;Name;Preis;Währung;Farbe;"reject_reason";"reject_hint"'
    assert lines[1].startswith('A-2;"Fliese; größer";auf Anfrage!;EUR;weiß;"Preis: ')
    assert lines[2].startswith('A-4;Fliese vier;;;;"The row has 2 cells')
    assert lines[3:] == [""]


def test_a_corrected_csv_goes_into_the_same_source_and_asks_nothing(tmp_path):
    lines = ["sku;name;price;currency", "A-1;Slate;12.50;EUR", "A-2;Chalk;abc;EUR"]
    job = imported(csv_feed(tmp_path / "tiles.csv", *lines), *SUPPLIER)
    path = corrected(rejects_of(job, tmp_path), "abc", "9.90")
    again = imported(path, *SUPPLIER, "--missing", "deactivate")
    assert (again.status, again.result["created"]) == (Status.COMPLETED, 1), again.question
    assert [each.name for each in CatalogueSource.objects.all()] == ["tiles.csv"]
    chalk = Material.objects.get(sku="A-2")
    assert (str(chalk.price), chalk.active) == ("9.90", True)
    assert "reject" not in json.dumps(chalk.attributes)
    assert Material.objects.filter(active=True).count() == 2


def test_rejected_prices_are_prices_only_again(tmp_path):
    feed = xml_feed(tmp_path / "tiles.xml")
    imported(feed, *SUPPLIER)
    before = lines_of()
    prices = {"NL-1": "soon", "NL-2": "8.80 EUR"}
    xml_feed(feed, [{"sku": sku, "price": price} for sku, price in prices.items()])
    job = imported(feed, *SUPPLIER, "--price-only")
    assert (job.failed_items, job.result["updated"]) == (1, 1), job.question
    again = imported(corrected(rejects_of(job, tmp_path), "soon", "7.70 EUR"), *SUPPLIER)
    assert again.result["updated"] == 1
    line = lines_of()["NL-1"]
    assert line["price"] == "7.70"
    assert (line["name"], line["colour"]) == (before["NL-1"]["name"], before["NL-1"]["colour"])


def test_what_is_still_wrong_comes_again_under_the_same_name(tmp_path):
    lines = [
        "sku;name;price;currency",
        "A-1;Slate;12.50;EUR",
        "A-2;Chalk;abc;EUR",
        "A-3;Rust;x;EUR",
    ]
    job = imported(csv_feed(tmp_path / "tiles.csv", *lines), *SUPPLIER)
    again = imported(corrected(rejects_of(job, tmp_path), "abc", "9.90"), *SUPPLIER)
    assert (again.result["created"], again.failed_items) == (1, 1)
    path = rejects_of(again, tmp_path)
    assert path.name == "tiles.csv.rejected.csv"
    last = imported(corrected(path, "Rust;x", "Rust;8.80"), *SUPPLIER)
    assert (last.status, last.result["created"]) == (Status.COMPLETED, 1), last.question
    assert [each.name for each in CatalogueSource.objects.all()] == ["tiles.csv"]


def test_our_own_cells_never_start_a_formula(tmp_path):
    lines = ["sku,name,price,currency", "A-1,Slate,12.50,EUR", "A-2,Chalk,=1+1,EUR"]
    job = imported(csv_feed(tmp_path / "tiles.csv", *lines), *SUPPLIER)
    row = rejects_of(job, tmp_path).read_text().splitlines()[1]
    assert row.startswith("A-2,Chalk,=1+1,EUR,")  # the supplier's own text is not ours to change
    assert all(cell[:1] not in "=+-@" for cell in row.split(',"')[1:])


def test_xml_keeps_what_stands_around_the_records(tmp_path):
    feed = tmp_path / "tiles.xml"
    products = "".join(
        f'<p:product id="{n}"><p:name>Tile {n}</p:name><p:price>{price}</p:price></p:product>'
        for n, price in enumerate(["1.50", "soon", "2.50", "later"], 1)
    )
    feed.write_text(
        '<shop xmlns="urn:a" xmlns:p="urn:b"><currency code="EUR"/><list lang="de">'
        f"{products}</list><end>é</end></shop>",
        encoding="utf-8",
    )
    job = imported(feed, *SUPPLIER, "--currency", "EUR")
    assert job.failed_items == 2, job.question
    path = rejects_of(job, tmp_path)
    root = etree.parse(path).getroot()
    names = {"a": "urn:a", "p": "urn:b"}
    assert root.find("a:currency", names).get("code") == "EUR"
    assert root.find("a:list", names).get("lang") == "de"
    assert root.find("a:end", names).text == "é"
    found = root.findall("a:list/p:product", names)
    assert [each.get("id") for each in found] == ["2", "4"]
    assert found[0].find("reject_reason") is None  # it is in the default namespace
    assert found[0].find("a:reject_reason", names).text
    assert readers.inspect(path).source.record_path == "shop/list/p:product"


def test_a_corrected_xml_is_imported_with_its_old_mapping(tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml", [*PRODUCTS, plain(BAD)]), *SUPPLIER)
    assert job.failed_items == 1
    path = corrected(rejects_of(job, tmp_path), "=1+1", "7.00 EUR")
    renamed = path.rename(tmp_path / "tiles.xml.rejected (1).xml")
    again = imported(renamed, *SUPPLIER)
    assert (again.status, again.result["created"]) == (Status.COMPLETED, 1), again.question
    assert [each.name for each in CatalogueSource.objects.all()] == ["tiles.xml"]


def plain(product):
    return product | {"colour": "red &amp; blue"}


@pytest.mark.parametrize("shape", ["list", "nested", "lines"])
def test_json_keeps_its_shape(tmp_path, shape):
    products = [*PRODUCTS, BAD | {"name": 'Rust "é"'}, BAD | {"sku": "NL-10"}]
    text = {
        "list": json.dumps(products),
        "nested": json.dumps({"data": {"items": products}}),
        "lines": "\n".join(map(json.dumps, products)),
    }[shape]
    feed = tmp_path / "tiles.json"
    feed.write_text(text, encoding="utf-8")
    job = imported(feed, *SUPPLIER)
    assert job.failed_items == 2, job.question
    path = rejects_of(job, tmp_path)
    found = {
        "list": json.loads,
        "nested": lambda text: json.loads(text)["data"]["items"],
        "lines": lambda text: [json.loads(line) for line in text.splitlines()],
    }[shape](path.read_text(encoding="utf-8"))
    assert [each["sku"] for each in found] == ["NL-9", "NL-10"]
    assert found[0]["name"] == 'Rust "é"'
    assert found[0]["reject_reason"]
    again = imported(corrected(path, "=1+1", "7.00 EUR"), *SUPPLIER)
    assert (again.status, again.result["created"], again.failed_items) == (Status.COMPLETED, 1, 1)
    assert [each.name for each in CatalogueSource.objects.all()] == ["tiles.json"]


def test_entries_of_a_json_object_come_as_a_list_with_their_keys(tmp_path):
    """One that failed alone would be no object of records any more."""
    feed = tmp_path / "tiles.json"
    products = {each["sku"]: {"name": each["name"], "price": each["price"]} for each in PRODUCTS}
    feed.write_text(json.dumps({"tiles": products | {"NL-9": {"name": "Rust", "price": "=1+1"}}}))
    job = imported(feed, *SUPPLIER)
    assert (job.done_items, job.failed_items) == (3, 1), job.question
    path = rejects_of(job, tmp_path)
    [rejected] = json.loads(path.read_text())["tiles"]
    assert (rejected["@key"], rejected["price"]) == ("NL-9", "=1+1")
    again = imported(corrected(path, "=1+1", "7.00 EUR"), *SUPPLIER)
    assert (again.status, again.result["created"]) == (Status.COMPLETED, 1), again.question
    assert set(lines_of()) == {"NL-1", "NL-2", "NL-3", "NL-9"}
    assert [each.name for each in CatalogueSource.objects.all()] == ["tiles.json"]


def test_the_page_hands_it_out(tmp_path, client):
    job = imported(xml_feed(tmp_path / "tiles.xml", [*PRODUCTS, plain(BAD)]), *SUPPLIER)
    client.force_login(User.objects.create_superuser("admin", password="x"))
    found = DataImportJob.objects.get(background_job=job)
    page = f"/admin/data-import/{found.pk}"
    assert f"{page}/rejects" in client.get(f"{page}/").content.decode()
    answer = client.get(f"{page}/rejects")
    assert 'filename="tiles.xml.rejected.xml"' in answer["Content-Disposition"]
    assert b"<sku>NL-9</sku>" in b"".join(answer.streaming_content)


def test_without_failed_rows_there_is_none(tmp_path, client):
    job = imported(xml_feed(tmp_path / "tiles.xml"), *SUPPLIER)
    answer = manage("import_rejects", job.pk, "--folder", tmp_path)
    assert (answer.code, answer.err.strip()) == (2, "No row of this import failed.")
    assert not list(tmp_path.glob("*rejected*"))
