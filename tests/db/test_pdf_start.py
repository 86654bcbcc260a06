"""What is no PDF is refused before a job exists."""

import pytest

from jobtracker.models import BackgroundJob

from .import_runs import manage, refused
from .pdf_runs import pdf_file

pytestmark = pytest.mark.django_db


def test_a_missing_file_is_refused(tmp_path):
    assert "does not exist" in refused(manage("process_pdf", tmp_path / "none.pdf"))


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.pdf"
    path.touch()
    assert "empty.pdf is empty." in refused(manage("process_pdf", path))


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "page.pdf"
    path.write_text("<html>" + 2000 * " " + "%PDF-1.4")
    assert "is no PDF" in refused(manage("process_pdf", path))


@pytest.mark.parametrize("pages", ["x", "0", "9-3", "1--2"])
def test_pages_that_are_none_are_refused(tmp_path, pages):
    path = pdf_file(tmp_path / "tiles.pdf")
    assert "Pages: " in refused(manage("process_pdf", path, f"--pages={pages}"))


def test_a_bad_file_among_good_ones_starts_nothing(tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_text("no")
    refused(manage("process_pdf", pdf_file(tmp_path / "tiles.pdf"), bad))


def test_a_file_whose_job_still_runs_is_that_job(tmp_path):
    path = pdf_file(tmp_path / "tiles.pdf")
    manage("process_pdf", path, "--supplier", "Once")
    answer = manage("process_pdf", path, "--supplier", "Once")
    assert "is being processed already" in answer.err
    assert BackgroundJob.objects.count() == 1
