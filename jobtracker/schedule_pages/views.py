"""The pages of the schedules: the list, one schedule, and what is done to it."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from jobtracker import redirects
from jobtracker import schedules as acts
from jobtracker.access import operator_required, staff_required
from jobtracker.models import JobSchedule, User
from jobtracker.pipelines import Pipeline
from jobtracker.plans import PlanError
from jobtracker.schedule_pages import lines
from jobtracker.schedule_pages.forms import ScheduleForm, initial_of, schedulable, spec_of
from jobtracker.uploads import SourceRefused

SEE = "jobtracker.view_jobschedule"
ADD = "jobtracker.add_jobschedule"
CHANGE = "jobtracker.change_jobschedule"
DELETE = "jobtracker.delete_jobschedule"
PAGE = 50
PARTS = ("acts", "facts")  # of a schedule's page: what changes without the reader
TEXT_CHARS = 120
CHANGED = (
    "Not saved: someone has changed this schedule since you opened it. Open it anew and make your"
    " changes there."
)


@staff_required(SEE)
def schedules(request: HttpRequest) -> HttpResponse:
    """Show the schedules, a page at a time."""
    state = request.GET.get("state", "")
    state = state if state in lines.STATES else ""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:TEXT_CHARS]
    counts = lines.state_counts()
    page = Paginator(lines.found(state, text), PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    query = {key: value for key, value in (("state", state), ("q", text)) if value}
    context = {
        **admin.site.each_context(request),
        "title": "Schedules",
        "tab_title": "Schedules",
        "page": page,
        "lines": [lines.Line(schedule, now) for schedule in page.object_list],
        "states": [
            (each, lines.LOOKS[word], counts[word], word == state)
            for word, each in lines.STATES.items()
            if counts[word] or word == state
        ],
        "total": sum(counts.values()),
        "text": text,
        "state": state,
        "query": urlencode(query),
        "poll": f"?{urlencode({**query, 'page': str(page.number), 'part': 'list'})}",
        "kinds": schedulable().values(),
    }
    part = request.GET.get("part") == "list"
    return render(request, f"jobtracker/{'schedule_list' if part else 'schedules'}.html", context)


@staff_required(ADD)
def new(request: HttpRequest) -> HttpResponse:
    """Take a new schedule. `fill` carries what was typed elsewhere, or asks for the next runs
    where no script shows them."""
    kinds = schedulable()
    asked = request.GET.get("type", "")
    pipeline = kinds.get(asked) or next(iter(kinds.values()))
    user = cast(User, request.user)
    if request.method != "POST" or "fill" in request.POST:
        given = {"time_zone": user.time_zone or "UTC"} | request.POST.dict()
        return _form_page(request, pipeline, ScheduleForm(initial=given), given)
    form, spec_form = _bound(request, pipeline)
    if form.is_valid() & spec_form.is_valid():
        try:
            made = acts.add(pipeline.job_type, form.wanted(spec_of(spec_form)), user)
        except IntegrityError:
            form.add_error("name", "Someone has just made a schedule of that name.")
        else:
            messages.success(request, f"Scheduled {made.name}.")
            return HttpResponseRedirect(reverse("schedule", args=[made.pk]))
    return _form_page(request, pipeline, form, spec_form=spec_form, status=400)


@staff_required(SEE)
def schedule(request: HttpRequest, pk: str) -> HttpResponse:
    """Show one schedule, and take its changes."""
    found = _found(pk)
    pipeline = schedulable().get(found.job_type)
    if pipeline is None:
        raise Http404(f"Nothing here runs {found.get_job_type_display()} jobs by schedule.")
    if (part := request.GET.get("part")) in PARTS and request.method != "POST":
        context = {"found": found, "line": lines.Line(found, timezone.now())}
        return render(request, f"jobtracker/schedule_{part}.html", context)
    if request.method != "POST":
        given = initial_of(found)
        return _form_page(request, pipeline, ScheduleForm(initial=given), given, found)
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    if "fill" in request.POST:
        given = request.POST.dict()
        return _form_page(request, pipeline, ScheduleForm(initial=given), given, found)
    form, spec_form = _bound(request, pipeline, found)
    if form.is_valid() & spec_form.is_valid():
        wanted = form.wanted(spec_of(spec_form))
        try:
            seen = form.cleaned_data["seen"]
            done = acts.edit(found.pk, wanted, cast(User, request.user), seen)
        except IntegrityError:
            form.add_error("name", "Someone has just made a schedule of that name.")
        except acts.ChangedMeanwhile:
            form.add_error(None, CHANGED)
        else:
            if not done:
                return _gone(request)
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("schedule", args=[found.pk]))
    return _form_page(request, pipeline, form, found=found, spec_form=spec_form, status=400)


def _bound(
    request: HttpRequest, pipeline: Pipeline, found: JobSchedule | None = None
) -> tuple[ScheduleForm, Any]:
    spec_form = pipeline.schedule_form()
    assert spec_form
    return ScheduleForm(request.POST, schedule=found), spec_form(request.POST)


def _form_page(
    request: HttpRequest,
    pipeline: Pipeline,
    form: ScheduleForm,
    given: dict[str, Any] | None = None,
    found: JobSchedule | None = None,
    spec_form: Any = None,
    status: int = 200,
) -> HttpResponse:
    """Render the form. `given` fills the pipeline's part of it where `spec_form` is not there."""
    if spec_form is None:
        kind = pipeline.schedule_form()
        assert kind
        spec_form = kind(initial=given)
    now = timezone.now()
    cron, zone = form["cron"].value() or "", form["time_zone"].value() or "UTC"
    is_kept = found is not None and (cron, zone) == (found.cron, found.time_zone)
    first = found.next_run_at if found and is_kept else None
    fields = [field for field in spec_form if not _is_box(field)]
    coming = lines.runs(cron, zone, now, first)
    if form.is_bound:
        coming["wrong"] = " ".join(map(str, form["cron"].errors))
    context = {
        **admin.site.each_context(request),
        **coming,
        "title": found.name if found else "New schedule",
        "tab_title": found.name if found else "New schedule",
        "form": form,
        "spec_form": spec_form,
        "fields": fields,
        "boxes": [field for field in spec_form if _is_box(field)],
        "line": lines.Line(found, now) if found else None,
        "found": found,
        "pipeline": pipeline,
        "kinds": schedulable().values(),
        "may_change": request.user.has_perm(CHANGE if found else ADD),
        "may_delete": request.user.has_perm(DELETE),
    }
    return render(request, "jobtracker/schedule.html", context, status=status)


