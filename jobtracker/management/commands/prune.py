"""`manage.py prune`: by hand what the lifeline does."""

import json
from typing import Any

from django.core.management.base import CommandParser

from jobtracker import retention
from jobtracker.management.options import TrackerCommand, add_json_option


class Command(TrackerCommand):
    help = (
        "Remove what was kept for its days (RETENTION_DAYS_*, UNDO_DAYS) and print how much of each"
        " kind went. The lifeline does the same, a little at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would go, remove nothing"
        )
        add_json_option(parser)

    def run(self, **options: Any) -> None:
        gone = retention.count_due() if options["dry_run"] else retention.prune_all()
        if options["json"]:
            print(json.dumps(dict(sorted(gone.items())), indent=2))
            return
        if gone:
            print("Would go:" if options["dry_run"] else "Gone:")
        for kind, number in sorted(gone.items()):
            print(f"{number:>12,}  {kind}")
        if not gone:
            print("Nothing is due.")
