"""The crawl of a supplier's site: create, discover, scrape, sum up."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import URLPattern, reverse

from jobtracker.context import JobContext
from jobtracker.images.queue import add_web_of_rows
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, JobSchedule, User
from jobtracker.pipelines import SAME_STATUS, Counts, Detail, Invented, ItemTable, Pipeline, Stage
from jobtracker.states import JobType, Permanent, StageState
from scraping import outcome
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession
from scraping.options import Options
from scraping.wishes import Stopped, Wish, heed

STOPPED = "stopped by a person"
SAMPLE_SITE = "http://127.0.0.1:8099/"  # where `manage.py demo` serves the sample site
SAMPLE_SUPPLIER = "Northlight Tiles"


class ScrapingPipeline(Pipeline):
    """The pages are the items; the page table is the crawl's queue. Products are written with the
    page that shows them, so a crawl that ends early keeps what it has."""

    job_type = JobType.SCRAPING
    label = "Scraping"
    noun = "pages"
    icon = "globe"
    words = ("scrape",)
    running = "scraping"
    stages = (
        Stage("session_created", "Create session", 1, "addresses"),
        Stage("pages_discovered", "Discover pages", 9, "addresses"),
        Stage("pages_scraped", "Scrape pages", 85, "pages"),
        Stage("materials_discovered", "Sum up materials", 5, "materials"),
    )
    detail = Detail(
        ScrapingSession,
        SAME_STATUS
        | {
            "status": "CASE WHEN b.status = 'processing' AND b.current_stage = 'pages_scraped'"
            " THEN 'scraping' ELSE b.status END",
            "total_pages": "b.total_items",
            "completed_pages": "b.done_items + b.skipped_items",
            "failed_pages": "b.failed_items",
            "materials_processed": "coalesce((b.result->>'materials')::int, 0)",
            "progress_percentage": "b.progress",
        },
    )
    item_tables = (
        ItemTable(ScrapingPage, "session__background_job_id"),
        ItemTable(ScrapingRow, "job_id"),
    )
    invented = Invented(
        filename="'supplier' || s.supplier || '.example'",
        total="20 + floor(exp(random() * 9))::int",
        detail={"source_url": "'https://' || b.filename || '/'"},
        errors=(
            ("pages_discovered", "No page was found to read. robots.txt allows none."),
            ("pages_scraped", "The site answered 429 Too Many Requests to every page."),
            ("pages_scraped", "The name of the host cannot be found."),
        ),
    )
    items_template = "scraping/items.html"

    # --- stages ---

    def session_created(self, context: JobContext) -> None:
        """Judge the addresses where the crawl begins."""
        from jobtracker import outbound

        session, _ = _session(context)
        urls = _urls(context, session)
        for url in urls:
            context.check()
            try:
                outbound.check(url)
            except outbound.OutboundRefused as error:
                raise Permanent(str(error)) from error
            except outbound.FetchFailed as error:
                context.log(str(error), "warning")  # the page's own fetch says it, after its tries
        context.checkpoint(len(urls))

    def pages_discovered(self, context: JobContext) -> None:
        """Queue where the crawl begins and what sitemaps name; whatever is known already stays."""
        from jobtracker import outbound
        from scraping import discovery, frontier

        session, options = _session(context)
        queued = ScrapingPage.objects.filter(session=session)

        def keep(urls: list[str], found_on: str) -> None:
            depth = 1 if found_on else 0
            with context.transaction():
                frontier.add(session.pk, [(url, depth, found_on) for url in urls], options)
            context.advance(queued.count())

        with outbound.client() as client:
            found = discovery.discover(
                client, _urls(context, session), options, keep, context.check
            )
        number = queued.count()
        if not number:
            raise Permanent(" ".join(["No page was found to read.", *found.notes]))
        # Links have to make up for sitemaps that are there in part, or that were asked for.
        partly = found.mode == "crawl" and options.mode != "crawl" and found.sitemap_urls > 0
        degraded = partly or (options.mode == "sitemap" and not found.sitemap_urls)
        for note in found.notes:
            if degraded:
                context.warn("discovery", note, session.source_url)
            else:
                context.log(note)
        context.checkpoint(
            number,
            {"mode": found.mode, "sitemap_urls": found.sitemap_urls, "notes": found.notes},
            StageState.DEGRADED if degraded else StageState.DONE,
        )

    def pages_scraped(self, context: JobContext) -> None:
        """Fetch the pages, in a process of the crawl's own; at the end each has its outcome."""
        from scraping import crawl, frontier

        session, options = _session(context)
        mode = context.data("pages_discovered")["mode"]
        with context.transaction():
            outcome.queue_again_if_all_failed(session.pk)
        stopped = False
        try:
            heed(context, session.pk)
            crawl.run(
                context,
                session,
                replace(options, mode=mode),
                check=lambda: heed(context, session.pk),
            )
        except Stopped:
            stopped = True
            context.log("Stopped by a person; the pages left are skipped.")
            with context.transaction():
                frontier.skip_rest(session.pk, STOPPED)
        counts = self.recount(context.job.id)
        context.advance(counts.done + counts.failed + counts.skipped, counts.total, counts=counts)
        if not counts.done and not stopped:
            raise Permanent(outcome.nothing_read(session.pk))
        with context.transaction():
            ScrapingSession.objects.filter(pk=session.pk).update(wish=Wish.NONE)
            context.checkpoint(counts.total, {"stopped": stopped})

    def materials_discovered(self, context: JobContext) -> None:
        """Count what the pages gave, and how complete it is; queue its pictures, which are of the
        same hosts and so wait until the pages are read."""
        session, _ = _session(context)
        add_web_of_rows(context, ScrapingRow)
        counts = self.recount(context.job.id)
        materials = counts.result["materials"]
        data: dict[str, Any] = {"coverage": outcome.coverage(context.job.id)}
        if note := counts.result.get("note"):
            context.warn("materials", note, session.source_url)
            data["note"] = note
        state = StageState.DONE if materials else StageState.EMPTY
        context.checkpoint(materials, data, state)

    # --- what the tracker asks ---

    def recount(self, job_id: UUID) -> Counts:
        return outcome.recount(job_id)

    def forget(self, job_id: UUID, stages: Iterable[str]) -> None:
        undone = set(stages)
        pages = outcome.pages_of(job_id)
        if "pages_discovered" in undone:
            pages.delete()
        elif "pages_scraped" in undone:
            outcome.queue_again(pages)
        if "pages_scraped" in undone:
            ScrapingRow.objects.filter(job_id=job_id).delete()

    def items(self, job_id: UUID, request: HttpRequest) -> dict[str, Any]:
        from scraping.session_page import page_of_pages

        return page_of_pages(job_id, request.GET)

    def job_url(self, job_id: UUID) -> str | None:
        session = ScrapingSession.objects.only("pk").filter(background_job_id=job_id).first()
        return reverse("scraping-session", args=[session.pk]) if session else None

    def parse_answer(self, job: BackgroundJob, options: Mapping[str, Any]) -> dict[str, Any]:
        from scraping.answers import answer_from_options

        return answer_from_options(job, options)

    def retry_failed(self, job: BackgroundJob, user: User | None) -> Created:
        from scraping.start import retry_failed

        return retry_failed(ScrapingSession.objects.get(background_job=job), user)

    def start_samples(self, folder: Path) -> list[UUID]:
        from scraping.start import Request, start_crawls

        return [made.job_id for made in start_crawls([Request([SAMPLE_SITE], SAMPLE_SUPPLIER)])]

    def schedule_form(self) -> type[Form]:
        from scraping.forms import ScheduleForm

        return ScheduleForm

    def start_scheduled(self, schedule: JobSchedule, **common: Any) -> Created:
        from scraping.start import start_scheduled

        return start_scheduled(schedule, **common)

    def scheduled_source(self, spec: Mapping[str, Any]) -> str:
        return " ".join(spec.get("urls", []))

    def source(self, job_id: UUID) -> str:
        session = ScrapingSession.objects.filter(background_job_id=job_id).first()
        return session.source_url if session else ""

    def failures(self, job_id: UUID, limit: int) -> list[dict[str, Any]]:
        return outcome.failures(job_id, limit)

    def materials(self, job_id: UUID) -> QuerySet[Any, Any]:
        rows = ScrapingRow.objects.filter(job_id=job_id, material_id__isnull=False)
        return rows.order_by().values("material_id")

    def urls(self) -> list[URLPattern]:
        from scraping.urls import urlpatterns

        return urlpatterns


def _session(context: JobContext) -> tuple[ScrapingSession, Options]:
    session = ScrapingSession.objects.get(background_job_id=context.job.id)
    return session, Options.from_json(session.scraping_config)


def _urls(context: JobContext, session: ScrapingSession) -> list[str]:
    """The addresses where the crawl begins."""
    return context.job.metadata.get("urls") or [session.source_url]
