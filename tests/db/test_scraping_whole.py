"""Whole crawls of a local site: the stages, discovery, the crawl's own process, the catalogue."""

import pytest

from jobtracker.models import BackgroundJob
from scraping.start import retry_failed
from tests.fixtures.site import Site, product

from .import_runs import imported, lines_of, manage, work_off, xml_feed
from .scrape_runs import session_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture
def site(monkeypatch, settings):
    with Site() as site:
        host, _, port = site.host.rpartition(":")
        settings.OUTBOUND_ALLOW = frozenset({(host, int(port))})
        monkeypatch.setenv("OUTBOUND_ALLOW", site.host)
        site.page("/", links=["/tiles"])
        site.page("/tiles", links=["/tiles/1", "/tiles/2", "/tiles/gone"])
        site.page("/tiles/1", products=[product("nl-1", "Slate on the site", "31.00")])
        site.page("/tiles/2", products=[product("S-2", "Chalk", "9.90")])
        yield site


def crawl(site, *arguments, path="/"):
    started = manage(
        *("scrape_site", site.url(path), *arguments),
        *("--supplier", "Northlight", "--delay", "0"),
    )
    assert started.code == 0, started.err
    work_off()
    return BackgroundJob.objects.latest("id")


def test_a_site_without_sitemap_is_read_by_its_links_and_read_again(site, tmp_path):
    assert imported(xml_feed(tmp_path / "f.xml"), "--supplier", "Northlight").status == "completed"
    job = crawl(site)
    assert (job.status, job.done_items, job.failed_items) == ("completed", 4, 1), job.error
    assert (job.result["created"], job.result["updated"]) == (1, 1)
    lines = lines_of("--job", job.pk)
    assert len(lines) == 2
    assert (lines["NL-1"]["name"], lines["NL-1"]["price"]) == ("Slate 60", "24.50")
    again = crawl(site)
    assert (again.status, again.result["created"], again.result["unchanged"]) == ("completed", 0, 2)
    assert again.result["unchanged_pages"] == 4
    site.page("/tiles/gone", products=[product("S-3", "Back again")])
    site.asked.clear()
    retry_failed(session_of(again), None)
    work_off()
    retried = BackgroundJob.objects.latest("id")
    assert (retried.status, retried.result["created"]) == ("completed", 1), retried.error
    assert [path for path in site.asked if path != "/robots.txt"] == ["/tiles/gone"]


def test_a_sitemap_gives_the_pages(site):
    named = "".join(f"<url><loc>{site.url(f'/tiles/{n}')}</loc></url>" for n in (1, 2))
    site.answer(
        "/sitemap.xml",
        body=f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{named}</urlset>'.encode(),
        headers={"Content-Type": "text/xml"},
    )
    job = crawl(site)
    assert (job.status, job.total_items, job.done_items) == ("completed", 3, 3), job.error
    assert job.result["materials"] == 2
    assert site.times("/tiles") == 0


def test_several_given_pages_are_read_alone(site):
    job = crawl(site, site.url("/tiles/1"), "--mode", "page", path="/tiles/2")
    assert (job.status, job.total_items, job.result["materials"]) == ("completed", 2, 2), job.error


def test_a_site_that_forbids_robots_fails_and_says_so(site):
    site.answer("/robots.txt", body=b"User-agent: *\nDisallow: /\n")
    job = crawl(site)
    assert job.status == "failed"
    assert "robots.txt" in job.error
    assert site.times("/") == 0


def test_a_site_that_is_down_fails_with_its_cause(site):
    job = crawl(site, path="/nothing-here")
    assert job.status == "failed"
    assert job.error.startswith("The only page failed:")
