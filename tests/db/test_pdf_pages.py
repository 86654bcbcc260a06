"""The pages of a PDF: start form, document, page, files, answers and retries."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobtracker.catalogue.models import MaterialSource
from jobtracker.models import AuditEntry, BackgroundJob
from jobtracker.sealed import unseal
from jobtracker.states import Status, Waiting
from pdfjobs.document_page import GRID
from pdfjobs.models import PdfDocument, PdfPage
from tests.db.pages import act, signed_in
from tests.db.pdf_documents import PRICE_BOX, make_document, set_job

pytestmark = pytest.mark.django_db

START = "/admin/data-import/pdf/start"
PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def url(document: PdfDocument, rest: str = "") -> str:
    return f"/admin/data-import/pdf/{document.pk}{rest}"


def shown(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def numbers(page: str) -> list[int]:
    """Return the numbers of the pages in a grid."""
    return [int(number) for number in re.findall(r'id="pdf-leaf-(\d+)"', page)]


def waiting(document: PdfDocument, what: Waiting, **question: Any) -> BackgroundJob:
    return set_job(document, waiting_for=what.value, question=question)


def over(document: PdfDocument) -> BackgroundJob:
    job = document.background_job
    return set_job(
        document, status=Status.COMPLETED, completed_at=job.created_at, started_at=job.created_at
    )


# --- start ---


def test_the_hub_offers_a_pdf_first(operator):
    page = shown(operator, "/admin/data-import")
    assert page.index(START) < page.index("/admin/data-import/start")


def test_an_upload_becomes_a_job_with_its_options(operator):
    file = SimpleUploadedFile("tiles.pdf", PDF)
    answer = act(
        operator, START, pdfs=file, supplier="Acme", pages="1-3", password=" pw ", again="on"
    )
    document = PdfDocument.objects.get()
    job = document.background_job
    assert answer.headers["Location"] == url(document)
    assert (job.filename, job.supplier.name, document.filename) == (
        "tiles.pdf",
        "Acme",
        "tiles.pdf",
    )
    assert job.metadata["pages"] == "1-3"
    assert job.metadata["again"] is True
    assert unseal(document.sealed_password) == " pw "
    assert job.created_by.username == "operators"


def test_several_files_become_a_job_each(operator):
    files = [SimpleUploadedFile(f"{n}.pdf", PDF + bytes([65 + n])) for n in range(3)]
    answer = act(operator, START, pdfs=files, supplier="Acme")
    assert answer.headers["Location"] == "/admin/data-import"
    assert PdfDocument.objects.count() == 3
    assert "Started 3 PDFs." in shown(operator, "/admin/data-import")


def sent_by_script(client, **form):
    token = client.get("/admin/async-queue-monitor").context["csrf_token"]
    data = {"csrfmiddlewaretoken": str(token), **form}
    return client.post(START, data, headers={"accept": "application/json"})


def test_a_script_is_told_where_to_go(operator):
    answer = sent_by_script(operator, pdfs=SimpleUploadedFile("a.pdf", PDF), supplier="Acme")
    assert answer.json() == {"location": url(PdfDocument.objects.get())}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"supplier": "Acme"}, "Choose a PDF."),
        ({"pdfs": ("a.pdf", b""), "supplier": "Acme"}, "The file is empty."),
        ({"pdfs": ("a.pdf", b"GIF89a, no PDF"), "supplier": "Acme"}, "a.pdf"),
        ({"pdfs": ("a.pdf", PDF), "supplier": "Acme", "pages": "9-1"}, "9-1"),
    ],
)
def test_what_is_no_pdf_is_said_to_both(operator, form, said):
    def given():
        file = {"pdfs": SimpleUploadedFile(*form["pdfs"])} if "pdfs" in form else {}
        return form | file

    answer = sent_by_script(operator, **given())
    assert answer.status_code == 400
    assert said in " ".join(answer.json()["errors"])
    page = act(operator, START, **given())
    assert page.status_code == 400
    assert said in page.content.decode()
    assert not BackgroundJob.objects.exists()


# --- document ---


def test_a_document_shows_its_pages_with_state_kind_and_records(operator):
    document = make_document(pages=3)
    PdfPage.objects.filter(document=document, number=2).update(
        state="failed", error="It took too long", hint="Try again"
    )
    page = shown(operator, url(document))
    assert numbers(page) == [1, 2, 3]
    assert f'src="{url(document)}/files/t1.png?v=' in page
    assert "Table · 2 records · 1 warning" in page
    assert "It took too long" in page
    assert numbers(shown(operator, url(document, "?pages=failed"))) == [2]


def test_a_page_that_is_not_over_says_how_far_it_is(operator):
    document = make_document(pages=2)
    PdfPage.objects.filter(document=document, number=2).update(
        state="pending", kind="", stage="tables_extracted"
    )
    assert "Read tables" in shown(operator, url(document, "?pages=pending"))


def test_a_document_without_pages_says_so(operator):
    assert "No page is known yet." in shown(operator, url(make_document(pages=0)))


def test_a_long_document_is_shown_screen_by_screen(operator):
    document = make_document(pages=5000)
    first = shown(operator, url(document))
    assert numbers(first) == list(range(1, GRID + 1))
    assert f"from={GRID + 1}" in first
    later = shown(operator, url(document, f"?from={GRID + 11}"))
    assert numbers(later)[0] == GRID + 11
    assert "from=11" in later
    assert numbers(shown(operator, url(document, "?from=4990"))) == list(range(4990, 5001))


def test_the_grid_asks_the_same_for_many_pages(operator):
    counted = []
    for pages in (1, 200):
        document = make_document(f"{pages}.pdf", pages=pages)
        shown(operator, url(document))
        with CaptureQueriesContext(connection) as caught:
            shown(operator, url(document))
        counted.append(len(caught))
        assert not [sql for sql in caught if '"words"' in sql["sql"]]
    assert counted[0] == counted[1]


def test_what_changes_is_fetched_as_fragments(operator):
    document = make_document()
    assert f'data-changes="{url(document)}/parts?' in shown(operator, url(document))
    parts = shown(operator, url(document, "/parts"))
    for part in ("pdf-question", "pdf-pages", "pdf-facts"):
        assert re.search(f'id="{part}"[^>]* hx-swap-oob="morph"', parts)
    assert "<html" not in parts


# --- page ---


def test_a_page_ties_each_value_to_its_box(operator):
    page = shown(operator, url(make_document(), "/page/1"))
    x0, top, x1, bottom = PRICE_BOX
    box = f'x="{x0}.00" y="{top}.00" width="{x1 - x0}.00" height="{bottom - top}.00"'
    [name] = re.findall(rf'<rect id="box-([\w-]+)" data-layer="value"[^>]* {box}>', page)
    assert f'href="#box-{name}"' in page
    assert 'viewBox="0 0 595.00 842.00"' in page
    assert "24.50 EUR m2" in page
    assert "<q>24,50 €</q>" in page
    assert "600 × 600 mm" in page


def test_a_records_picture_is_shown(operator):
    document = make_document()
    said = MaterialSource.objects.get()
    said.vals["images"] = [f"pdf/{document.pk}/p1.png"]
    said.save()
    page = shown(operator, url(document, "/page/1"))
    assert f'src="{url(document)}/files/p1.png" alt="Picture of Slate 60"' in page


def test_a_page_shows_what_failed_and_what_was_remarked(operator):
    page = shown(operator, url(make_document(), "/page/1"))
    assert "no number in it" in page
    assert "on demand" in page
    assert "Two readers disagree" in page
    assert "Text of page 1" in page


def test_a_page_leads_to_its_neighbours_also_over_a_gap(operator):
    document = make_document(pages=9)
    PdfPage.objects.filter(document=document, number__in=[4, 6]).delete()
    page = shown(operator, url(document, "/page/5"))
    assert f'rel="prev" href="{url(document)}/page/3"' in page
    assert f'rel="next" href="{url(document)}/page/7"' in page
    assert operator.get(url(document, "/page/4")).status_code == 404


def test_names_of_suppliers_are_text(operator):
    document = make_document('"><script>alert(1)</script>.pdf')
    PdfPage.objects.filter(document=document).update(text="<script>alert(2)</script>", error="<b>")
    for rest in ("", "/page/1"):
        page = shown(operator, url(document, rest))
        assert "<script>alert" not in page
        assert "<b></b>" not in page


# --- files ---


def test_a_picture_is_served_as_what_it_is(operator):
    answer = operator.get(url(make_document(), "/files/p1.png"))
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    "name", ["p2.png", "..%2f..%2fsecret_key", "../p1.png", "p1.html", "p1.png%00", "x/p1.png"]
)
def test_no_other_file_is_served(operator, name):
    assert operator.get(url(make_document(), f"/files/{name}")).status_code == 404


def test_another_documents_picture_is_not_this_ones(operator):
    make_document("one.pdf")
    assert operator.get(url(make_document("two.pdf", pages=0), "/files/p1.png")).status_code == 404


def test_the_original_is_a_download(operator):
    answer = operator.get(url(make_document(), "/original"))
    assert b"".join(answer.streaming_content) == PDF
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tiles.pdf"'
    assert answer.headers["Content-Type"] == "application/octet-stream"


# --- answers ---


def test_a_password_is_kept_sealed_and_the_job_goes_on(operator):
    document = make_document(pages=0)
    waiting(document, Waiting.PASSWORD, message="The file asks for a password.")
    page = shown(operator, url(document))
    assert 'type="password"' in page
    assert ">Answer<" not in page  # the form stands here; the job's own page leads to it
    assert ">Answer<" in shown(
        operator, f"/admin/async-queue-monitor/jobs/{document.background_job_id}"
    )
    assert act(operator, url(document, "/answer"), password=" s3cret").status_code == 302
    job = BackgroundJob.objects.get(pk=document.background_job_id)
    assert job.waiting_for is None
    assert unseal(job.answer["password"]["sealed"]) == " s3cret"
    assert "s3cret" not in str(job.answer) + str(list(AuditEntry.objects.values()))


def test_no_password_is_no_answer(operator):
    document = make_document(pages=0)
    waiting(document, Waiting.PASSWORD)
    act(operator, url(document, "/answer"), password="")
    assert "Type the password." in shown(operator, url(document))
    assert BackgroundJob.objects.get(pk=document.background_job_id).waiting_for == "password"


def test_a_known_file_is_asked_about(operator):
    document = make_document(pages=0)
    job = waiting(document, Waiting.DUPLICATE, message="It was processed on Monday.")
    page = shown(operator, url(document))
    assert "It was processed on Monday." in page
    assert f"/jobs/{job.pk}/cancel" in page
    act(operator, url(document, "/answer"))
    job.refresh_from_db()
    assert (job.waiting_for, job.answer) == (None, {"duplicate": {"again": True}})


def test_an_answer_that_nobody_waits_for_changes_nothing(operator):
    document = make_document()
    act(operator, url(document, "/answer"), password="pw")
    assert "does not wait" in shown(operator, url(document))
    assert BackgroundJob.objects.get(pk=document.background_job_id).answer == {}


# --- retry ---


def test_one_page_is_retried_as_a_job_of_its_own(operator):
    document = make_document(pages=3)
    job = over(document)
    assert "Retry this page" in shown(operator, url(document, "/page/2"))
    answer = act(operator, url(document, "/retry"), page="2")
    again = BackgroundJob.objects.get(parent=job)
    assert again.metadata["pages"] == "2"
    assert answer.headers["Location"] == url(again.pdf_document)
    assert url(again.pdf_document) in shown(operator, url(document))
    assert url(document) in shown(operator, url(again.pdf_document))


def test_all_failed_pages_are_retried_together(operator):
    document = make_document(pages=9)
    PdfPage.objects.filter(document=document, number__in=[2, 5]).update(state="failed")
    job = over(document)
    assert "Retry 2 failed" in shown(operator, url(document))
    act(operator, url(document, "/retry"))
    assert BackgroundJob.objects.get(parent=job).metadata["pages"].replace(" ", "") == "2,5"


@pytest.mark.parametrize("page", ["", "4", "x", "9" * 30])
def test_nothing_to_retry_is_said(operator, page):
    document = make_document(pages=3)
    over(document)
    act(operator, url(document, "/retry"), page=page)
    assert "no such page" in shown(operator, url(document))
    assert BackgroundJob.objects.count() == 1
