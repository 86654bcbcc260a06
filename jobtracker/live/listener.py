"""Hears what the database announces: one LISTEN session in each web process."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from jobtracker import sessions

CHANNEL = "job_changes"
PROBE_SECONDS = 10.0
DEADLINE_SECONDS = 5.0
FIRST_DELAY_SECONDS = 0.05
LAST_DELAY_SECONDS = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """What one announcement says. `everything`: too much to name, or unknown because missed."""

    jobs: frozenset[UUID] = frozenset()
    everything: bool = False


EVERYTHING = Change(everything=True)


@dataclass(frozen=True)
class State:
    """How the listener stands. `heard_seconds`: since the server last answered or announced."""

    connected: bool
    heard_seconds: float | None
    error: str


def parse(payload: str) -> Change:
    """Return what `payload` announces. Queues and workers are in no job, so they name none."""
    try:
        said = json.loads(payload)
        if said.get("bulk"):
            return EVERYTHING
        return Change(frozenset(map(UUID, said.get("jobs", ()))))
    except (ValueError, TypeError, AttributeError):
        logger.warning("An announcement was not understood: %.200s", payload)
        return EVERYTHING


class Listener:
    """Calls `hear` for each change, and with EVERYTHING after each (re)connect.

    Never through a transaction pooler: LISTEN belongs to a session.
    """

    def __init__(
        self,
        hear: Callable[[Change], None],
        probe_seconds: float = PROBE_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._hear = hear
        self._probe_seconds = probe_seconds
        self._deadline_seconds = deadline_seconds
        self._connected = False
        self._heard_at: float | None = None
        self._error = "not started"

    def state(self) -> State:
        """Return how the listener stands, for the health page."""
        heard = None if self._heard_at is None else time.monotonic() - self._heard_at
        return State(self._connected, heard, self._error)

    async def run(self) -> None:
        """Listen until cancelled; connect again for ever, slower after each failure in a row."""
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                async with self._session() as session:
                    delay = FIRST_DELAY_SECONDS
                    await self._listen(session)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._error = str(error).strip() or type(error).__name__
                logger.warning("Lost the database's announcements: %s", self._error)
            except Exception as error:
                self._error = str(error)
                logger.exception("The listener failed")
            self._connected = False
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY_SECONDS)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Open a session that listens already; announcements since then are kept by the server."""
        with sessions.using("listener"):
            params = django_connection.get_connection_params()
        params.pop("cursor_factory")  # Django's is for blocking sessions
        async with asyncio.timeout(self._deadline_seconds):
            session = await psycopg.AsyncConnection.connect(**params, autocommit=True)
        try:
            await self._ask(session, f"LISTEN {CHANNEL}")
            yield session
        finally:
            session.pgconn.finish()

    async def _listen(self, session: psycopg.AsyncConnection[Any]) -> None:
        self._connected, self._error = True, ""
        self._hear(EVERYTHING)
        while True:
            async for notice in session.notifies(timeout=self._probe_seconds):
                self._heard_at = time.monotonic()
                self._hear(parse(notice.payload))
            await self._ask(session, "SELECT 1")

    async def _ask(self, session: psycopg.AsyncConnection[Any], question: str) -> None:
        """Ask something, or raise TimeoutError: a half-open line stays silent and raises nothing.

        psycopg answers a cancelled wait by asking the server to stop, over the same dead network.
        The session is closed first, so that it has nobody to ask.
        """
        asking = asyncio.ensure_future(session.execute(question))
        try:
            await asyncio.wait({asking}, timeout=self._deadline_seconds)
            if not asking.done():
                session.pgconn.finish()
                raise TimeoutError(f"the server gave no answer in {self._deadline_seconds:g} s")
            asking.result()
        finally:
            asking.cancel()
        self._heard_at = time.monotonic()
