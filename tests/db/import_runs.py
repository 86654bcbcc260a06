"""Runs commands and jobs inside the test's own process and transaction."""

import json
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import get_commands, load_command_class

from jobtracker import context, lifecycle
from jobtracker.models import BackgroundJob
from jobtracker.workers.diary import Diary

from .jobs import WORKER


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def manage(name: str, *arguments: Any) -> Answer:
    """Run `manage.py NAME ARGUMENTS...` as from a command line."""
    out, err = StringIO(), StringIO()
    code: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            command = load_command_class(get_commands()[name], name)
            command._called_from_command_line = True
            parser = command.create_parser("manage.py", name)
            options = vars(parser.parse_args([str(each) for each in arguments]))
            command.execute(*options.pop("args", ()), **options)
        except SystemExit as end:
            code = end.code or 0
    return Answer(code, out.getvalue(), err.getvalue())


def refused(answer: Answer) -> str:
    """Return the one sentence with which a command refused its input; nothing was created."""
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert not BackgroundJob.objects.exists()
    return answer.err.strip()


class Line:
    """An attempt's line to a nurse that only writes down."""

    def __init__(self) -> None:
        self.diary = Diary()

    def send(self, message: Mapping[str, Any]) -> None:
        # As through the pipe: what is no JSON would fail there.
        self.diary.note([json.loads(json.dumps(message))])

    def stop(self) -> str | None:
        return None


def work_off() -> None:
    """Run ready jobs until none is left, as a worker does."""
    while claimed := lifecycle.claim(WORKER, "host", os.getpid()):
        line = Line()
        context.run(claimed, line)
        if line.diary.unwritten:
            lifecycle.flush(claimed.token, line.diary.report())
        assert line.diary.ending
        line.diary.ending.write(claimed.token)


def imported(*arguments: Any) -> BackgroundJob:
    """Import as `import_feed ARGUMENTS` says and return the job where it stands then."""
    started = manage("import_feed", *arguments)
    assert started.code == 0, started.err
    work_off()
    return BackgroundJob.objects.latest("id")


def lines_of(*arguments: Any) -> dict[str, dict[str, Any]]:
    """Return what `materials export` prints, by key."""
    exported = manage("materials", "export", "--format", "ndjson", *arguments)
    lines = map(json.loads, exported.out.splitlines())
    return {line["key"]: line for line in lines}


PRODUCTS = [
    {"sku": "NL-1", "name": "Slate 60", "price": "24.50 EUR", "colour": "grey"},
    {"sku": "NL-2", "name": "Chalk 30", "price": "9.90 EUR", "colour": "white"},
    {"sku": "NL-3", "name": "Ochre 15", "price": "12.00 EUR", "colour": "ochre"},
]


def xml_feed(path: Path, products: list[dict[str, str]] | None = None) -> Path:
    """Write a feed of a record a line, the first on line 2."""
    records = [
        "<product>" + "".join(f"<{k}>{v}</{k}>" for k, v in each.items()) + "</product>"
        for each in (PRODUCTS if products is None else products)
    ]
    path.write_text("\n".join(["<catalog>", *records, "</catalog>", ""]), encoding="utf-8")
    return path


def without_currency() -> list[dict[str, str]]:
    return [each | {"price": each["price"].removesuffix(" EUR")} for each in PRODUCTS]
