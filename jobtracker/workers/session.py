"""How the worker's own processes talk to the database: one session each, never without a deadline.

A half-open socket raises nothing. So every question has a client-side deadline: an alarm that
shuts the socket, on which psycopg raises its ordinary OperationalError. The signal handler itself
raises nothing, so no code is ever interrupted half-way.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import Error, connection

from jobtracker import sessions
from jobtracker.context import session_is_lost
from jobtracker.database import cut_session

P = ParamSpec("P")
R = TypeVar("R")

# Seconds that an answer may take, kept here for what goes through `ask`.
ANSWER_SECONDS = {
    "pusher": 3.0,
    # A nurse must have time for several questions within its lease.
    "nurse": min(3.0, settings.LEASE_SECONDS / 10),
    # Longer than the lock time-out: a busy lock must not cost the session, because after a
    # reconnect the lifeline rescues nobody for a lease.
    "lifeline": 5.0,
}
_answer_seconds = 3.0


def use(role: str) -> None:
    """Let this process's next session be one of `role` (`sessions.LIMITS`), kept open for good."""
    global _answer_seconds
    _answer_seconds = ANSWER_SECONDS.get(role, _answer_seconds)
    sessions.use(role)
    connection.settings_dict["CONN_MAX_AGE"] = None


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
    cut_session()


def is_passing(error: BaseException) -> bool:
    """Tell whether the same question may be answered later: the session was lost, or a lock,
    a conflict, a time-out or the server's want of something was in the way."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return session_is_lost(error) or state[:2] in {"40", "53", "55", "57"}
