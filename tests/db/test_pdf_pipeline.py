"""A PDF goes through its nine stages a page at a time."""

from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.db import connection

from jobtracker import lifecycle
from jobtracker.catalogue.models import Material, Supplier
from jobtracker.images.models import ImageFetch
from jobtracker.models import BackgroundJob, User
from pdfjobs.models import PdfChunk, PdfEmbedding, PdfImage, PdfPage, PdfRow
from pdfjobs.start import retry_pages

from .import_runs import imported, lines_of, manage, work_off, xml_feed
from .pdf_runs import HEAD, Shelf, document_of, pdf_file, processed, put_in_place, states_of

pytestmark = pytest.mark.django_db

TABLE = f"{HEAD}\nNL-1 Slate 24.50\nNL-2 Chalk 9.90"
GOES_ON = "NL-3 Ochre 12.00"
PROSE = "Our story began by the sea"


@pytest.fixture(autouse=True)
def _small_and_apart(settings, tmp_path):
    settings.EMBEDDINGS_PROVIDER = "ngrams"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        }
    }


@pytest.fixture
def shelf(monkeypatch) -> Shelf:
    return put_in_place(monkeypatch, Shelf([PROSE, TABLE, GOES_ON]))


@pytest.fixture
def pdf(tmp_path) -> Path:
    return pdf_file(tmp_path / "tiles.pdf")


def pages(job: BackgroundJob) -> dict[int, PdfPage]:
    return {page.number: page for page in document_of(job).pages.all()}


def test_pages_become_materials_with_page_and_box(shelf, pdf):
    Supplier.objects.create(name="Boxes", default_currency="EUR")
    job = processed(pdf, "--supplier", "Boxes")
    assert job.status == "completed", job.error
    assert (job.total_items, job.done_items, job.failed_items) == (3, 3, 0)
    assert job.result["materials"] == job.result["created"] == 3
    line = lines_of("--job", job.pk)["NL-3"]
    assert (line["source"]["kind"], line["source"]["page"]) == ("pdf", 3)
    assert line["provenance"]["price"] == {
        "raw": "12.00", "page": 3, "box": [250.0, 50.0, 340.0, 60.0],
    }  # fmt: skip
    assert (line["price"], line["currency"]) == ("12.00", "EUR")


def test_the_document_and_its_job_name_each_other(shelf, pdf):
    job = processed(pdf)
    document = document_of(job)
    assert job.document_id == document.pk
    assert (document.filename, document.total_pages, document.processed_pages) == (
        "tiles.pdf", 3, 3,
    )  # fmt: skip


def test_each_page_has_text_pictures_passages_and_vectors(shelf, pdf):
    job = processed(pdf)
    for page in pages(job).values():
        assert page.text == shelf.texts[page.number - 1]
        assert page.state == "done"
        for name in (page.picture, page.thumbnail):
            assert storages["default"].open(name).read() == b"drawing %d" % page.number
    chunks = PdfChunk.objects.filter(page__document=document_of(job))
    assert {chunk.page.number for chunk in chunks} == {1, 2, 3}
    assert set(chunks.values_list("content_hash", flat=True)) == set(
        PdfEmbedding.objects.values_list("content_hash", flat=True)
    )
    assert len(shelf.calls) == len(set(shelf.calls))


def test_the_first_page_is_drawn_while_the_file_is_loaded(shelf, pdf):
    processed(pdf)
    assert shelf.calls[0] == ("draw", 1)


def test_the_stages_tell_done_empty_and_degraded_apart(shelf, pdf):
    shelf.fails("draw", 2)
    states = states_of(processed(pdf))
    assert len(states) == 9
    assert states["text_extracted"] == "done"
    assert states["tables_extracted"] == "empty"
    assert states["tiles_generated"] == "degraded"


