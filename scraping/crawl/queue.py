"""The page table as Scrapy's queue: a buffer of claimed pages before it, results behind it.

Nothing here waits for the database: pages are claimed and results written by tasks that ask a
thread. Scrapy must not take a queue for empty while one of them is under way, or while a page
waits for its next try: `exhausted` says when it is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
from scrapy.http import Request
from scrapy.utils.defer import deferred_from_coro

from jobtracker import outbound
from scraping.crawl import guard
from scraping.crawl.order import Order
from scraping.crawl.results import CLAIM, Result, Store
from scraping.discovery import Robots, robots
from scraping.frontier import Page

FLUSH = 50
FLUSH_SECONDS = 1.0
STARVING_SECONDS = 0.1
LAGGING = 4 * FLUSH  # unwritten results at which no more pages are handed out
LOW = CLAIM // 2
RECHECK_SECONDS = 5.0
FORBIDDEN = "robots.txt forbids it"

InDatabase = Callable[..., Awaitable[Any]]


class Queue:
    """`say` sends a line to the attempt, `in_database` runs a function in the one thread that
    has the session."""

    def __init__(
        self, order: Order, store: Store, in_database: InDatabase, say: Callable[..., None]
    ) -> None:
        self.order = order
        self.say = say
        self.last_number = store.last_number
        self._store = store
        self._in_database = in_database
        self._wake: Callable[[], None] = lambda: None
        self._ready: deque[Page] = deque()
        self._results: list[Result] = []
        self._writing = self._claiming = False
        self._due: float | None = 0.0  # seconds until a page is; None: none waits
        self._more = True  # the last claim left some, as far as is known
        self._hungry = asyncio.Event()
        self._full = asyncio.Event()
        self._paused: dict[str, float] = {}
        self._robots: dict[str, Robots | None] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, wake: Callable[[], None], failed: Callable[[BaseException], None]) -> None:
        """Start to claim and to write; `wake` lets Scrapy look again, `failed` hears what ends
        one of the two tasks."""
        self._wake = wake
        self._hungry.set()

        def done(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (error := task.exception()):
                failed(error)

        for work in (self._claim_ahead(), self._write_behind()):
            task = asyncio.get_running_loop().create_task(work)
            task.add_done_callback(done)
            self._tasks.append(task)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left but what Scrapy has in its hands."""
        busy = self._claiming or self._writing or self._hungry.is_set()
        return not (self._ready or busy or self._results) and self._due is None

    def take(self) -> Page | None:
        """Return the next page whose host is not to be left alone, None for none just now."""
        if self._more and not self._claiming and len(self._ready) < LOW:
            self._hungry.set()
        if len(self._results) >= LAGGING:
            return None
        now = time.monotonic()
        for _ in range(len(self._ready)):
            page = self._ready.popleft()
            if not self._paused or self._paused.get(urlsplit(page.url).netloc, 0.0) <= now:
                return page
            self._ready.append(page)
        return None

    def put(self, result: Result) -> None:
        """Take a result, to be written soon."""
        self._results.append(result)
        if len(self._results) >= FLUSH:
            self._full.set()

    def pause(self, url: str, seconds: float) -> None:
        """Leave a host alone for a while."""
        host = urlsplit(url).netloc
        until = time.monotonic() + seconds
        if until > self._paused.get(host, 0.0):
            if host not in self._paused:
                self.say(warn=f"{host} asked to be left alone for {seconds:,.0f} s.", code="slow")
            self._paused[host] = until
            asyncio.get_running_loop().call_later(seconds + 0.01, self._wake)

    async def finish(self) -> None:
        """End the tasks and write what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._writing:  # the thread cannot be stopped half-way
            await asyncio.sleep(0.01)
        while self._results:
            await self._flush()

    async def stop(self) -> None:
        """Write what is there and give the rest back, at once."""
        await self.finish()
        await self._in_database(self._store.release)

    async def _claim_ahead(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._hungry.wait()
            self._claiming = True
            self._hungry.clear()
            try:
                if len(self._ready) < CLAIM and len(self._results) < LAGGING:
                    pages, self._due = await self._in_database(self._store.claim)
                    self._more = bool(pages)
                    await self._accept(pages)
                    if not pages and self._due is not None:
                        wait = min(max(self._due, 0.02), RECHECK_SECONDS)
                        loop.call_later(wait, self._hungry.set)
                else:
                    self._more = True
            finally:
                self._claiming = False
            self._wake()

    async def _write_behind(self) -> None:
        loop = asyncio.get_running_loop()
        written = beaten = loop.time()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), STARVING_SECONDS)
            now = loop.time()
            if now - beaten >= FLUSH_SECONDS:
                beaten = now
                self.say(beat=True)
            late = now - written >= FLUSH_SECONDS or not self._ready
            if len(self._results) >= FLUSH or (self._results and late):
                await self._flush()
                written = loop.time()
            if len(self._results) < FLUSH:
                self._full.clear()

    async def _flush(self) -> None:
        batch, self._results = self._results[:FLUSH], self._results[FLUSH:]
        self._writing = True
        work = asyncio.ensure_future(self._in_database(self._store.flush, batch))
        work.add_done_callback(self._written)
        await asyncio.shield(work)
        self.say(flushed=len(batch))
        # Its links and second tries are rows now.
        self._hungry.set()
        self._wake()

    def _written(self, work: "asyncio.Future[Any]") -> None:
        self._writing = False

    async def _accept(self, pages: Iterable[Page]) -> None:
        for page in pages:
            try:
                url = httpx.URL(page.url)
                trouble = self._trouble(url)
            except (httpx.InvalidURL, UnicodeError) as error:
                trouble = f"That is no web address: {error}."
            if trouble:
                self.put(Result(page, "failed", error=trouble, hint="Mend the link or exclude it."))
            elif not await self._allowed(page.url, url):
                self.put(Result(page, "skipped", rule=FORBIDDEN))
            else:
                self._ready.append(page)

    def _trouble(self, url: httpx.URL) -> str:
        if url.scheme not in outbound.DEFAULT_PORTS or not url.host:
            return f"{url.host or 'The address'} was refused: it is no http(s) address."
        if url.userinfo:
            return f"{url.host} was refused: the address holds a log-in."
        return ""

    async def _allowed(self, address: str, url: httpx.URL) -> bool:
        if self.order.options.ignore_robots:
            return True
        origin = f"{url.scheme}://{url.netloc.decode()}/"
        if origin not in self._robots:
            self._robots[origin] = await asyncio.to_thread(robots_of, origin)
        found = self._robots[origin]
        return found is None or found.allowed(address)


def robots_of(url: str) -> Robots | None:
    """Read a site's robots.txt through the guard; None where the site itself is out of reach,
    which its pages then say."""
    with outbound.client() as client:
        try:
            return robots(client, url)
        except (outbound.OutboundError, httpx.HTTPError):
            return None


class PageScheduler:
    """Scrapy's scheduler; the queue is the spider's."""

    def __init__(self, crawler: Any) -> None:
        self._crawler = crawler
        self._queue: Queue = crawler.spider.queue

    @classmethod
    def from_crawler(cls, crawler: Any) -> "PageScheduler":
        return cls(crawler)

    def open(self, spider: Any) -> None:
        spider.resolver = guard.ensure(self._crawler)
        # Scrapy has no public way to say that a scheduler has something new.
        self._queue.begin(self._crawler.engine._slot.nextcall.schedule, spider.failed)

    def close(self, reason: str) -> Any:
        return deferred_from_coro(self._queue.finish())

    def has_pending_requests(self) -> bool:
        return not self._queue.exhausted

    def enqueue_request(self, request: Request) -> bool:
        """Refuse: what is to be fetched is a row first, and what Scrapy makes up is not."""
        return False

    def next_request(self) -> Request | None:
        page = self._queue.take()
        return self._crawler.spider.request(page) if page else None
