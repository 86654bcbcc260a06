"""A price-only import changes prices and stock of known products, and nothing else."""

import json

import pytest
from django.db import connection

from imports import batches
from imports.models import DataImportJob, ImportRow, MappingTemplate
from jobtracker.catalogue.models import Material, MaterialVersion
from jobtracker.catalogue.write import Writer
from jobtracker.models import BackgroundJob
from jobtracker.states import Status, Waiting

from .import_runs import imported, lines_of, manage, work_off, xml_feed
from .test_real_imports import FOLDER

pytestmark = pytest.mark.django_db

HEAD = "sku;ean;name;price;currency;unit;stock;colour\n"
TILES = (
    "A-1;4006381333931;Slate;10.00;EUR;box;5;grey\n"
    "A-2;5901234123457;Chalk;20.00;EUR;box;6;white\n"
    "A-3;;Ochre;30.00;EUR;box;7;ochre\n"
)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def tiles(write):
    feed = write("tiles.csv", HEAD + TILES)
    assert imported(feed, "--supplier", "N").result["created"] == 3
    return feed


def priced(feed, *options):
    return imported(feed, "--supplier", "N", "--price-only", *options)


def results(job):
    return [job.result[name] for name in ("created", "updated", "unchanged")]


def reasons(job):
    return {row.key: row.detail["reason"] for row in ImportRow.objects.filter(job=job, outcome="f")}


def test_price_and_stock_change_and_nothing_else(tiles, write):
    before = lines_of()
    feed = write("p.csv", "sku;name;price;currency;stock\nA-1;Another;11.50;EUR;1\n")
    job = priced(feed)
    after = lines_of()
    assert (job.status, results(job)) == (Status.COMPLETED, [0, 1, 0])
    changed = {name for name in before["A-1"] if before["A-1"][name] != after["A-1"][name]}
    assert changed == {"price", "stock", "source_job", "updated_at", "provenance"}
    assert (after["A-1"]["price"], after["A-1"]["stock"]) == ("11.50", 1)
    assert (after["A-1"]["name"], after["A-1"]["unit"]) == ("Slate", "box")
    assert (after["A-2"], after["A-3"]) == (before["A-2"], before["A-3"])


def test_a_suggestion_needs_no_name_for_prices_only(write):
    rows = "".join(f"A-{n};{n}.50;EUR\n" for n in range(10, 30))
    feed = write("p.csv", f"sku;price;currency\n{rows}")
    assert manage("suggest_mapping", feed).json["confidence"] == 0
    found = manage("suggest_mapping", feed, "--price-only").json
    assert (found["confidence"] >= 0.8, found["questions"]) == (True, [])


def test_an_empty_price_blanks_nothing(tiles, write):
    rows = "A-1;;EUR;9\nA-2;21.00;EUR;\n"
    job = priced(write("p.csv", "sku;price;currency;stock\n" + rows))
    lines = lines_of()
    assert results(job) == [0, 2, 0]
    assert (lines["A-1"]["price"], lines["A-1"]["stock"]) == ("10.00", 9)
    assert (lines["A-2"]["price"], lines["A-2"]["stock"]) == ("21.00", 6)


def test_a_second_run_finds_everything_unchanged(tiles, write):
    feed = write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nA-2;20.00;EUR\nA-3;33.00;EUR\n")
    assert results(priced(feed)) == [0, 2, 1]
    assert results(priced(feed)) == [0, 0, 3]


def test_replaced_values_name_their_own_file_and_line_and_the_old_version_is_kept(tiles, write):
    job = priced(write("p.csv", "sku;price;currency\nA-3;31.00;EUR\nA-1;11,00;EUR\n"))
    provenance = lines_of()["A-1"]["provenance"]
    assert provenance["price"] == {"raw": "11,00", "file": "p.csv", "line": 3}
    assert provenance["name"]["line"] == 2
    version = MaterialVersion.objects.get(job_id=job.pk, source_key="A-1")
    assert (version.op, version.old["price"], set(version.old_source)) == ("u", 10, {"price"})


def test_products_are_found_by_folded_sku_and_by_ean(tiles, write):
    rows = "x1;a1;;11.00;EUR\nx2;;5901234123457;22.00;EUR\n"
    job = priced(write("p.csv", "product id;sku;ean;price;currency\n" + rows))
    lines = lines_of()
    assert (results(job), set(lines)) == ([0, 2, 0], {"A-1", "A-2", "A-3"})
    assert (lines["A-1"]["price"], lines["A-2"]["price"]) == ("11.00", "22.00")


