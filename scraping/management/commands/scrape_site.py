"""`manage.py scrape_site`: read the products of suppliers' sites."""

import json
from typing import Any

from django.core.management.base import CommandParser

from jobtracker.management.options import (
    Refused,
    TrackerCommand,
    add_job_options,
    finish,
    priority_of,
)
from jobtracker.waiting import COMPLETED, FAILED
from scraping.options import MODES, Options
from scraping.start import Request, by_site, start_crawls

_DEFAULTS = Options()


class Command(TrackerCommand):
    help = "Read the products of suppliers' sites; addresses of one site are one crawl."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("urls", nargs="+", metavar="URL")
        parser.add_argument("--supplier", default="", help="else named after the site's host")
        parser.add_argument(
            "--mode", choices=MODES, default=_DEFAULTS.mode, help="which pages to find"
        )
        parser.add_argument("--max-pages", type=int, default=_DEFAULTS.max_pages, metavar="N")
        parser.add_argument(
            "--max-depth", type=int, default=_DEFAULTS.max_depth, metavar="N", help="links deep"
        )
        for name, what in (
            ("include", "only addresses like this (* matches anything)"),
            ("exclude", "no addresses like this"),
            ("category", "only products of this category"),
        ):
            parser.add_argument(
                f"--{name}", action="append", default=[], metavar="TEXT", help=f"{what}; repeatable"
            )
        parser.add_argument("--service", default=_DEFAULTS.service, help="who fetches")
        parser.add_argument("--model", default=_DEFAULTS.model, help="who extracts")
        parser.add_argument(
            "--ignore-robots", action="store_true", help="you may read all of this site"
        )
        parser.add_argument("--delay", type=float, metavar="SECONDS", help="between two requests")
        parser.add_argument(
            "--full", action="store_true", help="read unchanged pages too, not only changed ones"
        )
        parser.add_argument(
            "--preview", action="store_true", help="print what one page gives, and write nothing"
        )
        add_job_options(parser)

    def run(self, **options: Any) -> int | None:
        chosen = Options(
            service=options["service"],
            model=options["model"],
            mode=options["mode"],
            max_pages=options["max_pages"],
            max_depth=options["max_depth"],
            include=options["include"],
            exclude=options["exclude"],
            categories=options["category"],
            ignore_robots=options["ignore_robots"],
            delay=options["delay"],
            incremental=not options["full"],
        )
        requests = [
            Request(urls, options["supplier"], chosen, priority_of(options["priority"]))
            for urls in by_site(options["urls"])
        ]
        if options["preview"]:
            return self._preview(options["urls"], options["supplier"], chosen)
        created = start_crawls(requests)
        for request, made in zip(requests, created, strict=True):
            if made.existing:
                self.stderr.write(f"{request.urls[0]} is being read already: job {made.job_id}.")
        return finish(list(dict.fromkeys(made.job_id for made in created)), options)

    def _preview(self, urls: list[str], supplier: str, chosen: Options) -> int:
        from scraping.preview import preview

        if len(urls) != 1:
            raise Refused("--preview reads one page: give one address.")
        found = preview(urls[0], chosen, supplier=supplier)
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
        return COMPLETED if found["products"] else FAILED
