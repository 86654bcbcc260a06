"""The worker groups of a run: real `manage.py up` and `manage.py worker`, started again whenever
they end, as a service manager would."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jobtracker.workers import processes

ROOT = Path(__file__).parents[2]
RESTART_SECONDS = 0.2
STOP_SECONDS = 25.0


class Group:
    """One host's processes below a `manage.py COMMAND`; `host` is the name it goes by."""

    def __init__(self, host: str, command: str, log: Path, environment: Mapping[str, str]) -> None:
        self.host = host
        self._mark = f"CHAOS_RUN={environment['CHAOS_RUN']}"
        self._command = command
        self._log = log
        self._environment = os.environ | dict(environment) | {"CHAOS_HOST": host}
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "manage.py", self._command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def look(self) -> None:
        """Start it again when it has ended and nothing of it is left."""
        if self._process is None:
            if time.monotonic() >= self._start_at and not started_with(
                self._mark, f"CHAOS_HOST={self.host}"
            ):
                self.start()
        elif self._process.poll() is not None:
            self._process = None
            self._start_at = max(self._start_at, time.monotonic() + RESTART_SECONDS)

    def stay_away(self, seconds: float) -> None:
        """Do not start it again before so long."""
        self._start_at = time.monotonic() + seconds

    @property
    def root(self) -> int:
        """The pid of the command itself; 0 while it is down."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    @property
    def supervisor(self) -> int:
        """The pid of the worker's supervisor; 0 while it is down."""
        return next(iter(self.pids("supervisor")), 0)

    def everything(self) -> list[int]:
        """Return all living processes, parents first."""
        return self._below(self.root)

    def worker(self) -> list[int]:
        """Return the supervisor and all that is below it, parents first."""
        return self._below(self.supervisor)

    def pids(self, name: str) -> list[int]:
        """Return the living processes called jt-NAME."""
        return [pid for pid in self.everything() if comm(pid) == f"jt-{name}"]

    def nurses(self, *, busy: bool) -> list[int]:
        """Return the nurses that have a child, or have none."""
        return [pid for pid in self.pids("nurse") if bool(child_of(pid)) == busy]

    def is_complete(self, slots: int) -> bool:
        """Tell whether every process of the worker is there."""
        names = ("supervisor", "lifeline", "cluster", "sentinel", "pusher", "monitor")
        return all(self.pids(name) for name in names) and len(self.pids("nurse")) == slots

    def stop(self) -> int | None:
        """Ask it to end; return its exit code, None where it had to be killed."""
        if self._process is None:
            return 0
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self) -> None:
        """Leave nothing of it, at once."""
        for pid in self.everything():
            processes.kill(pid)
        if self._process:
            self._process.wait()

    @staticmethod
    def _below(pid: int) -> list[int]:
        if not pid:
            return []
        return [p for p in (pid, *processes.descendants(pid)) if processes.start_ticks(p)]


def child_of(nurse: int) -> int:
    """Return the pid of the nurse's attempt child, 0 without one."""
    for pid in processes.children(nurse):
        if comm(pid) == "jt-child" and processes.start_ticks(pid):
            return pid
    return 0


def started_with(*marks: str) -> list[int]:
    """Return the living processes that have all these `NAME=VALUE` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if all(mark.encode() in environment for mark in marks):
                    found.append(int(entry.name))
    return found


def comm(pid: int) -> str:
    """Return the name of a process, empty when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
