"""`manage.py scrape_site`: its arguments, its refusals, its answers."""

import pytest

from jobtracker.models import BackgroundJob
from scraping.options import Options

from .import_runs import manage, refused, work_off
from .scrape_runs import ORIGIN, Pages, product, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(monkeypatch, settings):
    pages = Pages(monkeypatch, settings)
    pages.pages = {"/": [product("A", "Oak")]}
    return pages


def test_every_option_reaches_the_crawl(site):
    answer = manage(
        *("scrape_site", f"{ORIGIN}/", "--supplier", "Northlight", "--mode", "crawl"),
        *("--max-pages", "20", "--max-depth", "2", "--include", "/tiles/*", "--include", "/new/*"),
        *("--exclude", "*/sale/*", "--category", "tiles", "--ignore-robots", "--delay", "1.5"),
        *("--full", "--priority", "high", "--json"),
    )
    assert answer.code == 0, answer.err
    job = BackgroundJob.objects.get(pk=answer.json["id"])
    assert (job.supplier.name, job.get_priority_display()) == ("Northlight", "high")
    assert Options.from_json(session_of(job).scraping_config) == Options(
        mode="crawl",
        max_pages=20,
        max_depth=2,
        include=["/tiles/*", "/new/*"],
        exclude=["*/sale/*"],
        categories=["tiles"],
        ignore_robots=True,
        delay=1.5,
        incremental=False,
    )


def test_addresses_of_one_site_are_one_crawl(site):
    answer = manage("scrape_site", f"{ORIGIN}/", f"{ORIGIN}/b", "--json")
    assert answer.code == 0, answer.err
    job = BackgroundJob.objects.get()
    assert job.metadata["urls"] == [f"{ORIGIN}/", f"{ORIGIN}/b"]


def test_a_crawl_that_runs_already_is_named(site):
    manage("scrape_site", f"{ORIGIN}/")
    again = manage("scrape_site", f"{ORIGIN}/")
    assert again.code == 0
    assert "is being read already" in again.err


def test_what_it_gave_is_in_the_jobs_json(site):
    manage("scrape_site", f"{ORIGIN}/", "--supplier", "N")
    work_off()
    shown = manage("jobs", "show", BackgroundJob.objects.get().pk, "--json").json
    numbers = ("status", "total", "done", "materials", "created", "source")
    assert [shown[name] for name in numbers] == ["completed", 1, 1, 1, 1, f"{ORIGIN}/"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "URL"),
        (["shop.example"], "no http or https address"),
        ([f"{ORIGIN}/", "--mode", "all"], "--mode"),
        ([f"{ORIGIN}/", "--max-pages", "0"], "most pages"),
        ([f"{ORIGIN}/", "--max-pages", "few"], "--max-pages"),
        ([f"{ORIGIN}/", "--delay", "-1"], "delay"),
        ([f"{ORIGIN}/", "--service", "curl"], "service"),
        ([f"{ORIGIN}/", "--model", "magic"], "model"),
        ([f"{ORIGIN}/", f"{ORIGIN}/b", "--preview"], "--preview reads one page"),
        (["http://127.0.0.1:10/"], "OUTBOUND_ALLOW"),
        (["http://127.0.0.1:10/", "--preview"], "OUTBOUND_ALLOW"),
        (["https://user:secret@127.0.0.1/"], "log-in"),
    ],
)
def test_a_mistake_is_one_sentence(site, arguments, sentence):
    said = refused(manage("scrape_site", *arguments))
    assert sentence in said
    assert "secret" not in said
