"""Who talks to the database: every kind of session with its name and its time-outs.

The name stands in pg_stat_activity as `jt-<role>`. The time-outs are the server's own, given as
the session opens, so that they hold whatever becomes of the program: a page must not hold up the
others, and what was frozen inside a transaction must not lock rows for ever. Commands alone have
no limit: a migration may take its time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Limits:
    """Milliseconds; 0 for no limit."""

    statement: int
    lock: int
    idle_in_transaction: int
    idle: int = 0


LIMITS = {
    # The web process: requests, those of the monitor's pages, the sockets, the listener.
    "web": Limits(15_000, lock=5_000, idle_in_transaction=30_000),
    "monitor": Limits(2_000, lock=1_000, idle_in_transaction=10_000),
    "live": Limits(5_000, lock=1_000, idle_in_transaction=10_000),
    "listener": Limits(5_000, lock=1_000, idle_in_transaction=10_000),
    # The worker's own processes; `workers.session` adds deadlines of their own to these.
    "pusher": Limits(4_000, lock=1_000, idle_in_transaction=10_000),
    "nurse": Limits(4_000, lock=2_500, idle_in_transaction=10_000),
    # The leading one holds a lock as long as its session lives. It asks every other second, so one
    # that is silent for longer is frozen or cut off, and must let another lead.
    "lifeline": Limits(10_000, lock=1_000, idle_in_transaction=20_000, idle=15_000),
    "results": Limits(4_000, lock=1_000, idle_in_transaction=10_000),
    "sender": Limits(4_000, lock=1_000, idle_in_transaction=10_000),
    # The work itself: a stage may prepare much inside a transaction, or wait for another's.
    "attempt": Limits(600_000, lock=60_000, idle_in_transaction=600_000),
    "crawl": Limits(120_000, lock=60_000, idle_in_transaction=120_000),
    "commands": Limits(0, lock=0, idle_in_transaction=600_000),
}

# A nurse asks the same few questions for every job: the server plans each of them once.
PREPARED = {"nurse": {"server_side_binding": True, "prepare_threshold": 0}}

CONNECT_SECONDS = 3
# A server that went away without a word is found out within half a minute, also by sessions that
# have no deadline of their own. Of no effect on a Unix socket.
LINE = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


@cache
def given() -> dict[str, Any]:
    """Return what DATABASE_URL says besides the place, as it was before any role was taken."""
    return dict(connection.settings_dict["OPTIONS"])


def use(role: str) -> None:
    """Let the sessions that this process opens from now on be of `role`, a key of LIMITS."""
    connection.settings_dict["OPTIONS"] = _options(role)


@contextmanager
def using(role: str) -> Iterator[None]:
    """Let a session that this thread opens meanwhile be of `role`."""
    whole = connection.settings_dict
    connection.settings_dict = whole | {"OPTIONS": _options(role)}
    try:
        yield
    finally:
        connection.settings_dict = whole


def _options(role: str) -> dict[str, Any]:
    limits = LIMITS[role]
    timeouts = (
        f"-c statement_timeout={limits.statement} -c lock_timeout={limits.lock}"
        f" -c idle_in_transaction_session_timeout={limits.idle_in_transaction}"
        f" -c idle_session_timeout={limits.idle}"
    )
    return {
        **LINE,
        **given(),
        **PREPARED.get(role, {}),
        "application_name": f"jt-{role}",
        "options": f"{given().get('options', '')} {timeouts}".strip(),
    }
