"""The data-import page: the start form of every pipeline that has one, and what was started."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.html import format_html

from jobtracker import pipelines
from jobtracker.access import staff_required
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob
from jobtracker.monitor import rows
from jobtracker.monitor.links import job_links
from jobtracker.monitor.words import counted

HISTORY = 25


@staff_required()
def hub(request: HttpRequest) -> HttpResponse:
    """Show the start forms and the newest jobs that they started."""
    return page(request, {})


def tell_started(request: HttpRequest, created: Sequence[Created], noun: str) -> None:
    """Say what came of a start form, where one page cannot show it: of several sources how many
    were started, and of each that was under way already the job that stands for it."""
    standing = [made.job_id for made in created if made.existing]
    if standing:
        said = format_html("Under way already, so not started again: {}.", job_links(standing))
        messages.info(request, said)
    if len(created) > 1 and len(created) > len(standing):
        number = counted(len(created) - len(standing), noun)
        messages.success(request, f"Started {number}.")


def page(request: HttpRequest, given: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render the page; `given` adds to the context of the start forms, as a form with errors."""
    starting = [each for each in pipelines.registered() if each.start_template]
    forms = [
        render_to_string(each.start_template, each.start_context() | given, request)
        for each in starting
    ]
    types = [each.job_type for each in starting]
    history = rows.read(BackgroundJob.objects.filter(job_type__in=types).order_by("-pk")[:HISTORY])
    context = {
        **admin.site.each_context(request),
        "title": "Data import",
        "tab_title": "Data import",
        "forms": forms,
        "history": history,
        "history_limit": HISTORY,
    }
    return render(request, "hub/hub.html", context, status=status)
