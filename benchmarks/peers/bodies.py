"""What a job does, the same in every system: it notes when it began, in one line of a file.

One `write` to a file opened for appending costs microseconds and needs no session, so no system
pays for the measurement more than another. Moments are those of CLOCK_MONOTONIC, which all
processes of a host share. Nothing but the standard library is imported before a job runs.
"""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

JOURNAL = Path(os.environ.get("BENCH_FOLDER", ".")) / "journal"
ITEMS = 20
ITEM_SECONDS = 0.025
SLOW_SECONDS = 2.0
LEDGER = "CREATE TABLE bench_ledger (job text, item int, pid int)"


def run(text: str) -> None:
    """Do the work of a peer's job; `text` is `kind:name`."""
    work(text, _own_session)


def work(text: str, session: Callable[[], Any], guard: Any = nullcontext) -> None:
    """Note the beginning, do what the kind of job asks for, note the end.

    `session` gives a psycopg connection, `guard` a context manager around each write."""
    begun = time.monotonic()
    _note("begin", text, begun)
    kind, _, name = text.partition(":")
    match kind:
        case "hold":
            while (JOURNAL.parent / name).exists():
                time.sleep(0.02)
        case "short":
            time.sleep(SLOW_SECONDS / 2)
        case "slow":
            time.sleep(SLOW_SECONDS)
        case "ledger":
            _append_items(name, session(), guard)
            _note("end", text, time.monotonic())


def _append_items(
    job: str, connection: Any, guard: Callable[[], AbstractContextManager[None]]
) -> None:
    """Append the items that are not there yet, each in a transaction of its own, as a careful
    author writes it. No unique constraint: what runs twice at once is seen."""
    rows = connection.execute("SELECT item FROM bench_ledger WHERE job = %s", [job]).fetchall()
    done = {item for (item,) in rows}
    for item in range(ITEMS):
        if item in done:
            continue
        time.sleep(ITEM_SECONDS)
        with guard():
            connection.execute(
                "INSERT INTO bench_ledger VALUES (%s, %s, %s)", [job, item, os.getpid()]
            )


def _own_session() -> Any:
    import psycopg

    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def _note(word: str, text: str, at: float) -> None:
    line = f"{word} {text} {os.getpid()} {at:.6f}\n"
    file = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)
