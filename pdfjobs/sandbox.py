"""The only door to a PDF's content: a child process that reads it, and may be killed at any time.

PDF code is native and its input is hostile, so it never runs in a process that holds a database
connection. The child (`python -m pdfjobs.reading.child`) is a fresh interpreter with an
environment of its own, resource limits and no open files but its pipes; it is asked a page at a
time, in JSON lines, and a page that hangs, crashes or wants too much memory costs that page only.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pdfjobs.reading.model import Cell, Drawing, Image, Opened, PageText, Table

ENGINES = ("pdfium", "pdfplumber", "pikepdf")
_ROOT = Path(__file__).resolve().parent.parent
_TICK = 0.2  # seconds between two looks at a stop
_LONGEST_ANSWER = 64 * 1024 * 1024


class Unreadable(Exception):
    """The whole file cannot be read; the text is a sentence for people."""


class NeedsPassword(Unreadable):
    """The file is encrypted and no password was given."""


class WrongPassword(NeedsPassword):
    """The password given does not open the file."""


class NotAPdf(Unreadable):
    """The file is something else."""


class Damaged(Unreadable):
    """No engine could open the file, or found a page in it."""


class TooManyPages(Damaged):
    """The file may be sound, but is refused for its length."""


class PageFailed(Exception):
    """One page cannot be read: it ran out of time or memory, crashed the reader or is damaged."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


_REFUSALS = {
    "password": NeedsPassword,
    "wrong_password": WrongPassword,
    "not_a_pdf": NotAPdf,
    "too_many_pages": TooManyPages,
    "damaged": Damaged,
}
_SAVE_ANEW = "Open the file in a PDF program, save it anew and upload that."
_COMPLEX = "The page is unusually complex. Save the file anew with fewer details, or leave it out."


@dataclass(frozen=True)
class Limits:
    """What a file may cost. Seconds are wall clock; `file_seconds` is the sum over its pages and
    also the child's CPU time; `memory` is address space in bytes, `pages` those that a file may
    have at all, `pixels` those of a drawn page and of an extracted picture."""

    open_seconds: float = 30.0
    page_seconds: float = 20.0
    table_seconds: float = 15.0
    file_seconds: float = 3600.0
    memory: int = 1_500_000_000
    pages: int = 200_000
    pixels: int = 8_000_000


class _Died(Exception):
    """The child is gone; the text says why, as the end of "The page ..."."""


class _Killed(_Died):
    """Someone else ended the child: it says nothing about the page."""


