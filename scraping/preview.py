"""One page read as a crawl reads it, and a first look at its site; nothing is kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from django.db import transaction

from jobtracker import outbound
from jobtracker.catalogue import export
from jobtracker.catalogue.models import CatalogueSource, Kind, Material, Supplier
from jobtracker.catalogue.write import Rejected, Row, Writer
from scraping import discovery
from scraping.extraction import extract
from scraping.extraction.model import Extraction
from scraping.models import ScrapingRow
from scraping.options import Options
from scraping.products import rows_of
from scraping.start import check_url

PAGE_BYTES = 10 << 20
PIECE_BYTES = 1 << 16
PREVIEW_SECONDS = 30.0
CHECK_SECONDS = 2.0
SHARE_OF_PAGE = 0.6  # of what is left of the check's time; the sitemap has the rest
READS_A_SECOND = 2.0  # what autothrottle settles at on a common site
HTML = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "")


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
    with outbound.client() as client:
        rules, _ = _robots(client, url)
        return _preview(client, url, options, rules, until, supplier)


def check_site(url: str, options: Options) -> dict[str, Any]:
    """Look at a site for about two seconds, as a crawl would begin. Returns `robots {allowed,
    note}`, `sitemaps`, `pages` (known so far) and `complete`, `delay` (seconds between requests),
    `estimate` (seconds for all), `page` (as `preview`), and `facts`, the same as `{state, said,
    more}` in words. Raises `SourceRefused`."""
    check_url(url)
    until = time.monotonic() + CHECK_SECONDS
    with outbound.client() as client:
        client.timeout = httpx.Timeout(CHECK_SECONDS / 2)
        rules, trouble = _robots(client, url)
        allowed = options.ignore_robots or rules is None or rules.allowed(url)
        left = until - time.monotonic()
        for_page = time.monotonic() + max(0.3, left * SHARE_OF_PAGE)
        page = _preview(client, url, options, rules, for_page, "")
        pages, mode, complete, notes = _known_pages(client, url, options, until)
    asked = rules.crawl_delay if rules and not options.ignore_robots else None
    delay = options.delay if options.delay is not None else asked
    number = min(max(pages, 1), options.max_pages)
    found: dict[str, Any] = {
        "url": url,
        "robots": {"allowed": allowed, "note": trouble or (rules.note if rules else "")},
        "sitemaps": list(rules.sitemaps) if rules else [],
        "mode": mode,
        "pages": pages,
        "complete": complete,
        "delay": delay,
        "estimate": round(number * (delay if delay else 1 / READS_A_SECOND)),
        "page": page,
        "notes": notes,
    }
    return found | {"facts": _facts(found, options)}


def _preview(
    client: httpx.Client,
    url: str,
    options: Options,
    rules: Any,
    until: float,
    supplier: str,
) -> dict[str, Any]:
    """Fetch and extract one page; robots.txt is obeyed as the crawl obeys it."""
    if rules is not None and not options.ignore_robots and not rules.allowed(url):
        page = _Page(url, problem="robots.txt forbids it")
    else:
        page = _fetch(client, url, until)
    if page.problem:
        nothing = Extraction()
        return _shown(page, nothing, [], [{"reason": page.problem}], [])
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
    if not page.problem and not found.products:
        warnings.append("The page has no structured product data.")
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


def _fetch(client: httpx.Client, url: str, until: float) -> _Page:
    """Get a page within the time and the size that are given."""
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
            for piece in response.iter_bytes(PIECE_BYTES):
                body += piece
                if len(body) > PAGE_BYTES:
                    return _Page(address, status, problem="The page is larger than 10 MiB.")
                if time.monotonic() > until:
                    return _Page(address, status, problem="The page took too long to come.")
            return _Page(address, status, bytes(body), response.charset_encoding)
    except httpx.TooManyRedirects:
        return _Page(url, problem="It was redirected again and again.")
    except httpx.TimeoutException:
        return _Page(url, problem="The site did not answer in time.")
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


def _known_pages(
    client: httpx.Client, url: str, options: Options, until: float
) -> tuple[int, str, bool, list[str]]:
    """Count the pages that the sitemaps name, until the time is up: how many, how they are found,
    whether that is all, and what was remarked."""
    known: set[str] = set()

    def keep(urls: list[str], found_on: str) -> None:
        known.update(urls)
        check()

    def check() -> None:
        if time.monotonic() > until:
            raise _TimeIsUp

    if options.mode == "page":
        return 1, "page", True, []
    try:
        check()
        found = discovery.discover(client, [url], options, keep, check)
    except (_TimeIsUp, httpx.TimeoutException):
        return len(known), "sitemap" if known else options.mode, False, []
    except (httpx.HTTPError, outbound.OutboundError) as error:
        return len(known), options.mode, False, [str(error)]
    return len(known), found.mode, found.mode == "sitemap", list(found.notes)


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
        say("completed", f"The sitemap names {some}{found['pages']:,} pages.", more)
    elif found["mode"] == "page":
        say("completed", "Only this page is read.")
    else:
        say("retry", "There is no sitemap to go by; links are followed.", " ".join(found["notes"]))
    _say_products(say, page)
    if found["delay"]:
        say("retry", f"The crawl waits {found['delay']:g} s between requests.")
    if found["mode"] == "sitemap":
        number = min(found["pages"], options.max_pages)
        say("completed", f"About {_duration(found['estimate'])} for {number:,} pages.")
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


def _duration(seconds: int) -> str:
    if seconds < 90:
        return f"{max(seconds, 1)} seconds"
    return f"{round(seconds / 60):,} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
