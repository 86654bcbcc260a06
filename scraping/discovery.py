"""How a crawl finds its pages: robots.txt, the sitemaps, or by following links.

All requests go through the guarded client that is handed in. A site's own bounds are never
trusted: every file is bounded in bytes and time, all of them together in number.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego

from jobtracker.monitor.words import counted
from jobtracker.outbound import OutboundError
from scraping.canonical import canonical
from scraping.options import Options
from scraping.rules import skip_rule
from scraping.sitemaps import MOST_BYTES, read_sitemap, unpack

AGENT = "jobtracker"
ROBOTS_BYTES = 512 << 10  # RFC 9309 asks for 500 KiB at least
FILE_SECONDS = 60.0
ALL_SECONDS = 600.0
MOST_FILES = 500
DEEPEST_INDEX = 4
URLS_PER_PAGE = 20  # addresses kept for each page that may be fetched
LONGEST_DELAY = 60.0  # seconds; a longer Crawl-delay is not meant for a catalogue
_USUAL = ("/sitemap.xml", "/sitemap_index.xml")


@dataclass
class Robots:
    """What a site allows. `note` says how that was found out, for people."""

    rules: Protego | None = None
    forbidden: bool = False
    crawl_delay: float | None = None
    sitemaps: list[str] = field(default_factory=list)
    note: str = ""

    def allowed(self, url: str) -> bool:
        """Tell whether the site lets us fetch `url`."""
        if self.forbidden or self.rules is None:
            return not self.forbidden
        return self.rules.can_fetch(url, AGENT)


@dataclass
class Discovery:
    """`mode` is what the crawl goes by (page, sitemap or crawl); `sitemap_urls` counts the
    addresses that sitemaps gave; `notes` say what was done and why."""

    mode: str
    sitemap_urls: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class _Answer:
    status: int
    body: bytes
    url: str
    cut: bool


def robots(client: httpx.Client, url: str) -> Robots:
    """Read the robots.txt of the site of `url`, as RFC 9309 says: none there (4xx) allows all, a
    site that fails (5xx, a broken answer) allows nothing.

    Raises `OutboundError`, `httpx.ConnectError` and `httpx.ConnectTimeout` where the site itself
    is out of reach: its pages will say why.
    """
    parts = urlsplit(url)
    try:
        answer = _get(client, f"{parts.scheme}://{parts.netloc}/robots.txt", ROBOTS_BYTES)
    except httpx.TooManyRedirects:
        return Robots(note="robots.txt redirects without end: everything is allowed.")
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return _shut(f"robots.txt could not be fetched ({_reason(error)})")
    if answer.status >= 500 or answer.status == 429:
        return _shut(f"robots.txt answered {answer.status}")
    if answer.status != 200:
        return Robots(note=f"No robots.txt ({answer.status}): everything is allowed.")
    rules = Protego.parse(answer.body.decode("utf-8-sig", "replace"))
    delay = rules.crawl_delay(AGENT)
    note = "robots.txt is obeyed."
    if answer.cut:
        note = f"Of robots.txt only the first {ROBOTS_BYTES >> 10} KB were read; they are obeyed."
    if delay and delay > 0:
        delay = min(delay, LONGEST_DELAY)
        note += f" It asks for {delay:g} s between requests."
    sitemaps = [urljoin(answer.url, each) for each in rules.sitemaps]
    return Robots(rules, False, delay or None, list(dict.fromkeys(sitemaps)), note)


def discover(
    client: httpx.Client,
    start_urls: Sequence[str],
    options: Options,
    on_found: Callable[[list[str], str], None],
    check: Callable[[], None] = lambda: None,
) -> Discovery:
    """Find the addresses to begin with, and say by what the crawl goes on.

    `on_found` gets them in batches with the address that named them; `check` is called between
    requests and may raise.

    1. Mode page: the start addresses, nothing else.
    2. Mode crawl: the start addresses; links lead on.
    3. Mode sitemap: what the sitemaps list. A start address that is itself a sitemap counts.
    4. Mode auto: as sitemap, and the start addresses; links lead on where the sitemaps give no
       page that may be fetched, or parts of them are missing.
    """
    given = [url for url in start_urls if _names_sitemap(url)] if options.mode != "page" else []
    pages = [url for url in start_urls if url not in given]
    found = Discovery(mode=options.mode)
    if pages and options.mode != "sitemap":
        on_found(pages, "")
    if options.mode == "page":
        found.notes.append("Only the given addresses are read.")
        return found
    if options.mode == "crawl" and not given:
        found.notes.append("Pages are found by following links.")
        return found
    places = given or _announced(client, start_urls, found, options.ignore_robots)
    walk = _Walk(client, start_urls, options, on_found, check, found)
    complete = walk.run(places)
    found.mode = _mode(options, complete, walk.usable, bool(pages))
    found.notes.append(_conclusion(found, walk.usable, complete))
    return found


def _announced(
    client: httpx.Client, start_urls: Sequence[str], found: Discovery, ignore: bool
) -> list[str]:
    """Where the sites of the start addresses say that their sitemaps are, else the usual."""
    places: list[str] = []
    sites = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}": url for url in start_urls}
    for site, url in sites.items():
        try:
            said = robots(client, url)
        except (OutboundError, httpx.HTTPError) as error:
            found.notes.append(f"robots.txt could not be read: {_reason(error)}.")
            continue
        found.notes.append(said.note)
        if said.sitemaps:
            places.extend(said.sitemaps)
        elif not said.forbidden or ignore:
            places.extend(site + path for path in _USUAL)
    return places


def _mode(options: Options, complete: bool, usable: int, has_pages: bool) -> str:
    if options.mode == "sitemap" or (usable and complete) or not has_pages:
        return "sitemap"
    return "crawl"


def _conclusion(found: Discovery, usable: int, complete: bool) -> str:
    counts = f"{counted(found.sitemap_urls, 'addresses')}, {usable:,} of them to be read"
    if not found.sitemap_urls:
        counts = "no addresses"
    if found.mode == "sitemap":
        return f"The sitemaps give {counts}."
    why = "" if usable else "nothing to read there"
    why = why or ("" if complete else "parts of them are missing")
    return f"The sitemaps give {counts}. Links are followed: {why or 'as was asked'}."


@dataclass
class _Walk:
    """Goes through sitemaps and their children, each once, within all bounds."""

    client: httpx.Client
    start_urls: Sequence[str]
    options: Options
    on_found: Callable[[list[str], str], None]
    check: Callable[[], None]
    found: Discovery
    usable: int = 0

    def run(self, places: Sequence[str]) -> bool:
        """Read all; return whether no file that was named was missing or left out."""
        guessed = {url for url in places if urlsplit(url).path in _USUAL}
        waiting = [(url, 0) for url in reversed(places)]
        seen: set[str] = set()
        until = time.monotonic() + ALL_SECONDS
        most = self.options.max_pages * URLS_PER_PAGE
        complete = True
        while waiting:
            self.check()
            url, depth = waiting.pop()
            if canonical(url) in seen or (url in guessed and self.usable):
                continue
            if len(seen) >= MOST_FILES or time.monotonic() > until or depth > DEEPEST_INDEX:
                self._note(f"Sitemaps were left out from {url} on: there are too many.")
                return False
            seen.add(canonical(url))
            body = self._fetch(url, quiet=url in guessed)
            if body is None:
                complete = complete and url in guessed
                continue
            sitemap = read_sitemap(body, url)
            for warning in sitemap.warnings:
                if sitemap.kind or url not in guessed:
                    self._note(f"{url} {warning}.")
            complete = complete and bool(sitemap.kind or url in guessed)
            waiting.extend((child, depth + 1) for child in reversed(sitemap.children))
            room = most - self.found.sitemap_urls
            if urls := sitemap.urls[:room]:
                self.found.sitemap_urls += len(urls)
                self.usable += sum(
                    not skip_rule(each, 1, self.options, self.start_urls) for each in urls
                )
                self.on_found(urls, url)
            if len(sitemap.urls) > room:
                self._note(f"Only the first {most:,} addresses of the sitemaps were taken.")
                return True
        return complete

    def _fetch(self, url: str, quiet: bool) -> bytes | None:
        try:
            answer = _get(self.client, url, MOST_BYTES)
        except OutboundError as error:
            self._note(str(error))
            return None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            self._note(f"{url} could not be fetched: {_reason(error)}.")
            return None
        if answer.status != 200:
            if not quiet:
                self._note(f"{url} answered {answer.status}.")
            return None
        return answer.body

    def _note(self, text: str) -> None:
        if len(self.found.notes) < 50 and text not in self.found.notes:
            self.found.notes.append(text)


def _get(client: httpx.Client, url: str, most: int) -> _Answer:
    """Fetch at most `most` bytes within FILE_SECONDS; more is cut off."""
    until = time.monotonic() + FILE_SECONDS
    body = bytearray()
    cut = False
    with client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as response:
        if response.status_code == 200:
            for piece in response.iter_raw():  # as it comes, or a slow site would not be timed
                body += piece
                if len(body) > most or time.monotonic() > until:
                    cut = True
                    break
        packed = "gzip" in response.headers.get("Content-Encoding", "").lower()
        data, more = unpack(bytes(body), most) if packed else (bytes(body[:most]), False)
        return _Answer(response.status_code, data, str(response.url), cut or more)


def _names_sitemap(url: str) -> bool:
    path = urlsplit(url).path.lower()
    return path.endswith((".xml", ".xml.gz", ".rss", ".atom")) or (
        path.endswith((".txt", ".gz")) and "sitemap" in path
    )


def _shut(what: str) -> Robots:
    note = f"{what}: nothing is allowed until it does (RFC 9309); robots can be ignored on purpose."
    return Robots(forbidden=True, note=note[0].upper() + note[1:])


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
