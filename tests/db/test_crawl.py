"""The crawl's process against a local site: each address ends, and says how."""

import gzip
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from jobtracker.catalogue import undo
from jobtracker.catalogue.models import Material
from jobtracker.states import Cancelled, LeaseLost, Retryable
from jobtracker.workers import processes
from scraping.crawl.order import Pace
from scraping.models import ScrapingRow
from tests.fixtures.site import Answer, Site, cut, endless, page, product, slow

from .crawls import Crawled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Site]:
    """A site that the guard lets through, and nothing else on this machine."""
    with Site() as site:
        allow(monkeypatch, settings, site.host)
        yield site


def allow(monkeypatch: pytest.MonkeyPatch, settings: Settings, *hosts: str) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", ",".join(hosts))
    pairs = [host.rpartition(":") for host in hosts]
    settings.OUTBOUND_ALLOW = frozenset((name, int(port)) for name, _, port in pairs)


def test_links_are_followed_to_the_end_and_products_kept(site: Site) -> None:
    site.page("/", links=["/a", "/b", "https://elsewhere.example/"])
    site.page("/a", links=["/b", "/deep"], products=[product("A-1")])
    site.page("/b", products=[product("B-1")])
    site.page("/deep", products=[product("D-1")])
    crawl = Crawled(site.url()).run()
    statuses = Counter(crawl.session.pages.values_list("status", flat=True))
    assert statuses == {"completed": 4, "skipped": 1}
    assert [site.times(path) for path in ("/", "/a", "/b", "/deep")] == [1, 1, 1, 1]
    assert set(Material.objects.values_list("sku", flat=True)) == {"A-1", "B-1", "D-1"}
    found = crawl.page("/b")
    assert (found.materials_found, found.rows, found.depth) == (1, 1, 1)
    assert (found.http_status, found.content_type) == (200, "text/html; charset=utf-8")
    assert found.found_on == site.url()
    rows = ScrapingRow.objects.filter(job_id=crawl.session.background_job_id)
    assert sorted(rows.values_list("number", flat=True)) == [1, 2, 3]
    report = crawl.line.diary.report()
    assert (report.total, report.done, report.skipped) == (5, 4, 1)


def test_what_is_no_page_is_skipped_and_says_so(site: Site) -> None:
    site.page("/", links=["/pdf", "/lie", "/empty", "/gone", "/latin"])
    site.answer("/pdf", headers={"Content-Type": "application/pdf"}, body=b"%PDF-1.7 \0")
    site.answer("/lie", headers={"Content-Type": "text/html"}, body=b"\x89PNG\r\n\x1a\n\0\0")
    site.answer("/empty", headers={"Content-Type": "text/html"}, body=b" \n")
    body = page("Gr\u00fcn", products=[product("L-1", "Gr\u00fcn")]).decode().encode("latin-1")
    site.answer("/latin", headers={"Content-Type": "text/html; charset=latin-1"}, body=body)
    crawl = Crawled(site.url()).run()
    assert crawl.ends == {
        "/": "completed",
        "/pdf": "no page of text but application/pdf",
        "/lie": "no page of text, though it is called text/html",
        "/empty": "The answer was empty.",
        "/gone": "127.0.0.1 answered 404 Not Found.",
        "/latin": "completed",
    }
    assert "out of date" in crawl.page("/gone").hint


def test_redirects_become_rows_and_circles_end(site: Site) -> None:
    site.page("/", links=["/old", "/one", "/self", "/inside", "/chain0"])
    site.page("/new", products=[product("N-1")])
    for source, target in {
        "/old": "/new",
        "/one": "/two",
        "/two": "/one",
        "/self": "/self",
    }.items():
        site.answer(source, status=302, headers={"Location": target})
    site.answer("/inside", status=301, headers={"Location": "http://169.254.169.254/latest"})
    for number in range(14):
        target = f"/chain{number + 1}"
        site.answer(f"/chain{number}", status=301, headers={"Location": target})
    crawl = Crawled(site.url()).run()
    ends = crawl.ends
    assert ends["/old"] == f"redirects to {site.url('/new')}"
    assert ends["/new"] == "completed"
    assert ends["/one"] == f"redirects to {site.url('/two')}"
    assert ends["/two"] == f"The page redirects in a circle, by way of {site.url('/one')}."
    assert ends["/self"] == "The page redirects to itself."
    assert ends["/chain10"] == "It was redirected more than 10 times in a row."
    assert "/chain11" not in ends
    assert ends["/inside"] == "redirects to http://169.254.169.254/latest"
    assert ends["/latest"] not in ("completed", "pending")


