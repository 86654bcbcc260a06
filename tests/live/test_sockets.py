"""Sockets under the real server: who is let in, what they are sent, how the server goes."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from psycopg.conninfo import make_conninfo

from jobtracker.live import (
    BAD_MESSAGE,
    BEAT,
    CHANGED,
    FORBIDDEN,
    NOT_SIGNED_IN,
    RESTARTING,
    UNKNOWN_VIEW,
)
from jobtracker.models import BackgroundJob, User
from jobtracker.states import JobType
from tests.fixtures.worker_host import BOUND, until
from tests.live.socket_client import WebSocket

ROOT = Path(__file__).parents[2]


def database() -> str:
    """Return how to connect to the test database without Django."""
    params = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return make_conninfo(**{name: params[name] for name in names if name in params})


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = [*BOUND, sys.executable, "-m", "jobtracker.live.server", "--verbosity", "0"]
        process = subprocess.Popen(
            [*command, "--fd", str(listening.fileno()), "tests.live.served:application"],
            cwd=ROOT,
            pass_fds=[listening.fileno()],
            env={
                **os.environ,
                "DATABASE_URL": database(),
                "PUBLIC_URL": f"http://127.0.0.1:{port}",
            },
        )
    try:
        yield Server(process, port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Server]:
    with serving() as server:
        yield server


@dataclass
class Visitor:
    """Someone with a browser: opens sockets with their cookies, from the right page."""

    server: Server
    client: Client

    def open(self, view: str, **headers: str) -> WebSocket:
        cookies = "; ".join(f"{name}={m.value}" for name, m in self.client.cookies.items())
        sent = {"Origin": self.server.origin, "Cookie": cookies, **headers}
        return WebSocket(self.server.port, f"/ws/live/{view}", sent)


@pytest.fixture
def viewer(transactional_db: None) -> User:
    user = User.objects.create_user("viewer", is_staff=True)
    permission = Permission.objects.get(
        codename="view_backgroundjob", content_type__app_label="jobtracker"
    )
    user.user_permissions.add(permission)
    return user


@pytest.fixture
def visit(server: Server) -> Callable[[User | None], Visitor]:
    def visit(user: User | None) -> Visitor:
        client = Client()
        if user:
            client.force_login(user)
        return Visitor(server, client)

    return visit


@pytest.fixture
def job(transactional_db: None) -> BackgroundJob:
    return BackgroundJob.objects.create(job_type=JobType.IMPORT, filename="tiles.xml")


Visit = Callable[[User | None], Visitor]


def next_frame(page: WebSocket) -> str:
    """Return the next frame that is no beat, and say that it was seen."""
    while True:
        frame = page.frame()
        page.say({"seen": True})
        if frame != BEAT:
            return frame


def test_a_change_by_hand_reaches_the_page(visit: Visit, viewer: User, job: BackgroundJob) -> None:
    with visit(viewer).open(f"name/{job.pk}") as page:
        page.say({"ids": []})
        assert next_frame(page) == "<i>tiles.xml</i>"
        with psycopg.connect(database()) as other:
            other.execute("UPDATE background_jobs SET last_heartbeat = now()")
        with psycopg.connect(database()) as other:
            other.execute("UPDATE background_jobs SET filename = 'stone.xml'")
        assert next_frame(page) == "<i>stone.xml</i>"


def test_a_list_is_sent_what_it_shows_and_told_of_newcomers(
    visit: Visit, viewer: User, job: BackgroundJob
) -> None:
    with visit(viewer).open("names?status=failed") as page:
        page.say({"ids": [str(job.pk)]})
        heard = ""
        while not (CHANGED in heard and "<i>tiles.xml</i>" in heard):
            heard += next_frame(page)
        BackgroundJob.objects.create(job_type=JobType.IMPORT)
        assert next_frame(page) == CHANGED


def test_an_idle_page_hears_that_all_is_well(visit: Visit, viewer: User) -> None:
    with visit(viewer).open("names") as page:
        page.say({"ids": []})
        frames = [next_frame(page)]
        while frames[-1] != BEAT:
            frames.append(page.frame())
        # More than once where the end of an earlier test is told late.
        assert {*frames[:-1]} == {CHANGED}


def test_after_the_listeners_session_is_killed_the_page_is_brought_up_to_date(
    visit: Visit, viewer: User, job: BackgroundJob
) -> None:
    with visit(viewer).open(f"name/{job.pk}") as page:
        page.say({"ids": []})
        assert next_frame(page) == "<i>tiles.xml</i>"
        with psycopg.connect(database()) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'jt-listener'"
            )
        assert next_frame(page) == "<i>tiles.xml</i>"


@pytest.mark.parametrize(
    "origin",
    ["https://127.0.0.1:{port}", "http://127.0.0.1", "http://localhost:{port}", "null"],
)
def test_another_origin_is_refused(visit: Visit, viewer: User, origin: str) -> None:
    visitor = visit(viewer)
    with visitor.open("names", Origin=origin.format(port=visitor.server.port)) as page:
        assert page.close_code() == FORBIDDEN


def test_who_may_not_watch_is_refused(visit: Visit, viewer: User, job: BackgroundJob) -> None:
    viewer.is_staff = False
    viewer.save(update_fields=["is_staff"])
    staff = User.objects.create_user("staff", is_staff=True)
    for user, code in ((None, NOT_SIGNED_IN), (viewer, FORBIDDEN), (staff, FORBIDDEN)):
        with visit(user).open("names") as page:
            assert page.close_code() == code


@pytest.mark.parametrize("view", ["nothing", "", "name", "name/7", "names/7"])
def test_what_cannot_be_watched_is_refused(visit: Visit, viewer: User, view: str) -> None:
    with visit(viewer).open(view) as page:
        assert page.close_code() == UNKNOWN_VIEW


@pytest.mark.parametrize("message", ["", "[]", "{}", "7", "{", '{"ids": 7}', '{"ids": ["x", 7]}'])
def test_nonsense_closes_the_socket(visit: Visit, viewer: User, message: str) -> None:
    with visit(viewer).open("names") as page:
        page.say(message)
        assert page.close_code() == BAD_MESSAGE


def test_a_page_is_closed_when_its_user_signs_out(visit: Visit, viewer: User) -> None:
    visitor = visit(viewer)
    with visitor.open("names") as page:
        page.say({"ids": []})
        assert next_frame(page) == CHANGED
        visitor.client.logout()
        assert page.close_code() == NOT_SIGNED_IN


def test_a_page_is_closed_when_its_user_may_no_longer_watch(visit: Visit, viewer: User) -> None:
    with visit(viewer).open("names") as page:
        page.say({"ids": []})
        assert next_frame(page) == CHANGED
        viewer.user_permissions.clear()
        assert page.close_code() == FORBIDDEN


def test_a_page_is_closed_when_the_password_changes(visit: Visit, viewer: User) -> None:
    with visit(viewer).open("names") as page:
        page.say({"ids": []})
        assert next_frame(page) == CHANGED
        viewer.set_password("another one")
        viewer.save(update_fields=["password"])
        assert page.close_code() == NOT_SIGNED_IN


def test_a_stopping_server_sends_pages_away_and_finishes_requests(
    visit: Visit, viewer: User
) -> None:
    visitor = visit(viewer)
    with (
        serving() as visitor.server,
        visitor.open("names") as page,
        psycopg.connect(database()) as other,
    ):
        page.say({"ids": []})
        assert next_frame(page) == CHANGED
        other.execute("SELECT pg_advisory_xact_lock(7001)")
        request = http.client.HTTPConnection("127.0.0.1", visitor.server.port, timeout=20)
        request.request("GET", "/held-by-lock/7001")
        response = request.getresponse()
        assert response.read(6) == b"begun "

        visitor.server.process.send_signal(signal.SIGTERM)
        assert page.close_code() == RESTARTING
        with pytest.raises(ConnectionRefusedError):
            visitor.open("names")
        other.rollback()
        assert response.read() == b"done"
        request.close()
        assert visitor.server.process.wait(20) == 0


def test_an_uploaded_file_is_not_held_in_memory_more_than_once(server: Server) -> None:
    file = b"x" * (32 << 20)
    send_form(server, b"")
    before = most_memory(server)
    send_form(server, file)
    assert most_memory(server) - before < 2 * len(file)


def send_form(server: Server, file: bytes) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n%b\r\n--b--\r\n'
    request = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    request.request("POST", "/admin/login/", part % file, headers)
    assert request.getresponse().status == 403
    request.close()


def test_a_body_on_its_way_in_lies_in_the_data_folder(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as request:
        head = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        request.sendall(head % (1 << 20) + b"x")
        descriptors = Path(f"/proc/{server.process.pid}/fd")
        until(
            lambda: any(
                settings.FILE_UPLOAD_TEMP_DIR in each.readlink().parents
                for each in descriptors.iterdir()
            ),
            "the body's file is open in the data folder",
        )


def most_memory(server: Server) -> int:
    """Return the most bytes that the server's process held."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
