"""What all commands share: sentences for errors, exit codes, options of jobs."""

import sys
from argparse import ArgumentParser
from typing import Any, NoReturn
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError

from jobtracker import waiting
from jobtracker.states import Priority


class Refused(Exception):
    """Wrong usage or unreadable input; the message is one sentence. Exit code 2."""


class TrackerCommand(BaseCommand):
    """A command whose errors are one sentence on stderr: exit code 2 for `Refused` and for a
    database that cannot be reached."""

    requires_system_checks: list[str] = []

    def execute(self, *args: Any, **options: Any) -> None:
        try:
            code = self.run(**options)
        except Refused as error:
            refuse(str(error))
        except OperationalError as error:
            refuse(f"The database cannot be reached ({str(error).splitlines()[0]}). "
                   "Start one with `make run` or name one in DATABASE_URL.")  # fmt: skip
        sys.stdout.flush()
        if code:
            sys.exit(code)

    def run(self, **options: Any) -> int | None:
        """Do the command's work; returns its exit code."""
        raise NotImplementedError


def refuse(sentence: str) -> NoReturn:
    """Print the sentence to stderr and exit with code 2."""
    print(sentence, file=sys.stderr)
    sys.exit(waiting.USAGE)


def add_job_options(parser: ArgumentParser | CommandParser) -> None:
    """Add the options of all commands that start jobs."""
    parser.add_argument("--wait", action="store_true", help="wait for the outcome")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer")
    parser.add_argument("--priority", choices=Priority.labels, default=Priority.NORMAL.label)
    add_json_option(parser)


def add_json_option(parser: ArgumentParser | CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def priority_of(label: str) -> Priority:
    """Return the priority of a label. Raises `KeyError`."""
    return {each.label: each for each in Priority}[label]


def finish(job_ids: list[UUID], options: dict[str, Any]) -> int:
    """Wait where asked to, print the jobs, return the exit code."""
    code = waiting.COMPLETED
    if options["wait"]:
        code = waiting.wait_for_jobs(job_ids, timeout=options["timeout"])
    waiting.print_jobs(job_ids, as_json=options["json"])
    return code
