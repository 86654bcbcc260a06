"""The database goes away under `manage.py up` and comes back: nothing else is started again, no
attempt is used up, and whoever looks meanwhile is told what is wrong."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import make_conninfo

from jobtracker import embedded_pg
from jobtracker.live import BEAT
from samples.make_samples import write_feed
from tests.conftest import FAST
from tests.fixtures.up_host import Up
from tests.fixtures.worker_host import BOUND, until
from tests.live.socket_client import Closed, WebSocket

ROWS = 1500
SLOTS = 2
SECONDS = 60.0
MONITOR = "/admin/async-queue-monitor"
PASSWORD = "correct horse battery"


class Database:
    """The server, which here is not `up`'s own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.start()

    def start(self) -> None:
        self._server = embedded_pg.start(self._data, settings.PG_BIN, FAST)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("restart")


@pytest.fixture(scope="module")
def database(data: Path) -> Iterator[Database]:
    database = Database(data)
    yield database
    database.stop()


@pytest.fixture(scope="module")
def up(data: Path, database: Database) -> Iterator[Up]:
    up = Up(data)
    try:
        up.start(
            DATABASE_URL=make_conninfo(
                dbname=embedded_pg.DATABASE,
                user=embedded_pg.ROLE,
                host=str(embedded_pg.socket_folder(data)),
            ),
            ADMIN_PASSWORD=PASSWORD,
            WORKERS=str(SLOTS),
            GRACE_SECONDS="8",
        )
        up.wait_ready()
        until(lambda: len(up.named("nurse")) == SLOTS, "the worker is complete", SECONDS)
        yield up
    finally:
        up.clean_up()


@pytest.fixture
def visitor(up: Up) -> Iterator[httpx.Client]:
    """Someone who has logged in by the form."""
    origin = f"http://127.0.0.1:{up.port}"
    with httpx.Client(base_url=origin, timeout=20, follow_redirects=True) as client:
        log_in(client)
        yield client


def log_in(client: httpx.Client) -> None:
    client.get("/admin/login/")
    form = {
        "username": "admin",
        "password": PASSWORD,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "next": MONITOR,
    }
    answered = client.post("/admin/login/", data=form)
    assert answered.status_code == 200
    assert answered.url.path == MONITOR


def watch(up: Up, client: httpx.Client) -> WebSocket:
    cookies = f"sessionid={client.cookies['sessionid']}"
    headers = {"Origin": f"http://127.0.0.1:{up.port}", "Cookie": cookies}
    return WebSocket(up.port, "/ws/live/monitor", headers)


def next_news(page: WebSocket) -> str:
    """Return the next frame that is no beat."""
    while True:
        frame = page.frame()
        page.say({"seen": True})
        if frame != BEAT:
            return frame


