"""One page read as a crawl reads it, and a first look at its site; nothing is kept."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from django.db import transaction

from jobtracker import outbound
from jobtracker.catalogue import export
from jobtracker.catalogue.models import CatalogueSource, Kind, Material, Supplier
from jobtracker.catalogue.write import Rejected, Row, Writer
from jobtracker.sources import check_url
from scraping import discovery
from scraping.extraction import extract
from scraping.extraction.model import Extraction
from scraping.models import ScrapingRow
from scraping.options import Options
from scraping.products import rows_of

PAGE_BYTES = 10 << 20
PREVIEW_SECONDS = 30.0
CHECK_SECONDS = 2.0
READS_A_SECOND = 2.0  # what autothrottle settles at on a common site
TOO_LATE = "The site did not answer in time."
HTML = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "")


T = TypeVar("T")
_NO_RULES: tuple[Any, str] = (None, "robots.txt did not come in time.")


class _TimeIsUp(Exception):
    """The look at the site has had its time."""


@dataclass(frozen=True)
class _Page:
    """A page as it came. `problem` says why there is none."""

    url: str
    status: int | None = None
    body: bytes = b""
    encoding: str | None = None
    problem: str = ""


def preview(url: str, options: Options, supplier: str = "") -> dict[str, Any]:
    """Return what a crawl would make of one page: `url, canonical, status, products, skipped,
    needs_javascript, warnings`. Products are lines of `materials export` without their job.
    Raises `SourceRefused` for an address that is none or may not be reached."""
    check_url(url)
    until = time.monotonic() + PREVIEW_SECONDS
    with _Look(PREVIEW_SECONDS) as look:
        rules, _ = look.wait(look.start(_robots, url), until) or _NO_RULES
        page = look.wait(look.start(_fetch, url, options, rules, until), until)
        return _read(page or _Page(url, problem=TOO_LATE), options, supplier)


def check_site(url: str, options: Options) -> dict[str, Any]:
    """Look at a site for about two seconds, as a crawl would begin. Returns `robots {allowed,
    note}`, `sitemaps`, `mode`, `pages` (known so far) and `complete`, `delay` (seconds between
    requests), `estimate` (seconds for all), `notes`, `page` (as `preview`), and `facts`, the same
    as `{state, said, more}` in words. Raises `SourceRefused`."""
    check_url(url)
    until = time.monotonic() + CHECK_SECONDS
    known: set[str] = set()
    with _Look(CHECK_SECONDS) as look:
        sitemap = look.start(_discover, url, options, known, until)
        asked = look.wait(look.start(_robots, url), until - CHECK_SECONDS / 2)
        rules, trouble = asked or _NO_RULES
        page = look.wait(look.start(_fetch, url, options, rules, until), until)
        shown = _read(page or _Page(url, problem=TOO_LATE), options, "")
        ended = look.wait(sitemap, until)
    mode, notes = ended or ("sitemap" if len(known) > 1 else options.mode, [])
    delay = options.delay
    if delay is None and rules and not options.ignore_robots:
        delay = rules.crawl_delay
    number = min(max(len(known), 1), options.max_pages)
    found: dict[str, Any] = {
        "url": url,
        "robots": {
            "allowed": options.ignore_robots or rules is None or rules.allowed(url),
            "note": trouble or (rules.note if rules else ""),
        },
        "sitemaps": list(rules.sitemaps) if rules else [],
        "mode": mode,
        "pages": len(known),
        "complete": ended is not None,
        "delay": delay,
        "estimate": round(number * (delay or 1 / READS_A_SECOND)),
        "page": shown,
        "notes": notes,
    }
    return found | {"facts": _facts(found, options)}


class _Look:
    """Requests in threads, none of which is waited for longer than it may take: a site can send a
    byte now and then for ever. What still runs at the end loses its connection."""

    def __init__(self, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(3)
        self._client = outbound.client()
        self._client.timeout = httpx.Timeout(seconds)

    def __enter__(self) -> "_Look":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, ask: Callable[..., T], *given: Any) -> "Future[T]":
        return self._pool.submit(ask, self._client, *given)

    @staticmethod
    def wait(asked: "Future[T]", until: float) -> T | None:
        """Return the answer, None where it did not come in time."""
        try:
            return asked.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            return None


def _read(page: _Page, options: Options, supplier: str) -> dict[str, Any]:
    """Extract a page with the crawl's own code."""
    if page.problem:
        return _shown(page, Extraction(), [], [{"reason": page.problem}], [])
    found = extract(page.body, page.url, page.encoding)
    known = Supplier.objects.filter(name=supplier).first() if supplier else None
    currency = known.default_currency if known else ""
    defaults = {"currency": currency} if currency else {}
    rows, rejected = rows_of(found, page.url, 1, defaults, options.categories)
    lines = _as_lines(rows, rejected, supplier)
    remarks = [f"{each['field']}: {each['reason']}" for row in rows for each in _remarks(row)]
    skipped = [{"key": each.key} | each.detail for each in rejected]
    return _shown(page, found, lines, skipped, remarks)


def _shown(
    page: _Page,
    found: Extraction,
    products: list[dict[str, Any]],
    skipped: list[dict[str, Any]],
    remarks: list[str],
) -> dict[str, Any]:
    warnings = [*found.warnings, *remarks]
    return {
        "url": page.url,
        "canonical": found.canonical,
        "status": page.status,
        "products": products,
        "skipped": skipped,
        "needs_javascript": found.needs_javascript,
        "warnings": list(dict.fromkeys(warnings)),
    }