def test_a_redirected_start_takes_its_site_along(
    site: Site, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with Site() as other:
        allow(monkeypatch, settings, site.host, other.host)
        site.answer("/", status=301, headers={"Location": other.url("/shop")})
        other.page("/shop", links=["/tile"])
        other.page("/tile", products=[product("T-1")])
        crawl = Crawled(site.url()).run()
        assert crawl.ends == {
            "/": f"redirects to {other.url('/shop')}",
            "/shop": "completed",
            "/tile": "completed",
        }


def test_passing_troubles_are_tried_three_times(site: Site) -> None:
    good = Answer(headers={"Content-Type": "text/html"}, body=page("Good"))
    site.page("/", links=["/mends", "/never", "/cut"])
    site.in_turn("/mends", Answer(503), Answer(500), good)
    site.answer("/never", status=502)
    site.answer("/cut", headers={"Content-Type": "text/html", "Content-Length": "99"}, act=cut)
    crawl = Crawled(site.url()).run()
    assert (crawl.ends["/mends"], crawl.page("/mends").attempts) == ("completed", 3)
    assert crawl.ends["/never"] == "127.0.0.1 answered 502 Bad Gateway."
    assert "broke off" in crawl.ends["/cut"]
    assert [site.times(path) for path in ("/mends", "/never", "/cut")] == [3, 3, 3]


def test_a_site_that_asks_for_rest_gets_it(site: Site) -> None:
    good = Answer(headers={"Content-Type": "text/html"}, body=page("Good"))
    site.page("/", links=["/busy", *(f"/{number}" for number in range(20))])
    site.unknown = lambda path: good
    site.in_turn("/busy", Answer(429, {"Retry-After": "1"}), good)
    crawl = Crawled(site.url()).run(Pace(backoff=0.01, concurrency=1))
    assert set(crawl.ends.values()) == {"completed"}
    # Those of the same host waited as well.
    assert len(site.asked) - site.asked.index("/busy") > 15
    assert any(
        "left alone for 1 s" in each["message"] for each in crawl.line.diary.report().warnings
    )


def test_bodies_without_end_are_cut_off(site: Site) -> None:
    site.page("/", links=["/endless", "/slow", "/bomb"])
    head = {"Content-Type": "text/html"}
    site.answer("/endless", headers=head, act=endless)
    site.answer("/slow", headers=head, act=slow)
    bomb = gzip.compress(b"<p>" + b"x" * (4 << 20))
    site.answer("/bomb", headers={**head, "Content-Encoding": "gzip"}, body=bomb)
    crawl = Crawled(site.url()).run(Pace(backoff=0.01, timeout=0.5, max_bytes=1 << 20))
    assert crawl.ends["/endless"] == "127.0.0.1 sends more than 1,048,576 bytes."
    assert crawl.ends["/bomb"] == "127.0.0.1 sends what unpacks to more than 1,048,576 bytes."
    assert crawl.ends["/slow"] == "127.0.0.1 did not answer within 0.5 s."


def test_limits_are_rules_and_traps_end(site: Site) -> None:
    def next_day(path: str) -> Answer:
        day = int(path.removeprefix("/day") or 0)
        links = [f"/day{day * 3 + each}" for each in range(1, 4)]
        return Answer(headers={"Content-Type": "text/html"}, body=page(path, links))

    site.answer("/robots.txt", body=b"")
    site.unknown = next_day
    crawl = Crawled(site.url("/day1"), max_pages=30, max_depth=50).run()
    assert len(site.asked) - site.times("/robots.txt") == 30
    rules = Counter(crawl.session.pages.values_list("status", "skip_rule"))
    assert rules["completed", ""] == 30
    assert rules["skipped", "page limit of 30"] == sum(rules.values()) - 30


def test_a_hundred_thousand_links_are_bounded(site: Site) -> None:
    site.page("/", links=[f"/{number}" for number in range(100_000)])
    crawl = Crawled(site.url(), max_pages=1).run()
    assert crawl.session.pages.count() == 5001
    assert crawl.page("/").notes == [
        "only the first 5,000 links were followed",
        "no structured data",
    ]


def test_robots_are_obeyed_unless_told_otherwise(site: Site) -> None:
    site.answer("/robots.txt", body=b"User-agent: *\nDisallow: /private\n")
    site.page("/", links=["/private", "/open"])
    site.page("/private")
    site.page("/open")
    assert Crawled(site.url()).run().ends["/private"] == "robots.txt forbids it"
    assert site.times("/private") == 0
    assert Crawled(site.url(), ignore_robots=True).run().ends["/private"] == "completed"


def test_a_crawl_delay_is_kept_and_told(site: Site) -> None:
    site.answer("/robots.txt", body=b"User-agent: *\nCrawl-delay: 0.2\n")
    site.page("/", links=["/a", "/b"])
    site.page("/a")
    site.page("/b")
    crawl = Crawled(site.url(), delay=None).run()
    assert any("asks for 0.2 s" in each["message"] for each in crawl.line.diary.report().warnings)


def test_nothing_inside_is_reached(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        site.page("/")
        crawl = Crawled(site.url(), ignore_robots=True)
        hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]"]
        hosts += ["[::ffff:127.0.0.1]", "localhost.", "0.0.0.0", "LOCALHOST", "u:p@127.0.0.1"]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE scraping_pages SET url = %s WHERE url = %s",
                [(f"http://{host}:{port}/{number}", "x") for number, host in enumerate(hosts)],
            )
            for number, host in enumerate(hosts):
                crawl.add(site.url(f"/{number}"))
                cursor.execute(
                    "UPDATE scraping_pages SET url = %s WHERE url = %s",
                    [f"http://{host}:{port}/{number}", site.url(f"/{number}")],
                )
        crawl.run()
        pages = crawl.session.pages.exclude(url=site.url())
        assert pages.filter(status="failed").count() == len(hosts)
        for each in pages:
            said = ("refused", "cannot be found", "no web address")
            assert any(words in each.error for words in said), each.error
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_untrusted_certificate_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    with Site(_certificate(tmp_path)) as secure:
        allow(monkeypatch, settings, secure.host)
        secure.page("/")
        crawl = Crawled(secure.url(), ignore_robots=True).run()
        assert crawl.ends["/"] == "127.0.0.1 has a certificate that cannot be trusted."
        assert secure.asked == []


