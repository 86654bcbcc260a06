"""The attempt's side of a crawl: it starts the process, relays what that says, and ends it.

The process writes its results itself, under the attempt's fence; so it may be killed at any
moment, and whatever it had claimed is claimed anew.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from struct import unpack
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from jobtracker.catalogue.models import CatalogueSource, Kind
from jobtracker.context import JobContext
from jobtracker.database import database_url
from jobtracker.states import LeaseLost, Permanent, Retryable, StageState
from scraping import frontier
from scraping.crawl.order import STANDARD, Order, Pace
from scraping.models import ScrapingSession
from scraping.options import Options

POLL_SECONDS = 0.2
CHECK_SECONDS = 1.0
COUNT_SECONDS = 0.5
CHECKPOINT_SECONDS = 2.0
STOP_SECONDS = 2.0
START_SECONDS = 60.0
DEATHS_MOST = 3


def run(
    context: JobContext,
    session: ScrapingSession,
    options: Options,
    *,
    check: Callable[[], None] = lambda: None,
    pace: Pace = STANDARD,
) -> None:
    """Crawl until every row of the session's page table has ended.

    Links are followed unless `options.mode` is `page` or `sitemap`: `auto` must have been decided.
    `check` is called about once a second besides the context's own and may raise to end the
    crawl; what was fetched is written first, the rest waits in the table. Raises `Retryable` when
    the process dies, `Permanent` when the guard cannot hold.
    """
    if context.job.supplier_id is None:
        raise Permanent("The job has no supplier. Set one on its admin page and retry.")
    host = urlsplit(session.source_url).netloc.rpartition("@")[2].lower()
    source, _ = CatalogueSource.objects.get_or_create(
        supplier_id=context.job.supplier_id, kind=Kind.SITE, name=host
    )
    currency = context.job.metadata.get("currency") or source.supplier.default_currency
    order = Order(
        session=session.pk,
        job=context.job.id,
        token=context.token,
        source=source.pk,
        options=options,
        defaults={"currency": currency} if currency else {},
        pace=pace,
    )
    for _ in range(DEATHS_MOST):
        with context.transaction():
            frontier.reclaim(session.pk)
        _advance(context, order)
        if _Crawl(context, order, check).to_the_end():
            _advance(context, order)
            return
    raise Retryable("The crawl process died again and again while it read pages.")


class _Crawl:
    """One life of the process."""

    def __init__(self, context: JobContext, order: Order, check: Callable[[], None]) -> None:
        self._context = context
        self._order = order
        self._check = check
        self._checked = self._counted = self._kept = time.monotonic()
        self._verdict: dict[str, Any] | None = None
        self._process = _Process(order)

    def to_the_end(self) -> bool:
        """Relay until the process ends. Returns whether the queue is empty; it is not where
        reading a page killed the process, which was noted on the page."""
        try:
            while self._process.open:
                for line in self._process.lines():
                    self._take(line)
                self._context.check()
                now = time.monotonic()
                if now - self._checked >= CHECK_SECONDS:
                    self._checked = now
                    self._check()
                if self._process.silent > self._patience:
                    return self._hung()
            code = self._process.wait()
        except BaseException:
            self._process.stop()
            raise
        finally:
            self._process.end()
        return self._ended(code)

    @property
    def _patience(self) -> float:
        return self._order.pace.reading if self._process.heard else START_SECONDS

    def _take(self, line: dict[str, Any]) -> None:
        now = time.monotonic()
        if "log" in line:
            self._context.log(line["log"])
        elif "warn" in line:
            self._context.warn(line["code"], line["warn"], line.get("where", ""))
        elif "end" in line:
            self._verdict = line
        elif "flushed" in line and now - self._counted >= COUNT_SECONDS:
            self._counted = now
            ended = _advance(self._context, self._order)
            if now - self._kept >= CHECKPOINT_SECONDS:
                self._kept = now
                self._context.checkpoint(ended, {"pages": ended}, StageState.RUNNING)

    def _hung(self) -> bool:
        page = self._process.reading
        self._process.end()
        if not page:
            raise Retryable("The crawl process did not answer any more.")
        seconds = self._order.pace.reading
        self._blame(page, f"Reading the page took more than {seconds:g} s.", at_once=True)
        return False

    def _ended(self, code: int) -> bool:
        match (self._verdict or {}).get("end"):
            case "finished":
                return True
            case "lost":
                raise LeaseLost("another process took this job over")
            case "refused":
                raise Permanent(self._verdict["reason"])  # type: ignore[index]
            case "error":
                raise Retryable(self._verdict["reason"])  # type: ignore[index]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if page := self._process.reading:
            self._blame(page, f"Reading the page ended the crawl process ({how}).", at_once=False)
            return False
        raise Retryable(f"The crawl process ended unexpectedly ({how}).")

    def _blame(self, page: int, reason: str, *, at_once: bool) -> None:
        with self._context.transaction():
            frontier.blame(page, reason, "Look at the page in a browser.", at_once=at_once)
        self._context.warn("crawl", reason)


class _Process:
    """The process: its lines, and which page it reads, by a few bytes of shared memory."""

    def __init__(self, order: Order) -> None:
        self.open = True
        self.heard = False
        self._rest = b""
        self._last = time.monotonic()
        self._memory = os.memfd_create("reading")
        os.ftruncate(self._memory, 8)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scraping.crawl.process", str(os.getpid()), str(self._memory)],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._memory],
        )
        self._say(order.to_line())

    @property
    def silent(self) -> float:
        """Return the seconds since it was last heard."""
        return time.monotonic() - self._last

    @property
    def reading(self) -> int:
        """Return the page whose body it reads or read when it died, 0 for none."""
        return int(unpack("q", os.pread(self._memory, 8, 0))[0])

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what it has said, after a wait of at most POLL_SECONDS."""
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], POLL_SECONDS)[0]:
            return
        piece = os.read(self._process.stdout.fileno(), 1 << 16)
        self.open = bool(piece)
        self.heard, self._last = True, time.monotonic()
        *whole, self._rest = (self._rest + piece).split(b"\n")
        yield from map(json.loads, whole)

    def wait(self) -> int:
        """Return its exit code, less than 0 for a signal."""
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def stop(self) -> None:
        """Have it write what it has, and end."""
        self._say("stop\n")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Leave nothing of it behind; `reading` can still be asked."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe:
                    pipe.close()

    def __del__(self) -> None:
        os.close(self._memory)

    def _say(self, text: str) -> None:
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()


def _advance(context: JobContext, order: Order) -> int:
    counts = frontier.counts(order.session)
    ended = counts.done + counts.failed + counts.skipped
    context.advance(ended, counts.total, counts=counts)
    return ended
