"""What failed of two joined files comes as an archive of both, and goes back in once corrected."""

import csv
import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.models import DataImportJob, ImportRow
from jobtracker.catalogue.models import CatalogueSource, Material
from jobtracker.models import BackgroundJob
from jobtracker.states import Status
from tests.fixtures.feeds import workbook

from .import_runs import imported, lines_of, manage, work_off
from .pages import act, signed_in

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")
TEXTS = {"T-1": "Slate 60", "T-2": "Chalk 30", "T-3": "Ochre 15", "T-4": "Rust 20"}
PRICES = [("T-4", "4.40"), ("T-2", "2.20"), ("T-1", "1.10"), ("T-3", "3.30")]
ZIP, FIRST, SECOND = "texts.xml.rejected.zip", "texts.xml.rejected.xml", "prices.csv.rejected.csv"


@pytest.fixture
def texts(tmp_path):
    return text_feed(tmp_path / "texts.xml", TEXTS.items())


@pytest.fixture
def prices(tmp_path):
    return price_list(tmp_path / "prices.csv", PRICES)


def text_feed(path, products):
    lines = [f"<product><sku>{sku}</sku><name>{name}</name></product>" for sku, name in products]
    path.write_text("\n".join(["<catalog>", *lines, "</catalog>", ""]))
    return path


def price_list(path, rows):
    lines = [f"{sku};{price};EUR;{number}" for number, (sku, price) in enumerate(rows, 1)]
    path.write_text("\n".join(["Article;Price;Currency;Stock", *lines, ""]))
    return path


def rejects_of(job, folder: Path) -> Path:
    answer = manage("import_rejects", job.pk, "--folder", folder)
    assert answer.code == 0, answer.err
    return Path(answer.out.rpartition(": ")[0])


def held(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text), delimiter=";"))


def corrected(archive: Path, *changes: tuple[str, str], folder="") -> Path:
    files = held(archive)
    for wrong, right in changes:
        assert sum(wrong in text for text in files.values()) == 1, files
        files = {name: text.replace(wrong, right) for name, text in files.items()}
    with zipfile.ZipFile(archive, "w") as packed:
        for name, text in files.items():
            packed.writestr(folder + name, text)
    return archive


def outcomes(job):
    rows = ImportRow.objects.filter(job=job).order_by("number")
    return "".join(rows.values_list("outcome", flat=True))


def what_there_is():
    lines = lines_of()
    return {key: (line["name"], line["price"], line["stock"]) for key, line in lines.items()}