def test_an_unchanged_page_costs_one_request_and_keeps_its_materials(site: Site) -> None:
    site.page("/", links=["/tagged", "/bare", "/changes"])
    site.page("/tagged", products=[product("T-1")])
    bare = page("Bare", products=[product("B-1")])
    site.answer("/bare", headers={"Content-Type": "text/html"}, body=bare)
    site.page("/changes", products=[product("C-1", "Before")])
    first = Crawled(site.url()).run()
    first.complete()
    site.asked.clear()
    site.page("/changes", products=[product("C-1", "After")])
    again = Crawled(site.url()).run()
    unchanged = dict(again.session.pages.values_list("url", "unchanged"))
    assert unchanged == {
        site.url(): True,
        site.url("/tagged"): True,
        site.url("/bare"): True,
        site.url("/changes"): False,
    }
    assert again.page("/tagged").http_status == 304
    assert all(site.times(path) == 1 for path in ("/", "/tagged", "/bare", "/changes"))
    rows = ScrapingRow.objects.filter(job_id=again.session.background_job_id)
    assert dict(rows.values_list("key", "outcome")) == {"T-1": "=", "B-1": "=", "C-1": "u"}
    assert again.page("/tagged").materials_found == 1
    again.complete()
    third = Crawled(site.url()).run()
    rows = ScrapingRow.objects.filter(job_id=third.session.background_job_id)
    assert dict(rows.values_list("key", "outcome")) == {"T-1": "=", "B-1": "=", "C-1": "="}


def test_materials_that_are_gone_are_read_again(site: Site) -> None:
    site.page("/", products=[product("A-1")])
    first = Crawled(site.url()).run()
    first.complete()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE materials CASCADE")
    again = Crawled(site.url()).run()
    assert not again.page("/").unchanged
    assert Material.objects.count() == 1


