"""An import of two files of one supplier, texts and prices, joined by a key."""

import json
import zipfile

import pytest

from imports.mapping import Mapping
from imports.models import DataImportJob, ImportRow
from imports.preview import of_import
from imports.trial import Bounds
from jobtracker.catalogue.models import CatalogueSource, Material
from jobtracker.models import BackgroundJob
from jobtracker.states import Status
from tests.fixtures.feeds import workbook

from .import_runs import imported, lines_of, manage, refused, work_off

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")
TEXTS = [
    ("T-1", "Slate 60", "grey"),
    ("T-2", "Chalk 30", "white"),
    ("T-3", "Ochre 15", "ochre"),
    ("T-4", "Rust 20", "red"),
]
PRICES = [("T-4", "4.40"), ("T-2", "2.20"), ("T-1", "1.10"), ("T-3", "3.30")]


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.xml"
    products = "\n".join(
        f"<product><sku>{sku}</sku><name>{name}</name><colour>{colour}</colour></product>"
        for sku, name, colour in TEXTS
    )
    path.write_text(f"<catalog>\n{products}\n</catalog>\n")
    return path


@pytest.fixture
def prices(tmp_path):
    return price_list(tmp_path / "prices.csv", PRICES)


def price_list(path, rows):
    lines = [f"{sku};{price};EUR;{number}" for number, (sku, price) in enumerate(rows, 1)]
    path.write_text("\n".join(["Article;Price;Currency;Stock", *lines, ""]))
    return path


def outcomes(job):
    rows = ImportRow.objects.filter(job=job).order_by("number")
    return "".join(rows.values_list("outcome", flat=True))


def test_materials_have_texts_and_prices_from_the_first(texts, prices):
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question
    line = lines_of()["T-2"]
    assert (line["name"], line["colour"], line["price"], line["currency"], line["stock"]) == (
        "Chalk 30",
        "white",
        "2.20",
        "EUR",
        2,
    )
    assert line["source"]["line"] == 3
    assert [each.name for each in CatalogueSource.objects.all()] == ["texts.xml"]
    assert DataImportJob.objects.get(background_job=job).source_name == "texts.xml"


def test_a_second_run_finds_all_unchanged_and_a_new_price_updates(texts, prices):
    imported(texts, "--join", f"{prices}:Article", *SUPPLIER)
    assert outcomes(imported(texts, "--join", prices, *SUPPLIER)) == "===="
    price_list(prices, [("T-4", "4.50"), *PRICES[1:]])
    assert outcomes(imported(texts, "--join", f"{prices}:Article=sku", *SUPPLIER)) == "===u"
    assert lines_of()["T-4"]["price"] == "4.50"


def test_keys_in_one_file_only_are_named_and_the_rows_add_up(texts, prices):
    price_list(prices, [*PRICES[1:], ("T-9", "9.90"), ("T-8", "8.80")])
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert (job.total_items, job.done_items, job.skipped_items) == (6, 4, 2)
    assert outcomes(job) == "ccccss"
    skipped = ImportRow.objects.filter(job=job, outcome="s").order_by("number")
    assert [(row.key, row.line, row.detail["reason"]) for row in skipped] == [
        ("T-9", 5, 'Only prices.csv has the key "T-9".'),
        ("T-8", 6, 'Only prices.csv has the key "T-8".'),
    ]
    told = [each["message"] for each in job.warnings]
    assert "1 row: prices.csv has no row with this sku." in told
    assert "2 rows of prices.csv joined nothing: see the last rows." in told
    assert lines_of()["T-4"]["price"] is None


