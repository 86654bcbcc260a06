"""The outside world of the harness: an HTTP server that notes every call before it answers.

It runs as a program of its own (`python -m tests.chaos.sink FILE`, which prints its address and
ends with its standard input), so that no fault of the system can touch what it has seen.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID


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


class _Notes:
    """The file. Calls that come while it is synced are synced together, next."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._more = asyncio.Event()

    async def keep(self, line: str) -> None:
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((line, kept))
        self._more.set()
        await kept

    async def run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            taken, self._waiting = self._waiting, []
            os.write(self._file, "".join(line for line, _ in taken).encode())
            await asyncio.to_thread(os.fdatasync, self._file)
            for _, kept in taken:
                kept.set_result(None)


async def _serve(path: str) -> None:
    notes = _Notes(path)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                key, token = fields["Idempotency-Key"], fields["X-Token"]
                await notes.keep(f"{key} {token} {time.time():.6f}\n")
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"{host}:{port}", flush=True)
    writing = asyncio.create_task(notes.run())
    await asyncio.to_thread(sys.stdin.read)
    writing.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