def test_unknown_products_fail_and_are_not_created(tiles, write):
    job = priced(write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nB-9;1.00;EUR\n"))
    assert (job.status, job.done_items, job.failed_items) == (Status.COMPLETED, 1, 1)
    assert list(reasons(job)) == ["B-9"]
    assert reasons(job)["B-9"].startswith("no product of this supplier")
    assert Material.objects.count() == 3


def test_another_suppliers_products_are_unknown(tiles, write):
    feed = write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nA-2;1.00;EUR\n")
    job = imported(feed, "--supplier", "Other", "--price-only")
    assert (job.status, job.failed_items) == (Status.FAILED, 2)
    assert lines_of()["A-1"]["price"] == "10.00"


def test_ambiguous_products_fail(write):
    rows = "1;S-1;Slate;1.00;EUR\n2;S-1;Chalk;2.00;EUR\n"
    feed = write("a.csv", f"id;sku;name;price;currency\n{rows}")
    fields = {"id": "key", "sku": "sku", "name": "name", "price": "price", "currency": "currency"}
    whole = write("whole.json", json.dumps([{"source": s, "target": t} for s, t in fields.items()]))
    assert imported(feed, "--supplier", "N", "--mapping", whole).result["created"] == 2
    job = priced(write("p.csv", "sku;price;currency\nS-1;5.00;EUR\n"))
    assert reasons(job)["S-1"].startswith("several products")
    assert {line["price"] for line in lines_of().values()} == {"1.00", "2.00"}


def test_a_price_without_currency_never_takes_the_old_one(tiles, write):
    unknown = "".join(f"B-{number};1.00;EUR\n" for number in range(30))
    job = priced(write("p.csv", f"sku;price;currency\n{unknown}A-2;7.00;\n"))
    assert reasons(job)["A-2"] == "unknown currency"
    assert lines_of()["A-2"]["price"] == "20.00"


def test_the_feed_that_spoke_last_keeps_its_word(tiles, write):
    head = "sku;name;price;currency\n"
    imported(write("late.csv", head + "A-1;Late slate;12.00;EUR\n"), "--supplier", "N")
    job = priced(write("p.csv", "sku;price;currency\nA-1;13.00;EUR\n"))
    line = lines_of()["A-1"]
    assert (line["name"], line["price"], line["colour"]) == ("Late slate", "13.00", "grey")
    assert results(job) == [0, 1, 0]


def test_an_inactive_product_stays_so(tiles, write):
    Material.objects.filter(sku="A-1").update(active=False)
    job = priced(write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nA-2;21.00;EUR\n"))
    assert (list(reasons(job)), Material.objects.get(sku="A-1").active) == (["A-1"], False)


def test_a_dry_run_counts_what_the_run_does(tiles, write):
    feed = write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nA-2;20.00;EUR\nB-9;1.00;EUR\n")
    command = ["import_feed", feed, "--supplier", "N", "--price-only", "--dry-run", "--json"]
    said = manage(*command).json
    assert [said[name] for name in ("created", "updated", "unchanged", "failed")] == [0, 1, 1, 1]
    assert said["changes"][0]["new"] == {"price": "11.00"}
    assert lines_of()["A-1"]["price"] == "10.00"
    job = priced(feed)
    assert (results(job), job.failed_items) == ([0, 1, 1], 1)


def test_a_killed_run_goes_on_after_its_last_commit(tiles, write, monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 1)
    apply, calls = Writer.apply, []

    def dies(self):
        calls.append(apply(self))
        if len(calls) == 4:
            raise RuntimeError("killed between writing and commit")
        return calls[-1]

    feed = write("p.csv", "sku;price;currency\nA-1;11.00;EUR\nA-2;21.00;EUR\nA-3;31.00;EUR\n")
    with monkeypatch.context() as patched:
        patched.setattr(Writer, "apply", dies)
        job = priced(feed)
    assert ImportRow.objects.filter(job=job).count() == 1
    BackgroundJob.objects.filter(pk=job.pk).update(run_after=None)
    work_off()
    job.refresh_from_db()
    assert (job.status, results(job)) == (Status.COMPLETED, [0, 3, 0])
    assert MaterialVersion.objects.filter(job_id=job.pk).count() == 3


def test_a_feed_without_price_and_stock_is_refused(tiles, write):
    job = priced(write("p.csv", "sku;name\nA-1;Slate\nA-2;Chalk\n"))
    assert (job.status, "No field is mapped to price or stock" in job.error) == ("failed", True)


def test_a_whole_import_of_the_same_file_is_another_job(tiles):
    whole = manage("import_feed", tiles, "--supplier", "N", "--json").json
    prices = manage("import_feed", tiles, "--supplier", "N", "--price-only", "--json").json
    assert whole["id"] != prices["id"]


def test_a_mapping_confirmed_for_prices_serves_no_whole_import(settings, tmp_path):
    settings.MAPPING_CONFIDENCE = 1.0
    products = [{"ref": f"A{n}", "title": f"Thing {n}", "amount": f"{n} EUR"} for n in range(1, 4)]
    feed = xml_feed(tmp_path / "unclear.xml", products)
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        '[{"source": "ref", "target": "key"}, {"source": "amount", "target": "price"}]'
    )
    job = priced(feed)
    assert job.waiting_for == Waiting.MAPPING
    assert "name" not in {each["target"] for each in job.question["questions"]}
    assert manage("jobs", "answer", job.pk, "--mapping", mapping).code == 0
    work_off()
    template = MappingTemplate.objects.get()
    assert priced(feed).waiting_for is None
    assert DataImportJob.objects.latest("id").template == template
    assert imported(feed, "--supplier", "N").waiting_for == Waiting.MAPPING


def test_finding_reads_no_table_whole(tiles, write):
    """Each batch looks at its own products only, however large the catalogue."""
    from imports import prices

    row = {"keys": ["A-1"], "skus": ["a1"], "eans": [None], "feed": "feed"}
    with connection.cursor() as cursor:
        supplier = Material.objects.first().supplier_id
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {prices._FIND}", row | {"supplier": supplier})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on material" not in plan


@pytest.mark.skipif(not FOLDER.is_absolute(), reason="REAL_INPUTS names no folder")
def test_the_bmecat_price_update():
    imported(FOLDER / "bmecat12-new-catalog.xml", "--supplier", "N")
    before = lines_of()
    job = imported(FOLDER / "bmecat12-update-prices.xml", "--supplier", "N", "--price-only")
    assert (job.status, results(job)) == (Status.COMPLETED, [0, 0, 1])
    assert lines_of() == before