class Reader:
    """A file open in a child. Pages count from 1; a method of a page raises PageFailed for that
    page alone, after which the next call starts a new child.

    `check` is called at least five times a second while the child works and may raise (a
    cancelled or draining job): the child is then killed. A call costs the child up to
    `page_seconds` (`table_seconds` for tables).
    """

    opened: Opened

    def __init__(
        self,
        path: Path,
        password: str | None = None,
        *,
        check: Callable[[], None] = lambda: None,
        limits: Limits = Limits(),
    ) -> None:
        self.path = path.resolve()
        self.password = password
        self.limits = limits
        self._check = check
        self._child: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._spent = 0.0

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="pdf-")
        try:
            self.opened = self._open_by_any_engine()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        self._scratch.cleanup()

    @property
    def pid(self) -> int | None:
        """The child's process, None between two."""
        return self._child.pid if self._child else None

    def text(self, number: int) -> PageText:
        return PageText(**self._page("text", number, self.limits.page_seconds))

    def tables(self, number: int) -> list[Table]:
        found = self._page("tables", number, self.limits.table_seconds)
        return [
            Table(
                box=table["box"],
                rows=[[Cell(**cell) if cell else None for cell in row] for row in table["rows"]],
            )
            for table in found
        ]

    def images(self, number: int, folder: Path) -> list[Image]:
        """The pictures placed on a page, as WebP files `i<page>-<place>.webp` in `folder`."""
        return [
            Image(**image)
            for image in self._page("images", number, self.limits.page_seconds, folder)
        ]

    def draw(self, number: int, folder: Path) -> Drawing:
        """The page at 150 dpi, its thumbnail and its tiles as files in `folder`."""
        drawn = self._page("draw", number, self.limits.page_seconds, folder)
        return Drawing(
            picture=drawn["picture"],
            thumbnail=drawn["thumbnail"],
            tiles=[(name, box) for name, box in drawn["tiles"]],
        )

    def _open_by_any_engine(self) -> Opened:
        """The first engine that finds a page opens the file; why the others could not is told."""
        reasons: list[str] = []
        for engine in ENGINES:
            try:
                opened = self._open(engine)
            except (_Died, Damaged) as error:
                if isinstance(error, TooManyPages):
                    raise
                reasons.append(str(error))
                self._kill()
                continue
            if reasons:
                opened.warnings.insert(
                    0, f"The file is damaged ({reasons[0]}); it was read by {engine} instead."
                )
            opened.warnings += self._second_opinion(opened)
            return opened
        raise Damaged(f"The file is damaged and no page of it can be read: {reasons[-1]}.")

    def _open(self, engine: str) -> Opened:
        self._start()
        answer = self._ask(
            {
                "do": "open",
                "path": str(self.path),
                "password": self.password,
                "engine": engine,
                "scratch": self._scratch.name,
                "limits": asdict(self.limits),
            },
            self.limits.open_seconds,
        )
        if "refused" in answer:
            raise _REFUSALS[answer["refused"]](answer["sentence"])
        if "ok" not in answer:
            raise _Died(answer["reason"])
        return Opened(**answer["ok"])

    def _second_opinion(self, opened: Opened) -> list[str]:
        """What a second engine says of the file's soundness; its own failure means nothing."""
        try:
            answer = self._ask({"do": "inspect"}, 5)
        except _Died:
            return []
        warnings: list[str] = answer.get("ok", [])
        return warnings

    def _page(self, what: str, number: int, seconds: float, folder: Path | None = None) -> Any:
        left = self.limits.file_seconds - self._spent
        if left <= 0:
            raise PageFailed(
                f"The file used up its {self.limits.file_seconds / 60:.0f} minutes of reading.",
                "Split the file and upload its parts, or process fewer pages at once.",
            )
        request = {"do": what, "page": number, "folder": str(folder.resolve()) if folder else None}
        try:
            try:
                answer = self._asked(request, min(seconds, left))
            except _Killed:
                answer = self._asked(request, min(seconds, left))
        except (_Died, Unreadable) as error:
            self._kill()
            raise PageFailed(f"The page cannot be read: {error}.", _COMPLEX) from None
        if "ok" in answer:
            return answer["ok"]
        if answer.get("stop"):
            self._kill()
        reason = answer.get("reason") or answer["sentence"]
        raise PageFailed(f"The page cannot be read: {reason}.", _SAVE_ANEW)

    def _asked(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Ask about a page, of a new child where the last one is gone."""
        if self._child is None:
            self._open(self.opened.engine)
        return self._ask(request, seconds)

    def _start(self) -> None:
        self._kill()
        # Nothing of ours is inherited: no secret from the environment, no connection, no file.
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": self._scratch.name,
            "TMPDIR": self._scratch.name,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._unread = b""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "pdfjobs.reading.child", str(os.getpid())],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,
        )

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """One question, one answer. Raises _Died when the child does, or has to."""
        began = time.monotonic()
        try:
            return self._answer(request, began + seconds, seconds)
        except BaseException:
            self._kill()
            raise
        finally:
            self._spent += time.monotonic() - began

    def _answer(self, request: dict[str, Any], end: float, seconds: float) -> dict[str, Any]:
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
        parts = [self._unread]
        size = len(self._unread)
        source = child.stdout.fileno()
        while b"\n" not in parts[-1]:
            self._check()
            left = end - time.monotonic()
            if left <= 0:
                raise _Died(f"it took longer than {seconds:g} seconds")
            if not select.select([source], [], [], min(_TICK, left))[0]:
                continue
            part = os.read(source, 1 << 20)
            size += len(part)
            if not part:
                code = child.wait()
                raise (_Killed if code == -signal.SIGKILL else _Died)(_death(code))
            if size > _LONGEST_ANSWER:
                raise _Died("it holds more than can be taken in")
            parts.append(part)
        line, self._unread = b"".join(parts).split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer


def _death(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "it used up the processor time of a file"
    if code < 0:
        return f"the reader crashed ({signal.Signals(-code).name}) or ran out of memory"
    return "the reader ended or ran out of memory"
