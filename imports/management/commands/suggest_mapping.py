"""`manage.py suggest_mapping`: print how a feed would be read and mapped; writes nothing."""

import json
from typing import Any

from django.core.management.base import CommandParser

from imports import preview
from imports.request import Request
from jobtracker.management.options import TrackerCommand


class Command(TrackerCommand):
    help = "Print record path, encoding, fields with samples and a suggested mapping as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("--supplier", default="")
        parser.add_argument("--type", choices=["xml", "csv", "json"])
        parser.add_argument("--record", metavar="PATH")
        parser.add_argument("--encoding")
        parser.add_argument("--delimiter")
        parser.add_argument("--entry", help="a file in an archive, or a sheet of a workbook")
        parser.add_argument("--join", metavar="FILE[:FIELD[=FIELD]]", help="as of import_feed")
        parser.add_argument("--join-on", metavar="FIELD[=FIELD]", help="as of import_feed")
        parser.add_argument("--price-only", action="store_true", help="as of import_feed")
        parser.add_argument("--repair", action="store_true", help="as of import_feed")
        parser.add_argument("--json", action="store_true", help="the only form there is")

    def run(self, **options: Any) -> None:
        request = Request(
            options["source"],
            supplier=options["supplier"],
            type=options["type"],
            record=options["record"],
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            entry=options["entry"],
            join=options["join"],
            join_on=options["join_on"],
            price_only=options["price_only"],
            repair=options["repair"],
        )
        found = preview.suggestion(request)
        self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
