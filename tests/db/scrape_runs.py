"""Crawls inside the test's own process and transaction: the pipeline is real, and so are queue and
catalogue; only the fetching is a stand-in, which reads pages that the test lays out."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from jobtracker.catalogue.models import CatalogueSource, Kind
from jobtracker.catalogue.write import Writer
from jobtracker.models import BackgroundJob
from scraping import frontier
from scraping.extraction.model import Evidence, Extraction, Product
from scraping.models import ScrapingRow, ScrapingSession
from scraping.options import Options
from scraping.products import rows_of
from scraping.start import Request, start_crawls

from .import_runs import work_off

ORIGIN = "http://127.0.0.1:9"
NO_LINES: Mapping[str, Any] = {
    "rule": "", "http_status": 200, "content_type": "text/html", "bytes": 10, "etag": "",
    "last_modified": "", "content_hash": "", "unchanged": False, "fetch_ms": 1, "materials": 0,
    "first_row": None, "rows": 0, "notes": [], "error": "", "hint": "", "delay": None,
}  # fmt: skip


def product(sku: str = "", name: str = "", **values: Any) -> Product:
    """A product as JSON-LD says it; empty values are left out."""
    said = {"sku": sku, "name": name, "currency": "EUR", **values}
    kept = {target: value for target, value in said.items() if value}
    evidence = {
        target: Evidence(f"json-ld:{target}", raw if isinstance(raw, str) else ", ".join(raw))
        for target, raw in kept.items()
    }
    return Product(kept, evidence)


class Pages:
    """A site by path: a list of products, or the reason why the page fails. `sitemap` are the paths
    that discovery finds, `before` is called ahead of each page."""

    def __init__(self, monkeypatch: Any, settings: Any) -> None:
        self.pages: dict[str, list[Product] | str] = {}
        self.sitemap: list[str] = []
        self.notes: list[str] = []
        self.mode = "sitemap"
        self.modes: list[str] = []
        self.read: list[str] = []
        self.before: Callable[[str], None] = lambda path: None
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", 9)})
        monkeypatch.setattr("scraping.crawl.run", self._crawl)
        monkeypatch.setattr("scraping.discovery.discover", self._discover)

    def _discover(
        self, client: Any, start: list[str], options: Options, on_found: Any, check: Any
    ) -> Any:
        check()
        on_found(start, "")
        if options.mode == "page":
            return SimpleNamespace(mode="page", sitemap_urls=0, notes=[])
        if self.sitemap:
            on_found([ORIGIN + path for path in self.sitemap], f"{ORIGIN}/sitemap.xml")
        return SimpleNamespace(
            mode=self.mode, sitemap_urls=len(self.sitemap), notes=list(self.notes)
        )

    def _crawl(self, context: Any, session: Any, options: Options, *, check: Any) -> None:
        self.modes.append(options.mode)
        source, _ = CatalogueSource.objects.get_or_create(
            supplier_id=context.job.supplier_id, kind=Kind.SITE, name="127.0.0.1:9"
        )
        writer = Writer(context.job.id, source, ScrapingRow._meta.db_table)
        claim, number = uuid4(), 0
        with context.transaction():
            frontier.reclaim(session.pk)
        while pages := frontier.claim(session.pk, claim, 1):
            [page] = pages
            path = page.url.removeprefix(ORIGIN)
            self.before(path)
            check()
            self.read.append(path)
            found = self.pages.get(path, "The site answered 404 Not Found.")
            told: dict[str, Any] = {"id": page.id, "status": "completed", **NO_LINES}
            with context.transaction():
                if isinstance(found, str):
                    told |= {"status": "failed", "error": found, "http_status": 404}
                else:
                    rows, rejected = rows_of(Extraction(products=found), page.url, number + 1, {})
                    number += len(found)
                    writer.stage(rows, rejected)
                    writer.apply()
                    told |= {"materials": len(rows), "rows": len(found)}
                frontier.settle(claim, [told])


def scraped(*paths: str, supplier: str = "Northlight", **options: Any) -> BackgroundJob:
    """Crawl from these paths and return the job where it stands then."""
    urls = [ORIGIN + path for path in paths or ("/",)]
    [made] = start_crawls([Request(urls, supplier, Options(**options))])
    work_off()
    return BackgroundJob.objects.get(pk=made.job_id)


def session_of(job: BackgroundJob) -> ScrapingSession:
    return ScrapingSession.objects.get(background_job=job)


def ends(job: BackgroundJob) -> dict[str, tuple[str, str]]:
    """Return by path what became of each page, and why."""
    return {
        page.url.removeprefix(ORIGIN): (page.status, page.skip_rule or page.error)
        for page in session_of(job).pages.all()
    }
