"""How a crawl begins: what robots.txt allows, what sitemaps list, and when links lead on."""

import gzip

import httpx
import pytest

from jobtracker.outbound import OutboundRefused
from scraping import discovery
from scraping.discovery import discover, robots
from scraping.options import Options

SITE = "https://shop.example"
START = [f"{SITE}/"]


def client_of(pages):
    """A client whose answers stand in `pages`: path -> body, status, exception or response."""

    def answer(request):
        client.asked.append(request.url.path)
        page = pages.get(request.url.path, 404)
        if isinstance(page, Exception):
            raise page
        if isinstance(page, httpx.Response):
            return page
        if isinstance(page, int):
            return httpx.Response(page)
        body = page if isinstance(page, bytes) else page.encode()
        return httpx.Response(200, stream=httpx.ByteStream(body))

    client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True)
    client.asked = []
    return client


def found_by(pages, start=START, **options):
    found = []
    client = client_of(pages)
    said = discover(client, start, Options(**options), lambda urls, on: found.extend(urls))
    return said, [url.removeprefix(SITE) for url in found], client.asked


def urlset(*paths):
    return f"<urlset>{''.join(f'<url><loc>{path}</loc></url>' for path in paths)}</urlset>"


def index(*paths):
    return f"<sitemapindex>{''.join(f'<loc>{path}</loc>' for path in paths)}</sitemapindex>"


def test_robots_are_obeyed():
    text = (
        "User-agent: *\nDisallow: /private\nCrawl-delay: 2\nSitemap: /s.xml\n"
        "User-agent: jobtracker\nDisallow: /ours\nCrawl-delay: 3"
    )
    said = robots(client_of({"/robots.txt": text}), f"{SITE}/a/b")
    assert said.allowed(f"{SITE}/private")
    assert not said.allowed(f"{SITE}/ours/a")
    assert said.crawl_delay == 3
    assert said.sitemaps == [f"{SITE}/s.xml"]
    assert "3 s" in said.note


@pytest.mark.parametrize("status", [404, 403, 401, 410])
def test_no_robots_allow_all(status):
    said = robots(client_of({"/robots.txt": status}), SITE)
    assert said.allowed(f"{SITE}/a")
    assert str(status) in said.note


@pytest.mark.parametrize("trouble", [500, 503, 429, httpx.ReadTimeout("late")])
def test_a_site_that_fails_allows_nothing(trouble):
    said = robots(client_of({"/robots.txt": trouble}), SITE)
    assert not said.allowed(f"{SITE}/a")
    assert "nothing is allowed" in said.note


def test_huge_robots_are_cut():
    body = b"User-agent: *\nDisallow: /a\n" + b"#" * (10 << 20) + b"\nDisallow: /b"
    said = robots(client_of({"/robots.txt": body}), SITE)
    assert not said.allowed(f"{SITE}/a")
    assert said.allowed(f"{SITE}/b")
    assert "first 512 KB" in said.note


def test_robots_that_lead_inside_are_refused():
    with pytest.raises(OutboundRefused):
        robots(client_of({"/robots.txt": OutboundRefused("no")}), SITE)


def test_a_site_out_of_reach_is_left_to_its_pages():
    gone = httpx.ConnectError("no route")
    with pytest.raises(httpx.ConnectError):
        robots(client_of({"/robots.txt": gone}), SITE)
    said, found, _ = found_by({"/robots.txt": gone})
    assert (said.mode, found) == ("crawl", ["/"])
    assert "robots.txt could not be read: no route." in said.notes


def test_a_sitemap_that_leads_inside_is_told():
    pages = {"/robots.txt": "Sitemap: /in.xml", "/in.xml": OutboundRefused("refused: inside.")}
    said, _, _ = found_by(pages)
    assert (said.mode, "refused: inside." in said.notes) == ("crawl", True)


def test_a_forbidden_site_is_asked_for_no_sitemap_unless_told_to():
    pages = {"/robots.txt": 503, "/sitemap.xml": urlset("/a")}
    assert found_by(pages)[2] == ["/robots.txt"]
    assert found_by(pages, ignore_robots=True)[1] == ["/", "/a"]