def test_what_was_undone_is_read_again_though_the_page_is_the_same(site: Site) -> None:
    site.page("/", products=[product("A-1", "Oak")])
    Crawled(site.url()).run().complete()
    site.page("/", products=[product("A-1", "Ash")])
    second = Crawled(site.url()).run()
    second.complete()
    job = second.session.background_job
    undo.begin(job, None)
    undo.undo_some(job, seconds=60)
    assert Material.objects.get().name == "Oak"
    again = Crawled(site.url()).run()
    assert not again.page("/").unchanged
    assert Material.objects.get().name == "Ash"


def test_a_stop_writes_what_was_fetched_and_the_rest_waits(site: Site) -> None:
    crawl = _wide(site, 150)

    def stop() -> None:
        if site.times("/") and len(site.asked) > 60:
            raise Cancelled

    site.unknown = _holding(site)
    with pytest.raises(Cancelled):
        crawl.run(Pace(concurrency=4), check=stop)
    statuses = Counter(crawl.session.pages.values_list("status", flat=True))
    assert set(statuses) == {"completed", "pending"}
    assert statuses["completed"] > 20
    site.unknown = lambda path: _tile(path)
    crawl.run()
    _all_there(crawl, 150)


def test_a_killed_process_is_a_passing_trouble_and_nothing_doubles(site: Site) -> None:
    crawl = _wide(site, 150)
    killed: list[int] = []

    def kill() -> None:
        if len(site.asked) > 40 and not killed:
            for pid in processes.children(os.getpid()):
                if b"scraping.crawl" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    site.unknown = _holding(site)
    with pytest.raises(Retryable, match="signal 9"):
        crawl.run(Pace(concurrency=4), check=kill)
    assert crawl.session.pages.filter(status="fetching").exists()
    site.unknown = lambda path: _tile(path)
    crawl.run()
    _all_there(crawl, 150)


def test_a_lost_job_writes_nothing_more(site: Site) -> None:
    crawl = _wide(site, 20)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job_attempts SET finished_at = now(), outcome = 'lost'")
    with pytest.raises(LeaseLost):
        crawl.run()
    assert set(crawl.session.pages.values_list("status", flat=True)) == {"pending"}


def test_products_outside_the_categories_are_skipped_rows(site: Site) -> None:
    site.page("/", links=["/tiles/a", "/rugs/b"])
    site.page("/tiles/a", products=[product("A-1")])
    site.page("/rugs/b", products=[product("B-1")])
    crawl = Crawled(site.url(), categories=["tiles"]).run()
    rows = ScrapingRow.objects.filter(job_id=crawl.session.background_job_id)
    assert dict(rows.values_list("key", "outcome")) == {"A-1": "c", "B-1": "s"}


def _tile(path: str) -> Answer:
    number = path.removeprefix("/tile")
    if not number.isdigit():
        return Answer(404)
    body = page(path, products=[product(f"W-{number}")])
    return Answer(headers={"Content-Type": "text/html"}, body=body)


def _holding(site: Site):
    """Answer the first requests; the others wait, so that the crawl cannot be through before it
    is looked at."""

    def answer(path: str) -> Answer:
        if len(site.asked) > 66:
            site.closing.wait(20)
        return _tile(path)

    return answer


def _wide(site: Site, count: int) -> Crawled:
    """Return a crawl of a start page that links to so many pages of a product."""
    site.page("/", links=[f"/tile{number}" for number in range(count)])
    site.unknown = _tile
    return Crawled(site.url())


def _all_there(crawl: Crawled, count: int) -> None:
    assert set(crawl.session.pages.values_list("status", flat=True)) == {"completed"}
    assert crawl.session.pages.count() == count + 1
    assert Material.objects.count() == count
    rows = ScrapingRow.objects.filter(job_id=crawl.session.background_job_id)
    keys = Counter(rows.values_list("key", flat=True))
    assert (len(keys), set(keys.values())) == (count, {1})
    numbers = list(rows.values_list("number", flat=True))
    assert len(set(numbers)) == count


def _certificate(folder: Path) -> Path:
    """Write a self-signed certificate and its key into one file."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
