"""The crawl of a supplier's site: create, discover, scrape, fold."""

from jobtracker.pipelines import SAME_STATUS, Detail, Pipeline, Stage
from jobtracker.states import JobType
from scraping.models import ScrapingSession


class ScrapingPipeline(Pipeline):
    """The pages are the items; the page table is the crawl's queue."""

    job_type = JobType.SCRAPING
    label = "Scraping"
    noun = "pages"
    icon = "globe"
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
