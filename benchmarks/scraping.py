"""A crawl beside plain Scrapy: python benchmarks/scraping.py [--pages N] [--rounds N]

A shop on loopback, served by a process of its own; no delay, 8 requests at a time. In turns:

ours      the crawl as the scraping stage runs it: the process reads robots.txt, claims addresses
          from the page table, extracts, and writes pages, products and links under the fence
plain     Scrapy with its own queue and filter of duplicates; a page's links are its
          `a::attr(href)`, its title and status go to a JSONL feed; no product is read
frugal    the same, but a link that was seen before makes no request for Scrapy to filter out,
          as in ours
extracting   frugal, but links and products are those of our `extract()`, into the feed

CPU is that of the whole processes from start to end, imports included; ours is told in three: the
crawl process, its database sessions (no background processes of the server), the attempt that
waits for it. Pages a second are by the
clock, from the start of the process to its end.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import harness
import psycopg
from django.conf import settings
from harness import ROOT, Figure, cpu_of, median, record, show

from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.context import Job, JobContext
from jobtracker.database import database_url
from jobtracker.models import BackgroundJob
from jobtracker.pipelines import Stage
from scraping import frontier
from scraping.crawl.launch import run
from scraping.models import ScrapingSession
from scraping.options import Options

CPU_GOAL = 1.25
SPEED_GOAL = 0.8
PEERS = ("plain", "frugal", "extracting")
CATEGORIES = 40
SAMPLE_SECONDS = 0.02

SERVER = """
import asyncio, json, sys
pages, categories = int(sys.argv[1]), int(sys.argv[2])
TEXT = "<p>Through-coloured porcelain for floors and walls, frost-proof, rectified.</p>" * 60
MENU = "".join(f'<li><a href="/c/{c}">Category {c}</a></li>' for c in range(categories))
def page(title, inside, head=""):
    body = (f"<!doctype html><html><head><title>{title}</title>{head}</head><body><ul>{MENU}</ul>"
            f"<h1>{title}</h1>{inside}{TEXT}</body></html>").encode()
    return (b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html; charset=utf-8\\r\\n"
            b"Content-Length: %d\\r\\n\\r\\n" % len(body)) + body
site = {"/": page("Shop", "")}
products = pages - categories - 1
for c in range(categories):
    links = "".join(f'<a href="/p/{n}">Tile {n}</a>' for n in range(c, products, categories))
    site[f"/c/{c}"] = page(f"Category {c}", links)
for n in range(products):
    data = {"@context": "https://schema.org", "@type": "Product", "sku": f"T-{n}",
            "name": f"Tile {n}", "description": "Porcelain tile, 60 x 60 cm", "color": "Grey",
            "brand": {"@type": "Brand", "name": "Northlight"}, "image": f"/i/{n}.jpg",
            "offers": {"@type": "Offer", "price": f"{n % 90 + 9}.50", "priceCurrency": "EUR"}}
    head = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    site[f"/p/{n}"] = page(f"Tile {n}", "<p>19.50 EUR</p>", head)
NONE = b"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n"
async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(site.get(head.split(b" ", 2)[1].decode(), NONE))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
PEER = """
import sys
from scrapy import Spider
from scrapy.crawler import CrawlerProcess
url, feed, kind = sys.argv[1:]
extracting, frugal = kind == "extracting", kind != "plain"
seen = set()
if extracting:
    from scraping.extraction import extract
class Pages(Spider):
    name = "pages"
    start_urls = [url]
    def parse(self, response):
        item = {"url": response.url, "status": response.status}
        if extracting:
            found = extract(response.body, response.url, "utf-8")
            yield item | {"title": found.title, "products": [p.values for p in found.products]}
            links = found.links
        else:
            yield item | {"title": response.css("title::text").get()}
            links = response.css("a::attr(href)").getall()
        if frugal:
            links = [link for link in links if link not in seen]
            seen.update(links)
        for link in links:
            yield response.follow(link, self.parse)
process = CrawlerProcess({
    "ROBOTSTXT_OBEY": True, "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
    "DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False, "TELNETCONSOLE_ENABLED": False,
    "LOG_ENABLED": False, "FEEDS": {feed: {"format": "jsonlines"}},
})
process.crawl(Pages)
process.start()
"""


@dataclass
class Cost:
    """CPU seconds of the process that crawls, of its database sessions and of the attempt that
    waits; and seconds by the clock."""

    crawl: float
    wall: float
    server: float = 0.0
    attempt: float = 0.0

    @property
    def cpu(self) -> float:
        return self.crawl + self.server + self.attempt


class Silent:
    """A nurse that hears nothing and asks nothing."""

    def send(self, message: Mapping[str, Any]) -> None:
        return None

    def stop(self) -> str | None:
        return None


