"""What a crawl is asked for is checked before a job exists."""

import pytest

from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from jobtracker.uploads import SourceRefused
from scraping.models import ScrapingSession
from scraping.options import Options
from scraping.start import Request, by_site, retry_failed, start_crawls

from .import_runs import work_off
from .scrape_runs import ORIGIN, Pages, product, scraped, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(monkeypatch, settings):
    return Pages(monkeypatch, settings)


def test_a_crawl_keeps_its_options_and_is_named_after_its_host(site):
    [made] = start_crawls([Request([f"{ORIGIN}/a"], options=Options(max_pages=7, delay=2))])
    job = BackgroundJob.objects.get(pk=made.job_id)
    session = session_of(job)
    assert (job.job_type, job.filename, job.supplier.name) == (
        "web_scraping",
        "127.0.0.1",
        "127.0.0.1",
    )
    assert session.source_url == f"{ORIGIN}/a"
    assert Options.from_json(session.scraping_config) == Options(max_pages=7, delay=2)


def test_the_same_crawl_twice_is_one_job_while_it_runs(site):
    first, second = (start_crawls([Request([ORIGIN], "N")])[0] for _ in range(2))
    assert (second.job_id, second.existing) == (first.job_id, True)
    other = start_crawls([Request([ORIGIN], "N", Options(max_pages=3))])[0]
    assert not other.existing


@pytest.mark.parametrize(
    ("urls", "sentence"),
    [
        ([], "Give the address"),
        (["shop.example"], "no http or https address"),
        (["ftp://shop.example/"], "no http or https address"),
        (["http://[::1/"], "no web address"),
        (["https://a.example/\x07"], "no web address"),
        (["https://a.example/", "https://b.example/"], "of another site"),
    ],
)
def test_what_is_no_site_is_refused(urls, sentence):
    with pytest.raises(SourceRefused, match=sentence):
        Request(urls)


@pytest.mark.parametrize(
    "options",
    [
        Options(mode="all"),
        Options(service="curl"),
        Options(model="magic"),
        Options(max_pages=0),
        Options(max_depth=-1),
        Options(delay=float("nan")),
        Options(delay=-1),
        Options(include=[" "]),
    ],
)
def test_options_that_no_crawl_can_obey_are_refused(options):
    with pytest.raises(SourceRefused):
        Request([ORIGIN], options=options)


def test_an_address_inside_is_refused_and_nothing_is_made(settings):
    settings.OUTBOUND_ALLOW = frozenset()
    with pytest.raises(SourceRefused, match="OUTBOUND_ALLOW"):
        start_crawls([Request([ORIGIN], "N")])
    assert not BackgroundJob.objects.exists()
    assert not Supplier.objects.filter(name="N").exists()


def test_addresses_are_parted_by_site():
    parted = by_site(["https://a.example/1", "https://b.example/", "https://A.example/2"])
    assert parted == [["https://a.example/1", "https://A.example/2"], ["https://b.example/"]]


def test_retry_reads_the_failed_pages_alone_with_the_own_options(site):
    site.pages = {"/": [], "/a": [product("A", "Oak")]}
    site.sitemap = ["/a", "/gone"]
    job = scraped("/", delay=0.5, max_depth=2)
    site.pages["/gone"] = [product("G", "Ash")]
    site.read.clear()
    created = retry_failed(session_of(job), None)
    work_off()
    again = BackgroundJob.objects.get(pk=created.job_id)
    assert site.read == ["/gone"]
    assert (again.parent_id, again.supplier_id) == (job.pk, job.supplier_id)
    assert (again.status, again.done_items, again.failed_items) == ("completed", 1, 0)
    kept = Options.from_json(session_of(again).scraping_config)
    assert (kept.delay, kept.max_depth, kept.mode) == (0.5, 2, "page")


def test_retry_of_a_crawl_that_read_nothing_is_the_whole_crawl(site):
    job = scraped("/")
    assert job.status == "failed"
    site.pages = {"/": [], "/a": [product("A", "Oak")]}
    site.sitemap = ["/a"]
    created = retry_failed(session_of(job), None)
    session = ScrapingSession.objects.get(background_job_id=created.job_id)
    assert session.scraping_config == session_of(job).scraping_config


def test_nothing_failed_and_a_running_crawl_cannot_be_retried(site):
    site.pages = {"/": [product("A", "Oak")]}
    job = scraped("/")
    with pytest.raises(SourceRefused, match="No page"):
        retry_failed(session_of(job), None)
    [made] = start_crawls([Request([f"{ORIGIN}/b"], "N")])
    running = BackgroundJob.objects.get(pk=made.job_id)
    with pytest.raises(SourceRefused, match="still runs"):
        retry_failed(session_of(running), None)
    lifecycle.cancel([running.pk], None)
