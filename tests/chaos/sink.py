"""The outside world of the harness: an HTTP server that notes every call before it answers.

It runs as a program of its own (`python -m tests.chaos.sink FILE`, which prints its address and
ends with its standard input), so that no fault of the system can touch what it has seen.
"""

import os
import selectors
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

END = b"\r\n\r\n"
REQUEST = "POST / HTTP/1.1\r\nHost: sink\r\nContent-Length: 0\r\nIdempotency-Key: {}\r\nX-Token: {}"
ANSWER = b"HTTP/1.1 204 No Content" + END
READ_BYTES = 1 << 16


class Sink:
    """A running sink that appends to `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.sink", str(path)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._program.stdout
        self.address = self._program.stdout.readline().strip()

    def stop(self) -> None:
        self._program.communicate()

    def calls(self) -> list[tuple[UUID, int, UUID, float]]:
        """Return job, item, token and Unix time of every call, in order."""
        calls = []
        for line in self._path.read_text().splitlines():
            key, token, moment = line.split()
            job, _, item = key.partition(":")
            calls.append((UUID(job), int(item), UUID(token), float(moment)))
        return calls


class Line:
    """A client's line to the sink. Without a time-out: a process that was stopped finds its answer
    there when it goes on."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)))

    def call(self, job: UUID, item: int, token: UUID) -> None:
        """Return once the sink has the call on its disk."""
        self._socket.sendall(REQUEST.format(f"{job}:{item}", token).encode() + END)
        answer = b""
        while not answer.endswith(END):
            more = self._socket.recv(READ_BYTES)
            if not more:
                raise AssertionError("the sink has hung up")
            answer += more
        if answer != ANSWER:
            raise AssertionError(f"the sink answers {answer!r}")


def _serve(path: str) -> None:
    """Note all calls that are there, sync them together, answer them, and look again."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    print(f"{host}:{port}", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    heard: dict[socket.socket, bytes] = {}  # by line, what is no whole call yet
    while True:
        notes = []
        waiting = []
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listening:
                line, _ = listening.accept()
                heard[line] = b""
                selector.register(line, selectors.EVENT_READ)
                continue
            line = key.fileobj  # type: ignore[assignment]
            data = _read(line)
            if not data:
                selector.unregister(line)
                del heard[line]
                line.close()
                continue
            heard[line] += data
            if heard[line].endswith(END):
                notes.append(_note(heard[line]))
                waiting.append(line)
                heard[line] = b""
        if notes:
            os.write(file, "".join(notes).encode())
            os.fdatasync(file)
        for line in waiting:
            _answer(line)


def _read(line: socket.socket) -> bytes:
    try:
        return line.recv(READ_BYTES)
    except ConnectionError:
        return b""


def _note(request: bytes) -> str:
    fields = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:-2])
    return f"{fields['Idempotency-Key']} {fields['X-Token']} {time.time():.6f}\n"


def _answer(line: socket.socket) -> None:
    with suppress(ConnectionError):  # the next read tells the same
        line.sendall(ANSWER)


if __name__ == "__main__":
    _serve(sys.argv[1])
