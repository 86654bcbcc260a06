"""What the pages of an import have in common: its frame with the four steps, and what it asks."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from imports.models import DataImportJob
from imports.preview_page import ASKING
from jobtracker.monitor.job import JobPage
from jobtracker.monitor.words import counted
from jobtracker.states import Status


def found_or_404(pk: str) -> tuple[DataImportJob, JobPage]:
    """Return the import and its job's page, or 404."""
    found = get_object_or_404(
        DataImportJob.objects.select_related("background_job__supplier", "template"), pk=pk
    )
    page = JobPage.of(found.background_job_id)
    if page is None:
        raise Http404
    return found, page


def asks(page: JobPage) -> bool:
    """Whether the job waits for a mapping, or for the currency that goes with it."""
    return page.job.waiting_for in ASKING


def _mapped(found: DataImportJob, page: JobPage) -> str:
    """Return how far the mapping is. The job keeps it only once its attempt has obeyed it."""
    if asks(page):
        return "needs you"
    if fields := found.field_mappings.get("fields"):
        return counted(len(fields), "fields")
    if any(reason in page.job.answer for reason in ASKING):
        return "confirmed"
    return "not needed" if page.job.status == Status.COMPLETED else "not yet"


def frame(request: HttpRequest, found: DataImportJob, page: JobPage, step: str) -> dict[str, Any]:
    """Return what every page of an import shows around its own part."""
    job = page.job
    done = set(job.checkpoints.exclude(state="running").values_list("stage", flat=True))
    waiting = asks(page)
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
