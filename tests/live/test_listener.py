"""Whatever changes in the database is heard, by whomever it was made, and no gap goes unsaid."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection

from jobtracker.live.listener import EVERYTHING, Change, Listener, parse
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType

SESSIONS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE application_name = 'jt-listener' AND datname = current_database()"
)


class Ear:
    """Runs a listener and keeps what it hears."""

    def __init__(self, **seconds: float) -> None:
        self.heard: asyncio.Queue[Change] = asyncio.Queue()
        self.listener = Listener(self.heard.put_nowait, **seconds)

    async def next(self) -> Change:
        return await asyncio.wait_for(self.heard.get(), 20)


@asynccontextmanager
async def listening(**seconds: float) -> AsyncIterator[Ear]:
    ear = Ear(**seconds)
    running = asyncio.create_task(ear.listener.run())
    try:
        yield ear
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
def other(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A session of somebody else, who knows nothing of Django."""
    params = connection.get_connection_params()
    params.pop("cursor_factory")
    params.pop("context")
    with psycopg.connect(**params, autocommit=True) as session:
        yield session


@pytest.fixture
def jobs(transactional_db: None) -> list[UUID]:
    BackgroundJob.objects.bulk_create(BackgroundJob(job_type=JobType.IMPORT) for _ in range(200))
    return list(BackgroundJob.objects.values_list("pk", flat=True))


class Line:
    """A way to the server that can fall silent without being cut."""

    def __init__(self, host: str, port: int) -> None:
        self.called_again = asyncio.Event()
        self._target = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._relays: set[asyncio.Task[None]] = set()

    def silence(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    async def called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open.is_set():
            self.called_again.set()
        host, port = self._target
        if host.startswith("/"):
            far = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            far = await asyncio.open_connection(host, port)
        for source, sink in ((reader, far[1]), (far[0], writer)):
            self._relays.add(asyncio.create_task(self._relay(source, sink)))

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._open.wait()
                sink.write(data)
        sink.close()

    async def cut(self) -> None:
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)


@asynccontextmanager
async def silenceable(host: str, port: int) -> AsyncIterator[tuple[Line, int]]:
    """Yield a line to the server and the port of this machine where it begins."""
    line = Line(host, port)
    server = await asyncio.start_server(line.called, "127.0.0.1", 0)
    try:
        yield line, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await line.cut()


async def test_a_plain_update_is_heard(other: psycopg.Connection, jobs: list[UUID]) -> None:
    changed = jobs[0]
    async with listening() as ear:
        assert await ear.next() == EVERYTHING
        other.execute("UPDATE background_jobs SET filename = 'b.xml' WHERE id = %s", [changed])
        assert await ear.next() == Change(frozenset({changed}))


async def test_a_heartbeat_is_not_heard(other: psycopg.Connection, jobs: list[UUID]) -> None:
    beats, changes = jobs[:2]
    async with listening() as ear:
        assert await ear.next() == EVERYTHING
        other.execute("UPDATE background_jobs SET last_heartbeat = now() WHERE id = %s", [beats])
        other.execute("UPDATE background_jobs SET filename = 'b.xml' WHERE id = %s", [changes])
        assert await ear.next() == Change(frozenset({changes}))


async def test_a_change_of_many_is_heard_as_everything(
    other: psycopg.Connection, jobs: list[UUID]
) -> None:
    async with listening() as ear:
        assert await ear.next() == EVERYTHING
        other.execute("UPDATE background_jobs SET filename = 'b.xml'")
        assert await ear.next() == EVERYTHING


async def test_after_its_session_is_killed_it_listens_again_and_tells_of_the_gap(
    other: psycopg.Connection, jobs: list[UUID]
) -> None:
    changed = jobs[0]
    async with listening() as ear:
        assert await ear.next() == EVERYTHING
        other.execute(f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) s")
        assert await ear.next() == EVERYTHING
        assert ear.listener.state().connected
        other.execute("UPDATE background_jobs SET filename = 'b.xml' WHERE id = %s", [changed])
        assert await ear.next() == Change(frozenset({changed}))


async def test_it_leaves_no_session_behind(other: psycopg.Connection) -> None:
    async with listening() as ear:
        assert await ear.next() == EVERYTHING
        row = other.execute(SESSIONS).fetchone()
    assert row is not None
    other.execute("SELECT pg_terminate_backend(%s, 10000)", row)  # waits for it to end
    assert other.execute(SESSIONS).fetchall() == []


async def test_a_line_that_falls_silent_is_found_out(
    other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line stays open and carries nothing, as when a firewall forgets it."""
    async with silenceable(other.info.host, other.info.port) as (line, port):
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
            patch.setitem(connection.settings_dict, "PORT", str(port))
            async with listening(probe_seconds=0.05, deadline_seconds=0.5) as ear:
                assert await ear.next() == EVERYTHING
                line.silence()
                await asyncio.wait_for(line.called_again.wait(), 20)
                state = ear.listener.state()
                assert not state.connected
                assert "no answer" in state.error
                line.speak()
                assert await ear.next() == EVERYTHING
                assert ear.listener.state().connected


@pytest.mark.parametrize(
    ("payload", "change"),
    [
        ('{"bulk": true}', EVERYTHING),
        ('{"queues": true}', Change()),
        ('{"workers": true}', Change()),
        ('{"jobs": []}', Change()),
        ("", EVERYTHING),
        ("[1]", EVERYTHING),
        ('{"jobs": ["7"]}', EVERYTHING),
        ('{"jobs": [7]}', EVERYTHING),
    ],
)
def test_what_is_not_understood_may_mean_anything(payload: str, change: Change) -> None:
    assert parse(payload) == change


def test_the_jobs_are_named() -> None:
    one, two = uuid4(), uuid4()
    assert parse(f'{{"jobs": ["{one}", "{two}"]}}') == Change(frozenset({one, two}))
