"""The reading side of what the bodies note."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Begun:
    """A job's beginning: by which process, and when (monotonic seconds)."""

    pid: int
    at: float


class Journal:
    """`begun[text]` lists the beginnings of a job, `ended` holds the jobs that said their end."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self.begun: dict[str, list[Begun]] = defaultdict(list)
        self.ended: set[str] = set()

    def read(self) -> None:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            word, text, pid, at = line.decode().split()
            if word == "begin":
                self.begun[text].append(Begun(int(pid), float(at)))
            else:
                self.ended.add(text)

    def await_begun(self, texts: Iterable[str], seconds: float, times: int = 1) -> bool:
        """Wait until each of the jobs has begun so many times; False when the time is up."""
        missing = set(texts)

        def all_begun() -> bool:
            missing.difference_update([t for t in missing if len(self.begun[t]) >= times])
            return not missing

        return self.wait(all_begun, seconds)

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while True:
            self.read()
            if condition():
                return True
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