def test_both_files_have_what_failed_with_reason_and_hint(tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    path = rejects_of(job, tmp_path)
    files = held(path)
    assert (path.name, list(files)) == (ZIP, [FIRST, SECOND])
    assert files[FIRST].count("<product>") == 1
    assert "<sku>T-4</sku><name>Rust 20</name><reject_reason>joined/Price: " in files[FIRST]
    [row] = rows_of(files[SECOND])
    assert (row["Article"], row["Price"], row["Stock"]) == ("T-4", "soon", "1")
    assert row["reject_reason"].startswith("joined/Price: ")


def test_corrected_they_are_joined_as_before_and_nothing_else_changes(tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", f"{prices}:Article=sku", *SUPPLIER)
    before = what_there_is()
    path = corrected(rejects_of(job, tmp_path), ("T-4;soon", "T-4;4.40"))
    (tmp_path / "elsewhere").mkdir()
    path = path.rename(tmp_path / "elsewhere" / "texts.xml.rejected (1).zip")
    dry = manage("import_feed", path, *SUPPLIER, "--dry-run", "--json").json
    assert (dry["total"], dry["created"]) == (1, 1)
    again = imported(path, *SUPPLIER, "--missing", "deactivate")
    assert (again.status, outcomes(again)) == (Status.COMPLETED, "c"), again.question
    assert what_there_is() == before | {"T-4": ("Rust 20", "4.40", 1)}
    assert [each.name for each in CatalogueSource.objects.all()] == ["texts.xml"]
    assert "reject" not in json.dumps(Material.objects.get(sku="T-4").attributes)
    assert not Material.objects.filter(active=False).exists()


def test_the_page_hands_them_out_and_takes_them_back(client, tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    operator = signed_in(client, "Operators")
    page = f"/admin/data-import/{DataImportJob.objects.get(background_job=job).pk}"
    assert "An archive of both files" in operator.get(page).content.decode()
    answer = operator.get(f"{page}/rejects")
    assert f'filename="{ZIP}"' in answer["Content-Disposition"]
    path = tmp_path / ZIP
    path.write_bytes(b"".join(answer.streaming_content))
    corrected(path, ("T-4;soon", "T-4;4.40"), folder="texts/")  # as packed by hand
    upload = SimpleUploadedFile(ZIP, path.read_bytes())
    act(operator, "/admin/data-import/start", feeds=upload, supplier="Northlight")
    work_off()
    again = BackgroundJob.objects.latest("id")
    assert (again.status, outcomes(again)) == (Status.COMPLETED, "c"), again.question
    assert what_there_is()["T-4"] == ("Rust 20", "4.40", 1)


def test_what_is_still_wrong_comes_again_under_the_same_name(tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), ("T-2", "later"), *PRICES[2:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    path = corrected(rejects_of(job, tmp_path), ("T-2;later", "T-2;2.20"))
    again = imported(path, *SUPPLIER)
    assert sorted(outcomes(again)) == ["c", "f"]
    path = rejects_of(again, tmp_path)
    assert (path.name, list(held(path))) == (ZIP, [FIRST, SECOND])
    last = imported(corrected(path, ("T-4;soon", "T-4;4.40")), *SUPPLIER)
    assert outcomes(last) == "c"
    assert [each.name for each in CatalogueSource.objects.all()] == ["texts.xml"]
    assert set(what_there_is()) == set(TEXTS)


def test_a_row_without_a_key_comes_with_the_products_that_it_may_be_for(tmp_path, texts, prices):
    price_list(prices, [(" ", "4.40"), *PRICES[1:], ("T-9", "9.90")])
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert outcomes(job) == "ccccfs"
    path = rejects_of(job, tmp_path)
    files = held(path)
    assert files[FIRST].count("<product>") == 1
    assert "<sku>T-4</sku>" in files[FIRST]
    [row] = rows_of(files[SECOND])
    assert "It has no Article" in row["reject_reason"]
    again = imported(corrected(path, (" ;4.40", "T-4;4.40")), *SUPPLIER)
    assert outcomes(again) == "u"
    assert what_there_is()["T-4"] == ("Rust 20", "4.40", 1)


def test_a_product_without_a_key_comes_with_the_rows_that_may_be_its_own(tmp_path, texts, prices):
    text_feed(texts, [*list(TEXTS.items())[:3], ("", "Rust 20")])
    price_list(prices, [("T-4", "4.30"), *PRICES])
    job = imported(texts, "--join", prices, "--join-on", "Article=sku", *SUPPLIER)
    before = what_there_is()
    path = rejects_of(job, tmp_path)
    found = [(row["Article"], row["Price"]) for row in rows_of(held(path)[SECOND])]
    assert found == [("T-4", "4.30"), ("T-4", "4.40")]
    again = imported(corrected(path, ("<sku/>", "<sku>T-4</sku>")), *SUPPLIER)
    assert outcomes(again) == "cs"
    assert what_there_is() == before | {"T-4": ("Rust 20", "4.40", 2)}


def test_of_rows_with_the_key_of_one_that_failed_the_last_still_counts(tmp_path, texts, prices):
    text_feed(texts, [*TEXTS.items(), ("", "Nameless")])
    price_list(prices, [("T-4", "4.30"), ("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    path = corrected(
        rejects_of(job, tmp_path), ("T-4;soon", "T-4;4.40"), ("<sku/>", "<sku>T-5</sku>")
    )
    imported(path, *SUPPLIER)
    assert what_there_is()["T-4"] == ("Rust 20", "4.40", 2)


def test_records_that_share_a_row_bring_it_once(tmp_path, prices):
    texts = text_feed(tmp_path / "texts.xml", TEXTS.items())
    text = texts.read_text().replace("<name>", "<list>L</list><name>")
    texts.write_text(text)
    prices.write_text("List;Price;Currency\nL;soon;EUR\nM;1.00;EUR\n")
    job = imported(texts, "--join", f"{prices}:List=list", *SUPPLIER)
    assert outcomes(job) == "ffffs"
    path = rejects_of(job, tmp_path)
    assert len(rows_of(held(path)[SECOND])) == 1
    assert outcomes(imported(corrected(path, ("L;soon", "L;2.00")), *SUPPLIER)) == "cccc"


def test_where_no_row_may_be_meant_the_second_file_is_readable_all_the_same(
    tmp_path, texts, prices
):
    text_feed(texts, [*TEXTS.items(), ("", "Nameless")])
    job = imported(texts, "--join", prices, *SUPPLIER)
    path = rejects_of(job, tmp_path)
    assert len(rows_of(held(path)[SECOND])) == 1
    again = imported(corrected(path, ("<sku/>", "<sku>T-5</sku>")), *SUPPLIER)
    assert outcomes(again) == "cs"
    assert what_there_is()["T-5"] == ("Nameless", None, None)


def test_rows_that_no_product_is_left_for_are_no_file(tmp_path, texts, prices):
    price_list(prices, [*PRICES, ("", "13.00")])  # the sum of the list
    job = imported(texts, "--join", prices, *SUPPLIER)
    told = manage("import_rejects", job.pk, "--folder", tmp_path)
    assert told.code == 2
    assert told.err.startswith("Only rows of prices.csv failed, and every record of the feed has")
    assert not list(tmp_path.glob("*rejected*"))


def test_one_of_the_two_is_not_imported_without_the_other(tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    path = corrected(rejects_of(job, tmp_path), ("T-4;soon", "T-4;4.40"))
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path)
    alone = manage("import_feed", tmp_path / FIRST, *SUPPLIER)
    assert (alone.code, alone.err.strip()) == (
        2,
        f"{FIRST} belongs to a feed of two files: put {FIRST} and {SECOND} into one archive {ZIP},"
        " and import that.",
    )
    # By command they may be named: the fields are known, and the reasons are no key.
    again = imported(tmp_path / FIRST, "--join", tmp_path / SECOND, *SUPPLIER)
    assert (outcomes(again), what_there_is()["T-4"]) == ("c", ("Rust 20", "4.40", 1))


def test_the_archive_is_read_though_its_files_lie_beside_it(tmp_path, texts, prices, monkeypatch):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    path = rejects_of(imported(texts, "--join", prices, *SUPPLIER), tmp_path)
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path)
    assert outcomes(imported(corrected(path, ("T-4;soon", "T-4;4.40")), *SUPPLIER)) == "c"


def test_rejected_prices_are_prices_only_again(tmp_path, texts, prices):
    imported(texts, *SUPPLIER)
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER, "--price-only")
    assert outcomes(job) == "uuuf", job.question
    before = what_there_is()
    again = imported(corrected(rejects_of(job, tmp_path), ("T-4;soon", "T-4;4.40")), *SUPPLIER)
    assert outcomes(again) == "u"
    assert what_there_is() == before | {"T-4": ("Rust 20", "4.40", 1)}


def test_files_of_one_archive_and_of_other_formats(tmp_path):
    texts = [{"code": sku, "title": name} for sku, name in TEXTS.items()]
    prices = {sku: {"price": f"{price} EUR"} for sku, price in PRICES} | {"T-4": {"price": "soon"}}
    feed = tmp_path / "feed.zip"
    with zipfile.ZipFile(feed, "w") as packed:
        packed.writestr("out/a.json", json.dumps({"items": texts}))
        packed.writestr("out/b.json", json.dumps({"prices": prices}))
    job = imported(feed, "--entry", "out/a.json", "--join", "out/b.json", *SUPPLIER)
    assert outcomes(job) == "cccf", job.question
    path = rejects_of(job, tmp_path)
    assert list(held(path)) == ["feed.zip.rejected.json", "b.json.rejected.json"]
    again = imported(corrected(path, ('"price":"soon"', '"price":"4.40 EUR"')), *SUPPLIER)
    assert (outcomes(again), lines_of()["T-4"]["price"]) == ("c", "4.40"), again.question
    assert [each.name for each in CatalogueSource.objects.all()] == ["feed.zip"]


def test_sheets_of_a_workbook_come_as_tables(tmp_path):
    rows = [["Code", "Title"], *([sku, name] for sku, name in TEXTS.items())]
    costs = [["Code", "Price", "Currency"], *([sku, price, "EUR"] for sku, price in PRICES[1:])]
    book = tmp_path / "book.xlsx"
    book.write_bytes(workbook({"Texts": rows, "Prices": [*costs, ["T-4", "soon", "EUR"]]}))
    job = imported(book, "--entry", "Texts", "--join", "Prices", *SUPPLIER)
    assert outcomes(job) == "cccf", job.question
    path = rejects_of(job, tmp_path)
    assert list(held(path)) == ["book.xlsx.rejected.csv", "Prices.rejected.csv"]
    again = imported(corrected(path, ("T-4,soon", "T-4,4.40")), *SUPPLIER)
    assert (outcomes(again), lines_of()["T-4"]["price"]) == ("c", "4.40"), again.question
    assert [each.name for each in CatalogueSource.objects.all()] == ["book.xlsx"]


def test_rows_that_failed_again_when_tried_again_come_too(tmp_path, texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert manage("jobs", "retry", job.pk, "--failed-items").code == 0
    work_off()
    again = BackgroundJob.objects.latest("id")
    (tmp_path / "again").mkdir()
    found = [held(rejects_of(job, tmp_path)), held(rejects_of(again, tmp_path / "again"))]
    assert found[0] == found[1]
