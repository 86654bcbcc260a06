"""The pages of an import: start, source, mapping, run."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from imports import (
    guardrails,
    mapping_lines,
    mapping_page,
    missing,
    preview_page,
    rejects,
    reread,
    source_page,
    stored_source,
)
from imports.forms import ReadingForm, StartForm
from imports.mapping import MappingError
from imports.mapping_acts import acted
from imports.models import DataImportJob
from imports.rows import page_of_rows
from imports.start import Request, start_imports
from jobtracker import lifecycle, uploads
from jobtracker.access import OPERATE, operator_required, staff_required
from jobtracker.hub import views as hub
from jobtracker.models import BackgroundJob, JobCheckpoint, User
from jobtracker.monitor.job import JobPage
from jobtracker.monitor.words import counted
from jobtracker.states import LIVE, Status, Waiting
from jobtracker.uploads import SourceRefused

ADD = "imports.add_dataimportjob"
CSRF = "csrfmiddlewaretoken"
NOT_ASKED = "The job does not wait for a mapping any more."


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
    """Show how the source was read, or how it would be read as an operator states; and start an
    import that reads it so."""
    found, page = _found(pk)
    filled = _posted(request)
    in_use, candidates = source_page.source_in_use(page.job)
    form = ReadingForm(filled, initial=source_page.stated_of(page.job), source=in_use)
    read, why_not = None, ""
    try:
        if filled is not None and form.is_valid():
            stated = reread.restated(page.job, form.stated)
            read = source_page.read_otherwise(found, stated)
            if "look" not in filled:
                return _read_again(request, page.job, form.stated)
    except source_page.Blamed as error:
        form.add_error(error.field or None, str(error))
    except (stored_source.NotOpened, SourceRefused) as error:
        why_not = str(error)
    tried = read is not None
    if in_use and not tried and not why_not:
        read, why_not = source_page.read_so(found, in_use, candidates)
    parsed = JobCheckpoint.objects.filter(job=page.job, stage="feed_parsed")
    count = parsed.values_list("items", flat=True).first()
    context = {
        **_frame(request, found, page, "source"),
        "form": form,
        "read": read,
        "why_not": why_not,
        "tried": tried,
        "count": count,
        "encodings": source_page.ENCODINGS,
        "entries": source_page.entries(found) if in_use and in_use.entry and not why_not else [],
        "warnings": [each for each in page.job.warnings if each.get("code") == "feed"],
        "live": page.job.status in LIVE,
    }
    return render(request, "imports/source.html", context, status=400 if form.errors else 200)


def _read_again(request: HttpRequest, job: BackgroundJob, stated: dict[str, str]) -> HttpResponse:
    """Raises `SourceRefused`."""
    created = reread.read_again(job, stated, cast(User, request.user))
    started = DataImportJob.objects.get(background_job_id=created.job_id)
    messages.success(request, "The source is being read again, by an import of its own.")
    return HttpResponseRedirect(reverse("import-detail", args=[started.pk]))


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
    """Show the feed's fields and what each feeds; a form while the job waits for it. Posted to, it
    shows the form as it was left, with a step more or less where a button says so; where a script
    asks, of the line that its element belongs to alone."""
    found, page = _found(pk)
    return _mapping(request, found, page)


def _mapping(
    request: HttpRequest, found: DataImportJob, page: JobPage, wrong: str = ""
) -> HttpResponse:
    """Render the mapping page; `wrong` says what is wrong with the form that was posted."""
    posted = _posted(request)
    filled = posted if _asks(page) else None
    shown = mapping_page.page_for(found, page.job, filled)
    if shown and filled:
        shown = acted(shown, filled.get("act", ""), filled)
    if shown and _asks(page):
        shown = mapping_page.with_examples(shown, mapping_page.records_of(found, page.job))
    context = {
        **_frame(request, found, page, "mapping"),
        "mapping_page": shown,
        "mapping_url": reverse("import-mapping", args=[found.pk]),
        "wrong": wrong,
        "remember": filled is None or "remember" in filled,
    }
    if shown and (line := shown.line(request.headers.get("HX-Target", "").rpartition("-")[2])):
        return render(request, "imports/field.html", context | {"line": line})
    return render(request, "imports/mapping.html", context, status=400 if wrong else 200)


@staff_required()
def preview(request: HttpRequest, pk: str) -> HttpResponse:
    """Show what the run would do: with the mapping that an operator filled in, as long as the job
    asks for one, else with the one in use."""
    found, page = _found(pk)
    filled = _posted(request)
    if filled is not None and not _asks(page):
        messages.warning(request, NOT_ASKED)
        return HttpResponseRedirect(reverse("import-preview", args=[found.pk]))
    shown, why_not = None, ""
    try:
        tried = preview_page.mapping_to_try(found, page.job, filled)
        shown = preview_page.preview_for(found, page.job, tried)
    except MappingError as error:
        if filled is not None:
            return _mapping(request, found, page, str(error))
        why_not = str(error)
    except preview_page.NoPreview as error:
        why_not = str(error)
    context = {
        **_frame(request, found, page, "preview"),
        "shown": shown,
        "why_not": why_not,
        "filled": None if filled is None else {**filled, "act": ""},
    }
    return render(request, "imports/preview.html", context)


@operator_required()
def answer(request: HttpRequest, pk: str) -> HttpResponse:
    """Take the mapping that a person confirmed; the job goes on with it."""
    found, page = _found(pk)
    job = page.job
    form = mapping_page.page_for(found, job, request.POST)
    if form is None or job.waiting_for not in preview_page.ASKING:
        messages.warning(request, NOT_ASKED)
        return HttpResponseRedirect(reverse("import-mapping", args=[found.pk]))
    try:
        confirmed = mapping_lines.mapping_of(form)
    except MappingError as error:
        return _mapping(request, found, page, str(error))
    if form.asks_currency and not confirmed.defaults.get("currency"):
        return _mapping(request, found, page, form.asks_currency["text"])
    user = cast(User, request.user)
    reply = confirmed.to_json() | {"remember": "remember" in request.POST}
    if not lifecycle.answer(job.pk, Waiting(job.waiting_for), reply, user):
        messages.warning(request, "Someone else answered first.")
        return HttpResponseRedirect(reverse("import-mapping", args=[found.pk]))
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


def _posted(request: HttpRequest) -> dict[str, str] | None:
    """Return the form that an operator posted to a page that anyone may look at; None where it is
    only looked at."""
    if request.method != "POST":
        return None
    if not request.user.has_perm(OPERATE):
        raise PermissionDenied
    return {name: str(request.POST[name]) for name in request.POST if name != CSRF}


def _asks(page: JobPage) -> bool:
    """Whether the job waits for a mapping, or for the currency that goes with it."""
    return page.job.waiting_for in preview_page.ASKING


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


def _mapped(found: DataImportJob, page: JobPage) -> str:
    """Return how far the mapping is. The job keeps it only once its attempt has obeyed it."""
    if _asks(page):
        return "needs you"
    if fields := found.field_mappings.get("fields"):
        return counted(len(fields), "fields")
    if any(reason in page.job.answer for reason in preview_page.ASKING):
        return "confirmed"
    return "not needed" if page.job.status == Status.COMPLETED else "not yet"


def _frame(request: HttpRequest, found: DataImportJob, page: JobPage, step: str) -> dict[str, Any]:
    """Return what every page of an import shows around its own part."""
    job = page.job
    done = set(job.checkpoints.exclude(state="running").values_list("stage", flat=True))
    waiting = _asks(page)
    count = counted(job.total_items, "rows") if job.total_items else ""
    steps = [
        ("source", "Source", count or found.import_type.upper(), "feed_parsed" in done),
        ("mapping", "Mapping", _mapped(found, page), "fields_mapped" in done),
        ("preview", "Preview", "writes nothing", "rows_imported" in done),
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
