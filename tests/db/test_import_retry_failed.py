"""The failed rows of an import, done again by a job of their own."""

import pytest

from imports import start
from imports.models import DataImportJob, ImportRow
from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.models import AuditEntry, BackgroundJob
from tests.db.import_runs import PRODUCTS, imported, lines_of, manage, work_off, xml_feed

pytestmark = pytest.mark.django_db

BAD = [
    {"sku": "NL-8", "name": "Basalt", "price": "abc", "colour": "black"},
    {"sku": "NL-9", "name": "Marl", "price": "1.234,50 EUR", "colour": "white"},
]


@pytest.fixture
def partly(tmp_path):
    """An import of five rows of which the second and the last failed."""
    rows = [PRODUCTS[0], BAD[0], *PRODUCTS[1:], {"name": "No code", "price": "x"}]
    job = imported(xml_feed(tmp_path / "tiles.xml", rows), "--supplier", "Northlight")
    assert (job.status, job.done_items, job.failed_items) == ("completed", 3, 2)
    return job


def again(job: BackgroundJob) -> BackgroundJob:
    created = lifecycle.retry_failed(job.pk, None)
    assert not created.existing
    work_off()
    return BackgroundJob.objects.get(pk=created.job_id)


def test_only_the_failed_rows_are_imported_again(partly):
    before = lines_of("--supplier", "Northlight")
    job = again(partly)
    # They are as wrong as before: where every item failed, the job has failed.
    assert (job.status, job.total_items, job.done_items, job.failed_items) == ("failed", 2, 0, 2)
    rows = ImportRow.objects.filter(job=job).order_by("number")
    assert list(rows.values_list("number", "line")) == [(2, 3), (5, 6)]
    assert (job.parent_id, job.filename) == (partly.pk, "tiles.xml")
    assert lines_of("--supplier", "Northlight") == before
    [entry] = AuditEntry.objects.filter(subject_id=partly.pk)
    assert (entry.action, entry.details) == ("run items again", {"job": str(job.pk)})


def test_what_was_mended_meanwhile_goes_in_and_the_rest_stays(partly, monkeypatch):
    """As when the supplier's style or a rule of ours was mended: the rows themselves are the
    stored ones."""
    from imports import batches

    real = batches.normalise_record

    def lenient(values, *rest):
        price = values.get("price")
        return real(values | {"price": "7.00 EUR"} if price == "abc" else values, *rest)

    monkeypatch.setattr(batches, "normalise_record", lenient)
    job = again(partly)
    assert (job.total_items, job.done_items, job.failed_items) == (2, 1, 1)
    assert job.result["created"] == 1
    lines = lines_of("--supplier", "Northlight")
    assert set(lines) == {"NL-1", "NL-2", "NL-3", "NL-8"}
    assert lines["NL-8"]["source_job"] == str(job.pk)
    once_more = again(job)
    assert list(ImportRow.objects.filter(job=once_more).values_list("number", flat=True)) == [5]


def test_it_asks_for_no_mapping_again(partly):
    DataImportJob.objects.filter(background_job=partly).update(template=None)
    BackgroundJob.objects.filter(pk=partly.pk).update(metadata={"confirm": True})
    job = again(partly)
    assert job.waiting_for is None
    mapped = job.checkpoints.get(stage="fields_mapped").data
    assert mapped["by"] == "given by a person"


def test_a_second_start_is_the_job_that_stands_for_it(partly):
    first = manage("jobs", "retry", partly.pk, "--failed-items")
    assert (first.code, first.out.startswith("Started job ")) == (0, True)
    second = manage("jobs", "retry", partly.pk, "--failed-items")
    job = BackgroundJob.objects.get(parent=partly)
    assert second.out == f"They are being done again already: job {job.pk}.\n"


def test_too_many_are_refused(partly, monkeypatch):
    monkeypatch.setattr(start, "MAX_RETRIED", 1)
    refused = manage("jobs", "retry", partly.pk, "--failed-items")
    assert (refused.code, "import the whole feed again" in refused.err) == (2, True)
    assert BackgroundJob.objects.count() == 1


def test_rows_that_are_gone_are_said(partly):
    created = lifecycle.retry_failed(partly.pk, None)
    ImportRow.objects.filter(job=partly).delete()
    work_off()
    job = BackgroundJob.objects.get(pk=created.job_id)
    assert (job.status, "is gone" in job.error) == ("failed", True)
    assert Supplier.objects.filter(name="Northlight").exists()
