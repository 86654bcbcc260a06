"""The pages of an import: start, source, mapping, run."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from imports import guardrails, mapping_page, missing, rejects
from imports.forms import StartForm
from imports.mapping import MappingError
from imports.models import DataImportJob
from imports.rows import page_of_rows
from imports.start import Request, start_imports
from jobtracker import lifecycle, uploads
from jobtracker.access import operator_required, staff_required
from jobtracker.hub import views as hub
from jobtracker.models import JobCheckpoint, User
from jobtracker.monitor.job import JobPage
from jobtracker.monitor.words import counted
from jobtracker.states import Status, Waiting
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
        form.add_error(None, str(error))
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
    if data["feeds"]:
        return [Request(file.name, upload=file, **common) for file in data["feeds"]]
    source = data["url"] or str(uploads.allowed_path(data["path"]))
    return [Request(source, **common)]


@staff_required()
def detail(request: HttpRequest, pk: str) -> HttpResponse:
    """Show a run: where it stands, and its rows with failures first."""
    found, page = _found(pk)
    context = {
        **_frame(request, found, page, "run"),
        **page_of_rows(page.job.pk, request.GET),
        **_asked(page),
    }
    return render(request, "imports/detail.html", context)


@staff_required()
def parts(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the parts of the run's page that change with it, afresh."""
    found, page = _found(pk)
    context = {
        **_frame(request, found, page, "run"),
        **page_of_rows(page.job.pk, request.GET),
        **_asked(page),
        "oob": True,
    }
    return render(request, "imports/parts.html", context)


@staff_required()
def source(request: HttpRequest, pk: str) -> HttpResponse:
    """Show how the source was read."""
    found, page = _found(pk)
    parsed = JobCheckpoint.objects.filter(job=page.job, stage="feed_parsed").first()
    context = {
        **_frame(request, found, page, "source"),
        "parsed": parsed.data if parsed else None,
        "count": parsed.items if parsed else None,
    }
    return render(request, "imports/source.html", context)


@staff_required()
def file(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Hand out the stored source as it came, as a download."""
    found, _ = _found(pk)
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
    found, _ = _found(pk)
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


@staff_required()
def mapping(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the feed's fields and what each feeds; a form while the job waits for it."""
    found, page = _found(pk)
    context = {
        **_frame(request, found, page, "mapping"),
        "mapping_page": mapping_page.page_for(found, page.job),
    }
    return render(request, "imports/mapping.html", context)


@operator_required()
def answer(request: HttpRequest, pk: str) -> HttpResponse:
    """Take the mapping that a person confirmed; the job goes on with it."""
    found, page = _found(pk)
    job = page.job
    form = mapping_page.page_for(found, job)
    back = HttpResponseRedirect(reverse("import-mapping", args=[found.pk]))
    if form is None or job.waiting_for not in (Waiting.MAPPING, Waiting.CURRENCY):
        messages.warning(request, "The job does not wait for a mapping any more.")
        return back
    try:
        confirmed = mapping_page.mapping_from_form(form, request.POST)
    except MappingError as error:
        messages.error(request, str(error))
        return back
    if form.asks_currency and not confirmed.defaults.get("currency"):
        messages.error(request, form.asks_currency["text"])
        return back
    user = cast(User, request.user)
    reply = confirmed.to_json() | {"remember": "remember" in request.POST}
    if not lifecycle.answer(job.pk, Waiting(job.waiting_for), reply, user):
        messages.warning(request, "Someone else answered first.")
        return back
    return HttpResponseRedirect(reverse("import-detail", args=[found.pk]))


@operator_required()
def decide(request: HttpRequest, pk: str) -> HttpResponse:
    """Take whether a job goes on past what it asks about."""
    found, page = _found(pk)
    back = HttpResponseRedirect(reverse("import-detail", args=[found.pk]))
    decision = request.POST.get("decision")
    if page.job.waiting_for != Waiting.THRESHOLD or decision not in ("go on", "stop"):
        messages.warning(request, "The job does not wait for a decision any more.")
        return back
    reply = guardrails.reply(page.job, go_on=decision == "go on")
    if not lifecycle.answer(page.job.pk, Waiting.THRESHOLD, reply, cast(User, request.user)):
        messages.warning(request, "Someone else answered first.")
    return back


def _found(pk: str) -> tuple[DataImportJob, JobPage]:
    """Return the import and its job's page, or 404."""
    found = get_object_or_404(
        DataImportJob.objects.select_related("background_job__supplier", "template"), pk=pk
    )
    page = JobPage.of(found.background_job_id)
    if page is None:
        raise Http404
    return found, page


def _asked(page: JobPage) -> dict[str, Any]:
    """Return the words of the question that the run's page asks itself."""
    if page.job.waiting_for != Waiting.THRESHOLD:
        return {}
    about_missing = page.job.question.get("about") == missing.ABOUT
    words = missing.WORDS if about_missing else guardrails.words(page.job.question)
    return {"question": words, "answered_here": True}


def _frame(request: HttpRequest, found: DataImportJob, page: JobPage, step: str) -> dict[str, Any]:
    """Return what every page of an import shows around its own part."""
    job = page.job
    done = set(job.checkpoints.exclude(state="running").values_list("stage", flat=True))
    waiting = job.waiting_for in (Waiting.MAPPING, Waiting.CURRENCY)
    count = counted(job.total_items, "rows") if job.total_items else ""
    steps = [
        ("source", "Source", count or found.import_type.upper(), "feed_parsed" in done),
        (
            "mapping",
            "Mapping",
            "needs you"
            if waiting
            else counted(len(found.field_mappings.get("fields", [])), "fields"),
            "fields_mapped" in done,
        ),
        ("run", "Run", page.row.state.label, job.status == Status.COMPLETED),
    ]
    return {
        **admin.site.each_context(request),
        "title": found.source_name,
        "tab_title": f"{page.row.state.label}: {found.source_name}",
        "found": found,
        "page": page,
        "job": job,
        "steps": [
            (
                number,
                label,
                note,
                over,
                name == step,
                reverse(f"import-{'detail' if name == 'run' else name}", args=[found.pk]),
            )
            for number, (name, label, note, over) in enumerate(steps, start=1)
        ],
        "waiting": waiting,
    }
