"""The sessions as rows that are kept live: one bar of what became of the pages, and the speed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Case, Count, IntegerField, OuterRef, QuerySet, Subquery, Sum, When
from django.db.models.functions import Now
from django.template.loader import render_to_string

from jobtracker.models import BackgroundJob
from jobtracker.monitor import rows, words
from jobtracker.states import JobType, Status
from scraping.models import ScrapingPage

MINUTE = timedelta(minutes=1)
PARTS = (("done", "completed"), ("failed", "failed"), ("skipped", "cancelled"))


class SessionRow:
    """What one line says about a crawl, beside what the job's own row says."""

    def __init__(self, row: rows.Row) -> None:
        self.row = row
        self.job: Any = row.job
        self.session = self.job.scraping_session

    @property
    def name(self) -> str:
        return self.job.filename or urlsplit(self.session.source_url).hostname or "Crawl"

    @property
    def created(self) -> str:
        return words.ago(self.job.created_at, self.row.now)

    @property
    def queued(self) -> int:
        return max(0, self.row.job.total_items - self.row.moved)

    @property
    def parts(self) -> list[tuple[str, float]]:
        """The segments of the bar: state and width in percent; what is queued is the ground."""
        total = max(self.job.total_items, self.row.moved) or 1
        found = ((state, getattr(self.job, f"{name}_items")) for name, state in PARTS)
        return [(state, round(100 * number / total, 2)) for state, number in found if number]

    @property
    def materials(self) -> int:
        """What it found: as the job recounts, or by the pages while nothing was recounted."""
        return int(self.job.result.get("materials") or self.job.found or 0)

    @property
    def note(self) -> str:
        """Why it stands where it stands; of one that runs or ended well only what is odd."""
        if self.row.running:
            return ""
        if self.job.status == Status.COMPLETED:
            return str(self.job.result.get("note", ""))
        return self.row.note


def crawls() -> QuerySet[BackgroundJob]:
    """Return the jobs that have a row here."""
    return BackgroundJob.objects.filter(
        job_type=JobType.SCRAPING, scraping_session__isnull=False
    ).select_related("scraping_session")


def read(jobs: QuerySet[BackgroundJob]) -> list[SessionRow]:
    """Return the rows of these `crawls`, in their order, in one query."""
    pages = ScrapingPage.objects.filter(session=OuterRef("scraping_session")).order_by()
    lately = pages.filter(status__in=("completed", "failed"), updated_at__gt=Now() - MINUTE)
    speed = lately.values("session").annotate(number=Count("pk")).values("number")
    found = pages.values("session").annotate(number=Sum("materials_found")).values("number")
    annotated = jobs.annotate(per_minute=_while_running(speed), found=_while_running(found))
    return [SessionRow(row) for row in rows.read(annotated)]


def _while_running(query: QuerySet[Any, Any]) -> Case:
    """Ask only for crawls that run: of the others the job's row says enough."""
    return Case(When(status=Status.PROCESSING, then=Subquery(query)), output_field=IntegerField())


def render(job_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the row of each crawl that still exists, by one statement."""
    return {
        line.job.pk: render_to_string("scraping/session_row.html", {"line": line, "oob": True})
        for line in read(crawls().filter(pk__in=list(job_ids)))
    }