def _remarks(row: Row) -> list[dict[str, str]]:
    warnings: list[dict[str, str]] = (row.detail or {}).get("warnings", [])
    return warnings


def _fetch(client: httpx.Client, url: str, options: Options, rules: Any, until: float) -> _Page:
    """Get a page within the time and the size that are given, if robots.txt allows it."""
    if rules is not None and not options.ignore_robots and not rules.allowed(url):
        return _Page(url, problem="robots.txt forbids it.")
    try:
        with client.stream("GET", url, headers={"Accept-Encoding": "gzip, identity"}) as response:
            address, status = str(response.url), response.status_code
            if status != httpx.codes.OK:
                phrase = httpx.codes.get_reason_phrase(status)
                return _Page(address, status, problem=f"The site answered {status} {phrase}.")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind not in HTML:
                return _Page(address, status, problem=f"It is no page: {kind}.")
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > PAGE_BYTES:
                    return _Page(address, status, problem="The page is larger than 10 MiB.")
                if time.monotonic() > until:
                    return _Page(address, status, problem=TOO_LATE)
            return _Page(address, status, bytes(body), response.charset_encoding)
    except httpx.TooManyRedirects:
        return _Page(url, problem="It was redirected again and again.")
    except httpx.TimeoutException:
        return _Page(url, problem=TOO_LATE)
    except outbound.OutboundError as error:
        return _Page(url, problem=str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _Page(url, problem=f"The page could not be fetched: {error}.")


def _as_lines(rows: list[Row], rejected: list[Rejected], supplier: str) -> list[dict[str, Any]]:
    """Write the rows for a supplier that exists only meanwhile, read them as exported, and take
    everything back."""
    if not rows:
        return []
    with transaction.atomic():
        made = Supplier.objects.create(name=f"preview {uuid4()}")
        source = CatalogueSource.objects.create(supplier=made, kind=Kind.SITE, name="preview")
        writer = Writer(uuid4(), source, ScrapingRow._meta.db_table)
        writer.stage(rows, rejected)
        writer.apply()
        chosen = Material.objects.filter(supplier=made).values("pk")
        lines = list(export.lines(materials=chosen))
        transaction.set_rollback(True)
    for line in lines:
        del line["source_job"]
        line["supplier"] = supplier or None
    return lines


def _robots(client: httpx.Client, url: str) -> tuple[Any, str]:
    """Return the site's rules, and why there are none."""
    try:
        return discovery.robots(client, url), ""
    except (httpx.HTTPError, outbound.OutboundError) as error:
        return None, f"robots.txt could not be read: {error}"


def _discover(
    client: httpx.Client, url: str, options: Options, known: set[str], until: float
) -> tuple[str, list[str]] | None:
    """Collect the addresses that the sitemaps name in `known`; return how pages are found and what
    was remarked, None where the time was up before."""

    def keep(urls: list[str], found_on: str) -> None:
        known.update(urls)
        check()

    def check() -> None:
        if time.monotonic() > until:
            raise _TimeIsUp

    try:
        found = discovery.discover(client, [url], options, keep, check)
    except _TimeIsUp:
        return None
    except (httpx.HTTPError, outbound.OutboundError) as error:
        return options.mode, [str(error)]
    return found.mode, list(found.notes)


def _facts(found: dict[str, Any], options: Options) -> list[dict[str, str]]:
    """Say what was found, one fact a line."""
    facts: list[dict[str, str]] = []

    def say(state: str, said: str, more: str = "") -> None:
        facts.append({"state": state, "said": said, "more": more})

    page, robots = found["page"], found["robots"]
    if options.ignore_robots:
        say("retry", "robots.txt is ignored.", robots["note"])
    elif robots["allowed"]:
        say("completed", "robots.txt allows this page.", robots["note"])
    else:
        say("failed", "robots.txt forbids this page.", robots["note"])
    if found["mode"] == "sitemap":
        some = "" if found["complete"] else "at least "
        more = "" if found["complete"] else "There was no time to read all of it."
        say("completed", f"The sitemap names {some}{_pages(found['pages'])}.", more)
    elif found["mode"] == "page":
        say("completed", "Only this page is read.")
    else:
        say("retry", "There is no sitemap to go by; links are followed.", " ".join(found["notes"]))
    _say_products(say, page)
    if found["delay"]:
        say("retry", f"The crawl waits {found['delay']:g} s between requests.")
    if found["mode"] == "sitemap":
        number = min(found["pages"], options.max_pages)
        say("completed", f"About {_duration(found['estimate'])} for {_pages(number)}.")
    return facts


def _say_products(say: Callable[..., None], page: dict[str, Any]) -> None:
    number, warnings = len(page["products"]), " ".join(page["warnings"])
    if number:
        word = "product" if number == 1 else "products"
        say("completed", f"This page shows {number} {word}.", warnings)
    elif page["needs_javascript"]:
        say("failed", "This page shows nothing without JavaScript.", warnings)
    elif page["skipped"]:
        say("failed", "This page gives no product.", page["skipped"][0]["reason"])
    else:
        say("retry", "This page has no structured product data.", "Its links may lead to products.")


def _pages(number: int) -> str:
    return "1 page" if number == 1 else f"{number:,} pages"


def _duration(seconds: int) -> str:
    if seconds < 90:
        return "1 second" if seconds <= 1 else f"{seconds} seconds"
    return f"{round(seconds / 60):,} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
