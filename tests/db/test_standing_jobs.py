"""A second start of the same thing from a page: nothing new, and the job that stands for it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from jobtracker.models import BackgroundJob
from tests.db.import_runs import xml_feed
from tests.db.pages import signed_in

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def start(client, name: str, **form) -> str:
    """Send a start form; return the page that follows, with what it says."""
    token = client.get("/admin/async-queue-monitor").context["csrf_token"]
    answer = client.post(reverse(name), {"csrfmiddlewaretoken": str(token), **form}, follow=True)
    assert answer.redirect_chain
    return answer.content.decode()


def link(job: BackgroundJob) -> str:
    return f'<a href="{reverse("job", args=[job.pk])}">job {str(job.pk)[-4:]}</a>'


def test_a_feed(operator, tmp_path):
    content = xml_feed(tmp_path / "tiles.xml").read_bytes()
    for _ in range(2):
        file = SimpleUploadedFile("tiles.xml", content)
        page = start(operator, "import-start", feeds=file, supplier="Northlight")
    job = BackgroundJob.objects.get()
    assert f"Under way already, so not started again: {link(job)}." in page


def test_of_several_feeds_only_the_new_ones_count_as_started(operator, tmp_path):
    first = xml_feed(tmp_path / "tiles.xml").read_bytes()
    other = xml_feed(tmp_path / "more.xml", [{"sku": "A", "name": "B", "price": "1 EUR"}])
    start(operator, "import-start", feeds=SimpleUploadedFile("a.xml", first), supplier="N")
    job = BackgroundJob.objects.get()
    files = [SimpleUploadedFile("a.xml", first), SimpleUploadedFile("b.xml", other.read_bytes())]
    page = start(operator, "import-start", feeds=files, supplier="N")
    assert "Started 1 import." in page
    assert link(job) in page
    assert BackgroundJob.objects.count() == 2


def test_a_site(operator, monkeypatch):
    monkeypatch.setattr("scraping.start.check_url", lambda url: None)  # asks for the host's address
    form = {"urls": "https://acme.example/", "supplier": "Acme", "max_pages": "5", "max_depth": "1"}
    form["mode"] = "page"
    for _ in range(2):
        page = start(operator, "scraper-start", **form)
    assert link(BackgroundJob.objects.get()) in page


def test_a_pdf(operator):
    for _ in range(2):
        page = start(operator, "pdf-start", pdfs=SimpleUploadedFile("a.pdf", PDF), supplier="A")
    assert link(BackgroundJob.objects.get()) in page