def test_a_page_that_fails_stays_the_only_one(shelf, pdf):
    shelf.fails("text", 1)
    job = processed(pdf)
    assert (job.status, job.done_items, job.failed_items) == ("completed", 2, 1)
    failed = pages(job)[1]
    assert (failed.state, failed.error, failed.hint) == (
        "failed", "The page took more than 20 s.", "Retry it alone.",
    )  # fmt: skip
    assert ("tables", 1) not in shelf.calls
    shown = manage("jobs", "show", job.pk)
    assert "page 1: The page took more than 20 s." in shown.out


def test_a_job_whose_pages_all_failed_is_failed(shelf, pdf):
    for number in (1, 2, 3):
        shelf.fails("text", number)
    job = processed(pdf)
    assert job.status == "failed"
    assert job.failed_items == 3


def test_a_failed_page_is_retried_alone_with_the_head_of_the_page_before(shelf, pdf):
    shelf.fails("tables", 3)
    job = processed(pdf, "--supplier", "Again")
    shelf.trouble.clear()
    shelf.calls.clear()
    made = retry_pages(document_of(job), [3], User.objects.create(username="olga"))
    work_off()
    again = BackgroundJob.objects.get(pk=made.job_id)
    assert (again.parent_id, again.metadata["pages"]) == (job.pk, "3")
    assert (again.done_items, again.skipped_items) == (1, 2)
    assert {number for what, number in shelf.calls} == {3}
    assert sorted(lines_of("--supplier", "Again")) == ["NL-1", "NL-2", "NL-3"]


def test_only_the_named_pages_are_read(shelf, pdf):
    job = processed(pdf, "--pages", "2-2")
    assert (job.done_items, job.skipped_items) == (1, 2)
    assert {number for what, number in shelf.calls} == {2}
    assert pages(job)[1].error == "Not among the pages asked for: 2-2."


def test_pages_that_the_file_does_not_have_are_an_error(shelf, pdf):
    job = processed(pdf, "--pages", "7-9")
    assert (job.status, job.error) == (
        "failed", "tiles.pdf has 3 pages, none of them in 7-9.",
    )  # fmt: skip


def test_too_many_pages_are_refused(shelf, pdf, settings):
    settings.PDF_MAX_PAGES = 2
    job = processed(pdf)
    assert job.status == "failed"
    assert "at most 2 are processed at once" in job.error
    assert not document_of(job).pages.exists()


def test_no_product_is_said_in_words(shelf, pdf):
    shelf.texts = [PROSE]
    job = processed(pdf)
    assert job.status == "completed"
    assert job.result["note"] == ("No page holds a product table that could be read: 1 prose")
    assert states_of(job)["materials_extracted"] == "empty"


def test_a_page_without_text_layer_degrades_the_job(shelf, pdf):
    shelf.texts = [PROSE, ""]
    job = processed(pdf)
    assert states_of(job)["text_extracted"] == "degraded"
    assert "No text layer" in pages(job)[2].warnings[0]
    assert any("without a text layer" in each["message"] for each in job.warnings)


def test_a_picture_on_many_pages_is_decoration(shelf, pdf):
    shelf.picture_pages = frozenset({1, 2, 3})
    job = processed(pdf)
    images = PdfImage.objects.filter(page__document=document_of(job))
    assert [image.decoration for image in images] == [True] * 3


def test_a_record_names_its_picture(shelf, pdf):
    shelf.picture_pages = frozenset({2})
    job = processed(pdf, "--supplier", "Pictured")
    line = lines_of("--supplier", "Pictured")["NL-1"]
    assert line["images"] == [f"pdf/{job.document_id}/i2-1.png"]
    assert line["provenance"]["images"][0]["box"] == [10, 10, 40, 40]
    again = processed(pdf, "--supplier", "Pictured", "--again")
    assert (again.result["unchanged"], again.result["updated"]) == (3, 0)


