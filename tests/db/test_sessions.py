"""Each kind of session says who it is and has its time-outs, as the server itself has them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from psycopg.conninfo import conninfo_to_dict

from jobtracker import sessions
from jobtracker.database import database_url
from jobtracker.models import User
from jobtracker.outage import DatabaseMiddleware
from jobtracker.sessions import LIMITS, Limits

R = TypeVar("R")

pytestmark = pytest.mark.django_db(transaction=True)


def asked() -> tuple[str, Limits]:
    """Return the session's name and its time-outs as the server holds them."""
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name = ANY(%s)", [list(names)]
        )
        found = dict(cursor.fetchall())
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        return cursor.fetchone()[0], Limits(*(found[name] for name in names))


def in_a_thread(work: Callable[[], R]) -> R:
    """Run it where no session is open yet, as a request is, and close what it opens."""

    def run() -> R:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


@pytest.mark.parametrize("role", LIMITS)
def test_a_session_has_the_name_and_the_limits_of_its_role(role: str) -> None:
    def work() -> tuple[str, Limits]:
        with sessions.using(role):
            return asked()

    assert in_a_thread(work) == (f"jt-{role}", LIMITS[role])


def test_only_commands_may_take_their_time() -> None:
    unlimited = [role for role, limits in LIMITS.items() if 0 in (limits.statement, limits.lock)]
    assert unlimited == ["commands"]
    assert LIMITS["monitor"].statement == 2000


def test_only_the_lifeline_may_not_fall_silent() -> None:
    assert [role for role, limits in LIMITS.items() if limits.idle] == ["lifeline"]


def test_what_the_database_url_says_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sessions.given(), "options", "-c search_path=elsewhere,public")
    monkeypatch.setitem(sessions.given(), "connect_timeout", "9")

    def work() -> tuple[str, str]:
        with sessions.using("web"), connection.cursor() as cursor:
            cursor.execute("SHOW search_path")
            connect_timeout = connection.connection.info.get_parameters()["connect_timeout"]
            return cursor.fetchone()[0], connect_timeout

    assert in_a_thread(work) == ("elsewhere,public", "9")


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/admin/async-queue-monitor", "monitor"),
        ("GET", "/admin/async-queue-monitor/changes", "monitor"),
        ("POST", "/admin/async-queue-monitor/jobs/x/retry", "web"),
        ("GET", "/admin/data-import", "web"),
    ],
)
def test_a_request_gets_the_session_of_what_it_asks_for(method: str, path: str, role: str) -> None:
    def answer(request: object) -> HttpResponse:
        return HttpResponse(asked()[0])

    request = RequestFactory().generic(method, path)
    request.user = User()
    before = connection.settings_dict
    answered = in_a_thread(lambda: DatabaseMiddleware(answer)(request))
    assert answered.content.decode() == f"jt-{role}"
    assert connection.settings_dict is before


def test_other_processes_are_told_what_the_database_url_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sessions.given(), "sslmode", "prefer")
    assert conninfo_to_dict(database_url())["sslmode"] == "prefer"
