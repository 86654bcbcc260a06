"""The database that this process works on, as another process is told it; and its session's end."""

import socket
from os import dup

from django.db import connection
from psycopg.conninfo import make_conninfo

from jobtracker.sessions import given


def database_url() -> str:
    """Return the connection's own database as DATABASE_URL names one. It need not be the one of
    the settings: tests and benchmarks work on others."""
    config = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}
    parts = {name: config[key] for name, key in names.items() if config.get(key)}
    return make_conninfo(**given() | parts, port=str(config.get("PORT") or "5432"))


def cut_session() -> None:
    """Shut the socket of this thread's session. Raises nothing itself: who waits for an answer,
    or asks next, gets psycopg's ordinary OperationalError."""
    raw = connection.connection
    if raw is None or raw.closed:
        return
    with socket.socket(fileno=dup(raw.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
