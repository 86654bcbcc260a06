"""The preview page: it writes nothing, and the run then does what it said."""

import json
from dataclasses import replace

import psycopg
import pytest

from imports import batches, preview, preview_page, stored_source, trial
from imports.mapping import Mapping
from imports.mapping.expression import in_time
from imports.mapping_page import page_for
from imports.models import DataImportJob, ImportRow
from imports.request import Request
from imports.start import retry_failed
from imports.trial import Bounds
from jobtracker import uploads
from jobtracker.catalogue.models import CatalogueSource, Material, MaterialVersion, Supplier
from jobtracker.database import database_url
from jobtracker.models import BackgroundJob
from jobtracker.states import Status, Waiting

from .import_runs import PRODUCTS, imported, lines_of, work_off, xml_feed
from .jobs import claim
from .pages import act, signed_in

pytestmark = pytest.mark.django_db

SENT = [
    PRODUCTS[0] | {"price": "30.00 EUR", "colour": "anthracite"},
    PRODUCTS[1],
    {"sku": "NL-8", "name": "Bad", "price": "abc", "colour": "red"},
    {"sku": "NL-9", "name": "New", "price": "5.00 EUR", "colour": "blue"},
    {"sku": "NL-9", "name": "Newer", "price": "6.00 EUR", "colour": "blue"},
]
HELD = """
SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE relnamespace = 'public'::regnamespace AND mode <> 'AccessShareLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # but by readers
COUNTS = ("created", "updated", "unchanged", "failed", "skipped")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def asking(folder, products=SENT, *options: str) -> DataImportJob:
    """Import a feed of NL-1 to NL-3, and then one that waits for its mapping."""
    imported(xml_feed(folder / "tiles.xml", PRODUCTS), "--supplier", "Northlight")
    feed = xml_feed(folder / "tiles.xml", products)
    job = imported(feed, "--supplier", "Northlight", *options)
    return DataImportJob.objects.get(background_job=job)


@pytest.fixture
def waiting(tmp_path, settings) -> DataImportJob:
    before = settings.MAPPING_CONFIDENCE
    imported(xml_feed(tmp_path / "tiles.xml", PRODUCTS), "--supplier", "Northlight")
    settings.MAPPING_CONFIDENCE = 1.0  # nothing is sure enough
    job = imported(xml_feed(tmp_path / "tiles.xml", SENT), "--supplier", "Northlight")
    settings.MAPPING_CONFIDENCE = before
    assert job.waiting_for == Waiting.MAPPING
    return DataImportJob.objects.get(background_job=job)


def url(found: DataImportJob, page: str = "preview") -> str:
    return f"/admin/data-import/{found.pk}/{page}"


def filled(found: DataImportJob, **changed: str) -> dict[str, str]:
    """The form of the mapping page with each field feeding what it is called, but for `changed`."""
    page = page_for(found, found.background_job)
    targets = {line.source: line.source for line in page.lines} | changed
    return page.form | {f"target-{line.index}": targets[line.source] for line in page.lines}


def everything() -> list[object]:
    models = (Supplier, CatalogueSource, Material, MaterialVersion, ImportRow, BackgroundJob)
    return [list(model.objects.order_by("pk").values()) for model in models]


def counts(answered) -> dict[str, int]:
    outcome = answered.context["shown"].outcome
    return {name: getattr(outcome, name) for name in COUNTS}


def run_counts(job: BackgroundJob) -> dict[str, int]:
    done = {name: job.result[name] for name in ("created", "updated", "unchanged")}
    return done | {"failed": job.failed_items, "skipped": job.skipped_items}


def test_the_run_does_what_the_preview_said(operator, waiting):
    form = filled(waiting)
    before = everything()
    previewed = act(operator, url(waiting), **form)
    assert everything() == before
    said = counts(previewed)
    assert said == {"created": 1, "updated": 1, "unchanged": 1, "failed": 1, "skipped": 1}
    act(operator, url(waiting, "answer"), **form)
    work_off()
    job = BackgroundJob.objects.get(pk=waiting.background_job_id)
    assert (job.status, run_counts(job)) == (Status.COMPLETED, said)


def test_what_is_filled_in_counts_not_what_was_suggested(operator, waiting):
    left_out = act(operator, url(waiting), **filled(waiting, colour="", price=""))
    assert counts(left_out)["failed"] == 0
    names = {field for each in left_out.context["shown"].updates for field, *_ in each.values}
    assert names == {"Price", "Currency", "Colour"}  # they would go
    act(operator, url(waiting, "answer"), **filled(waiting, colour="", price=""))
    work_off()
    job = BackgroundJob.objects.get(pk=waiting.background_job_id)
    assert run_counts(job) == counts(left_out)


def test_it_shows_old_and_new_failures_and_what_is_skipped(operator, waiting):
    shown = act(operator, url(waiting), **filled(waiting)).context["shown"]
    (update,) = shown.updates
    assert (update.key, update.line) == ("NL-1", 2)
    assert set(update.values) == {
        ("Price", "24.50", "30.00"),
        ("Colour", "grey", "anthracite"),
    }
    (failure,) = shown.failures
    assert (failure["line"], failure["column"], failure["raw"]) == (4, "price", "abc")
    assert failure["reason"]
    assert failure["hint"]
    (skipped,) = shown.skips
    assert skipped["reason"].endswith("comes again in line 6; the last one counts")
    assert [(each.key, each.new["name"]) for each in shown.created] == [("NL-9", "Newer")]


def test_the_page_itself_bears_the_form_on_and_back(operator, waiting):
    form = filled(waiting, colour="finish")
    page = act(operator, url(waiting), **form).content.decode()
    for name, value in form.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    back = act(operator, url(waiting, "mapping"), **form)
    assert back.status_code == 200
    by_source = {line.source: line for line in back.context["mapping_page"].lines}
    assert by_source["colour"].target == "finish"
    assert back.context["remember"] is False  # the box was not ticked


def test_a_form_that_makes_no_mapping_comes_back_as_it_was(operator, waiting):
    form = filled(waiting, colour="name")
    for page in ("preview", "answer"):
        answered = act(operator, url(waiting, page), **form)
        assert answered.status_code == 400
        assert "Two fields feed name" in answered.content.decode()
        lines = answered.context["mapping_page"].lines
        assert [line.target for line in lines if line.source == "colour"] == ["name"]


def test_without_a_form_it_tries_what_is_suggested(operator, waiting):
    offered = page_for(waiting, waiting.background_job).form
    assert counts(operator.get(url(waiting))) == counts(act(operator, url(waiting), **offered))


def test_after_the_run_it_says_what_another_run_would_do(operator, tmp_path):
    feed = xml_feed(tmp_path / "tiles.xml", [*PRODUCTS, SENT[2]])
    job = imported(feed, "--supplier", "Northlight")
    found = DataImportJob.objects.get(background_job=job)
    Material.objects.filter(sku="NL-2").delete()
    for address in (url(found), url(found) + "/"):
        assert counts(operator.get(address)) == {
            "created": 1, "updated": 0, "unchanged": 2, "failed": 1, "skipped": 0,
        }  # fmt: skip
    assert "chalk" not in str(lines_of()).lower()


def test_it_says_why_it_cannot(operator, waiting, settings):
    def why() -> str:
        return operator.get(url(found)).context["why_not"]

    found = waiting
    job = BackgroundJob.objects.filter(pk=found.background_job_id)
    job.update(supplier=None)
    assert "no supplier" in why()
    job.update(supplier=Supplier.objects.get(), waiting_for=None, question={})
    assert "No mapping was confirmed" in why()
    kept = {"fields": [{"source": "sku", "target": "sku"}], "defaults": {}}
    DataImportJob.objects.filter(pk=found.pk).update(field_mappings=kept)
    assert why() == ""
    DataImportJob.objects.filter(pk=found.pk).update(source_file="")
    assert why() == uploads.REMOVED
    found.background_job.checkpoints.all().delete()
    assert "not read" in why()
    claim()
    assert "The import runs" in why()


def test_a_job_that_asks_no_more_takes_no_form(operator, tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml"), "--supplier", "Northlight")
    found = DataImportJob.objects.get(background_job=job)
    answered = act(operator, url(found), **{"target-0": "sku"})
    assert (answered.status_code, answered.url) == (302, url(found))


def test_a_viewer_may_look_only(client, waiting):
    viewer = signed_in(client, "Viewers")
    assert viewer.get(url(waiting)).context["shown"].outcome.looked_at == 5
    for page in ("preview", "mapping", "answer"):
        assert act(viewer, url(waiting, page), **filled(waiting)).status_code == 403


# --- bounds ---


def test_a_long_feed_is_tried_as_far_as_the_bound(operator, tmp_path, monkeypatch):
    many = [PRODUCTS[0] | {"sku": f"NL-{n}"} for n in range(2_500)]
    found = asking(tmp_path, many)
    monkeypatch.setattr(preview_page, "BOUNDS", Bounds(records=2_000, seconds=60.0))
    shown = operator.get(url(found)).context["shown"]
    assert shown.outcome.looked_at == 2_000
    assert "the first 2,000 of 2,500 records: a page looks at 2,000 at most" in shown.extent


def test_time_that_is_over_is_no_preview(operator, waiting, monkeypatch):
    monkeypatch.setattr(preview_page, "BOUNDS", replace(preview_page.BOUNDS, seconds=0.0))
    assert "could not be read in 0 s" in operator.get(url(waiting)).context["why_not"]


def test_patterns_that_run_wild_take_no_longer(operator, waiting, monkeypatch):
    """Each value may take its time, also where the whole start of the feed is looked at at once."""
    monkeypatch.setattr(preview, "in_time", lambda seconds: in_time(-seconds))
    page = page_for(waiting, waiting.background_job)
    (index,) = [line.index for line in page.lines if line.source == "name"]
    form = filled(waiting) | {f"step-{index}-0-do": "regex", f"step-{index}-0-find": "a"}
    assert "could not be read in 10 s" in act(operator, url(waiting), **form).context["why_not"]


def test_a_large_archive_is_not_unpacked_for_a_page(operator, tmp_path, monkeypatch):
    import gzip

    feed = tmp_path / "tiles.xml.gz"
    feed.write_bytes(gzip.compress(xml_feed(tmp_path / "tiles.xml").read_bytes()))
    job = imported(feed, "--supplier", "Northlight")
    found = DataImportJob.objects.get(background_job=job)
    assert counts(operator.get(url(found)))["unchanged"] == 3
    monkeypatch.setattr(stored_source, "PACKED_BYTES", 10)
    assert "too much to unpack" in operator.get(url(found)).context["why_not"]


@pytest.mark.django_db(transaction=True)  # or the test itself would hold the supplier's lock
def test_it_waits_for_no_writer_of_the_supplier(queues, operator, waiting):
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT pg_advisory_xact_lock(8021, %s)", [Supplier.objects.get().pk])
        other.execute("UPDATE materials SET active = active")
        other.execute("UPDATE material_sources SET row_number = row_number")
        said = counts(act(operator, url(waiting), **filled(waiting)))
    assert said == {"created": 1, "updated": 1, "unchanged": 1, "failed": 1, "skipped": 1}


@pytest.mark.django_db(transaction=True)
def test_no_writer_waits_for_it(queues, operator, waiting, monkeypatch):
    """What an import of the same products writes is written while the preview stands at its end,
    with all that it writes."""
    (source,) = CatalogueSource.objects.all()
    held: list[object] = []

    def at_the_end(job_id):
        with psycopg.connect(database_url()) as other:
            held.extend(other.execute(HELD))
            other.execute("SET lock_timeout = 100")
            other.execute("SELECT pg_advisory_xact_lock(8021, %s)", [source.supplier_id])
            other.execute("UPDATE materials SET name = upper(name)")
            other.execute("UPDATE material_sources SET row_number = 0")
            other.execute(
                "WITH made AS (INSERT INTO materials (supplier_id) VALUES (%s) RETURNING id)"
                " INSERT INTO material_sources"
                " (source_id, source_key, material_id, content_hash, vals, provenance)"
                " SELECT %s, 'NL-9', id, '', '{}', '{}' FROM made",
                [source.supplier_id, source.pk],
            )
        return []

    monkeypatch.setattr(trial, "repairs", at_the_end)
    said = counts(act(operator, url(waiting), **filled(waiting)))
    assert (said["created"], said["updated"]) == (1, 1)
    assert held == []


def test_it_makes_neither_supplier_nor_source_even_for_a_while(tmp_path, monkeypatch):
    def at_the_end(job_id):
        assert not Supplier.objects.exists()
        assert not CatalogueSource.objects.exists()
        return []

    monkeypatch.setattr(trial, "repairs", at_the_end)
    feed = xml_feed(tmp_path / "tiles.xml", PRODUCTS)
    assert preview.dry_run(Request(str(feed), supplier="Northlight")).created == 3


def test_batches_build_on_each_other_as_in_the_run(tmp_path, monkeypatch):
    """A key that comes again in a later batch, a code that another product has, and a product that
    another source gave."""
    monkeypatch.setattr(batches, "BATCH", 2)
    given = {"fields": [{"source": name, "target": name} for name in PRODUCTS[0]], "defaults": {}}
    (tmp_path / "m.json").write_text(json.dumps(given))

    def run(name: str, products: list[dict[str, str]]) -> BackgroundJob:
        feed = xml_feed(tmp_path / name, products)
        return imported(feed, "--supplier", "Northlight", "--mapping", tmp_path / "m.json")

    run("other.xml", PRODUCTS[2:])
    run("tiles.xml", PRODUCTS[:1])
    products = [*PRODUCTS, PRODUCTS[0], SENT[0], SENT[3], SENT[4]]
    feed = xml_feed(tmp_path / "tiles.xml", products)
    mapping = Mapping.from_json(given)
    said = preview.dry_run(Request(str(feed), supplier="Northlight", mapping=mapping))
    job = run("tiles.xml", products)
    done = run_counts(job)
    assert {name: getattr(said, name) for name in COUNTS} == done
    assert done == {"created": 2, "updated": 2, "unchanged": 3, "failed": 0, "skipped": 0}


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_too_long_is_no_preview(queues, operator, waiting, monkeypatch):
    monkeypatch.setattr(preview_page, "BOUNDS", replace(preview_page.BOUNDS, seconds=1.0))
    with psycopg.connect(database_url()) as other:
        other.execute("LOCK TABLE material_versions")
        assert "took longer than 1 s" in operator.get(url(waiting)).context["why_not"]


def test_only_the_failed_rows_of_a_retry_are_tried(operator, tmp_path):
    job = imported(xml_feed(tmp_path / "tiles.xml", SENT[:4]), "--supplier", "Northlight")
    retry_failed(job, None)
    work_off()
    found = DataImportJob.objects.latest("pk")
    shown = operator.get(url(found)).context["shown"]
    assert (shown.outcome.total, shown.outcome.is_whole) == (1, True)
    assert counts(operator.get(url(found)))["failed"] == 1


def test_a_feed_of_prices_is_tried_as_one(operator, tmp_path):
    imported(xml_feed(tmp_path / "tiles.xml", PRODUCTS), "--supplier", "Northlight")
    prices = [{"sku": "NL-1", "price": "20.00 EUR"}, {"sku": "NL-77", "price": "1.00 EUR"}]
    feed = xml_feed(tmp_path / "prices.xml", prices)
    job = imported(feed, "--supplier", "Northlight", "--price-only")
    found = DataImportJob.objects.get(background_job=job)
    assert run_counts(job) == {
        "created": 0, "updated": 1, "unchanged": 0, "failed": 1, "skipped": 0,
    }  # fmt: skip
    again = counts(operator.get(url(found)))
    assert (again["unchanged"], again["failed"]) == (1, 1)


def test_it_says_what_the_run_would_ask(operator, tmp_path):
    dear = [each | {"price": f"{n}000.00 EUR"} for n, each in enumerate(PRODUCTS * 2, 2)]
    dear = [each | {"sku": f"NL-{n}"} for n, each in enumerate(dear, 1)]
    cheap = [each | {"price": "2.00 EUR"} for each in dear]
    imported(xml_feed(tmp_path / "tiles.xml", cheap), "--supplier", "Northlight")
    job = imported(xml_feed(tmp_path / "tiles.xml", dear), "--supplier", "Northlight")
    assert job.waiting_for == Waiting.THRESHOLD
    found = DataImportJob.objects.get(background_job=job)
    asks = operator.get(url(found)).context["shown"].outcome.asks
    assert asks == [each["text"] for each in job.question["concerns"]]


def test_missing_products_are_counted_as_the_run_does(operator, tmp_path):
    found = asking(tmp_path, PRODUCTS[:1], "--missing", "deactivate")
    shown = operator.get(url(found)).context["shown"]
    assert shown.outcome.deactivated == 2
    assert ("retry", "To make inactive", 2) in shown.numbers


# --- the stepper ---


def test_the_stepper_says_what_is_true_of_the_mapping(operator, waiting):
    def note() -> str:
        return next(step[2] for step in operator.get(url(waiting)).context["steps"]
                    if step[1] == "Mapping")  # fmt: skip

    assert note() == "needs you"
    act(operator, url(waiting, "answer"), **filled(waiting))
    assert note() == "confirmed"
    work_off()
    assert note() == "4 fields"
