"""Preview and check read a site as a crawl would, within their time, and keep nothing."""

from time import monotonic

import pytest

from jobtracker.catalogue.models import CatalogueSource, Material, Supplier
from jobtracker.models import BackgroundJob
from jobtracker.uploads import SourceRefused
from scraping.models import ScrapingRow
from scraping.options import Options
from scraping.preview import CHECK_SECONDS, check_site, preview
from tests.fixtures.site import Site, product, slow

from .import_runs import manage

pytestmark = pytest.mark.django_db

KEYS = ["url", "canonical", "status", "products", "skipped", "needs_javascript", "warnings"]


@pytest.fixture
def site(settings):
    with Site() as site:
        host, _, port = site.host.rpartition(":")
        settings.OUTBOUND_ALLOW = frozenset({(host, int(port))})
        site.page("/oak", products=[product("A-1", "Oak", "12.50")])
        yield site


def sitemap(site, *paths):
    named = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in paths)
    body = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{named}</urlset>'
    site.answer("/sitemap.xml", body=body.encode(), headers={"Content-Type": "text/xml"})


def test_a_preview_is_the_page_as_materials_lines(site):
    found = preview(site.url("/oak"), Options(), supplier="Northlight")
    assert list(found) == KEYS
    assert (found["status"], found["needs_javascript"], found["skipped"]) == (200, False, [])
    [line] = found["products"]
    assert (line["key"], line["name"], line["price"], line["currency"]) == (
        "A-1",
        "Oak",
        "12.50",
        "EUR",
    )
    assert line["supplier"] == "Northlight"
    assert "source_job" not in line
    assert line["source"] == {"kind": "site", "page": None, "url": site.url("/oak"), "line": None}
    assert line["provenance"]["price"]["method"].startswith("json-ld:")


def test_nothing_is_kept(site):
    preview(site.url("/oak"), Options(), supplier="Northlight")
    check_site(site.url("/oak"), Options())
    for model in (Material, Supplier, CatalogueSource, ScrapingRow, BackgroundJob):
        assert not model.objects.exists()


def test_the_command_prints_the_preview(site):
    answer = manage("scrape_site", site.url("/oak"), "--preview")
    assert answer.code == 0, answer.err
    assert [line["key"] for line in answer.json["products"]] == ["A-1"]


def test_a_page_without_product_data_says_so(site):
    site.page("/about")
    answer = manage("scrape_site", site.url("/about"), "--preview")
    assert answer.code == 1
    assert answer.json["products"] == []
    assert "no structured data" in answer.json["warnings"]


def test_robots_are_obeyed_unless_ignored(site):
    site.answer("/robots.txt", body=b"User-agent: *\nDisallow: /oak\n")
    found = preview(site.url("/oak"), Options())
    assert (found["status"], found["skipped"]) == (None, [{"reason": "robots.txt forbids it."}])
    assert site.times("/oak") == 0
    assert preview(site.url("/oak"), Options(ignore_robots=True))["products"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": 503}, "The site answered 503 Service Unavailable."),
        ({"headers": {"Content-Type": "image/png"}, "body": b"x"}, "It is no page: image/png."),
        ({"status": 302, "headers": {"Location": "/bad"}}, "It was redirected again and again."),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "127.0.0.1 was refused"),
    ],
)
def test_a_page_that_is_none_says_why(site, values, reason):
    site.answer("/bad", **values)
    [skipped] = preview(site.url("/bad"), Options())["skipped"]
    assert skipped["reason"].startswith(reason)


def test_an_address_inside_is_refused():
    with pytest.raises(SourceRefused, match="OUTBOUND_ALLOW"):
        preview("http://127.0.0.1:1/", Options())


def test_a_check_says_robots_sitemap_pace_and_what_the_page_gives(site):
    site.answer("/robots.txt", body=b"User-agent: *\nCrawl-delay: 3\n")
    sitemap(site, "/oak", "/ash")
    found = check_site(site.url("/oak"), Options())
    assert found["robots"]["allowed"]
    assert (found["mode"], found["pages"], found["complete"]) == ("sitemap", 2, True)
    assert (found["delay"], found["estimate"]) == (3, 6)
    assert [line["key"] for line in found["page"]["products"]] == ["A-1"]
    said = " ".join(fact["said"] for fact in found["facts"])
    for words in ("allows", "2 pages", "1 product", "3 s", "6 seconds"):
        assert words in said


def test_a_check_speaks_of_one_second(site):
    sitemap(site, "/oak")
    said = [fact["said"] for fact in check_site(site.url("/oak"), Options(delay=1.0))["facts"]]
    assert "About 1 second for 1 page." in said
    assert "The sitemap names 1 page." in said


def test_a_check_of_a_site_without_sitemap_follows_links(site):
    found = check_site(site.url("/oak"), Options())
    assert found["mode"] == "crawl"
    assert any("links are followed" in fact["said"] for fact in found["facts"])


@pytest.mark.parametrize("path", ["/robots.txt", "/sitemap.xml", "/oak"])
def test_a_check_ends_in_time_whatever_part_is_slow(site, path):
    site.answer(path, headers={"Content-Type": "text/html"}, act=slow)
    begun = monotonic()
    found = check_site(site.url("/oak"), Options())
    assert monotonic() - begun < CHECK_SECONDS + 2
    assert found["facts"]
