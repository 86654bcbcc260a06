"""What an import makes of its feed, and when it asks a person instead."""

import json
from dataclasses import replace

import pytest
from django.db import connection

from imports.models import DataImportJob, ImportRow, MappingTemplate
from imports.pipeline import ImportPipeline
from jobtracker import lifecycle
from jobtracker.catalogue.models import Material, Supplier
from jobtracker.models import JobCheckpoint
from jobtracker.states import HandBack, Status, Waiting

from .import_runs import (
    PRODUCTS,
    imported,
    lines_of,
    manage,
    without_currency,
    work_off,
    xml_feed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed(tmp_path):
    return xml_feed(tmp_path / "tiles.xml")


def test_rows_become_materials_with_their_line(feed):
    job = imported(feed, "--supplier", "Northlight")
    assert (job.status, job.progress, job.done_items) == (Status.COMPLETED, 100, 3)
    line = lines_of()["NL-2"]
    assert (line["name"], line["price"], line["currency"]) == ("Chalk 30", "9.90", "EUR")
    assert (line["source"]["line"], line["source_job"]) == (3, str(job.pk))


def test_a_row_without_a_name_is_warned_of_and_its_product_is_to_review(tmp_path):
    path = tmp_path / "tiles.xml"
    nameless = {**PRODUCTS[0], "sku": "NL-9", "name": ""}
    job = imported(xml_feed(path, [*PRODUCTS, nameless]), "--supplier", "Northlight")
    assert (job.status, job.failed_items) == (Status.COMPLETED, 0)
    assert [each["message"] for each in job.warnings] == ["1 row: name: there is no name"]
    flagged = Material.objects.exclude(review=None)
    assert [(each.sku, each.review) for each in flagged] == [("NL-9", "no name")]
    row = ImportRow.objects.get(job_id=job.pk, key="NL-9")
    assert (row.outcome, row.detail["review"]) == ("c", "no name")
    imported(xml_feed(path, [*PRODUCTS, nameless | {"name": "Chalk"}]), "--supplier", "Northlight")
    assert not flagged.all().exists()


def test_a_product_that_another_source_names_keeps_its_name(tmp_path):
    imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Northlight")
    blank = [PRODUCTS[0], *(each | {"name": ""} for each in PRODUCTS[1:])]
    imported(xml_feed(tmp_path / "other.xml", blank), "--supplier", "Northlight")
    assert not Material.objects.filter(name=None).exists()
    assert not Material.objects.exclude(review=None).exists()


def test_the_detail_row_mirrors_the_job(feed):
    job = imported(feed, "--supplier", "Northlight")
    detail = DataImportJob.objects.get(background_job=job)
    assert (detail.status, detail.total_products, detail.processed_products) == ("completed", 3, 3)
    assert (detail.record_path, detail.encoding) == ("catalog/product", "utf-8")
    assert [each["target"] for each in detail.field_mappings["fields"]][:3] == [
        "sku",
        "name",
        "price",
    ]


def test_every_stage_leaves_its_checkpoint(feed):
    job = imported(feed, "--supplier", "Northlight")
    states = dict(JobCheckpoint.objects.filter(job=job).values_list("stage", "state"))
    assert states == {
        "source_fetched": "done",
        "feed_parsed": "done",
        "fields_mapped": "done",
        "rows_imported": "done",
        "products_delivered": "empty",
    }


def test_a_changed_feed_updates_only_what_changed(tmp_path, feed):
    imported(feed, "--supplier", "Northlight")
    xml_feed(feed, [PRODUCTS[0] | {"price": "25.00 EUR"}, *PRODUCTS[1:]])
    job = imported(feed, "--supplier", "Northlight")
    assert (job.result["updated"], job.result["unchanged"]) == (1, 2)
    assert lines_of()["NL-1"]["price"] == "25.00"


def test_a_failed_row_names_line_column_value_and_reason(tmp_path):
    products = [*PRODUCTS, {"sku": "NL-4", "name": "Rust", "price": "abc", "colour": "red"}]
    job = imported(xml_feed(tmp_path / "tiles.xml", products), "--supplier", "Northlight")
    assert (job.status, job.done_items, job.failed_items) == (Status.COMPLETED, 3, 1)
    row = ImportRow.objects.get(job=job, outcome="f")
    assert (row.line, row.key, row.material_id) == (5, "NL-4", None)
    told = {name: row.detail[name] for name in ("column", "field", "raw")}
    assert told == {"column": "price", "field": "price", "raw": "abc"}
    assert row.detail["reason"]
    assert "<sku>NL-4</sku>" in row.detail["record"]


def test_failed_rows_are_printed_and_in_the_json(tmp_path):
    products = [*PRODUCTS, {"sku": "NL-4", "name": "Rust", "price": "abc", "colour": "red"}]
    job = imported(xml_feed(tmp_path / "tiles.xml", products), "--supplier", "Northlight")
    waited = manage("jobs", "wait", job.pk)
    assert waited.code == 0
    assert '  line 5, price "abc": ' in waited.out
    [failure] = manage("jobs", "show", job.pk, "--json").json["failures"]
    assert (failure["line"], failure["column"], failure["raw"]) == (5, "price", "abc")


def test_a_row_without_a_key_fails(tmp_path):
    products = [*PRODUCTS, {"name": "Nameless", "price": "1.00 EUR", "colour": "red"}]
    job = imported(xml_feed(tmp_path / "tiles.xml", products), "--supplier", "Northlight")
    row = ImportRow.objects.get(job=job, outcome="f")
    assert (row.line, row.detail["reason"]) == (5, "no key")
    assert row.detail["hint"]


def test_a_job_whose_rows_all_failed_is_failed_with_the_commonest_reason(tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps([{"source": "sku", "target": "sku"}, {"source": "colour", "target": "price"}])
    )
    feed = xml_feed(tmp_path / "tiles.xml")
    job = imported(feed, "--supplier", "N", "--mapping", mapping, "--currency", "EUR")
    reason = ImportRow.objects.filter(job=job).first().detail["reason"]
    assert (job.status, job.failed_items) == (Status.FAILED, 3)
    assert job.error == f"All 3 items failed: {reason}"
    assert manage("jobs", "wait", job.pk).code == 1
    assert not Material.objects.exists()


def test_rows_that_failed_by_two_causes_name_both(tmp_path):
    nameless = {"name": "Nameless", "price": "1.00 EUR", "colour": "red"}
    keyed = [{**PRODUCTS[0], "sku": f"NL-{number}", "price": "abc"} for number in range(2)]
    job = imported(xml_feed(tmp_path / "tiles.xml", [nameless, *keyed]), "--supplier", "N")
    price, _ = ImportRow.objects.filter(job=job, number__gt=1).values_list("detail__reason", flat=1)
    assert job.error == f"All 3 items failed: {price.rstrip('.')} (2); no key (1)."


def test_prices_that_are_none_at_all_fail_their_rows_and_so_the_job(tmp_path):
    feed = tmp_path / "t.csv"
    feed.write_text("sku,name,price\nA1,Slate,abc\nA2,Chalk,def\n")
    job = imported(feed, "--supplier", "N")
    assert (job.status, job.failed_items) == (Status.FAILED, 2)


def test_a_code_that_repeats_is_not_silently_replaced_by_the_name(tmp_path):
    feed = tmp_path / "t.csv"
    feed.write_text("sku,name,price,currency\nA1,Slate,1.50,EUR\nA1,Chalk,2.50,EUR\n")
    assert imported(feed, "--supplier", "N").waiting_for == Waiting.MAPPING


def test_a_table_without_rows_is_failed(tmp_path):
    feed = tmp_path / "empty.csv"
    feed.write_text("sku;name;price;currency\n")
    job = imported(feed, "--supplier", "N")
    assert (job.status, job.error) == (Status.FAILED, "empty.csv has no records.")


def test_a_job_whose_rows_were_all_skipped_is_completed_with_a_note(feed, monkeypatch):
    monkeypatch.setattr("imports.mapping.families.Families.fold", lambda *_: "not for sale")
    job = imported(feed, "--supplier", "N")
    assert (job.status, job.skipped_items) == (Status.COMPLETED, 3)
    assert job.result["note"] == "3 rows read and skipped: not for sale"
    assert "not for sale" in manage("jobs", "show", job.pk).out


# --- asking a person ---


def test_an_unknown_currency_waits_and_is_answered(tmp_path):
    job = imported(xml_feed(tmp_path / "t.xml", without_currency()), "--supplier", "N")
    assert (job.status, job.waiting_for) == (Status.PENDING, Waiting.CURRENCY)
    waited = manage("jobs", "wait", job.pk)
    assert (waited.code, job.question["message"] in waited.out) == (3, True)
    assert not Material.objects.exists()
    assert manage("jobs", "answer", job.pk, "--currency", "sek").code == 0
    work_off()
    assert {line["currency"] for line in lines_of().values()} == {"SEK"}
    assert list(job.attempts.values_list("outcome", flat=True)) == ["waiting", "completed"]


UNCLEAR = [{"ref": f"A{n}", "title": f"Thing {n}", "amount": f"{n}.50 EUR"} for n in range(1, 6)]


@pytest.fixture
def unclear(tmp_path, settings):
    """A feed whose mapping is not sure enough."""
    settings.MAPPING_CONFIDENCE = 1.0
    return xml_feed(tmp_path / "unclear.xml", UNCLEAR)


def test_a_mapping_that_is_not_sure_waits(unclear):
    job = imported(unclear, "--supplier", "N")
    assert (job.status, job.waiting_for) == (Status.PENDING, Waiting.MAPPING)
    assert job.question["message"]
    assert {each["source"] for each in job.question["suggestion"]["fields"]} == {
        "ref",
        "title",
        "amount",
    }


def test_without_a_bar_no_mapping_waits(unclear, settings):
    settings.MAPPING_CONFIDENCE = 0.0
    assert imported(unclear, "--supplier", "N").status == Status.COMPLETED


@pytest.fixture
def mapping(tmp_path):
    file = tmp_path / "mapping.json"
    fields = {"ref": "key", "title": "name", "amount": "price"}
    rows = [{"source": source, "target": target} for source, target in fields.items()]
    file.write_text(json.dumps({"fields": rows}))
    return file


def test_a_confirmed_mapping_serves_the_suppliers_next_feed_of_that_shape(
    unclear, mapping, tmp_path
):
    job = imported(unclear, "--supplier", "N")
    assert manage("jobs", "answer", job.pk, "--mapping", mapping).code == 0
    work_off()
    job.refresh_from_db()
    template = MappingTemplate.objects.get()
    assert (job.status, template.supplier.name) == (Status.COMPLETED, "N")
    assert DataImportJob.objects.get(background_job=job).template == template

    more = [{"ref": f"B{n}", "title": f"Other {n}", "amount": f"{n} EUR"} for n in range(1, 4)]
    second = imported(xml_feed(tmp_path / "next.xml", more), "--supplier", "N")
    assert (second.status, second.result["created"]) == (Status.COMPLETED, 3)
    assert DataImportJob.objects.get(background_job=second).template == template
    assert imported(tmp_path / "next.xml", "--supplier", "Another").waiting_for == "mapping"


def test_an_answered_currency_serves_the_next_feed_as_well(tmp_path):
    job = imported(xml_feed(tmp_path / "t.xml", without_currency()), "--supplier", "N")
    manage("jobs", "answer", job.pk, "--currency", "SEK")
    work_off()
    second = imported(xml_feed(tmp_path / "u.xml", without_currency()[:2]), "--supplier", "N")
    assert (second.status, second.done_items) == (Status.COMPLETED, 2)


def test_a_template_is_named_on_the_command_line(unclear, mapping, tmp_path):
    job = imported(unclear, "--supplier", "N")
    manage("jobs", "answer", job.pk, "--mapping", mapping)
    work_off()
    other = [each | {"note": "x"} for each in UNCLEAR]
    second = imported(
        xml_feed(tmp_path / "other.xml", other), "--supplier", "N", "--mapping", "unclear.xml"
    )
    detail = DataImportJob.objects.get(background_job=second)
    assert (second.status, detail.template.name) == (Status.COMPLETED, "unclear.xml")


def test_the_suppliers_currency_answers_beforehand(tmp_path):
    Supplier.objects.create(name="N", default_currency="NOK")
    job = imported(xml_feed(tmp_path / "t.xml", without_currency()), "--supplier", "N")
    assert job.status == Status.COMPLETED
    assert {line["currency"] for line in lines_of().values()} == {"NOK"}


# --- resuming ---


def test_a_resumed_import_repeats_no_committed_batch(tmp_path, monkeypatch):
    products = [{"sku": f"A{n}", "name": f"Tile {n}", "price": f"{n} EUR"} for n in range(1, 26)]
    monkeypatch.setattr("imports.batches.BATCH", 10)
    written = ImportPipeline.rows_imported
    calls = []

    def interrupted(self, context):
        calls.append(context.job.attempt)
        advance = context.advance

        def stop(position, *rest, **more):
            advance(position, *rest, **more)
            if len(calls) == 1 and position == 10:
                raise HandBack

        monkeypatch.setattr(context, "advance", stop)
        written(self, context)

    monkeypatch.setattr(ImportPipeline, "rows_imported", interrupted)
    job = imported(xml_feed(tmp_path / "t.xml", products), "--supplier", "N")
    assert calls == [1, 2]
    assert list(job.attempts.values_list("outcome", flat=True)) == ["handed_back", "completed"]
    assert (job.status, job.result["created"], job.result["unchanged"]) == ("completed", 25, 0)
    assert Material.objects.count() == ImportRow.objects.filter(job=job).count() == 25


def test_run_again_from_a_stage_drops_its_rows(feed):
    job = imported(feed, "--supplier", "N")
    assert lifecycle.rerun_from(job.pk, "rows_imported", None, "looking again")
    assert not ImportRow.objects.filter(job=job).exists()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["unchanged"]) == (Status.COMPLETED, 3)


def test_items_are_recounted_from_the_rows(feed):
    job = imported(feed, "--supplier", "N")
    counts = ImportPipeline().recount(job.pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM import_rows WHERE job_id = %s AND key = 'NL-1'", [job.pk])
    assert ImportPipeline().recount(job.pk) == replace(
        counts, done=2, result=counts.result | {"materials": 2, "created": 2}
    )
