"""The queue monitor and the job page: what people see of jobs, and what they do to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from jobtracker import lifecycle
from jobtracker.access import operator_required, staff_required
from jobtracker.models import User
from jobtracker.monitor import queries, summary
from jobtracker.monitor.filters import STATES, TABS, Filter, type_word
from jobtracker.monitor.job import JobPage
from jobtracker.monitor.words import capped, counted
from jobtracker.states import JobType

JOB_TABS = {"items": "Items", "log": "Log", "attempts": "Attempts", "data": "Data"}
REASON_LENGTH = 500


@staff_required()
def monitor(request: HttpRequest) -> HttpResponse:
    """Show the queue: summary, filters and one page of jobs."""
    wanted = Filter.from_query(request.GET)
    page = queries.page(wanted, _uuid(request.GET.get("older")), _uuid(request.GET.get("newer")))
    above = summary.context()
    context = {
        **admin.site.each_context(request),
        **above,
        **_filters(wanted),
        "title": "Queue",
        "tab_title": summary.tab_title(above["facts"]),
        "page": page,
        "first_page": page.newer is None,
        "older_query": wanted.query(older=str(page.older)) if page.older else "",
        "newer_query": wanted.query(newer=str(page.newer)) if page.newer else "",
    }
    return render(request, "jobtracker/monitor.html", context)


@staff_required()
def changes(request: HttpRequest) -> HttpResponse:
    """Return what of the list depends on its filter: the counts and the newcomers."""
    wanted = Filter.from_query(request.GET)
    shown = [job_id for part in request.GET.get("shown", "").split(",") if (job_id := _uuid(part))]
    first = request.GET.get("first") == "1"
    number = queries.newcomers(wanted, shown[: queries.PAGE]) if first else 0
    context = {**_filters(wanted), "newcomers": number, "oob": True}
    return render(request, "jobtracker/changes.html", context)


def _filters(wanted: Filter) -> dict[str, Any]:
    """Return the context of the tabs and the state filters."""
    matrix = queries.counts(wanted)
    kinds = {kind: sum(n for (k, _), n in matrix.items() if k == kind) for kind in JobType}
    tabs = [
        ("All", wanted.query(type=""), not wanted.kind, capped(sum(kinds.values()), queries.CAP))
    ]
    tabs += [
        (kind.label, wanted.query(type=word), wanted.kind == kind, capped(kinds[kind], queries.CAP))
        for word, kind in TABS.items()
    ]
    states = []
    for state in STATES.values():
        number = sum(
            n for (k, w), n in matrix.items() if w == state.word and wanted.kind in ("", k)
        )
        current = wanted.state == state.word
        if number or current or state.word in ("pending", "processing", "completed", "failed"):
            address = wanted.query(status="" if current else state.word)
            states.append((state, address, current, capped(number, queries.CAP)))
    kind = type_word(wanted.kind) if wanted.kind else ""
    return {"wanted": wanted, "tabs": tabs, "states": states, "kind": kind}


@staff_required()
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show one job."""
    page = _page_of(job_id)
    name = page.row.name
    context = {
        **admin.site.each_context(request),
        **_panel(request, page),
        "title": name,
        "tab_title": f"{page.row.state.label}: {name}",
        "source": page.source,
    }
    return render(request, "jobtracker/job.html", context)


@staff_required()
def panel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Return the tab panel of a job page afresh."""
    context = {**_panel(request, _page_of(job_id)), "oob": True}
    return render(request, "jobtracker/job_panel.html", context)


def _panel(request: HttpRequest, page: JobPage) -> dict[str, Any]:
    """Return the context of the tabs and of the open one."""
    template = page.pipeline.items_template if page.pipeline else ""
    tabs = {word: label for word, label in JOB_TABS.items() if word != "items" or template}
    tab = request.GET.get("tab", "")
    if tab not in tabs:
        tab = next(iter(tabs))
    items = ""
    if tab == "items" and page.pipeline:
        found = page.pipeline.items(page.job.pk, request)
        items = render_to_string(template, {"page": page, **found}, request)
    return {"page": page, "job": page.job, "tabs": list(tabs.items()), "tab": tab, "items": items}


def _page_of(job_id: UUID) -> JobPage:
    page = JobPage.of(job_id)
    if page is None:
        raise Http404("There is no such job; it may have been pruned.")
    return page


@operator_required()
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Cancel a pending job, or ask a running one to stop."""
    changed = lifecycle.cancel([job_id], _user(request))
    if changed.get(job_id) == "cancelled":
        return _back(request, "Cancelled.")
    return _back(request, "Asked to stop." if changed else "", "The job had already ended.")


@operator_required()
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Make a failed or cancelled job pending again."""
    changed = lifecycle.retry([job_id], _user(request))
    refusal = "Not retried: it is not over, or a live job already does the same."
    return _back(request, "Retried." if changed else "", refusal)


@operator_required()
def retry_cause(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Retry every job that recently failed alike."""
    changed = lifecycle.retry(queries.failed_alike(fingerprint), _user(request))
    done = f"Retried {counted(len(changed), 'jobs')}." if changed else ""
    return _back(request, done, "Nothing was left to retry.")


@operator_required()
def mark_failed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: declare a live job failed."""
    reason = _reason(request.POST)
    changed = reason and lifecycle.mark_failed(job_id, reason, _user(request))
    return _back(request, "Marked failed." if changed else "", _refusal(reason))


@operator_required()
def mark_completed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: declare a job that does not run completed."""
    reason = _reason(request.POST)
    changed = reason and lifecycle.mark_completed(job_id, reason, _user(request))
    return _back(request, "Marked completed." if changed else "", _refusal(reason))


@operator_required()
def run_again(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: run an ended job again from a stage."""
    _page_of(job_id)
    reason = _reason(request.POST)
    try:
        changed = reason and lifecycle.rerun_from(
            job_id, request.POST.get("stage", ""), _user(request), reason
        )
    except ValueError as error:
        return _back(request, "", f"Not run again: {error}.")
    return _back(request, "It runs again." if changed else "", _refusal(reason))


def _back(request: HttpRequest, done: str, refused: str = "") -> HttpResponse:
    """Say what happened and return to the page that asked."""
    if done:
        messages.success(request, done)
    else:
        messages.warning(request, refused)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("monitor")
    return HttpResponseRedirect(target)


def _reason(form: Mapping[str, str]) -> str:
    return form.get("reason", "").replace("\x00", "").strip()[:REASON_LENGTH]


def _refusal(reason: str) -> str:
    return "The job's state does not allow it any more." if reason else "Say why: it is kept."


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
