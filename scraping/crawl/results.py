"""The database's side of the crawl process. It all runs in one thread, on one session."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Max

from jobtracker import lifecycle
from jobtracker.catalogue import statements, write
from jobtracker.catalogue.models import CatalogueSource
from jobtracker.states import LeaseLost
from scraping import frontier
from scraping.crawl.order import Order
from scraping.frontier import Page, clean
from scraping.models import ScrapingRow, ScrapingSession

CLAIM = 64


@dataclass(slots=True)
class Result:
    """What became of a page. `delay` are the seconds until it is tried again; `redirect` is where
    it leads instead; of an unchanged page the rows and links of the earlier crawl are taken."""

    page: Page
    status: str = "completed"
    rule: str = ""
    error: str = ""
    hint: str = ""
    delay: float | None = None
    redirect: str = ""
    unchanged: bool = False
    http_status: int | None = None
    content_type: str = ""
    bytes: int = 0
    etag: str = ""
    last_modified: str = ""
    content_hash: str = ""
    fetch_ms: int | None = None
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    first_row: int | None = None
    rows: list[write.Row] = field(default_factory=list)
    rejected: list[write.Rejected] = field(default_factory=list)

    def outcome(self, materials: int, rows: int) -> dict[str, Any]:
        """Return the record of `frontier.settle`."""
        return {
            "id": self.page.id,
            "status": self.status,
            "rule": clean(self.rule),
            "http_status": self.http_status,
            "content_type": clean(self.content_type)[:120],
            "bytes": self.bytes,
            "etag": clean(self.etag),
            "last_modified": clean(self.last_modified)[:80],
            "content_hash": self.content_hash,
            "unchanged": self.unchanged,
            "fetch_ms": self.fetch_ms,
            "materials": materials,
            "first_row": self.first_row if rows else None,
            "rows": rows,
            "notes": [clean(note) for note in self.notes],
            "error": clean(self.error),
            "hint": clean(self.hint),
            "delay": self.delay,
        }


class Store:
    """Claims pages and writes results for one process."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._claim: UUID = uuid4()
        session = ScrapingSession.objects.get(pk=order.session)
        source = CatalogueSource.objects.select_related("supplier").get(pk=order.source)
        self._writer = write.Writer(order.job, source, ScrapingRow._meta.db_table)
        self._earlier = frontier.earlier_sessions(session) if order.options.incremental else []
        rows = ScrapingRow.objects.filter(job_id=order.job)
        self.last_number: int = rows.aggregate(last=Max("number"))["last"] or 0
        self.source_url = session.source_url

    def claim(self) -> tuple[list[Page], float | None]:
        """Claim the next pages; where none is due, say in how many seconds one will be."""
        with transaction.atomic():
            lifecycle.fence(self._order.token)
            pages = frontier.claim(self._order.session, self._claim, CLAIM, self._earlier)
        return pages, 0.0 if pages else frontier.next_due(self._order.session)

    def flush(self, results: list[Result]) -> None:
        """Write results: pages, products and links commit together or not at all."""
        write.in_transaction(partial(self._write, results))

    def release(self) -> None:
        """Give back what was claimed and not fetched."""
        with transaction.atomic():
            lifecycle.fence(self._order.token)
            frontier.reclaim(self._order.session)

    def _write(self, results: list[Result]) -> None:
        """1. Bring the first rows to the database, which locks nothing. 2. The fence. 3. The
        rows. 4. The pages, redirected ones one by one: each may close a circle. 5. Links."""
        order = self._order
        rows = [row for result in results for row in result.rows]
        rejected = [each for result in results for each in result.rejected]
        first = True
        for start in range(0, max(len(rows), 1), statements.BATCH):
            if rows or rejected:
                batch = rows[start : start + statements.BATCH]
                self._writer.stage(batch, rejected if first else ())
            if first:
                lifecycle.fence(order.token)
                first = False
            if rows or rejected:
                self._writer.apply()
        carried = {
            result.page.id: frontier.carry(order.job, result.first_row or 0, result.page.earlier)
            for result in results
            if result.unchanged and result.page.earlier
        }
        settled = 0
        for result in results:
            if result.redirect:
                settled += self._redirect(result)
        outcomes = [
            result.outcome(
                carried.get(result.page.id, len(result.rows)),
                carried.get(result.page.id, len(result.rows) + len(result.rejected)),
            )
            for result in results
            if not result.redirect
        ]
        settled += frontier.settle(self._claim, outcomes) if outcomes else 0
        if settled != len(results):
            raise LeaseLost("the pages of this process were taken back")
        frontier.add(order.session, self._links(results), order.options)

    def _redirect(self, result: Result) -> int:
        order, page = self._order, result.page
        status, reason = frontier.redirect(order.session, page, result.redirect, order.options)
        result.status = status
        result.rule = reason if status == "skipped" else ""
        result.error = reason if status == "failed" else ""
        result.hint = "Nothing can be read there." if status == "failed" else ""
        return frontier.settle(self._claim, [result.outcome(0, 0)])

    def _links(self, results: list[Result]) -> list[tuple[str, int, str]]:
        found = [
            (link, result.page.depth + 1, result.page.url)
            for result in results
            for link in result.links
        ]
        if self._order.options.mode not in ("page", "sitemap"):
            kept = {r.page.earlier.url: r.page for r in results if r.unchanged and r.page.earlier}
            if kept:
                earlier = [page.earlier for page in kept.values() if page.earlier]
                for url, links in frontier.links_of(earlier).items():
                    page = kept[url]
                    found += [(link, page.depth + 1, page.url) for link in links]
        return found
