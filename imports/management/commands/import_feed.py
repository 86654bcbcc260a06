"""`manage.py import_feed`: import product feeds from files, globs and addresses."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from imports import preview
from imports.mapping import Mapping, MappingError
from imports.mapping_choice import mapping_in_file
from imports.models import MappingTemplate
from imports.request import Request
from imports.start import start_imports, template_named
from jobtracker.catalogue.models import WhenMissing
from jobtracker.management.options import (
    Refused,
    TrackerCommand,
    add_job_options,
    finish,
    priority_of,
)
from jobtracker.sources import expanded
from jobtracker.states import WaitForPerson
from jobtracker.waiting import COMPLETED, FAILED, UNDECIDED


class Command(TrackerCommand):
    help = (
        "Import product feeds: XML, CSV, JSON, Excel or Datanorm, from files, globs or addresses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", nargs="+", metavar="SOURCE")
        parser.add_argument("--supplier", default="", help="else named after the source")
        parser.add_argument("--type", choices=["xml", "csv", "json"], help="else found by content")
        parser.add_argument(
            "--record", metavar="PATH", help="path of the record: an element, or a list in JSON"
        )
        parser.add_argument("--mapping", metavar="FILE.json|TEMPLATE")
        parser.add_argument("--encoding")
        parser.add_argument("--delimiter")
        parser.add_argument("--entry", help="a file in an archive, or a sheet of a workbook")
        parser.add_argument(
            "--join",
            metavar="FILE[:FIELD[=FIELD]]",
            help="a second file, as prices, joined by its FIELD and the feed's FIELD; else by the"
            " fields that share values",
        )
        parser.add_argument(
            "--join-on",
            metavar="FIELD[=FIELD]",
            help="the fields apart from the second file, whose name may have a colon then",
        )
        parser.add_argument(
            "--repair", action="store_true", help="read malformed XML, and say what was mended"
        )
        parser.add_argument("--currency", metavar="CODE", help="for prices that state none")
        parser.add_argument(
            "--price-only", action="store_true", help="change prices and stock, nothing else"
        )
        parser.add_argument(
            "--missing",
            choices=WhenMissing.values,
            default="",
            help="what becomes of products that the feed has no more, else as is the supplier's"
            " default: they stay, or become inactive, many only once someone agrees",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        add_job_options(parser)

    def run(self, **options: Any) -> int | None:
        mapping, template = _mapping(options["mapping"], options["supplier"])
        requests = [
            Request(
                source,
                supplier=options["supplier"],
                type=options["type"],
                record=options["record"],
                encoding=options["encoding"],
                delimiter=options["delimiter"],
                entry=options["entry"],
                join=options["join"],
                join_on=options["join_on"],
                repair=options["repair"],
                currency=options["currency"],
                mapping=mapping,
                template=template,
                price_only=options["price_only"],
                missing=options["missing"],
                priority=priority_of(options["priority"]),
            )
            for source in expanded(options["sources"])
        ]
        if options["dry_run"]:
            return self._dry_run(requests, options)
        created = start_imports(requests)
        for request, made in zip(requests, created, strict=True):
            if made.existing:
                self.stderr.write(f"{request.source} is being imported already: job {made.job_id}.")
        return finish(list(dict.fromkeys(made.job_id for made in created)), options)

    def _dry_run(self, requests: list[Request], options: dict[str, Any]) -> int:
        outcomes = []
        for request in requests:
            try:
                outcomes.append(preview.dry_run(request))
            except WaitForPerson as question:
                self.stderr.write(f"{request.source}: {question.question['message']}")
                return UNDECIDED
        if options["json"]:
            data = [outcome.as_json() for outcome in outcomes]
            self.stdout.write(json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False))
        else:
            for outcome in outcomes:
                self.stdout.write(outcome.sentence())
        return FAILED if any(outcome.all_failed for outcome in outcomes) else COMPLETED


def _mapping(given: str | None, supplier: str) -> tuple[Mapping | None, MappingTemplate | None]:
    """Read `--mapping`: the name of one of the supplier's templates, or a file."""
    if not given:
        return None, None
    if template := template_named(supplier, given):
        return None, template
    if not Path(given).exists():
        raise Refused(f"--mapping: there is no file {given}, and no template of that name in use.")
    try:
        return mapping_in_file(given), None
    except MappingError as error:
        raise Refused(f"--mapping: {error}") from error
