"""A PDF as a person sees it: the upload, the grid, a page with its boxes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobtracker.models import BackgroundJob
from pdfjobs.models import PdfDocument, PdfPage
from tests.browser.test_accessibility import troubles
from tests.db.pdf_documents import make_document, set_job

HUB = "/admin/data-import"
DOCUMENT = f"**{HUB}/pdf/*-*"
PDF = b"%PDF-1.7\n%%EOF\n"


def url(document: PdfDocument, rest: str = "") -> str:
    return f"{HUB}/pdf/{document.pk}{rest}"


def with_failures(pages: int) -> PdfDocument:
    document = make_document("Catalogue of the spring collection.pdf", pages=pages)
    failed = PdfPage.objects.filter(document=document, number__in=[3, 7])
    failed.update(state="failed", kind="", error="The page took more than 20 s.", hint="Retry it.")
    PdfPage.objects.filter(document=document, number=5).update(state="skipped", kind="")
    job = document.background_job
    set_job(document, status="completed", started_at=job.created_at, completed_at=job.created_at)
    return document


def asking() -> PdfDocument:
    document = make_document(pages=0)
    set_job(document, waiting_for="password", question={"message": "The file asks for a password."})
    return document


LOOKS: dict[str, Callable[[], str]] = {
    "hub": lambda: HUB,
    "no pages": lambda: url(make_document(pages=0)),
    "many pages": lambda: url(with_failures(1000)),
    "failed pages": lambda: url(with_failures(10), "?pages=failed"),
    "a page": lambda: url(with_failures(10), "/page/1"),
    "a failed page": lambda: url(with_failures(10), "/page/3"),
    "a password": lambda: url(asking()),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_at(page: Page, name: str) -> None:
    assert troubles(page, LOOKS[name]()) == []


def fill(page: Page, *files: Path, supplier: str = "Acme") -> None:
    page.goto(HUB)
    page.set_input_files("#pdf_pdfs", files)
    page.fill("#pdf_supplier", supplier)


def test_an_upload_shows_its_progress(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(PDF + bytes(4 << 20))
    fill(page, large)
    expect(page.locator("#pdf-names")).to_have_text("large.pdf (4.0 MB)")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2 << 20}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.get_by_role("button", name="Process PDF").click()
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_visible()
    expect(bar).not_to_have_attribute("aria-valuenow", "0")
    page.wait_for_url(DOCUMENT)
    expect(page.locator("#jt-top h2")).to_have_text("large.pdf")


def test_an_upload_can_be_stopped(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(PDF + bytes(4 << 20))
    fill(page, large)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1 << 18}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.get_by_role("button", name="Process PDF").click()
    page.get_by_role("button", name="Stop the upload").click()
    expect(page.locator("#pdf-refused")).to_have_text(
        "The upload was stopped; nothing was started."
    )
    assert not BackgroundJob.objects.exists()


def test_what_is_refused_is_said_and_the_form_stays_filled(page: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "picture.pdf"
    wrong.write_bytes(b"GIF89a, no PDF")
    fill(page, wrong)
    page.get_by_role("button", name="Process PDF").click()
    expect(page.locator("#pdf-refused")).to_contain_text("picture.pdf")
    expect(page.locator("#pdf_supplier")).to_have_value("Acme")
    expect(page.get_by_role("button", name="Process PDF")).to_be_enabled()


def test_files_are_taken_without_the_module(page: Page, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.pdf" for n in range(2)]
    for number, path in enumerate(files):
        path.write_bytes(PDF + bytes([65 + number]))
    fill(page, *files)
    # What the browser itself does with the form: no script sees this as a submission.
    page.evaluate("document.getElementById('pdf-form').submit()")
    expect(page.get_by_text("Started 2 PDFs.")).to_be_visible()
    assert PdfDocument.objects.count() == 2


def test_a_value_and_its_box_light_up_together(page: Page) -> None:
    page.goto(url(make_document(), "/page/1"))
    value = page.locator(".pdf-values [data-mark*=price]")
    box = page.locator("rect[data-mark*=price]")
    expect(page.locator("[data-lit]")).to_have_count(0)
    value.get_by_role("link").focus()
    expect(box).to_have_attribute("data-lit", "")
    page.locator("#pdf-records").hover()
    expect(box).not_to_have_attribute("data-lit", "")
    box.hover()
    expect(value).to_have_attribute("data-lit", "")
    box.click()
    expect(value.get_by_role("link")).to_be_focused()


def test_boxes_lie_on_the_picture_and_can_be_hidden(page: Page) -> None:
    page.goto(url(make_document(), "/page/1"))
    sheet = page.locator(".pdf-sheet img").bounding_box()
    picture = page.locator("rect[data-layer=picture]").bounding_box()
    assert sheet
    assert picture
    assert abs((picture["x"] - sheet["x"]) / sheet["width"] - 60 / 595) < 0.01
    assert abs((picture["y"] - sheet["y"]) / sheet["height"] - 421 / 842) < 0.01
    page.get_by_label("Pictures").uncheck()
    expect(page.locator("rect[data-layer=picture]")).to_be_hidden()
    expect(page.locator("rect[data-layer=table]")).to_be_visible()


def test_a_password_half_typed_outlasts_an_update(page: Page) -> None:
    document = asking()
    page.goto(url(document))
    given = page.get_by_label("Password of tiles.pdf")
    given.fill("s3cr")
    given.blur()
    with page.expect_response(lambda response: "/parts" in response.url):
        set_job(document, priority=2)
    expect(page.locator("#jt-top")).to_contain_text("high")
    expect(given).to_have_value("s3cr")


def test_a_password_is_given_on_the_page(page: Page) -> None:
    document = asking()
    page.goto(url(document))
    page.get_by_label("Password of tiles.pdf").fill("s3cret")
    page.get_by_role("button", name="Open and go on").click()
    expect(page.locator("#pdf-given")).to_have_count(0)
    assert BackgroundJob.objects.get(pk=document.background_job_id).waiting_for is None