def test_a_dry_run_counts_what_the_run_then_does(texts, prices):
    price_list(prices, [*PRICES[1:], ("T-9", "9.90"), ("T-9", "9.95"), (" ", "1.00")])
    command = (texts, "--join", prices, *SUPPLIER)
    answer = manage("import_feed", *command, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    dry = answer.json
    assert not BackgroundJob.objects.exists()
    job = imported(*command)
    ran = outcomes(job)
    names = {"created": "c", "updated": "u", "unchanged": "=", "failed": "f", "skipped": "s"}
    assert {name: dry[name] for name in names} == {
        name: ran.count(code) for name, code in names.items()
    }
    assert (dry["total"], dry["failed"], dry["skipped"]) == (job.total_items, 1, 2)


def test_both_may_lie_in_one_archive(tmp_path, texts, prices):
    archive = tmp_path / "feed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(texts, "out/texts.xml")
        packed.write(prices, "out/prices.csv")
    job = imported(archive, "--entry", "out/texts.xml", "--join", "out/prices.csv", *SUPPLIER)
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question


def test_sheets_of_a_workbook_are_joined_and_workbooks_with_files(tmp_path, texts, prices):
    rows = [["Code", "Title"], *([sku, name] for sku, name, _ in TEXTS)]
    costs = [["Code", "Price", "Currency"], *([sku, price, "EUR"] for sku, price in PRICES)]
    book = tmp_path / "book.xlsx"
    book.write_bytes(workbook({"Texts": rows, "Prices": costs}))
    job = imported(book, "--entry", "Texts", "--join", "Prices", *SUPPLIER)
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question
    job = imported(book, "--entry", "Texts", "--join", f"{prices}:Article=Code", *SUPPLIER)
    assert (job.status, job.done_items, job.failed_items) == (Status.COMPLETED, 4, 0), job.question
    book.write_bytes(workbook({"Prices": costs}))
    job = imported(texts, "--join", f"{book}:Code", "--supplier", "Another")
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question


def test_a_feed_is_not_joined_to_itself(tmp_path, prices):
    archive = tmp_path / "feed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(prices, "prices.csv")
        packed.writestr("notes.txt", "nothing")
    answer = manage("import_feed", archive, "--join", "prices.csv", *SUPPLIER)
    assert "prices.csv cannot be joined to itself: say which other file" in refused(answer)


@pytest.mark.parametrize("fields", ["", "Article", "Article=sku"])
def test_a_name_with_a_colon_is_said_apart_from_the_fields(tmp_path, texts, fields):
    prices = price_list(tmp_path / "prices 12:30.csv", PRICES)
    said = ("--join", prices, "--join-on", fields)
    assert imported(texts, *said, *SUPPLIER).result["created"] == 4
    archive = tmp_path / "feed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(texts, "texts.xml")
        packed.write(prices, "at 12:30/prices.csv")
    said = ("--entry", "texts.xml", "--join", "at 12:30/prices.csv", "--join-on", fields)
    assert manage("suggest_mapping", archive, *said).json["count"] == 4
    job = imported(archive, *said, "--supplier", "Another")
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question


def test_a_known_file_with_a_colon_needs_no_more(tmp_path, texts):
    """The job reads the name without the file in sight."""
    prices = price_list(tmp_path / "prices 12:30.csv", PRICES)
    assert imported(texts, "--join", prices, *SUPPLIER).result["created"] == 4


def test_fields_that_join_nothing_are_refused(texts):
    assert "name it with --join" in refused(manage("import_feed", texts, "--join-on", "sku"))


def test_a_job_that_was_started_with_both_in_one_text_is_read_as_before(tmp_path, texts, prices):
    archive = tmp_path / "feed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(texts, "texts.xml")
        packed.write(prices, "prices.csv")
    said = ("--entry", "texts.xml", "--join", "prices.csv")
    job = manage("import_feed", archive, *said, *SUPPLIER, "--json").json
    stated = {"entry": "texts.xml", "join": "prices.csv:Article=sku"}
    BackgroundJob.objects.filter(pk=job["id"]).update(metadata={"stated": stated})
    work_off()
    assert len(lines_of()) == 4


def test_files_of_one_name_are_told_apart(tmp_path, texts):
    (tmp_path / "a").mkdir()
    prices = price_list(tmp_path / "a" / "texts.xml", PRICES)
    assert imported(texts, "--join", prices, *SUPPLIER).result["created"] == 4


def test_failed_rows_are_tried_again_with_both_files(texts, prices):
    price_list(prices, [("T-4", "soon"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert outcomes(job) == "cccf"
    assert manage("jobs", "retry", job.pk, "--failed-items").code == 0
    work_off()
    again = BackgroundJob.objects.latest("id")
    assert (again.total_items, again.failed_items) == (1, 1)


def test_what_was_mended_in_the_second_file_is_told(tmp_path, texts, prices):
    prices.write_bytes(prices.read_bytes().replace(b"2.20", b"2.2\0" + b"0"))
    job = imported(texts, "--join", prices, *SUPPLIER)
    row = ImportRow.objects.get(job=job, key="T-2")
    assert [each["reason"][:12] for each in row.detail["warnings"]] == ["prices.csv: "]
    assert lines_of()["T-2"]["price"] == "2.20"


def test_a_row_that_joins_nothing_is_skipped_whatever_its_values(tmp_path, texts, prices):
    price_list(prices, [*PRICES, ("T-9", "9.90")])
    prices.write_text(prices.read_text().replace("EUR;5", "EUR;five"))
    fields = [
        {"source": "sku", "target": "sku"},
        {"source": "name", "target": "name"},
        {"source": "joined/Price", "target": "price",
         "transform": [{"do": "divide", "field": "joined/Stock"}]},
        {"source": "joined/Currency", "target": "currency"},
    ]  # fmt: skip
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(fields))
    job = imported(texts, "--join", prices, "--mapping", mapping, *SUPPLIER)
    assert outcomes(job) == "ccccs", job.error


def test_prices_alone_are_taken_from_the_second_file(texts, prices):
    imported(texts, *SUPPLIER)
    price_list(prices, [*PRICES, ("T-9", "9.90")])
    job = imported(texts, "--join", prices, "--price-only", *SUPPLIER)
    assert (job.status, outcomes(job)) == (Status.COMPLETED, "uuuus")
    assert (lines_of()["T-2"]["price"], lines_of()["T-2"]["colour"]) == ("2.20", "white")


def test_a_product_that_only_the_price_list_has_is_missing(texts, prices):
    imported(texts, "--join", prices, *SUPPLIER)
    without(texts, "T-4")
    price_list(prices, [*PRICES, ("", "7.70")])  # a row that cannot be joined says nothing of it
    job = imported(texts, "--join", prices, *SUPPLIER, "--missing", "deactivate")
    assert (job.waiting_for, "1 product of 4" in job.question["message"]) == ("threshold", True)
    manage("jobs", "answer", job.pk, "--go-on")
    work_off()
    inactive = Material.objects.filter(active=False).values_list("sku", flat=True)
    assert (outcomes(job), list(inactive)) == ("===sf", ["T-4"])


def without(texts, sku):
    lines = texts.read_text().splitlines()
    texts.write_text("\n".join(line for line in lines if f"<sku>{sku}</sku>" not in line))


def test_rows_of_the_price_list_alone_do_not_make_up_for_texts_that_are_gone(tmp_path, prices):
    texts = tmp_path / "texts.csv"
    lines = ["sku;name", *(f"N-{number};Slate {number}" for number in range(10))]
    texts.write_text("\n".join([*lines, ""]))
    price_list(prices, [(f"N-{number}", "1.10") for number in range(40)])
    imported(texts, "--join", prices, *SUPPLIER)
    job = imported(texts, "--join", prices, *SUPPLIER)  # all are known, whatever else is priced
    assert (job.status, job.result["unchanged"]) == (Status.COMPLETED, 10), job.question
    texts.write_text("\n".join([*lines[:5], ""]))
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert (job.waiting_for, job.question["rows"]) == ("threshold", 4)
    assert "The feed has 4 rows; it had 10." in job.question["message"]
    job = DataImportJob.objects.get(background_job=job)
    trial = of_import(job, Mapping.from_json(job.field_mappings), Bounds(seconds=60))
    assert "The feed has 4 rows; it had 10." in trial.asks


def test_an_undo_brings_back_what_both_files_said_before(texts, prices):
    imported(texts, "--join", prices, *SUPPLIER)
    before = lines_of()
    price_list(prices, [("T-4", "4.50"), *PRICES[1:]])
    job = imported(texts, "--join", prices, *SUPPLIER)
    assert manage("materials", "undo", "--job", job.pk).code == 0
    assert {key: line["price"] for key, line in lines_of().items()} == {
        key: line["price"] for key, line in before.items()
    }


def test_the_same_two_files_while_they_are_imported_are_that_job(texts, prices):
    first = manage("import_feed", texts, "--join", prices, *SUPPLIER, "--json").json
    second = manage("import_feed", texts, "--join", prices, *SUPPLIER)
    assert "is being imported already" in second.err
    assert BackgroundJob.objects.count() == 1, (first, second)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (
            "{folder}/prices.csv:Number",
            'prices.csv has no field "Number" to join by; it has Article',
        ),
        ("{folder}/prices.csv:Stock=colour", None),
        ("{folder}/nothing.csv", "nothing.csv to join, and the feed is no archive that could"),
        ("{folder}/empty.csv", "empty.csv: The file is empty."),
        ("{folder}/cut.json", "cut.json: The JSON is cut off at line 1"),
        ("{folder}/other.csv", "No field of other.csv has the values of one of the feed's."),
        ("{folder}/packed.zip", "packed.zip is packed."),
    ],
)
def test_what_cannot_be_joined_is_refused_before_a_job_exists(
    tmp_path, texts, prices, second, sentence
):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "cut.json").write_text('[{"Article": "T-1", "Price": 1')
    (tmp_path / "other.csv").write_text("Article;Price\nX-1;1.00\nX-2;2.00\n")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(prices, "prices.csv")
    answer = manage("import_feed", texts, "--join", second.format(folder=tmp_path), *SUPPLIER)
    if sentence is None:  # what a person states is obeyed, whatever it joins
        assert answer.code == 0
        return
    assert sentence in refused(answer)


