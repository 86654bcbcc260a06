"""The stages of a crawl: what they leave, how they end, and what persons ask meanwhile."""

from types import SimpleNamespace

import pytest

from jobtracker import lifecycle, pipelines
from jobtracker.images.models import ImageFetch
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.states import Waiting
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession
from scraping.start import Request, pause, resume, start_crawls, stop

from .import_runs import manage, work_off
from .scrape_runs import ORIGIN, Pages, ends, product, scraped, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(monkeypatch, settings):
    pages = Pages(monkeypatch, settings)
    pages.pages = {
        "/": [],
        "/a": [product("A", "Oak", price="9.90", images=["https://x.example/a.jpg"])],
        "/b": [product("B", "Ash", price="8.90")],
    }
    pages.sitemap = ["/a", "/b"]
    return pages


def stages(job):
    return dict(JobCheckpoint.objects.filter(job=job).values_list("stage", "state"))


def test_a_crawl_reads_what_was_discovered_and_counts_from_the_rows(site):
    site.sitemap.append("/gone")
    job = scraped("/")
    assert (job.status, job.total_items, job.done_items, job.failed_items) == ("completed", 4, 3, 1)
    assert {k: job.result[k] for k in ("materials", "created", "updated", "unchanged")} == {
        "materials": 2, "created": 2, "updated": 0, "unchanged": 0,
    }  # fmt: skip
    assert ends(job)["/gone"] == ("failed", "The site answered 404 Not Found.")
    session = session_of(job)
    assert (session.total_pages, session.failed_pages, session.materials_processed) == (4, 1, 2)
    assert set(stages(job).values()) == {"done"}


def test_pictures_at_web_addresses_are_queued_when_all_pages_are_read(site):
    inline = "data:image/png;base64,iVBORw0KGgo="
    site.pages["/b"] = [product("B", "Ash", price="8.90", images=[inline, "//x.example/b.jpg"])]
    meanwhile = []
    site.before = lambda path: meanwhile.append(queued())
    job = scraped("/")
    assert meanwhile == [{}, {}, {}]
    assert job.status == "completed", job.error
    assert queued() == {"https://x.example/a.jpg": "pending", "https://x.example/b.jpg": "pending"}
    assert set(ImageFetch.objects.values_list("job_id", flat=True)) == {job.pk}
    lifecycle.rerun_from(job.pk, "materials_discovered", None, "again")
    work_off()
    assert len(queued()) == 2


def queued():
    return dict(ImageFetch.objects.values_list("url", "status"))


def test_the_mode_that_discovery_found_is_the_crawls(site):
    scraped("/")
    assert site.modes == ["sitemap"]


def test_a_given_page_alone_is_read_alone(site):
    job = scraped("/a", mode="page")
    assert ends(job) == {"/a": ("completed", "")}
    assert site.modes == ["page"]


def test_several_given_pages_are_all_read(site):
    job = scraped("/a", "/b", mode="page")
    assert ends(job) == {"/a": ("completed", ""), "/b": ("completed", "")}


def test_a_wanted_sitemap_that_is_missing_is_a_degraded_stage_with_a_warning(site):
    site.mode, site.sitemap, site.notes = "crawl", [], ["There is no sitemap; links are followed."]
    job = scraped("/a", mode="sitemap")
    assert stages(job)["pages_discovered"] == "degraded"
    assert "There is no sitemap" in job.warnings[0]["message"]


def test_a_sitemap_that_is_there_in_part_is_a_degraded_stage(site):
    site.mode, site.notes = "crawl", ["https://x.example/2.xml answered 404."]
    job = scraped("/")
    assert stages(job)["pages_discovered"] == "degraded"
    assert site.modes == ["crawl"]


def test_what_discovery_did_is_no_warning_where_all_is_well(site):
    site.notes = ["robots.txt is obeyed."]
    assert scraped("/").warnings == []


def test_a_site_of_which_nothing_is_found_fails_and_says_why(site, monkeypatch):
    nothing = SimpleNamespace(mode="sitemap", sitemap_urls=0, notes=["There is no sitemap."])
    monkeypatch.setattr("scraping.discovery.discover", lambda *given: nothing)
    job = scraped("/", mode="sitemap")
    assert job.status == "failed"
    assert job.error == "No page was found to read. There is no sitemap."


def test_the_coverage_of_fields_is_kept(site):
    job = scraped("/")
    kept = JobCheckpoint.objects.get(job=job, stage="materials_discovered").data["coverage"]
    assert (kept["price"], kept["images"], kept["size"]) == (1.0, 0.5, 0.0)


def test_pages_without_product_data_complete_with_a_note(site):
    site.pages = {"/": [], "/a": [], "/b": []}
    job = scraped("/")
    assert job.status == "completed"
    assert job.result["note"] == "3 pages read, none with structured product data."
    assert stages(job)["materials_discovered"] == "empty"


