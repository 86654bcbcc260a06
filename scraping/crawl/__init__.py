"""The crawl itself: Scrapy in a process of its own, below the attempt's.

`run` is the attempt's side. `process` is the program, `queue` and `results` its two sides of the
page table, `spider` what it does with an answer, `guard` what it may connect to. Nothing here
imports Scrapy into the attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobtracker.context import JobContext
    from scraping.models import ScrapingSession
    from scraping.options import Options


def run(
    context: JobContext,
    session: ScrapingSession,
    options: Options,
    *,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Crawl until every row of the session's page table has ended; see `launch.run`."""
    # The program is a module of this package, and begins before Django is set up.
    from scraping.crawl import launch

    launch.run(context, session, options, check=check)
