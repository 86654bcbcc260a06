"""`manage.py import_rejects`: write the failed rows of an import as a feed of its own format."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from imports import rejects
from imports.models import DataImportJob
from jobtracker.management.options import Refused, TrackerCommand


class Command(TrackerCommand):
    help = "Write the rows of an import that failed, to be corrected and imported again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="JOB", type=UUID)
        parser.add_argument(
            "--folder", default=".", help="the file's name says where its rows belong, so keep it"
        )

    def run(self, **options: Any) -> None:
        found = DataImportJob.objects.filter(background_job=options["id"]).first()
        if found is None:
            raise Refused(f"There is no import {options['id']}.")
        path = Path(options["folder"]) / rejects.file_name(found)
        try:
            count = rejects.write(found, path)
        except rejects.NoRejects as error:
            raise Refused(str(error)) from error
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror}.") from error
        print(f"{path}: {count:,} rows")
