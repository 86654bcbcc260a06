"""`manage.py demo`: import the sample feeds into a running jobtracker, to see it work."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from imports.start import Request, start_imports
from jobtracker import waiting
from jobtracker.management.options import Refused, TrackerCommand
from jobtracker.models import Worker

FEEDS = {"tiles.xml": "Northlight Tiles", "fabrics.csv": "Weaver & Loom"}


class Command(TrackerCommand):
    help = (
        "Import two sample feeds of invented suppliers, a few of whose rows are bad on purpose. "
        "Needs a running worker; may be run again, and then finds everything unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer")

    def run(self, **options: Any) -> int | None:
        if not Worker.objects.exists():
            raise Refused("No worker runs. Start everything with `make run`, then try again.")
        folder = settings.BASE_DIR / "samples"
        made = start_imports(
            [Request(str(folder / name), supplier=supplier) for name, supplier in FEEDS.items()]
        )
        job_ids = [each.job_id for each in made]
        code = waiting.wait_for_jobs(job_ids, timeout=options["timeout"])
        waiting.print_jobs(job_ids, as_json=False)
        return code
