"""A WebSocket client that is as small as the tests need: text frames, blocking, with a deadline."""

import base64
import json
import os
import socket
import struct
from typing import Self

DEADLINE_SECONDS = 20
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Closed(Exception):
    """The server closed the socket with `code`; 1006 when it just went away."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class WebSocket:
    """One connection. `headers` as a browser would send them, such as Origin and Cookie."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        self._file = self._socket.makefile("rb")
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status = self._file.readline().split()[1]
        while self._file.readline().strip():
            pass
        if status != b"101":
            raise Closed(1006)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._socket.close()

    def say(self, message: dict[str, object] | str) -> None:
        """Send a message, as JSON unless it is text."""
        text = message if isinstance(message, str) else json.dumps(message)
        self._send(TEXT, text.encode())

    def frame(self) -> str:
        """Return the next text frame. Raises Closed."""
        while True:
            kind, payload = self._receive()
            if kind == TEXT:
                return payload.decode()
            if kind == PING:
                self._send(PONG, payload)
            if kind == CLOSE:
                self._send(CLOSE, payload)
                raise Closed(struct.unpack("!H", payload[:2])[0] if payload else 1005)

    def close_code(self) -> int:
        """Return the code that the server closes with, passing over frames until then."""
        try:
            while True:
                self.frame()
        except Closed as closed:
            return closed.code

    def _send(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def _receive(self) -> tuple[int, bytes]:
        head = self._file.read(2)
        if len(head) < 2:
            raise Closed(1006)
        size = head[1]
        if size == 126:
            (size,) = struct.unpack("!H", self._file.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._file.read(8))
        return head[0] & 15, self._file.read(size)