def test_slow_robots_end(monkeypatch):
    monkeypatch.setattr(discovery, "FILE_SECONDS", -1.0)
    said = robots(client_of({"/robots.txt": b"Disallow: /"}), SITE)
    assert "only the first" in said.note


def test_auto_goes_by_the_sitemap():
    pages = {
        "/robots.txt": "Sitemap: /all.xml",
        "/all.xml": index("/one.xml", "/two.xml.gz"),
        "/one.xml": urlset("/a", "/b"),
        "/two.xml.gz": gzip.compress(urlset("/c").encode()),
    }
    said, found, asked = found_by(pages)
    assert found == ["/", "/a", "/b", "/c"]
    assert (said.mode, said.sitemap_urls) == ("sitemap", 3)
    assert asked == ["/robots.txt", "/all.xml", "/one.xml", "/two.xml.gz"]


def test_the_usual_place_is_tried():
    said, found, asked = found_by({"/sitemap.xml": urlset("/a")})
    assert (said.mode, found) == ("sitemap", ["/", "/a"])
    assert "/sitemap_index.xml" not in asked


def test_auto_follows_links_without_a_sitemap():
    said, found, _ = found_by({})
    assert (said.mode, found) == ("crawl", ["/"])
    assert any("Links are followed" in note for note in said.notes)


def test_auto_follows_links_where_the_sitemap_lists_nothing_of_use():
    said, _, _ = found_by({"/sitemap.xml": urlset("https://other.example/a", "/x.pdf")})
    assert (said.mode, said.sitemap_urls) == ("crawl", 2)


def test_missing_children_are_told_and_links_fill_the_gap():
    pages = {"/sitemap.xml": index("/one.xml", "/gone.xml"), "/one.xml": urlset("/a")}
    said, found, _ = found_by(pages)
    assert (said.mode, found) == ("crawl", ["/", "/a"])
    assert f"{SITE}/gone.xml answered 404." in said.notes


def test_mode_sitemap_reads_only_what_it_lists():
    said, found, _ = found_by({"/sitemap.xml": urlset("/a")}, mode="sitemap")
    assert (said.mode, found) == ("sitemap", ["/a"])


def test_a_sitemap_as_start_address_is_read_as_one():
    start = [f"{SITE}/my-sitemap.xml"]
    said, found, asked = found_by({"/my-sitemap.xml": urlset("/a")}, start)
    assert (said.mode, found, asked) == ("sitemap", ["/a"], ["/my-sitemap.xml"])


@pytest.mark.parametrize(("mode", "said"), [("page", "page"), ("crawl", "crawl")])
def test_modes_without_sitemaps_ask_for_none(mode, said):
    found, urls, asked = found_by({"/sitemap.xml": urlset("/a")}, mode=mode)
    assert (found.mode, urls, asked) == (said, ["/"], [])


def test_loops_end():
    pages = {"/sitemap.xml": index("/sitemap.xml", "/b.xml"), "/b.xml": index("/sitemap.xml")}
    said, _, asked = found_by(pages)
    assert said.mode == "crawl"
    assert asked.count("/sitemap.xml") == 1


def test_endless_indexes_end(monkeypatch):
    monkeypatch.setattr(discovery, "MOST_FILES", 10)
    children = [f"/{n}.xml" for n in range(100)]
    pages = {"/sitemap.xml": index(*children)} | dict.fromkeys(children, urlset("/a"))
    said, _, asked = found_by(pages)
    assert len(asked) == 11  # with robots.txt
    assert any("too many" in note for note in said.notes)


def test_addresses_are_capped_by_the_pages_asked_for():
    said, _, _ = found_by({"/sitemap.xml": urlset(*map(str, range(500)))}, max_pages=10)
    assert said.sitemap_urls == 200
    assert any("first 200" in note for note in said.notes)


def test_check_stops_the_walk():
    def stop():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        discover(client_of({}), START, Options(), lambda *_: None, stop)