class Sessions(threading.Thread):
    """Adds up the CPU of the database's sessions but its own, looking again and again: what a
    session does after the last look before its end is missed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self._used: dict[int, list[float]] = {}

    def __enter__(self) -> "Sessions":
        self._database = psycopg.connect(database_url(), autocommit=True)
        self._look()
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self.join()
        self._look()
        self._database.close()

    @property
    def cpu(self) -> float:
        return sum(last - first for first, last in self._used.values())

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        began = not self._used
        for (pid,) in self._database.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ):
            with suppress(OSError):
                used = cpu_of(pid)
                self._used.setdefault(pid, [used if began else 0.0, used])[1] = used


@contextmanager
def shop(pages: int) -> Iterator[str]:
    """Serve the shop; gives its address."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(pages), str(CATEGORIES)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        port = int(server.stdout.readline())
        settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", port)})
        os.environ["OUTBOUND_ALLOW"] = f"127.0.0.1:{port}"
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(url: str, pages: int, number: int) -> Cost:
    """Crawl the shop for a new supplier."""
    options = Options(mode="crawl", max_pages=2 * pages, delay=0.0)
    supplier = Supplier.objects.create(name=f"Shop {number}")
    created = lifecycle.create(
        "web_scraping",
        supplier_id=supplier.pk,
        filename=url,
        detail={"source_url": url, "scraping_config": options.to_json()},
    )
    claimed = lifecycle.claim(uuid4(), "bench", 1)
    assert claimed
    assert claimed.job_id == created.job_id
    row = BackgroundJob.objects.get(pk=claimed.job_id)
    job = Job(
        row.id, row.job_type, row.filename, row.supplier_id, row.metadata, row.answer, None, None,
        claimed.number,
    )  # fmt: skip
    stage = Stage("pages_scraped", "Scrape pages", 1, "pages")
    session = ScrapingSession.objects.get(background_job_id=row.id)
    frontier.add(session.pk, [(url, 0, "")], options)
    context = JobContext(job, claimed.token, Silent(), (stage,))
    with Sessions() as sessions:
        wall, crawl, attempt = time.perf_counter(), children_cpu(), time.thread_time()
        run(context, session, options)
        wall = time.perf_counter() - wall
        crawl, attempt = children_cpu() - crawl, time.thread_time() - attempt
    done = frontier.counts(session.pk).done
    assert done == pages, done
    lifecycle.fail(claimed.token, lifecycle.Failure("a benchmark's job"))
    return Cost(crawl, wall, sessions.cpu, attempt)


def peer(url: str, pages: int, kind: str, folder: Path) -> Cost:
    """Crawl the shop with Scrapy."""
    feed = folder / "feed.jsonl"
    feed.unlink(missing_ok=True)
    program = folder / "peer.py"  # Scrapy wants to read the source of its spiders
    program.write_text(PEER)
    wall, crawl = time.perf_counter(), children_cpu()
    subprocess.run(
        [sys.executable, program, url, feed, kind],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    cost = Cost(children_cpu() - crawl, time.perf_counter() - wall)
    items = [json.loads(line) for line in feed.open()]
    assert len(items) == pages, len(items)
    return cost


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--pages", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    pages = chosen.pages
    runs: dict[str, list[Cost]] = {"ours": [], **{kind: [] for kind in PEERS}}
    with harness.database(), shop(pages) as url, tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.rounds):
            runs["ours"].append(ours(url, pages, number))
            for kind in PEERS:
                runs[kind].append(peer(url, pages, kind, Path(folder)))
    report(runs, pages)


def report(runs: Mapping[str, list[Cost]], pages: int) -> None:
    def each(name: str, part: str) -> float:
        """Return the median of a part of the cost, in ms a page."""
        return float(1000 * median(getattr(cost, part) for cost in runs[name]) / pages)

    speeds = {name: 1000 / each(name, "wall") for name in runs}
    parts = ("cpu", "crawl", "server", "attempt")
    show(
        f"Crawls of {pages:,} local pages: CPU ms a page, pages a second",
        ["", "CPU", "crawl process", "database", "attempt", "pages/s", "CPU ours", "speed ours"],
        [
            [
                name,
                *(f"{each(name, part):.2f}" for part in parts),
                f"{speeds[name]:.0f}",
                f"{each('ours', 'cpu') / each(name, 'cpu'):.2f}",
                f"{speeds['ours'] / speeds[name]:.2f}",
            ]
            for name in runs
        ],
    )
    for name in PEERS:
        mine, theirs = each("ours", "cpu"), each(name, "cpu")
        record(
            Figure(
                f"crawl: CPU ms a page, with its database; Scrapy, {name}",
                f"{mine:.2f}",
                f"{theirs:.2f}",
                mine / theirs,
                f"{CPU_GOAL} at most",
            )
        )
        record(
            Figure(
                f"crawl: pages a second; Scrapy, {name}",
                f"{speeds['ours']:.0f}",
                f"{speeds[name]:.0f}",
                speeds["ours"] / speeds[name],
                f"{SPEED_GOAL} at least",
            )
        )


if __name__ == "__main__":
    main()
