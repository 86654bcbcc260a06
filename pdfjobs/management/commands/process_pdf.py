"""`manage.py process_pdf`: process PDF catalogues."""

from typing import Any

from django.core.management.base import CommandParser

from jobtracker.management.options import (
    TrackerCommand,
    add_job_options,
    finish,
    priority_of,
)
from jobtracker.sources import expanded
from pdfjobs.start import Request, start_pdfs


class Command(TrackerCommand):
    help = "Process PDF catalogues: read their pages and take over the products in their tables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--supplier", default="", help="else named after the file")
        parser.add_argument("--password", default="", help="where the files ask for one")
        parser.add_argument("--pages", default="", metavar="1-9", help="else all of them")
        parser.add_argument(
            "--again", action="store_true", help="also files that were processed before"
        )
        add_job_options(parser)

    def run(self, **options: Any) -> int | None:
        requests = [
            Request(
                file,
                supplier=options["supplier"],
                password=options["password"],
                pages=options["pages"],
                again=options["again"],
                priority=priority_of(options["priority"]),
            )
            for file in expanded(options["files"])
        ]
        created = start_pdfs(requests)
        for request, made in zip(requests, created, strict=True):
            if made.existing:
                self.stderr.write(
                    f"{request.source} is being processed already: job {made.job_id}."
                )
        return finish(list(dict.fromkeys(made.job_id for made in created)), options)