def _is_box(field: Any) -> bool:
    return bool(getattr(field.field.widget, "input_type", "") == "checkbox")


@staff_required(SEE)
def plan(request: HttpRequest) -> HttpResponse:
    """Return the next runs of a plan as it is typed."""
    cron, zone = (request.GET.get(name, "")[:500] for name in ("cron", "time_zone"))
    context = lines.runs(cron, zone, timezone.now()) | {"oob": True}
    return render(request, "jobtracker/schedule_runs.html", context)


@operator_required(CHANGE)
def run(request: HttpRequest, pk: str) -> HttpResponse:
    """Start the job at once, and show it."""
    try:
        created = acts.run_now(int(pk), cast(User, request.user))
    except SourceRefused as error:
        messages.error(request, f"Not started. {error}")
        return _back(request)
    if created is None:
        return _gone(request)
    if created.existing:
        messages.info(request, "The schedule's job has not ended yet; this is it.")
    else:
        messages.success(request, "Started. The plan stays as it is.")
    return HttpResponseRedirect(reverse("job", args=[created.job_id]))


@operator_required(CHANGE)
def pause(request: HttpRequest, pk: str) -> HttpResponse:
    """Let nothing start until someone resumes."""
    return _acted(request, pk, acts.pause, "Paused; a job that runs goes on.")


@operator_required(CHANGE)
def resume(request: HttpRequest, pk: str) -> HttpResponse:
    """Let the plan go on from now."""
    return _acted(request, pk, acts.resume, "Resumed.")


@operator_required(DELETE)
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """Take the schedule away."""
    if acts.delete(int(pk), cast(User, request.user)):
        messages.success(request, "Deleted. Its jobs stay.")
    else:
        messages.warning(request, "Someone else had deleted it.")
    return HttpResponseRedirect(reverse("schedules"))


def _acted(
    request: HttpRequest, pk: str, act: Callable[[int, User | None], bool], done: str
) -> HttpResponse:
    try:
        if act(int(pk), cast(User, request.user)):
            messages.success(request, done)
        else:
            messages.warning(request, "Someone else had done that, or the schedule is gone.")
    except PlanError as error:
        messages.error(request, str(error))
    return _back(request)


def _gone(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "The schedule was deleted meanwhile.")
    return HttpResponseRedirect(reverse("schedules"))


def _back(request: HttpRequest) -> HttpResponse:
    target = redirects.own(request, request.POST.get("next", ""), reverse("schedules"))
    return HttpResponseRedirect(target)


def _found(pk: str) -> JobSchedule:
    found = lines.found("", "").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such schedule; it may have been deleted.")
    return found
