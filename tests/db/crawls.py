"""Runs crawls as the scraping stage of a job does, with the process that it starts."""

from collections.abc import Callable
from typing import Any

from jobtracker import context as contexts
from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.context import Job, JobContext
from jobtracker.models import BackgroundJob
from jobtracker.pipelines import Stage
from scraping import frontier
from scraping.crawl.launch import run
from scraping.crawl.order import Pace
from scraping.models import ScrapingPage, ScrapingSession
from scraping.options import Options
from tests.db.import_runs import Line
from tests.db.jobs import claim

QUICK = Pace(backoff=0.05, timeout=1.0, reading=20.0, retry_after_most=2.0)
STAGE = Stage("pages_scraped", "Scrape pages", 1, "pages")


class Crawled:
    """A session that is being crawled by an attempt in this process; `line` is what it told its
    nurse."""

    def __init__(self, url: str, supplier: str = "Site", **options: Any) -> None:
        self.options = Options(**{"mode": "crawl", "delay": 0.0, **options})
        owner, _ = Supplier.objects.get_or_create(name=supplier)
        created = lifecycle.create(
            "web_scraping",
            supplier_id=owner.pk,
            filename=url,
            detail={"source_url": url, "scraping_config": self.options.to_json()},
        )
        self.session = ScrapingSession.objects.get(background_job_id=created.job_id)
        self.line = Line()
        self.context = self._attempt()
        frontier.add(self.session.pk, [(url, 0, "")], self.options)

    def add(self, *urls: str) -> None:
        frontier.add(self.session.pk, [(url, 0, "") for url in urls], self.options)

    def run(self, pace: Pace = QUICK, check: Callable[[], None] = lambda: None) -> "Crawled":
        run(self.context, self.session, self.options, check=check, pace=pace)
        return self

    def complete(self) -> None:
        """End the job well."""
        BackgroundJob.objects.filter(pk=self.session.background_job_id).update(
            status="completed", completed_at="2026-01-01T00:00Z", attempt_token=None, progress=100
        )

    def page(self, path: str) -> ScrapingPage:
        return self.session.pages.get(url__endswith=path)

    @property
    def ends(self) -> dict[str, str]:
        """Return what became of each page by its path: completed, or the rule or the reason."""
        return {
            "/" + page.url.split("/", 3)[-1]: page.skip_rule or page.error or page.status
            for page in self.session.pages.order_by("id")
        }

    def _attempt(self) -> JobContext:
        claimed = claim()
        assert claimed.job_id == self.session.background_job_id
        row = BackgroundJob.objects.get(pk=claimed.job_id)
        job = Job(
            row.id, row.job_type, row.filename, row.supplier_id, row.metadata, row.answer, None,
            None, claimed.number,
        )  # fmt: skip
        return contexts.JobContext(job, claimed.token, self.line, (STAGE,))