def test_only_web_addresses_are_fetched_of_what_a_material_shows(shelf, pdf, tmp_path):
    """The pictures of a PDF are files of ours, shown as they are."""
    shelf.picture_pages = frozenset({2})
    url = "https://x.example/1.jpg"
    feed = xml_feed(tmp_path / "t.xml", [{"sku": "NL-2", "name": "Chalk", "image_link": url}])
    assert imported(feed, "--supplier", "Pictured").status == "completed"
    ImageFetch.objects.all().delete()
    job = processed(pdf, "--supplier", "Pictured")
    assert (job.status, job.result["updated"]) == ("completed", 1)
    assert list(ImageFetch.objects.values_list("url", "status", "job_id")) == [
        (url, "pending", job.pk)
    ]


@pytest.mark.django_db(transaction=True)
def test_pictures_are_queued_in_transactions_of_their_own(shelf, pdf, queues, monkeypatch):
    """In one for all parts, two jobs with the same addresses could wait for each other for ever."""
    inside = []
    monkeypatch.setattr(
        "pdfjobs.materials.add_web_of_rows", lambda *_: inside.append(connection.in_atomic_block)
    )
    assert processed(pdf).status == "completed"
    assert inside == [False]


def test_a_password_is_asked_for_and_the_job_goes_on_with_it(shelf, pdf):
    shelf.password = "test"
    job = processed(pdf)
    assert (job.waiting_for, job.question["message"]) == (
        "password", "The file asks for a password.",
    )  # fmt: skip
    assert manage("jobs", "answer", job.pk).code == 2
    assert manage("jobs", "answer", job.pk, "--password", "wrong").code == 0
    work_off()
    job.refresh_from_db()
    assert job.waiting_for == "password"
    assert manage("jobs", "answer", job.pk, "--password", "test").code == 0
    work_off()
    job.refresh_from_db()
    assert job.status == "completed"
    assert "test" not in str(job.answer)


def test_a_password_given_at_the_start_is_used_and_kept_sealed(shelf, pdf):
    shelf.password = "geheim"
    job = processed(pdf, "--password", "geheim")
    assert job.status == "completed"
    assert "geheim" not in document_of(job).sealed_password


def test_a_known_file_is_asked_about(shelf, pdf):
    processed(pdf, "--supplier", "Twice")
    job = processed(pdf, "--supplier", "Twice")
    assert job.waiting_for == "duplicate"
    assert "was processed before" in job.question["message"]
    assert manage("jobs", "answer", job.pk, "--again").code == 0
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["unchanged"]) == ("completed", 3)
    assert Material.objects.filter(supplier__name="Twice").count() == 3


def test_another_suppliers_file_is_not_asked_about(shelf, pdf):
    processed(pdf, "--supplier", "One")
    assert processed(pdf, "--supplier", "Other").status == "completed"


def test_a_price_without_currency_stays_without_one(shelf, pdf):
    processed(pdf, "--supplier", "Unknown")
    line = lines_of("--supplier", "Unknown")["NL-1"]
    assert (line["price"], line["currency"]) == ("24.50", None)
    row = PdfRow.objects.get(key="NL-1")
    assert row.detail["warnings"][0]["reason"] == "unknown currency"


def test_a_key_that_comes_again_is_skipped_with_the_reason(shelf, pdf):
    shelf.texts = [TABLE, TABLE]
    job = processed(pdf)
    assert (job.result["created"], job.status) == (2, "completed")
    row = PdfRow.objects.get(job_id=job.pk, number=2001)
    assert row.outcome == "s"
    assert "on page 1 already" in row.detail["reason"]


def test_a_bad_price_fails_its_record_and_no_other(shelf, pdf):
    shelf.texts = [f"{HEAD}\nNL-1 Slate abc\nNL-2 Chalk 9.90"]
    job = processed(pdf)
    assert job.result["created"] == 1
    assert PdfRow.objects.get(job_id=job.pk, outcome="f").line == 1
    assert any("not written" in each["message"] for each in job.warnings)


def test_stages_can_be_run_again(shelf, pdf):
    job = processed(pdf)
    assert lifecycle.rerun_from(job.pk, "materials_detected", None, "")
    shelf.calls.clear()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["unchanged"], shelf.calls) == ("completed", 3, [])
