"""How the worker's own processes talk to the database: one session each, never without a deadline.

A half-open socket raises nothing. So every question has a client-side deadline: an alarm that
shuts the socket, on which psycopg raises its ordinary OperationalError. The signal handler itself
raises nothing, so no code is ever interrupted half-way.
"""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import dup
from types import FrameType
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import Error, connection

from jobtracker.context import session_is_lost

CONNECT_SECONDS = 3  # of libpq, which the alarm cannot reach: there is no socket yet

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Limits:
    """Time-outs of a session: `answer` is kept here, in seconds, for what goes through `ask`;
    the server keeps the others, in milliseconds."""

    answer: float
    statement: int
    lock: int
    idle_in_transaction: int


LIMITS = {
    "pusher": Limits(3.0, statement=4_000, lock=1_000, idle_in_transaction=10_000),
    # A nurse must have time for several questions within its lease.
    "nurse": Limits(
        min(3.0, settings.LEASE_SECONDS / 10),
        statement=4_000, lock=2_500, idle_in_transaction=10_000,
    ),
    # Longer than the lock time-out: a busy lock must not cost the session, because after a
    # reconnect the lifeline rescues nobody for a lease.
    "lifeline": Limits(5.0, statement=10_000, lock=1_000, idle_in_transaction=20_000),
    "attempt": Limits(600.0, statement=600_000, lock=60_000, idle_in_transaction=600_000),
}  # fmt: skip
_answer_seconds = 3.0


def use(role: str) -> None:
    """Let this process's next session be one of `role` (a key of LIMITS), kept open for good."""
    global _answer_seconds
    limits = LIMITS[role]
    _answer_seconds = limits.answer
    config = connection.settings_dict
    config["CONN_MAX_AGE"] = None
    config["OPTIONS"] = {
        **config["OPTIONS"],
        "application_name": f"jobtracker {role}",
        "connect_timeout": CONNECT_SECONDS,
        "options": (
            f"-c statement_timeout={limits.statement} -c lock_timeout={limits.lock} "
            f"-c idle_in_transaction_session_timeout={limits.idle_in_transaction}"
        ),
    }


def ask(question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `question(...)` returns, within the deadline.

    Raises django.db.Error. When the session was lost or cut, it is closed first, so that the
    next question opens a new one.
    """
    try:
        with deadline(_answer_seconds):
            return question(*args, **kwargs)
    except Error as error:
        if session_is_lost(error):
            connection.close()
        raise


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Cut this process's session when the block takes longer. Main thread only, no nesting."""
    before = signal.signal(signal.SIGALRM, _cut)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _cut(signum: int, frame: FrameType | None) -> None:
    raw = connection.connection
    if raw is None or raw.closed:
        return
    with socket.socket(fileno=dup(raw.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same question may be answered later: the session was lost, or a lock,
    a conflict, a time-out or the server's want of something was in the way."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return session_is_lost(error) or state[:2] in {"40", "53", "55", "57"}