def importing(up: Up, feed: Path) -> "subprocess.Popen[str]":
    """Import by a command that waits."""
    command = ["import_feed", str(feed), "--supplier=restarts", "--wait", "--json"]
    return subprocess.Popen(
        [*BOUND, sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=up.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def attempts(up: Up) -> list[Any]:
    return up.query("SELECT outcome FROM job_attempts ORDER BY number")


def test_an_outage_is_told_and_costs_nothing(
    up: Up, database: Database, visitor: httpx.Client, tmp_path: Path
) -> None:
    command = importing(up, write_feed(tmp_path / "feed.xml", ROWS))
    with watch(up, visitor) as page:
        page.say({"ids": []})
        assert next_news(page)
        begun = "SELECT 1 FROM import_rows LIMIT 1"
        until(lambda: up.query(begun), "a batch is written", SECONDS)
        # In the middle of the job, whatever the machine's pace.
        holder = embedded_pg.connect(up.data, embedded_pg.DATABASE)
        holder.autocommit = False
        holder.execute("LOCK TABLE import_rows IN EXCLUSIVE MODE")
        before = processes(up)
        database.stop()

        told = visitor.get(MONITOR)
        assert told.status_code == 503
        assert "The database is away" in told.text
        assert "asks again every 3 seconds" in told.text
        script = re.search(r'src="(/static/jobtracker/outage[^"]*\.js)"', told.text)
        assert script
        assert visitor.get(script[1]).status_code == 200
        assert visitor.get("/admin/login/").status_code == 503
        refused = visitor.post("/admin/login/", headers={"Referer": str(visitor.base_url)})
        assert "database is away" in refused.text or refused.status_code == 403
        assert visitor.get("/health/live").status_code == 200
        ready = visitor.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, False)
        with pytest.raises(Closed):
            with watch(up, visitor) as late:
                late.frame()

        database.start()
        assert visitor.get(MONITOR).status_code == 200  # at once, and still logged in
        assert next_news(page)  # by the socket that was open all the time

        output, _ = command.communicate(timeout=SECONDS)
        assert (command.returncode, json.loads(output)["status"]) == (0, "completed")
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")
    ended = up.query("SELECT done_items, retry_count, crash_count FROM background_jobs")
    assert ended == [(ROWS, 0, 0)]
    assert up.query("SELECT count(*), count(DISTINCT material_id) FROM import_rows") == [
        (ROWS, ROWS)
    ]
    assert attempts(up) == [("handed_back",), ("completed",)]
    assert processes(up) == before


def processes(up: Up) -> dict[str, list[int]]:
    """Return all that must not be started again."""
    names = ("supervisor", "cluster", "sentinel", "pusher", "monitor", "nurse", "lifeline")
    return {name: up.named(name) for name in names} | {
        name: [up.child(name)] for name in ("live.server", "manage.py worker")
    }


def test_every_session_says_whose_it_is(up: Up, visitor: httpx.Client) -> None:
    with watch(up, visitor) as page:
        page.say({"ids": []})
        assert next_news(page)
        names = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datid IS NOT NULL"
        mine = "application_name <> '' AND pid <> pg_backend_pid()"
        wanted = {"jt-listener", "jt-live", "jt-pusher", "jt-nurse", "jt-lifeline"}
        found = {name for (name,) in up.query(f"{names} AND {mine}")}
        assert wanted <= found


def test_a_restart_between_two_requests_is_not_noticed(
    up: Up, database: Database, visitor: httpx.Client
) -> None:
    database.stop()
    database.start()
    assert visitor.get(MONITOR).status_code == 200
    log_in(visitor)
    assert visitor.get("/admin/").status_code == 200


def test_a_page_that_waits_too_long_gives_up_with_a_sentence(up: Up, visitor: httpx.Client) -> None:
    with embedded_pg.connect(up.data, embedded_pg.DATABASE) as holder:
        holder.autocommit = False
        holder.execute("LOCK TABLE background_jobs")
        told = visitor.get(MONITOR)
        assert told.status_code == 503
        assert "Somebody else is at it" in told.text


def test_a_stop_lets_requests_finish(up: Up, visitor: httpx.Client) -> None:
    """SIGTERM comes while a log-in waits for a table."""
    holder = embedded_pg.connect(up.data, embedded_pg.DATABASE)
    holder.autocommit = False
    holder.execute("LOCK TABLE users")
    form = f"csrfmiddlewaretoken={visitor.cookies['csrftoken']}&username=admin&password=wrong"
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK, str(up.port), visitor.cookies["csrftoken"], form],
        stdout=subprocess.PIPE,
        text=True,
    )
    waits = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE application_name = 'jt-web' AND wait_event_type = 'Lock'"
    )
    until(lambda: up.query(waits), "the request waits", SECONDS)
    up.running.send_signal(signal.SIGTERM)
    until(lambda: not up.answers(), "no more connections are taken", SECONDS)
    holder.rollback()
    holder.close()
    assert asking.communicate(timeout=SECONDS)[0].strip() == "200"
    assert up.running.wait(SECONDS) == 0


ASK = """
import sys, httpx
port, token, form = sys.argv[1:]
headers = {"Cookie": f"csrftoken={token}", "Content-Type": "application/x-www-form-urlencoded"}
url = f"http://127.0.0.1:{port}/admin/login/"
print(httpx.post(url, content=form, headers=headers, timeout=30).status_code)
"""
