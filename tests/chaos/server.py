"""The run's PostgreSQL, and the harness's own line to it, which no fault touches but a server
that is down."""

import signal
import time
from pathlib import Path
from typing import Any

import psycopg

from jobtracker import embedded_pg

# The operating system survives every fault here, so nothing needs to be forced to the disk.
SETTINGS = {"fsync": "off", "track_commit_timestamp": "on", "max_connections": "200"}


class Server:
    """`query` raises `psycopg.OperationalError` while the server is down."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None
        self.start()

    @property
    def socket(self) -> Path:
        return embedded_pg.socket_folder(self._data) / embedded_pg.SOCKET

    def start(self) -> None:
        self._server = embedded_pg.start(self._data, settings=SETTINGS)

    def stop(self) -> None:
        """Cut all sessions and shut down."""
        self._server.stop()

    def crash(self) -> None:
        """End all its processes at once, so that the next start recovers from the log."""
        self._server.process.send_signal(signal.SIGQUIT)
        self._server.process.wait()

    @property
    def runs(self) -> bool:
        return self._server.process.poll() is None

    def query(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        if self._session is None:
            self._session = embedded_pg.connect(self._data, embedded_pg.DATABASE)
        try:
            cursor = self._session.execute(statement, params or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:
            self._session.close()
            self._session = None
            raise

    def wait_for_no_row(self, statement: str, seconds: float) -> list[tuple[Any, ...]]:
        """Return what the statement still returns after so long at most."""
        until = time.monotonic() + seconds
        while (rows := self.query(statement)) and time.monotonic() < until:
            time.sleep(0.1)
        return rows
