"""An import that mends malformed XML: asked for, and told of on the job."""

import pytest
from django.utils.html import escape

from imports.models import DataImportJob, ImportRow
from jobtracker.models import BackgroundJob
from jobtracker.states import Status

from .import_runs import imported, lines_of, manage, refused, xml_feed
from .pages import signed_in

pytestmark = pytest.mark.django_db
SUPPLIER = ("--supplier", "Northlight")
MENDED = "Repaired: an & or < that begins nothing was left out."


@pytest.fixture
def feed(tmp_path):
    path = xml_feed(tmp_path / "tiles.xml")
    path.write_text(path.read_text().replace("Chalk 30", "Chalk & Co"))
    return path


def test_it_is_never_done_unasked(feed):
    job = imported(feed, *SUPPLIER)
    assert job.status == Status.FAILED
    assert job.error.startswith("The XML is malformed at line 3")
    assert "can be read again and mended (under Source, or by import_feed --repair)" in job.error
    text = feed.read_text()
    feed.write_text(text[: len(text) // 2].replace("& Co", ""))
    assert "--repair" not in imported(feed, *SUPPLIER).error


def test_each_place_is_a_warning_of_the_job(feed):
    job = imported(feed, *SUPPLIER, "--repair")
    assert (job.status, job.result["created"]) == (Status.COMPLETED, 3)
    place, counted = (each["message"] for each in job.warnings)
    assert place.startswith("Repaired at line 3, column ")
    assert counted == f"1 row: {MENDED}"
    assert lines_of()["NL-2"]["name"] == "Chalk Co"
    assert imported(feed, *SUPPLIER, "--repair").result["unchanged"] == 3


def test_the_row_that_was_mended_says_so(feed, client):
    job = imported(feed, *SUPPLIER, "--repair")
    rows = dict(ImportRow.objects.filter(job=job).values_list("key", "detail"))
    assert rows == {"NL-1": None, "NL-2": {"warnings": [{"reason": MENDED}]}, "NL-3": None}
    found = DataImportJob.objects.get(background_job=job)
    page = signed_in(client, "Viewers").get(f"/admin/data-import/{found.pk}/?rows=all")
    assert escape(MENDED) in page.content.decode()


def test_a_dry_run_says_what_the_run_does(feed):
    dry = manage("import_feed", feed, *SUPPLIER, "--repair", "--dry-run", "--json").json
    assert (dry["created"], dry["total"]) == (3, 3)


def test_failed_rows_come_as_a_file_that_is_well_formed(feed, tmp_path):
    feed.write_text(feed.read_text().replace("9.90 EUR", "soon"))
    job = imported(feed, *SUPPLIER, "--repair", "--currency", "EUR")
    assert job.failed_items == 1, job.question
    answer = manage("import_rejects", job.pk, "--folder", tmp_path)
    assert answer.code == 0, answer.err
    rejects = tmp_path / "tiles.xml.rejected.xml"
    rejects.write_text(rejects.read_text().replace("soon", "9.90 EUR"))
    assert imported(rejects, *SUPPLIER).result["created"] == 1


def test_what_cannot_be_repaired_is_refused_before_a_job_exists(tmp_path):
    feed = xml_feed(tmp_path / "tiles.xml")
    feed.write_text(feed.read_text().replace("Slate 60</name>", "Slate 60"))
    assert "cannot be repaired" in refused(manage("import_feed", feed, *SUPPLIER, "--repair"))
    table = tmp_path / "tiles.csv"
    table.write_text("sku,name\nA,b\n")
    assert "Only XML can be repaired" in refused(
        manage("import_feed", table, *SUPPLIER, "--repair")
    )
    assert not BackgroundJob.objects.exists()
