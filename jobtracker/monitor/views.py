"""The queue monitor and the job page: what people see of jobs, and what they do to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string

from jobtracker.access import staff_required
from jobtracker.images.panel import panel as images_panel
from jobtracker.monitor import notice, queries, summary
from jobtracker.monitor.filters import STATES, TABS, Filter, type_word
from jobtracker.monitor.job import JobPage
from jobtracker.monitor.words import capped
from jobtracker.states import JobType
from jobtracker.webhooks.panel import panel as calls_panel

JOB_TABS = {
    "items": "Items",
    "log": "Log",
    "attempts": "Attempts",
    "calls": "Calls",
    "images": "Pictures",
    "data": "Data",
}


@staff_required()
def monitor(request: HttpRequest) -> HttpResponse:
    """Show the queue: summary, filters and one page of jobs."""
    wanted = Filter.from_query(request.GET)
    page = queries.page(wanted, _uuid(request.GET.get("older")), _uuid(request.GET.get("newer")))
    above = summary.context()
    hints = {queue.job_type: hint for queue, hint in above["queues"]}
    for row in page.rows:
        row.hint = hints.get(row.job.job_type, row.hint)
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
    calls, pictures = calls_panel(page.job.pk), images_panel(page.job.pk)
    there = {"items": template, "calls": calls, "images": pictures}
    tabs = {word: label for word, label in JOB_TABS.items() if there.get(word, True)}
    tab = request.GET.get("tab", "")
    if tab not in tabs:
        tab = next(iter(tabs))
    items = ""
    if tab == "items" and page.pipeline:
        found = page.pipeline.items(page.job.pk, request)
        items = render_to_string(template, {"page": page, **found}, request)
    return {
        "page": page,
        "job": page.job,
        "tabs": list(tabs.items()),
        "tab": tab,
        "items": items,
        "calls": calls,
        "pictures": pictures,
    }


def _page_of(job_id: UUID) -> JobPage:
    page = JobPage.of(job_id)
    if page is None:
        raise Http404("There is no such job; it may have been pruned.")
    return page


@staff_required()
def answer(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Lead to the page where a person answers what the job waits for, else to the job's."""
    page = _page_of(job_id)
    return HttpResponseRedirect(page.answer_url or page.row.url)


@staff_required()
def said(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Return the sentence about a job afresh: its place among others changes without it."""
    return render(request, "jobtracker/job_said.html", {"page": _page_of(job_id)})


@staff_required()
def asking(request: HttpRequest) -> HttpResponse:
    """Return the notice about the reader's own jobs that wait for an answer."""
    context = notice.context(request, _uuid(request.GET.get("but")))
    return render(request, "jobtracker/asking.html", context)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
