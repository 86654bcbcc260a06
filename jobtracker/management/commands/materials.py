"""`manage.py materials`: the catalogue from the command line."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from jobtracker import pipelines
from jobtracker.catalogue import export
from jobtracker.catalogue.models import Supplier
from jobtracker.management.options import OneSentenceParser, Refused, TrackerCommand
from jobtracker.models import BackgroundJob


class Command(TrackerCommand):
    help = "Read the catalogue."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", required=True, parser_class=OneSentenceParser
        )
        exporting = actions.add_parser("export", help="Print materials with their provenance.")
        exporting.add_argument("--job", metavar="ID", help="only what this job made or found")
        exporting.add_argument("--supplier", metavar="NAME", help="only this supplier's")
        exporting.add_argument("--format", choices=export.FORMATS, required=True)
        exporting.add_argument("--output", metavar="FILE", type=Path, help="else standard output")

    def run(self, **options: Any) -> None:
        supplier = _supplier(options["supplier"]) if options["supplier"] else None
        materials = _materials_of(options["job"]) if options["job"] else None
        pieces = export.FORMATS[options["format"]](export.lines(supplier, materials))
        output: Path | None = options["output"]
        try:
            target = (
                output.open("w", encoding="utf-8", newline="")
                if output
                else nullcontext(sys.stdout)
            )
        except OSError as error:
            raise Refused(f"Cannot write {output}: {error.strerror}.") from None
        with target as stream:
            stream.writelines(pieces)
            stream.flush()


def _supplier(name: str) -> Supplier:
    try:
        return Supplier.objects.get(name=name)
    except Supplier.DoesNotExist:
        raise Refused(f"There is no supplier named {name!r}.") from None


def _materials_of(job_id: str) -> QuerySet:
    try:
        job = BackgroundJob.objects.get(pk=UUID(job_id))
    except (BackgroundJob.DoesNotExist, ValueError):
        raise Refused(f"There is no job {job_id}.") from None
    return pipelines.get(job.job_type).materials(job.pk)
