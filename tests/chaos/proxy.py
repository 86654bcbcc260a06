"""The line between the workers and PostgreSQL, which the harness cuts, stalls and slows.

A program of its own (`python -m tests.chaos.proxy SOCKET`, which prints its port and obeys the
lines of its standard input): `cut`, `stall`, `go`, `slow SECONDS`, `half SHARE`, `heal`.
"""

import asyncio
import random
import subprocess
import sys
from pathlib import Path


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


class _End(asyncio.Protocol):
    """One end of a line. What it hears goes out at the other, as late as the switch says."""

    def __init__(self, switch: "_Switch") -> None:
        self._switch = switch
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self._free_at = 0.0  # when what was slowed down before is out
        self.deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self._later(self.other.transport.write, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._switch.ends.discard(self)
        if self.other and self.other.transport:
            self._later(self.other.transport.close)

    def _later(self, act, *arguments) -> None:  # type: ignore[no-untyped-def]
        loop = asyncio.get_running_loop()
        at = max(loop.time() + self._switch.delay, self._free_at)
        if at <= loop.time():
            act(*arguments)
        else:
            self._free_at = at + 1e-6
            loop.call_at(at, act, *arguments)

    def listen(self) -> None:
        """Hear or do not, as the switch and this line's fate say."""
        assert self.transport
        if self.transport.is_closing():
            return
        if self._switch.stalled or self.deaf:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class _Switch:
    """All lines and what is done to them."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.ends: set[_End] = set()
        self.stalled = False
        self.delay = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self) -> asyncio.Protocol:
        return _Client(self)

    def begin(self, client: _End) -> None:
        task = asyncio.create_task(self._connect(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, client: _End) -> None:
        assert client.transport
        client.transport.pause_reading()
        loop = asyncio.get_running_loop()
        try:
            _, server = await loop.create_unix_connection(lambda: _End(self), self._server)
        except OSError:
            client.transport.abort()
            return
        client.other, server.other = server, client
        for end in client, server:
            self.ends.add(end)
            end.listen()

    def obey(self, command: str) -> None:
        match command.split():
            case ["cut"]:
                self._abort(self.ends)
            case ["stall"]:
                self.stalled = True
            case ["go"]:
                self.stalled = False
            case ["slow", seconds]:
                self.delay = float(seconds)
            case ["half", share]:
                for end in [e for e in self.ends if isinstance(e, _Client)]:
                    if end.other and random.random() < float(share):
                        end.deaf = end.other.deaf = True
            case ["heal"]:
                self._abort({end for end in self.ends if end.deaf})
        for end in set(self.ends):
            end.listen()

    @staticmethod
    def _abort(ends: set[_End]) -> None:
        for end in set(ends):
            if end.transport:
                end.transport.abort()


class _Client(_End):
    """The end that a worker opened."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._switch.begin(self)


async def _serve(server: str) -> None:
    switch = _Switch(server)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(switch.accept, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        switch.obey(line)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