def test_a_field_that_is_called_as_one_of_the_second_file_is_not_written_over(tmp_path, prices):
    table = tmp_path / "texts.csv"
    table.write_text("sku;name;joined/Price\nT-1;Slate;7.77\nT-2;Chalk;7.77\n")
    answer = manage("import_feed", table, "--join", prices, *SUPPLIER)
    assert "the feed has a field joined/Price itself" in refused(answer)


def test_a_feed_from_an_address_takes_no_file_of_this_machine(prices):
    answer = manage("import_feed", "https://feeds.example/t.xml", "--join", prices, *SUPPLIER)
    assert "cannot be joined with a file of this machine" in refused(answer)


def test_products_of_the_price_list_alone_are_no_materials(texts, prices):
    price_list(prices, [*PRICES, ("T-9", "9.90")])
    imported(texts, "--join", prices, *SUPPLIER)
    assert sorted(Material.objects.values_list("sku", flat=True)) == ["T-1", "T-2", "T-3", "T-4"]


def test_the_mapping_names_the_fields_of_both(texts, prices):
    job = imported(texts, "--join", prices, *SUPPLIER)
    fields = DataImportJob.objects.get(background_job=job).field_mappings["fields"]
    found = {each["source"]: each["target"] for each in fields}
    assert found["joined/Price"] == "price"
    assert found["sku"] == "sku"
    assert json.dumps(found).count("joined/") == 3


def test_a_suggestion_names_them_too_and_is_a_mapping(texts, prices, tmp_path):
    suggested = manage("suggest_mapping", texts, "--join", prices)
    assert "joined/Price" in {each["source"] for each in suggested.json["fields"]}
    mapping = tmp_path / "mapping.json"
    mapping.write_text(suggested.out)
    job = imported(texts, "--join", prices, "--mapping", mapping, *SUPPLIER)
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 4), job.question
