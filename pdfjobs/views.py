"""The pages of a PDF: start, document, page, and the files that they show."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from jobtracker import lifecycle, uploads
from jobtracker.access import operator_required, staff_required
from jobtracker.hub import views as hub
from jobtracker.lifecycle import Created
from jobtracker.models import JobCheckpoint, User
from jobtracker.monitor.job import JobPage
from jobtracker.sealed import seal
from jobtracker.states import TERMINAL, Waiting
from jobtracker.uploads import SourceRefused
from pdfjobs import document_page
from pdfjobs.forms import PasswordForm, StartForm
from pdfjobs.models import PdfDocument
from pdfjobs.start import Request, retry_pages, start_pdfs

ADD = "pdfjobs.add_pdfdocument"
TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
KEPT = "private, max-age=86400"  # the pages name a file anew when its page changes


@operator_required(ADD)
def start(request: HttpRequest) -> HttpResponse:
    """Start a job for each file of the form. A script that sends it is answered in JSON: where to
    go, or what is wrong."""
    form = StartForm(request.POST, request.FILES)
    in_script = request.headers.get("Accept") == "application/json"
    created: list[Created] = []
    if form.is_valid():
        try:
            created = start_pdfs(_requests(form, cast(User, request.user)))
        except SourceRefused as error:
            form.add_error(None, str(error))
    if not created:
        if in_script:
            said = [str(error) for errors in form.errors.values() for error in errors]
            return JsonResponse({"errors": said}, status=400)
        return hub.page(request, {"pdf_form": form}, status=400)
    hub.tell_started(request, created, "PDFs")
    to = reverse("data-import") if len(created) > 1 else _address(created[0])
    return JsonResponse({"location": to}) if in_script else HttpResponseRedirect(to)


def _requests(form: StartForm, user: User) -> list[Request]:
    data = form.cleaned_data
    common: dict[str, Any] = {name: data[name] for name in ("supplier", "pages", "again")}
    return [
        Request(file.name, upload=file, password=data["password"] or "", created_by=user, **common)
        for file in data["pdfs"]
    ]


def _address(created: Created) -> str:
    found = PdfDocument.objects.only("pk").get(background_job_id=created.job_id)
    return reverse("pdf-document", args=[found.pk])


@staff_required()
def document(request: HttpRequest, document_id: str) -> HttpResponse:
    """Show a document: where its job stands, what it asks, and its pages."""
    return render(request, "pdfjobs/document.html", _document(request, document_id))


@staff_required()
def parts(request: HttpRequest, document_id: str) -> HttpResponse:
    """Return the parts of the document's page that change with it, afresh."""
    context = _document(request, document_id)
    return render(request, "pdfjobs/parts.html", context | {"oob": True})


def _document(request: HttpRequest, document_id: str) -> dict[str, Any]:
    found, job_page = _found(document_id)
    embedded = JobCheckpoint.objects.filter(job=job_page.job, stage="embeddings_created").first()
    return {
        **_frame(request, found, job_page),
        **document_page.grid(found, request.GET),
        "kin": document_page.kin(job_page.job),
        "embedded": embedded.data if embedded else {},
    }


@staff_required()
def page(request: HttpRequest, document_id: str, number: str) -> HttpResponse:
    """Show a page's picture with the boxes of what was found on it, and its records beside it."""
    found, job_page = _found(document_id)
    shown = get_object_or_404(found.pages, number=number)
    context = {
        **_frame(request, found, job_page),
        **document_page.page_view(found, shown),
        "tab_title": f"Page {shown.number}: {found.filename}",
        "shown": shown,
    }
    return render(request, "pdfjobs/page.html", context)


@staff_required()
def original(request: HttpRequest, document_id: str) -> HttpResponseBase:
    """Hand out the PDF as it came, as a download."""
    found = get_object_or_404(PdfDocument, pk=document_id)
    try:
        stored = uploads.opened(found.source_file)
    except FileNotFoundError:
        raise Http404("The file is gone.") from None
    return FileResponse(
        stored, as_attachment=True, filename=found.filename, content_type="application/octet-stream"
    )


@staff_required()
def file(request: HttpRequest, document_id: str, filename: str) -> HttpResponse:
    """Hand out a picture of a document's page. The address allows no name outside its folder."""
    try:
        with default_storage.open(f"pdf/{document_id}/{filename}", "rb") as stored:
            content = stored.read()
    except FileNotFoundError:
        raise Http404 from None
    headers = {"Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, TYPES[filename.rpartition(".")[2]], headers=headers)


@operator_required()
def answer(request: HttpRequest, document_id: str) -> HttpResponse:
    """Take the password, or the word to process a known file again; the job goes on with it."""
    found, job_page = _found(document_id)
    job = job_page.job
    back = HttpResponseRedirect(reverse("pdf-document", args=[found.pk]))
    reply: dict[str, Any]
    if job.waiting_for == Waiting.PASSWORD:
        form = PasswordForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Type the password.")
            return back
        reply = {"sealed": seal(form.cleaned_data["password"])}
    elif job.waiting_for == Waiting.DUPLICATE:
        reply = {"again": True}
    else:
        messages.warning(request, "The job does not wait for an answer any more.")
        return back
    if not lifecycle.answer(job.pk, Waiting(job.waiting_for), reply, cast(User, request.user)):
        messages.warning(request, "Someone else answered first.")
    return back


@operator_required()
def retry(request: HttpRequest, document_id: str) -> HttpResponse:
    """Run one page again (`page`), or all that failed, as a new job with the same options."""
    found, _ = _found(document_id)
    back = HttpResponseRedirect(reverse("pdf-document", args=[found.pk]))
    given = request.POST.get("page", "")
    if given:
        one = given.isascii() and given.isdigit() and len(given) < 10
        numbers = [int(given)] if one and found.pages.filter(number=int(given)).exists() else []
    else:
        numbers = document_page.failed_numbers(found)
    if not numbers:
        messages.warning(request, "There is no such page to retry.")
        return back
    try:
        created = retry_pages(found, numbers, cast(User, request.user))
    except SourceRefused as error:
        messages.error(request, str(error))
        return back
    if created.existing:
        messages.info(request, "These pages are being retried already; this is their job.")
    return HttpResponseRedirect(_address(created))


def _found(document_id: str) -> tuple[PdfDocument, JobPage]:
    """Return the document and its job's page, or 404."""
    found = get_object_or_404(PdfDocument.objects.select_related("background_job"), pk=document_id)
    job_page = JobPage.of(found.background_job_id)
    if job_page is None:
        raise Http404
    return found, job_page


def _frame(request: HttpRequest, found: PdfDocument, job_page: JobPage) -> dict[str, Any]:
    """Return what every page about a document shows around its own part."""
    return {
        **admin.site.each_context(request),
        "title": found.filename,
        "tab_title": f"{job_page.row.state.label}: {found.filename}",
        "found": found,
        "page": job_page,
        "answered_here": True,
        "job": job_page.job,
        "over": job_page.job.status in TERMINAL,
    }
