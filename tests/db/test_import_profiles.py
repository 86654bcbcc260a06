"""Feeds of known formats, imported whole: nothing is asked that the format says."""

from pathlib import Path

import pytest
from django.urls import reverse

from imports.mapping_lines import mapping_of
from imports.mapping_page import page_for
from imports.models import DataImportJob, ImportRow
from jobtracker.catalogue.models import Supplier
from jobtracker.states import Status, Waiting

from .import_runs import imported, lines_of, manage, work_off
from .pages import act, signed_in

FEEDS = Path(__file__).parents[1] / "fixtures" / "profiles"

pytestmark = pytest.mark.django_db


def test_a_category_tree_and_transformed_values_reach_the_catalogue():
    job = imported(FEEDS / "yml.xml", "--supplier", "Plitka")
    assert job.status == Status.COMPLETED
    assert (job.total_items, job.done_items, job.skipped_items) == (3, 2, 1)
    detail = DataImportJob.objects.get(background_job=job)
    assert detail.profile == "YML"
    line = lines_of()["p1"]
    assert line["category"] == ["Стройматериалы", "Плитка", "Напольная плитка"]
    assert (line["price"], line["currency"]) == ("1290.50", "RUB")
    assert line["attributes"]["weight"] == "1.5 kg"
    assert line["provenance"]["weight"]["raw"] == "1.5"
    assert line["provenance"]["colour"] == {
        "raw": "бежевый", "normal": "beige", "line": line["source"]["line"]
    }  # fmt: skip


def test_a_second_file_of_the_format_changes_nothing():
    imported(FEEDS / "bmecat12.xml", "--supplier", "Alpenholz")
    again = imported(FEEDS / "bmecat12.xml", "--supplier", "Alpenholz")
    assert (again.result["unchanged"], again.result["updated"]) == (2, 0)


def test_a_price_update_is_price_only_by_itself():
    imported(FEEDS / "bmecat12.xml", "--supplier", "Alpenholz")
    prices = imported(FEEDS / "bmecat_prices.xml", "--supplier", "Alpenholz")
    assert (prices.done_items, prices.failed_items) == (1, 1)
    line = lines_of()["AH-001"]
    assert (line["price"], line["name"]) == ("81.00", "Diele Eiche")
    (failed,) = ImportRow.objects.filter(job_id=prices.pk, outcome="f")
    assert failed.key == "AH-004"


def test_a_dry_run_says_what_the_run_does():
    preview = manage("import_feed", FEEDS / "yml.xml", "--dry-run", "--json").json
    first = preview[0] if isinstance(preview, list) else preview
    assert (first["created"], first["skipped"]) == (2, 1)


def test_a_value_that_a_step_cannot_work_on_fails_its_row(tmp_path):
    path = tmp_path / "catalogue.xml"
    path.write_text((FEEDS / "bmecat12.xml").read_text().replace(">7.50<", ">seven<"))
    job = imported(path, "--supplier", "Alpenholz")
    assert (job.done_items, job.failed_items, job.skipped_items) == (1, 1, 1)
    (row,) = ImportRow.objects.filter(job_id=job.pk, outcome="f")
    assert row.detail["column"].endswith("PRICE_AMOUNT")
    assert (row.detail["field"], row.detail["raw"]) == ("price", "seven")
    assert "100" in row.detail["reason"]


def test_the_page_shows_and_keeps_the_steps_of_a_mapping(client):
    job = imported(FEEDS / "shopify.csv", "--supplier", "Weaver")
    assert job.waiting_for == Waiting.CURRENCY
    detail = DataImportJob.objects.get(background_job=job)
    page = page_for(detail, job)
    form = page.form | {"currency": "EUR"}
    fields = {each.source: each for each in mapping_of(page_for(detail, job, form)).fields}
    unit = [{"do": "unit", "unit": "g"}]
    assert [step.to_json() for step in fields["Variant Grams"].steps] == unit
    operator = signed_in(client, "Operators")
    shown = operator.get(reverse("import-mapping", args=[detail.pk])).content.decode()
    assert "Shopify: the weight in grams" in shown
    answered = act(operator, reverse("import-answer", args=[detail.pk]), **form)
    assert answered.status_code == 302
    work_off()
    assert lines_of()["WL-1-S"]["attributes"]["weight"] == "900 g"


def test_what_a_field_feeds_beside_its_main_use_survives_the_page():
    job = imported(FEEDS / "bmecat12.xml", "--supplier", "Alpenholz")
    detail = DataImportJob.objects.get(background_job=job)
    form = page_for(detail, job).form
    mapping = mapping_of(page_for(detail, job, form))
    assert [each.target for each in mapping.fields if each.source == "SUPPLIER_AID"] == [
        "sku",
        "currency",
        "category",
    ]


def test_a_mapping_file_with_transforms_is_obeyed(tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("Nr;Text;Preis;Farbe\nA-1;Diele / Eiche;1.234;Grau matt\n")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        """{"fields": [
        {"source": "Nr", "target": "sku"},
        {"source": "Text", "target": "name", "transform": [{"do": "split", "by": "/"},
                                                           {"do": "take", "part": 1}]},
        {"source": "Preis", "target": "price", "transform": [{"do": "decimal", "mark": ","}]},
        {"source": "Farbe", "target": "colour",
         "transform": [{"do": "replace", "table": {"grau matt": "grey"}}]}],
        "defaults": {"currency": "EUR"}}"""
    )
    imported(feed, "--supplier", "Holz", "--mapping", mapping)
    line = lines_of()["A-1"]
    assert (line["name"], line["price"], line["colour"]) == ("Diele", "1234", "grey")
    assert line["provenance"]["colour"]["raw"] == "Grau matt"


def test_a_fault_in_a_mapping_file_names_field_and_transform(tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("Nr;Text\nA-1;Diele\n")
    mapping = tmp_path / "mapping.json"
    mapping.write_text('[{"source": "Text", "target": "name", "transform": {"do": "split"}}]')
    answer = manage("import_feed", feed, "--supplier", "Holz", "--mapping", mapping)
    assert answer.code == 2
    assert 'The field "Text", transform 1 (split): the option "by" is missing.' in answer.err
    assert not Supplier.objects.filter(name="Holz").exists()
