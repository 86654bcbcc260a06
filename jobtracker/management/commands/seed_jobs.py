"""`manage.py seed_jobs N`: invented jobs, for development."""

import time
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from jobtracker import seeding
from jobtracker.management.options import Refused, TrackerCommand


class Command(TrackerCommand):
    help = (
        "Development only (DEBUG=1): add N plausible jobs of all types, states, suppliers and"
        " errors over the past year. The few that wait or run are like real ones to a worker."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=_number, metavar="N")

    def run(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise Refused("Invented jobs are for development: set DEBUG=1 to have some.")
        began = time.monotonic()
        seeding.seed(options["number"], lambda done: print(f"{done:,} jobs", flush=True))
        print(f"{time.monotonic() - began:.1f} s")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text!r} is no number of jobs.")
    return int(text)
