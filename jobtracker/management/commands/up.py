"""`manage.py up`: everything of one machine in the foreground, stopped as one.

It owns PostgreSQL (when embedded), the web server and the worker. Children that die are started
again; children die with this process, since each asks the kernel for a signal at its parent's
death, so even a killed `up` leaves nothing behind.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, connection

from jobtracker import embedded_pg
from jobtracker.management.set_up import collect_static_files, set_up_database
from jobtracker.models import Worker

LOOK_SECONDS = 0.1
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
SETTLED_SECONDS = 60.0  # a child that lived so long was no false start
STOP_SECONDS = 8.0  # for web server and worker, after the grace that both give
POSTGRES_STOP_SECONDS = 3.0


class Stopped(BaseException):
    """SIGINT or SIGTERM came."""


class Child(Protocol):
    """What `up` keeps running."""

    name: str

    def start(self) -> None:
        """Start it. Raises `embedded_pg.ServerError`."""

    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""

    def stop(self, seconds: float) -> None:
        """Ask it to end; after so long, make it."""


class Postgres:
    """The embedded server."""

    name = "PostgreSQL"

    def start(self) -> None:
        self._server = embedded_pg.start(settings.DATA_DIR, settings.PG_BIN)

    def exit_code(self) -> int | None:
        return self._server.process.poll()

    def stop(self, seconds: float) -> None:
        self._server.stop(seconds)


class Program:
    """A Python program of ours, told to end by SIGTERM."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._command = ["setpriv", "--pdeathsig", "TERM", sys.executable, *arguments]

    def start(self) -> None:
        # A process group of its own: a terminal's Ctrl-C is for `up`, which stops in order.
        self.process = subprocess.Popen(
            self._command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, process_group=0
        )

    def exit_code(self) -> int | None:
        return self.process.poll()

    def stop(self, seconds: float) -> None:
        self.process.terminate()
        try:
            self.process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Keeper:
    """Starts a child again when it died, later each time that it did so soon."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._false_starts = 0
        self._start_at: float | None = None  # None while it runs
        self.child.start()
        self._started_at = time.monotonic()

    def look(self) -> None:
        """Note its death, or start it when that is due."""
        now = time.monotonic()
        if self._start_at is None:
            if (code := self.child.exit_code()) is not None:
                if now - self._started_at > SETTLED_SECONDS:
                    self._false_starts = 0
                self._plan(f"{self.child.name} ended with code {code}")
        elif now >= self._start_at:
            self._started_at = now
            try:
                self.child.start()
                self._start_at = None
            except embedded_pg.ServerError as error:
                self._plan(str(error))

    def stop(self, seconds: float) -> None:
        if self._start_at is None and self.child.exit_code() is None:
            self.child.stop(seconds)

    def _plan(self, reason: str) -> None:
        delay = BACK_OFF_SECONDS[min(self._false_starts, len(BACK_OFF_SECONDS) - 1)]
        self._false_starts += 1
        self._start_at = time.monotonic() + delay
        print(f"{reason}; it is started again in {delay:g} s", file=sys.stderr, flush=True)


class Command(BaseCommand):
    help = (
        "Run everything in the foreground: the embedded PostgreSQL unless DATABASE_URL names a "
        "server, the web server on HOST:PORT, and a worker. SIGINT or SIGTERM stops it all."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self._kept: list[Keeper] = []
        check_port()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        try:
            self._run()
        except Stopped:
            pass
        except embedded_pg.ServerError as error:
            sys.exit(str(error))
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self._stop()

    def _run(self) -> None:
        if settings.EMBEDDED_POSTGRES:
            self._kept.append(Keeper(Postgres()))
        set_up_database()
        collect_static_files()
        connection.close()
        server = ["-m", "jobtracker.live.server", "-v", "0", "-b", settings.HOST]
        web = Program(
            "The web server", *server, "-p", str(settings.PORT), "jobtracker.asgi:application"
        )
        worker = Program("The worker", "manage.py", "worker")
        self._kept += [Keeper(web), Keeper(worker)]
        while not (web_answers() and worker_is_registered(worker.process.pid)):
            self._look()
        connection.close()
        print(f"jobtracker is ready: http://{settings.HOST}:{settings.PORT}/", flush=True)
        if settings.RUN_DEMO:
            Program("The demo", "manage.py", "demo").start()
        while True:
            self._look()

    def _look(self) -> None:
        if make_was_interrupted():
            raise Stopped
        for keeper in self._kept:
            keeper.look()
        time.sleep(LOOK_SECONDS)

    def _stop(self) -> None:
        """Stop what needs the database first: the web server sends its pages away and finishes
        its requests while the worker hands its jobs back."""
        server = [keeper for keeper in self._kept if isinstance(keeper.child, Postgres)]
        programs = [keeper for keeper in self._kept if keeper not in server]
        with ThreadPoolExecutor() as together:
            for keeper in programs:
                together.submit(keeper.stop, settings.GRACE_SECONDS + STOP_SECONDS)
        for keeper in server:
            keeper.stop(POSTGRES_STOP_SECONDS)


def stop(number: int, frame: FrameType | None) -> None:
    """Interrupt whatever the main program does, once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def make_was_interrupted() -> bool:
    """Tell whether the parent is a `make` that got SIGINT for itself alone.

    It passes SIGTERM on, but not SIGINT: that it takes to have reached us through the terminal,
    and waits for our end inside its handler, where the signal is blocked.
    """
    try:
        status = Path(f"/proc/{os.getppid()}/status").read_text()
    except OSError:  # another user's, where systemd's ProtectProc hides those
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    blocked = int(fields["SigBlk"], 16)
    return fields["Name"] == "make" and bool(blocked & 1 << (signal.SIGINT - 1))


def check_port() -> None:
    """Exit with a sentence unless HOST:PORT can be listened on."""
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    try:
        socket.create_server((settings.HOST, settings.PORT), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        sys.exit(
            f"Cannot listen on {settings.HOST}:{settings.PORT}: {reason}. "
            "Stop what listens there, or set PORT (or HOST)."
        )


def web_answers() -> bool:
    """Tell whether the web server answers requests."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    asked = http.client.HTTPConnection(host, settings.PORT, timeout=5)
    try:
        asked.request("GET", "/health/live")
        asked.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
    return True


def worker_is_registered(pid: int) -> bool:
    """Tell whether the worker with that pid on this host has entered itself in the table."""
    with suppress(Error):
        return Worker.objects.filter(host=socket.gethostname(), pid=pid).exists()
    connection.close()
    return False
