"""The pages on which an import is made ready: how its source is read, its mapping, the preview."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from imports import mapping_lines, mapping_page, preview_page, reread, source_page, stored_source
from imports.forms import ReadingForm
from imports.mapping import MappingError
from imports.mapping_acts import acted
from imports.models import DataImportJob
from imports.page_frame import asks, found_or_404, frame
from jobtracker import lifecycle
from jobtracker.access import OPERATE, operator_required, staff_required
from jobtracker.models import BackgroundJob, JobCheckpoint, User
from jobtracker.monitor.job import JobPage
from jobtracker.states import LIVE, Waiting
from jobtracker.uploads import SourceRefused

CSRF = "csrfmiddlewaretoken"
NOT_ASKED = "The job does not wait for a mapping any more."


@staff_required()
def source(request: HttpRequest, pk: str) -> HttpResponse:
    """Show how the source was read, or how it would be read as an operator states; and start an
    import that reads it so."""
    found, page = found_or_404(pk)
    filled = _posted(request)
    in_use, candidates = source_page.source_in_use(page.job)
    form = ReadingForm(filled, initial=source_page.stated_of(page.job), source=in_use)
    read, why_not = None, ""
    try:
        if filled is not None and form.is_valid():
            looks = "look" in filled
            try:
                stated = reread.restated(page.job, form.stated)
                read = source_page.read_otherwise(found, stated)
            except stored_source.TooLarge:
                if looks:
                    raise
            if not looks:
                return _read_again(request, page.job, form.stated)
    except source_page.Blamed as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except (stored_source.NotOpened, SourceRefused) as error:
        why_not = str(error)
    tried = read is not None
    if in_use and not tried and not why_not:
        read, why_not = source_page.read_so(found, in_use, candidates)
    parsed = JobCheckpoint.objects.filter(job=page.job, stage="feed_parsed")
    count = parsed.values_list("items", flat=True).first()
    context = {
        **frame(request, found, page, "source"),
        "form": form,
        "read": read,
        "why_not": why_not,
        "tried": tried,
        "count": count,
        "joined": source_page.joined_of(page.job),
        "stated": source_page.stated_of(page.job),
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
def mapping(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the feed's fields and what each feeds; a form while the job waits for it. Posted to, it
    shows the form as it was left, with a step more or less where a button says so; where a script
    asks, of the line that its element belongs to alone."""
    found, page = found_or_404(pk)
    return _mapping(request, found, page)


def _mapping(
    request: HttpRequest, found: DataImportJob, page: JobPage, wrong: str = ""
) -> HttpResponse:
    """Render the mapping page; `wrong` says what is wrong with the form that was posted."""
    posted = _posted(request)
    filled = posted if asks(page) else None
    shown = mapping_page.page_for(found, page.job, filled)
    if shown and filled:
        shown = acted(shown, filled.get("act", ""), filled)
    if shown and asks(page):
        shown = mapping_page.with_examples(shown, mapping_page.records_of(found, page.job))
    context = {
        **frame(request, found, page, "mapping"),
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
    found, page = found_or_404(pk)
    filled = _posted(request)
    if filled is not None and not asks(page):
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
        **frame(request, found, page, "preview"),
        "shown": shown,
        "why_not": why_not,
        "filled": None if filled is None else {**filled, "act": ""},
    }
    return render(request, "imports/preview.html", context)


@operator_required()
def answer(request: HttpRequest, pk: str) -> HttpResponse:
    """Take the mapping that a person confirmed; the job goes on with it."""
    found, page = found_or_404(pk)
    job = page.job
    form = mapping_page.page_for(found, job, _posted(request))
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


def _posted(request: HttpRequest) -> dict[str, str] | None:
    """Return the form that an operator posted to a page that anyone may look at; None where it is
    only looked at."""
    if request.method != "POST":
        return None
    if not request.user.has_perm(OPERATE):
        raise PermissionDenied
    return {name: str(value) for name, value in request.POST.items() if name != CSRF}