def test_products_that_make_no_material_are_counted_in_the_note_and_listed(site):
    site.pages = {"/": [product(price="9.90")]}
    site.sitemap = []
    job = scraped("/")
    assert "1 page read; of 1 product none could be kept" in job.result["note"]
    [failure] = pipelines.get(job.job_type).failures(job.pk, 5)
    assert failure["url"] == f"{ORIGIN}/"
    assert "neither a name" in failure["reason"]


def test_a_crawl_whose_pages_all_failed_is_failed_with_the_causes(site):
    site.pages = {"/": "The site did not answer.", "/a": "Refused.", "/b": "Refused."}
    job = scraped("/")
    assert job.status == "failed"
    assert job.error == ("Every one of 3 pages failed: Refused (2); The site did not answer (1).")


def test_an_operators_retry_of_such_a_crawl_fetches_again(site):
    kept = site.pages
    site.pages = {}
    job = scraped("/")
    site.pages = kept
    assert lifecycle.retry([job.pk], None) == [job.pk]
    work_off()
    job.refresh_from_db()
    assert (job.status, job.done_items, job.failed_items) == ("completed", 3, 0)


def test_a_product_on_two_pages_is_one_material(site):
    site.pages["/b"] = [product("A", "Oak, again")]
    job = scraped("/")
    assert (job.result["materials"], job.result["created"], job.result["updated"]) == (1, 1, 0)


def test_a_second_crawl_finds_everything_unchanged(site):
    scraped("/")
    job = scraped("/")
    assert (job.result["created"], job.result["unchanged"]) == (0, 2)


def test_a_pause_waits_for_a_person_and_resume_reads_the_rest(site):
    def ask(path):
        if path == "/a":
            pause(ScrapingSession.objects.get(), None)

    site.before = ask
    job = scraped("/")
    assert (job.status, job.waiting_for) == ("pending", Waiting.PAUSED)
    assert site.read == ["/"]
    assert not pause(session_of(job), None)
    site.before = lambda path: None
    assert resume(session_of(job), None)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.done_items) == ("completed", 3)
    assert site.read == ["/", "/a", "/b"]


def test_a_paused_crawl_goes_on_by_the_command_line(site):
    site.before = lambda path: pause(ScrapingSession.objects.get(), None)
    job = scraped("/")
    wrong = manage("jobs", "answer", job.pk, "--currency", "EUR")
    assert wrong.code == 2
    site.before = lambda path: None
    assert manage("jobs", "answer", job.pk).code == 0
    work_off()
    job.refresh_from_db()
    assert job.status == "completed"


def test_a_stop_skips_the_rest_and_completes(site):
    def ask(path):
        if path == "/b":
            stop(ScrapingSession.objects.get(), None)

    site.before = ask
    job = scraped("/")
    assert (job.status, job.done_items, job.skipped_items) == ("completed", 2, 1)
    assert ends(job)["/b"] == ("skipped", "stopped by a person")
    assert session_of(job).wish == ""


def test_a_paused_crawl_can_be_stopped(site):
    site.before = lambda path: pause(ScrapingSession.objects.get(), None) if path == "/b" else None
    job = scraped("/")
    assert stop(session_of(job), None)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.skipped_items) == ("completed", 1)


def test_an_ended_crawl_takes_no_wish(site):
    session = session_of(scraped("/"))
    assert not pause(session, None)
    assert not stop(session, None)
    assert not resume(session, None)


def test_running_again_from_a_stage_forgets_what_it_wrote(site):
    job = scraped("/")
    assert lifecycle.rerun_from(job.pk, "pages_scraped", None, "")
    assert not ScrapingRow.objects.filter(job_id=job.pk).exists()
    statuses = ScrapingPage.objects.filter(session=session_of(job)).values_list("status", flat=True)
    assert set(statuses) == {"pending"}
    work_off()
    job.refresh_from_db()
    assert (job.status, job.result["unchanged"]) == ("completed", 2)
    assert lifecycle.rerun_from(job.pk, "session_created", None, "")
    assert not ScrapingPage.objects.filter(session=session_of(job)).exists()


def test_an_address_that_became_one_inside_fails_the_job(site, settings):
    [made] = start_crawls([Request([ORIGIN], "N")])
    settings.OUTBOUND_ALLOW = frozenset()
    work_off()
    job = BackgroundJob.objects.get(pk=made.job_id)
    assert (job.status, job.retry_count) == ("failed", 0)
    assert "OUTBOUND_ALLOW" in job.error


def test_the_pipeline_says_where_its_data_came_from_and_what_came_of_it(site):
    job = scraped("/")
    pipeline = pipelines.get(job.job_type)
    assert pipeline.source(job.pk) == f"{ORIGIN}/"
    assert pipeline.materials(job.pk).count() == 2
    assert pipeline.job_url(job.pk).endswith(str(session_of(job).pk))
