"""What passes between a nurse and its attempt child: JSON lines up, one shared word down.

The nurse does not trust the child: a line that is no JSON object is dropped, and text that
PostgreSQL cannot hold is mended on the way.
"""

import json
import logging
import mmap
import os
import threading
import time
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

READ_BYTES = 1 << 16
LINE_BYTES = 1 << 22  # a longer line is not kept in memory

logger = logging.getLogger(__name__)


class Stop(IntEnum):
    """What the nurse asks of the child; it obeys at its next safe point."""

    NO = 0
    CANCEL = 1
    DRAIN = 2


class Word:
    """Shared memory: when the last beat was confirmed (monotonic seconds), and whether to stop."""

    def __init__(self, confirmed_at: float) -> None:
        memory = memoryview(mmap.mmap(-1, 16))
        self._seconds = memory[:8].cast("d")
        self._stop = memory[8:].cast("Q")
        self.confirmed_at = confirmed_at

    @property
    def confirmed_at(self) -> float:
        return self._seconds[0]

    @confirmed_at.setter
    def confirmed_at(self, moment: float) -> None:
        self._seconds[0] = moment

    @property
    def stop(self) -> Stop:
        return Stop(self._stop[0])

    @stop.setter
    def stop(self, stop: Stop) -> None:
        self._stop[0] = stop


class Channel:
    """The child's side; what `context.Link` describes. `patience` in seconds."""

    def __init__(self, pipe: int, word: Word, patience: float) -> None:
        self._pipe = pipe
        self._word = word
        self._patience = patience
        self._lock = threading.Lock()

    def stop(self) -> str | None:
        """Return "cancel" or "drain" when asked to, "lost" when no beat was confirmed for so
        long that another may soon take the job over, else None."""
        match self._word.stop:
            case Stop.CANCEL:
                return "cancel"
            case Stop.DRAIN:
                return "drain"
        if time.monotonic() - self._word.confirmed_at > self._patience:
            return "lost"
        return None

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message up. A value that is no JSON goes as its text."""
        text = json.dumps(message, default=str, ensure_ascii=False)
        # PostgreSQL's jsonb refuses NUL, and UTF-8 has no lone surrogates.
        text = text.replace("\\u0000", "\\ufffd") + "\n"
        line = memoryview(text.encode(errors="replace"))
        with self._lock:
            while line:
                line = line[os.write(self._pipe, line) :]


class Inbox:
    """The nurse's side."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self.pipe = pipe
        self.closed = False
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """Return the messages that are there, without waiting."""
        messages: list[dict[str, Any]] = []
        while not self.closed:
            try:
                data = os.read(self.pipe, READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                self.closed = True
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > LINE_BYTES:
                self._rest = b""
            messages.extend(message for line in lines if (message := _parse(line)))
        return messages


def _parse(line: bytes) -> dict[str, Any]:
    try:
        # JSON has no NaN, though Python writes it.
        message = json.loads(line, parse_constant=lambda name: None)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        logger.warning("an attempt sent a line that is no message: %.200r", line)
        return {}
    return message
