"""What all commands share: sentences for errors, exit codes, options of jobs."""

import os
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn
from uuid import UUID

import psycopg
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from jobtracker import waiting
from jobtracker.states import Priority
from jobtracker.uploads import SourceRefused

INTERRUPTED = 130  # what shells report of a program that SIGINT ended


class Refused(Exception):
    """Wrong usage or unreadable input; the message is one sentence. Exit code 2."""


class OneSentenceParser(CommandParser):
    """Says what is wrong with the arguments without printing the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        refuse(f"{self.prog}: {message}; `{self.prog} --help` tells more.")


class TrackerCommand(BaseCommand):
    """A command whose errors are one sentence on stderr: exit code 2 for wrong arguments, for
    `Refused` and `SourceRefused`, and for a database that cannot be reached."""

    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # Django names its parser's class where it makes one; sub-parsers can be given theirs.
        parser.__class__ = OneSentenceParser
        return parser

    def execute(self, *args: Any, **options: Any) -> None:
        try:
            code = self.run(**options)
            sys.stdout.flush()
        except (Refused, SourceRefused) as error:
            refuse(str(error))
        except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
            refuse(f"The database cannot be reached ({_first_line(error)}). "
                   "Start one with `make run` or name one in DATABASE_URL.")  # fmt: skip
        except ProgrammingError as error:
            if not isinstance(error.__cause__, psycopg.errors.UndefinedTable):
                raise
            refuse("The database has no tables yet. Make them with `manage.py migrate`.")
        except BrokenPipeError:
            # The reader, such as `head`, has seen enough; the interpreter flushes once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        if code:
            sys.exit(code)

    def run(self, **options: Any) -> int | None:
        """Do the command's work; returns its exit code."""
        raise NotImplementedError


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def refuse(sentence: str) -> NoReturn:
    """Print the sentence to stderr and exit with code 2."""
    print(sentence, file=sys.stderr)
    sys.exit(waiting.USAGE)


def add_job_options(parser: ArgumentParser | CommandParser) -> None:
    """Add the options of all commands that start jobs."""
    parser.add_argument("--priority", choices=Priority.labels, default=Priority.NORMAL.label)
    add_waiting_options(parser)


def add_waiting_options(parser: ArgumentParser | CommandParser) -> None:
    """Add what `finish` obeys."""
    parser.add_argument("--wait", action="store_true", help="wait for the outcome")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer")
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
