"""Programs that run for a while: kept alive as systemd keeps its units, found again by a mark.

A program of a unit that dies is started again a tenth of a second later, after what it has left
behind is killed (`Restart=always`, `KillMode=control-group`). All processes of a unit carry its
mark in their environment, so those that moved to groups of their own are found too.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "BENCH_UNIT"
RESTART_SECONDS = 0.1
ROOT = Path(__file__).resolve().parent.parent.parent


def processes_of(unit: str) -> list[int]:
    """Return the pids of all living processes of a unit."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if f"{MARK}={unit}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


class Unit:
    """One program and all that it starts."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._command = command
        self._environment = {**environment, MARK: name}
        self._log = log
        self._stopping = threading.Event()
        self._start()
        self._keeper = threading.Thread(target=self._keep_alive, daemon=True)
        self._keeper.start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Pid of the program itself."""
        return self._process.pid

    def processes(self) -> list[int]:
        return processes_of(self.name)

    def kill_all(self) -> None:
        """SIGKILL all of it at once, until nothing is left."""
        while pids := self.processes():
            for pid in pids:
                kill(pid)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.01)

    def stop(self) -> None:
        self._stopping.set()
        self._keeper.join()
        self.kill_all()

    def _keep_alive(self) -> None:
        while not self._stopping.wait(0.02):
            if self._process.poll() is not None:
                self.kill_all()
                if not self._stopping.wait(RESTART_SECONDS):
                    self._start()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis server as its documentation advises where data must last: append-only, synced
    each second. Gives its address."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
    }
    command = ["redis-server", *(part for n, v in settings.items() for part in (f"--{n}", v))]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
