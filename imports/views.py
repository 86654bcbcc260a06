"""The pages of an import: its start, its run and the files that it gives."""

from typing import Any, cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from imports import guardrails, missing, rejects
from imports.forms import StartForm
from imports.joins import JoinRefused
from imports.models import DataImportJob
from imports.page_frame import found_or_404, frame
from imports.request import Request
from imports.rows import page_of_rows
from imports.start import start_imports
from jobtracker import lifecycle, uploads
from jobtracker.access import operator_required, staff_required
from jobtracker.hub import views as hub
from jobtracker.models import User
from jobtracker.monitor.job import JobPage
from jobtracker.states import Waiting
from jobtracker.uploads import SourceRefused

ADD = "imports.add_dataimportjob"


@operator_required(ADD)
def start(request: HttpRequest) -> HttpResponse:
    """Start an import from the form of the data-import page."""
    form = StartForm(request.POST, request.FILES)
    if not form.is_valid():
        return hub.page(request, {"import_form": form}, status=400)
    try:
        created = start_imports(_requests(form, cast(User, request.user)))
    except SourceRefused as error:
        blamed = error.blamed if isinstance(error, JoinRefused) else ""
        form.add_error(blamed or None, str(error))
        return hub.page(request, {"import_form": form}, status=400)
    hub.tell_started(request, created, "imports")
    if len(created) > 1:
        return HttpResponseRedirect(reverse("data-import"))
    started = DataImportJob.objects.get(background_job_id=created[0].job_id)
    return HttpResponseRedirect(reverse("import-detail", args=[started.pk]))


def _requests(form: StartForm, user: User) -> list[Request]:
    """Return one request for each chosen source. Raises `SourceRefused`."""
    data = form.cleaned_data
    common: dict[str, Any] = {
        "supplier": data["supplier"],
        "currency": data["currency"] or None,
        "confirm": data["confirm"],
        "price_only": data["price_only"],
        "missing": data["missing"],
        "created_by": user,
    }
    if second := data["join"]:
        common |= {"join": second.name, "join_upload": second, "join_on": data["join_on"]}
    elif path := data.get("join_path"):
        common |= {"join": path, "join_on": data["join_on"]}
    if data["feeds"]:
        return [Request(file.name, upload=file, **common) for file in data["feeds"]]
    source = data["url"] or str(uploads.allowed_path(data["path"]))
    return [Request(source, **common)]


@staff_required()
def detail(request: HttpRequest, pk: str) -> HttpResponse:
    """Show a run: where it stands, and its rows with failures first."""
    found, page = found_or_404(pk)
    context = {
        **frame(request, found, page, "run"),
        **page_of_rows(page.job.pk, request.GET),
        **_asked(page),
    }
    return render(request, "imports/detail.html", context)


@staff_required()
def parts(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the parts of the run's page that change with it, afresh."""
    found, page = found_or_404(pk)
    context = {
        **frame(request, found, page, "run"),
        **page_of_rows(page.job.pk, request.GET),
        **_asked(page),
        "oob": True,
    }
    return render(request, "imports/parts.html", context)


@staff_required()
def file(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Hand out the stored source as it came, as a download."""
    found, _ = found_or_404(pk)
    if not found.source_file:
        raise Http404("The source has not been fetched yet.")
    stored = uploads.opened(found.source_file)
    return FileResponse(
        stored,
        as_attachment=True,
        filename=found.source_name,
        content_type="application/octet-stream",
    )


@staff_required()
def reject_file(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Hand out the rows that failed, to be corrected and imported again."""
    found, _ = found_or_404(pk)
    with uploads.incoming() as path:
        try:
            rejects.write(found, path)
        except rejects.NoRejects as error:
            raise Http404(str(error)) from error
        content = path.open("rb")  # which outlives the name of the file
    return FileResponse(
        content,
        as_attachment=True,
        filename=rejects.file_name(found),
        content_type="application/octet-stream",
    )


@operator_required()
def decide(request: HttpRequest, pk: str) -> HttpResponse:
    """Take whether a job goes on past what it asks about."""
    found, page = found_or_404(pk)
    back = HttpResponseRedirect(reverse("import-detail", args=[found.pk]))
    decision = request.POST.get("decision")
    if page.job.waiting_for != Waiting.THRESHOLD or decision not in ("go on", "stop"):
        messages.warning(request, "The job does not wait for a decision any more.")
        return back
    reply = guardrails.reply(page.job, go_on=decision == "go on")
    if not lifecycle.answer(page.job.pk, Waiting.THRESHOLD, reply, cast(User, request.user)):
        messages.warning(request, "Someone else answered first.")
    return back


def _asked(page: JobPage) -> dict[str, Any]:
    """Return the words of the question that the run's page asks itself."""
    if page.job.waiting_for != Waiting.THRESHOLD:
        return {}
    about_missing = page.job.question.get("about") == missing.ABOUT
    words = missing.WORDS if about_missing else guardrails.words(page.job.question)
    return {"question": words, "answered_here": True}
