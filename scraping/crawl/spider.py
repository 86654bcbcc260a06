"""What becomes of each answer: a page read, a redirect, a second try, or a failure in words."""

import os
import random
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from struct import pack
from typing import Any
from urllib.parse import urlsplit

from scrapy import Spider, signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Request, Response
from w3lib.encoding import http_content_type_encoding

from jobtracker import outbound
from scraping import extraction
from scraping.crawl.guard import GuardedResolver
from scraping.crawl.queue import Queue
from scraping.crawl.results import Result
from scraping.extraction.model import Extraction
from scraping.frontier import TRIES, Page
from scraping.products import rows_of

REDIRECTS = {301, 302, 303, 307, 308}
READABLE = ("text/html", "application/xhtml", "application/xml", "text/xml", "text/plain")
HINTS = {
    401: "The page asks for a log-in.",
    403: "The site does not let robots read it, or asks for a log-in.",
    404: "The page is gone; the link to it is out of date.",
    410: "The page is gone; the link to it is out of date.",
    429: "The site asks for fewer requests: give a delay.",
}
NOWHERE = "The page redirects to what is no web address: {}."
LATER = "Retry the failed pages later."


class PageSpider(Spider):
    """Fetches the pages that the queue hands out. `reading` is a descriptor of shared memory where
    the attempt finds the page whose body is being read."""

    name = "pages"

    def __init__(self, queue: Queue, reading: int, failed: Callable[[BaseException], None]) -> None:
        super().__init__()
        self.queue = queue
        self.failed = failed
        self.resolver: GuardedResolver
        self._reading = reading
        self._order = queue.order
        self._follow = queue.order.options.mode not in ("page", "sitemap")
        self._seen: set[str] = set()
        self._number = queue.last_number

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> "PageSpider":
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.look_at_head, signals.headers_received)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Begin with nothing: all that is fetched comes from the queue."""
        return
        yield

    def request(self, page: Page) -> Request:
        """Return the request of a page, conditional where an earlier crawl knows its state."""
        headers = {}
        if earlier := page.earlier:
            conditions = {
                "If-None-Match": earlier.etag,
                "If-Modified-Since": earlier.last_modified,
            }
            headers = {k: v for k, v in conditions.items() if v and v.isascii()}
        return Request(
            page.url,
            headers=headers,
            callback=self.parse,
            errback=self.miss,
            cb_kwargs={"page": page},
        )

    def look_at_head(self, headers: Any, request: Request) -> None:
        """Do not download the body of what is no page."""
        if headers.get("Content-Type") and not _is_readable(_text(headers, "Content-Type")):
            raise StopDownload(fail=False)

    # --- answers ---

    def parse(self, response: Response, page: Page) -> None:
        """Take an answer."""
        try:
            result = self._result(response, page)
        except Exception as error:
            reason = f"The page could not be read: {type(error).__name__}: {error}"
            hint = "This is a fault of the reader; please report it with the page's address."
            result = Result(page, "failed", error=reason[:1000], hint=hint)
        self.queue.put(result)

    def miss(self, failure: Any) -> None:
        """Take a request that got no answer."""
        page = failure.request.cb_kwargs["page"]
        host = urlsplit(page.url).hostname or ""
        reason, passing = self._reason(failure.value, page.url, host)
        self.queue.put(self._again_or_failed(Result(page), reason, passing, LATER))

    def _result(self, response: Response, page: Page) -> Result:
        latency = response.meta.get("download_latency")
        result = Result(
            page,
            http_status=response.status,
            content_type=_text(response.headers, "Content-Type"),
            bytes=len(response.body),
            etag=_text(response.headers, "ETag"),
            last_modified=_text(response.headers, "Last-Modified"),
            fetch_ms=None if latency is None else round(latency * 1000),
        )
        status = response.status
        location = _text(response.headers, "Location")
        if status == 304 and page.earlier:
            self._unchanged(result)
            result.content_hash = page.earlier.content_hash
            result.etag = result.etag or page.earlier.etag
            result.last_modified = result.last_modified or page.earlier.last_modified
        elif status in REDIRECTS and location:
            try:
                result.redirect = response.urljoin(location)
            except ValueError:
                result.status, result.error = "failed", NOWHERE.format(location[:200])
                result.hint = "Nothing can be read there."
        elif 200 <= status < 300:
            self._read(response, page, result)
        else:
            return self._refused(response, result)
        return result

    def _read(self, response: Response, page: Page, result: Result) -> None:
        kind = result.content_type.partition(";")[0].strip().lower()
        if kind and not _is_readable(kind):
            result.status, result.rule = "skipped", f"no page of text but {kind}"
            return
        body = response.body
        if not body.strip():
            result.status, result.error = "failed", "The answer was empty."
            result.hint = LATER
            return
        if not extraction.is_text(body):
            result.status = "skipped"
            result.rule = f"no page of text, though it is called {kind or 'nothing else'}"
            return
        result.content_hash = sha256(body).hexdigest()
        same = bool(page.earlier and page.earlier.content_hash == result.content_hash)
        if same:
            self._unchanged(result)
            if not self._follow:
                return
        self._extract(response, page, result, products=not same)

    def _extract(self, response: Response, page: Page, result: Result, *, products: bool) -> None:
        os.pwrite(self._reading, pack("q", page.id), 0)
        encoding = http_content_type_encoding(result.content_type)
        found = extraction.extract(response.body, response.url, encoding)
        if products:
            self._make_rows(found, page, result)
        os.pwrite(self._reading, pack("q", 0), 0)
        result.notes = [*found.warnings]
        if self._follow and not found.nofollow:
            fresh = [link for link in found.links if link not in self._seen]
            self._seen.update(fresh)
            result.links = fresh

    def _make_rows(self, found: Extraction, page: Page, result: Result) -> None:
        if not found.products:
            return
        order = self._order
        result.first_row = self._number + 1
        result.rows, result.rejected = rows_of(
            found, page.url, result.first_row, order.defaults, order.options.categories
        )
        self._number += len(result.rows) + len(result.rejected)

    def _unchanged(self, result: Result) -> None:
        assert result.page.earlier
        result.unchanged = True
        result.first_row = self._number + 1
        self._number += result.page.earlier.rows

    # --- troubles ---

    def _refused(self, response: Response, result: Result) -> Result:
        status, host = response.status, urlsplit(response.url).hostname
        try:
            words = f"{status} {HTTPStatus(status).phrase}"
        except ValueError:
            words = str(status)
        seconds = _retry_after(*(_text(response.headers, name) for name in ("Retry-After", "Date")))
        if status in (429, 503) and seconds is not None:
            seconds = min(seconds, self._order.pace.retry_after_most)
            self.queue.pause(response.url, seconds)
        passing = status in outbound.PASSING
        hint = HINTS.get(status, LATER if passing else "Look at the page in a browser.")
        result = self._again_or_failed(result, f"{host} answered {words}.", passing, hint)
        if result.delay is not None and seconds is not None:
            result.delay = max(result.delay, seconds)
        return result

    def _again_or_failed(self, result: Result, reason: str, passing: bool, hint: str) -> Result:
        tries = result.page.attempts + 1
        result.error = reason
        if passing and tries < TRIES:
            result.status = "pending"
            result.delay = self._order.pace.backoff * 4 ** (tries - 1) * random.uniform(0.75, 1.25)
        else:
            result.status = "failed"
            result.hint = hint if passing or result.http_status else ""
        return result

    def _reason(self, error: BaseException, url: str, host: str) -> tuple[str, bool]:
        """Return what went wrong in a sentence, and whether it may pass."""
        pace = self._order.pace
        parts = urlsplit(url)
        match error:
            case CannotResolveHostError():
                port = parts.port or outbound.DEFAULT_PORTS[parts.scheme]
                known = self.resolver.reason(host, port)
                return str(known), known.transient
            case DownloadTimeoutError():
                return f"{host} did not answer within {pace.timeout:g} s.", True
            case DownloadCancelledError():
                return f"{host} sends more than {pace.max_bytes:,} bytes.", False
            case IgnoreRequest():
                return f"{host} sends what unpacks to more than {pace.max_bytes:,} bytes.", False
            case DownloadConnectionRefusedError():
                return f"{host} refuses connections.", True
            case ResponseDataLossError():
                return f"{host} broke off within the page.", True
        words = str(error)
        if "certificate verify failed" in words or "VerificationError" in words:
            return f"{host} has a certificate that cannot be trusted.", False
        if "ConnectionDone" in words or "ConnectionLost" in words:
            return f"{host} closed the connection without an answer.", True
        if "ParseError" in words:
            return f"{host} answered, but not in HTTP.", True
        return f"{host} gave no usable answer: {words[:300] or type(error).__name__}.", True


def _is_readable(content_type: str) -> bool:
    kind = content_type.strip().lower()
    return kind.startswith(READABLE) or "/" not in kind


def _text(headers: Any, name: str) -> str:
    value = headers.get(name)
    return value.decode("latin-1").strip() if value else ""


def _retry_after(text: str, date: str) -> float | None:
    """Return the seconds that a server asks to wait, None where it does not. A moment is one of
    the server's own clock, whose `date` came along."""
    if text.isdigit():
        return float(text[:9])
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())
