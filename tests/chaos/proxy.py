"""The line between the workers and PostgreSQL, which the harness cuts, stalls and slows.

A program of its own (`python -m tests.chaos.proxy SOCKET`, which prints its port and obeys the
lines of its standard input): `cut`, `stall`, `go`, `slow SECONDS`, `half SHARE`, `heal`. Each
statement of a run passes it twice, so it reads and writes plain sockets in one loop.
"""

import heapq
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

READ_BYTES = 1 << 17


class Proxy:
    """A running proxy before the server that listens on the Unix socket."""

    def __init__(self, server: Path) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.proxy", str(server)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._program.stdout
        self.port = int(self._program.stdout.readline())

    def tell(self, command: str) -> None:
        assert self._program.stdin
        self._program.stdin.write(command + "\n")
        self._program.stdin.flush()

    def stop(self) -> None:
        self._program.communicate()


class _End:
    """One end of a line. What it hears goes out at the other."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self.line = line
        self.other: _End
        self.deaf = False  # half open, or at its end
        self.unsent = b""  # what the line did not take yet
        self.free_at = 0.0  # when what was slowed down before is out
        self.events = 0  # what the selector watches for


class _Switch:
    """All lines and what is done to them."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._selector = selectors.DefaultSelector()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listening.getsockname()[1]
        self._clients: set[_End] = set()
        self._stalled = False
        self._delay = 0.0
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def serve(self) -> None:
        """Relay until the standard input ends."""
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            wait = self._later[0][0] - time.monotonic() if self._later else None
            for key, events in self._selector.select(wait):
                if key.fileobj is sys.stdin:
                    if not (commands := os.read(sys.stdin.fileno(), READ_BYTES)):
                        return
                    for command in commands.decode().splitlines():
                        self._obey(command)
                elif key.fileobj is self._listening:
                    self._accept()
                elif key.data.events:  # else it was closed just now
                    self._pass(key.data, events)
            while self._later and self._later[0][0] <= time.monotonic():
                heapq.heappop(self._later)[2]()

    def _accept(self) -> None:
        line, _ = self._listening.accept()
        client = _End(line)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _End(socket.socket(socket.AF_UNIX))
        try:
            server.line.connect(self._server)
        except OSError:
            _reset(line)
            return
        client.other, server.other = server, client
        self._clients.add(client)
        self._watch(client)
        self._watch(server)

    def _watch(self, end: _End) -> None:
        """Hear or do not, as the switch, this line's fate and the other end's patience say."""
        hears = not (self._stalled or end.deaf or end.other.unsent)
        events = selectors.EVENT_READ * hears | selectors.EVENT_WRITE * bool(end.unsent)
        if events == end.events or end.line.fileno() < 0:
            return
        # One that is watched for nothing would still tell of hang-ups.
        if not events:
            self._selector.unregister(end.line)
        elif not end.events:
            self._selector.register(end.line, events, end)
        else:
            self._selector.modify(end.line, events, end)
        end.events = events

    def _pass(self, end: _End, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(end, b"")
        if not events & end.events & selectors.EVENT_READ:  # the send may have closed it
            return
        try:
            data = end.line.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            end.deaf = True
            self._watch(end)
        now = time.monotonic()
        at = max(now + self._delay, end.other.free_at)
        act = (lambda: self._send(end.other, data)) if data else (lambda: self._close(end))
        if at <= now:
            act()
        else:
            end.other.free_at = at
            heapq.heappush(self._later, (at, next(self._numbers), act))

    def _send(self, end: _End, data: bytes) -> None:
        data = end.unsent + data
        if end.line.fileno() < 0:
            return
        try:
            end.unsent = data[end.line.send(data) :]
        except BlockingIOError:
            end.unsent = data
        except OSError:
            self._close(end)
            return
        self._watch(end)
        self._watch(end.other)

    def _forget(self, end: _End) -> None:
        if end.events:
            self._selector.unregister(end.line)
            end.events = 0

    def _close(self, end: _End) -> None:
        """Close both ends of a line."""
        for one in end, end.other:
            self._forget(one)
            self._clients.discard(one)
            one.line.close()

    def _obey(self, command: str) -> None:
        match command.split():
            case ["cut"]:
                self._abort(self._clients)
            case ["stall"]:
                self._stalled = True
            case ["go"]:
                self._stalled = False
            case ["slow", seconds]:
                self._delay = float(seconds)
            case ["half", share]:
                for client in self._clients:
                    if random.random() < float(share):
                        client.deaf = client.other.deaf = True
            case ["heal"]:
                self._abort({client for client in self._clients if client.deaf})
        for client in list(self._clients):
            self._watch(client)
            self._watch(client.other)

    def _abort(self, clients: Iterable[_End]) -> None:
        for client in list(clients):
            self._forget(client)
            _reset(client.line)
            self._close(client)


def _reset(line: socket.socket) -> None:
    """Close without a farewell."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


if __name__ == "__main__":
    switch = _Switch(sys.argv[1])
    print(switch.port, flush=True)
    switch.serve()
