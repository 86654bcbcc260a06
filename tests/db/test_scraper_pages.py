"""The scraper's pages: sessions, one session, its table of pages, and what people do there."""

from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse

from jobtracker import lifecycle
from jobtracker.catalogue.models import CatalogueSource, Material, MaterialSource, Supplier
from jobtracker.models import AuditEntry, BackgroundJob
from jobtracker.states import JobType
from scraping import live
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession
from scraping.session_page import page_of_pages
from tests.db.pages import act, signed_in

pytestmark = pytest.mark.django_db

# session, user, permissions (2), navigation, sessions, suppliers, the notice
LIST_QUERIES = 8
# session, user, permissions (2), navigation, detail, job, attempts, log, session of the table,
# tally, pages, causes, rules, rows, materials and its savepoint's two, why it waits, the notice
SESSION_QUERIES = 22
SCRIPT = "<script>alert(1)</script>"
EVIL = "javascript:alert(1)"


def make_session(**job_values) -> ScrapingSession:
    """Make a crawl of tiles.example for the supplier Acme."""
    supplier, _ = Supplier.objects.get_or_create(name="Acme")
    created = lifecycle.create(
        JobType.SCRAPING,
        filename="tiles.example",
        supplier_id=supplier.pk,
        detail={"source_url": "https://tiles.example/", "scraping_config": {"max_pages": 50}},
    )
    BackgroundJob.objects.filter(pk=created.job_id).update(**job_values)
    return ScrapingSession.objects.get(background_job_id=created.job_id)


def end(status: str) -> dict:
    """Return a job's columns for an end."""
    return {
        "status": status,
        f"{status}_at": Now(),
        "progress": 100 if status == "completed" else 60,
    }


def add_page(session: ScrapingSession, path: str, **values) -> ScrapingPage:
    url = values.pop("url", f"https://tiles.example/{path}")
    known = {"url": url, "canonical_url": url, "status": "completed", "http_status": 200}
    return ScrapingPage.objects.create(session=session, **known | values)


def add_many(session: ScrapingSession, number: int) -> None:
    statuses = ("completed", "completed", "failed", "skipped", "pending")
    ScrapingPage.objects.bulk_create(
        ScrapingPage(
            session=session,
            url=f"https://tiles.example/{n}",
            canonical_url=f"https://tiles.example/{n}",
            status=statuses[n % 5],
            http_status={"completed": 200, "failed": 404}.get(statuses[n % 5]),
            error=f"Page {n} is not there." if n % 5 == 2 else "",
            skip_rule="not included" if n % 5 == 3 else "",
        )
        for n in range(number)
    )


def add_material(session: ScrapingSession, name: str, url: str, number: int = 1) -> Material:
    supplier = session.background_job.supplier
    source, _ = CatalogueSource.objects.get_or_create(
        supplier=supplier, kind="site", name="tiles.example"
    )
    material = Material.objects.create(supplier=supplier, name=name, price="12.40", currency="EUR")
    MaterialSource.objects.create(
        source=source,
        source_key=str(number),
        material=material,
        content_hash=b"h",
        vals={"name": name, "price": {"amount": "12.40", "currency": "EUR"}},
        provenance={"row": {"url": url}, "price": {"raw": "12,40 €", "method": "json-ld:offers"}},
    )
    ScrapingRow.objects.create(
        job_id=session.background_job_id, number=number, outcome="c", material_id=material.pk
    )
    return material


def url(session: ScrapingSession, rest: str = "") -> str:
    return f"/scraper/sessions/{session.pk}{rest and '/' + rest}"


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def viewer(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def test_pages_answer_with_and_without_a_final_slash(viewer):
    session = make_session()
    for address in ("/scraper", "/scraper/", url(session), f"{url(session)}/"):
        assert viewer.get(address).status_code == 200
    assert reverse("scraper") == "/scraper"
    assert viewer.get(f"/scraper/sessions/{uuid4()}").status_code == 404


def test_navigation_leads_here_and_marks_it(viewer):
    groups = viewer.get("/scraper").context["sidebar_navigation"]
    items = {item["title"]: item for group in groups for item in group["items"]}
    assert items["Scraper"]["link"] == "/scraper"
    assert items["Scraper"]["active"]
    assert not items["Data import"]["active"]


def test_a_session_is_one_bar_with_its_numbers(viewer):
    session = make_session(
        **end("completed"), total_items=1200, done_items=612, failed_items=14, skipped_items=88
    )
    found = text_of(viewer.get("/scraper"))
    assert "<b>612</b> done" in found
    assert "<b>14</b> failed" in found
    assert "88 skipped · 486 queued of 1,200" in found
    assert f'href="{url(session)}"' in found
    assert [state for state, _ in live.read(live.crawls())[0].parts] == [
        "completed",
        "failed",
        "cancelled",
    ]


def test_a_running_session_says_its_speed_and_what_it_found(viewer):
    running = {"status": "processing", "attempt_token": uuid4(), "last_heartbeat": Now()}
    session = make_session(**running, started_at=Now())
    for n in range(3):
        add_page(session, str(n), materials_found=2, updated_at=Now())
    [line] = live.read(live.crawls())
    assert (line.job.per_minute, line.materials) == (3, 6)
    frame = live.render([line.job.pk])[line.job.pk]
    assert frame.startswith(f'<tr id="job-{line.job.pk}" hx-swap-oob="morph"')


@pytest.mark.parametrize("number", [0, 3, 40])
def test_the_list_costs_the_same_for_any_number_of_sessions(
    viewer, django_assert_num_queries, number
):
    for _ in range(number):
        make_session()
    with django_assert_num_queries(LIST_QUERIES):
        found = viewer.get("/scraper")
    assert text_of(found).count('<tr id="job-') == min(number, 25)
    assert ("Older sessions" in text_of(found)) == (number > 25)
    if number > 25:
        older = viewer.get("/scraper", {"older": found.context["older"]})
        assert text_of(older).count('<tr id="job-') == number - 25


def test_imports_are_not_among_the_sessions(viewer):
    lifecycle.create("xml_import", detail={"source_name": "a.xml", "import_type": "xml"})
    assert "No site was read yet" in text_of(viewer.get("/scraper"))


def test_shows_pages_by_answer_failures_by_cause_and_skips_by_rule(viewer):
    session = make_session(**end("completed"), total_items=5, failed_items=2)
    add_page(session, "a", unchanged=True)
    add_page(session, "moved", http_status=301)
    for n in (1, 2):
        add_page(
            session, f"x{n}", status="failed", http_status=503, hint="Try it later.",
            error=f"https://tiles.example/x{n} answered 503.",
        )  # fmt: skip
    add_page(session, "cart", status="skipped", http_status=None, skip_rule="robots.txt forbids it")
    page = viewer.get(url(session))
    found = text_of(page)
    assert [(a.label, a.number) for a in page.context["answers"]] == [
        ("200 OK", 1), ("301 Moved Permanently", 1), ("503 Service Unavailable", 2),
    ]  # fmt: skip
    assert [(c.number, c.hint) for c in page.context["causes"]] == [(2, "Try it later.")]
    assert page.context["rules"] == [("robots.txt forbids it", 1)]
    assert page.context["unchanged"] == 1
    assert "Retry these" in found
    everything = text_of(viewer.get(url(session), {"pages": "all"}))
    assert '<span class="jt-tag">unchanged</span>' in everything
    assert '<span class="jt-tag">redirect</span>' in everything


@pytest.mark.parametrize("number", [0, 10, 400])
def test_a_session_costs_the_same_for_any_number_of_pages(
    viewer, django_assert_max_num_queries, number
):
    session = make_session()
    add_many(session, number)
    for n in range(1, 1 + min(number, 20)):
        add_material(session, f"Tile {n}", "https://tiles.example/1", n)
    viewer.get(url(session))  # what a process asks once
    with django_assert_max_num_queries(SESSION_QUERIES):
        assert viewer.get(url(session)).status_code == 200


def test_failed_pages_come_first_and_filters_narrow():
    session = make_session()
    add_many(session, 25)
    found = page_of_pages(session.background_job_id, {})
    assert (found["chosen"], {line.state for line in found["lines"]}) == ("failed", {"failed"})
    assert found["pages_total"] == 25

    def shown(**query: str) -> list[str]:
        lines = page_of_pages(session.background_job_id, query)["lines"]
        return [line.page.url.rpartition("/")[2] for line in lines]

    assert len(shown(pages="all")) == 25
    assert shown(pages="skipped") == ["3", "8", "13", "18", "23"]
    assert shown(http="404") == ["2", "7", "12", "17", "22"]
    assert shown(q="EXAMPLE/13") == ["13"]
    assert shown(q="100%") == []
    assert shown(pages="failed", http="200") == []
    assert len(shown(pages="nonsense", http="x", q="\x00", after="-1")) == 5


def test_the_table_goes_on_by_key():
    session = make_session()
    add_many(session, 120)
    seen, query = [], {"pages": "all"}
    while True:
        found = page_of_pages(session.background_job_id, query)
        seen += [line.page.pk for line in found["lines"]]
        if not found["next_query"]:
            break
        query = {"pages": "all", "after": str(found["lines"][-1].page.pk)}
    assert len(seen) == len(set(seen)) == 120
    assert found["first_query"]


def test_the_job_page_lists_the_pages_and_leads_here(viewer):
    session = make_session()
    add_page(session, "a", status="failed", http_status=500, error="It broke.", hint="Mend it.")
    found = text_of(viewer.get(f"/admin/async-queue-monitor/jobs/{session.background_job_id}"))
    assert "It broke." in found
    assert "Mend it." in found
    assert f'href="{url(session)}"' in found


def test_materials_say_where_each_value_comes_from(viewer):
    session = make_session()
    add_material(session, "Porcelain Alba", "https://tiles.example/alba")
    found = text_of(viewer.get(url(session)))
    assert "Porcelain Alba" in found
    assert "12,40 €" in found
    assert "json-ld:offers" in found
    assert 'href="https://tiles.example/alba"' in found


def test_materials_go_on(viewer):
    session = make_session()
    for n in range(1, 16):
        add_material(session, f"Tile {n}", "https://tiles.example/a", n)
    page = viewer.get(url(session))
    assert (len(page.context["cards"]), page.context["cards_next"]) == (12, 12)
    rest = viewer.get(url(session), {"cards": 12})
    assert (len(rest.context["cards"]), rest.context["cards_next"]) == (3, None)


def test_what_a_site_says_is_text_and_its_scripts_are_no_links(viewer):
    session = make_session()
    add_page(
        session, "", url=EVIL, status="failed", error=SCRIPT, hint=SCRIPT, notes=[SCRIPT],
        found_on=EVIL,
    )  # fmt: skip
    add_page(session, "s", status="skipped", skip_rule=SCRIPT)
    add_material(session, SCRIPT, EVIL)
    ScrapingSession.objects.filter(pk=session.pk).update(source_url=EVIL)
    for address in (url(session), url(session, "parts"), "/scraper"):
        found = text_of(viewer.get(address, {"pages": "all"}))
        assert SCRIPT not in found
        assert 'href="javascript' not in found.lower()
    assert "&lt;script&gt;" in text_of(viewer.get(url(session)))


def test_the_changing_parts_come_alone(viewer):
    session = make_session()
    found = text_of(viewer.get(url(session, "parts")))
    assert found.count('hx-swap-oob="morph"') == 6
    assert "<html" not in found


def test_actions_fit_the_state(operator):
    session = make_session()
    waiting = text_of(operator.get(url(session)))
    assert "Pause crawl" in waiting
    assert "Cancel job" in waiting
    assert "Resume" not in waiting
    BackgroundJob.objects.update(waiting_for="paused")
    paused = text_of(operator.get(url(session)))
    assert "Pause crawl" not in paused
    assert "Resume" in paused
    BackgroundJob.objects.update(
        waiting_for=None, **end("completed"), total_items=2, failed_items=2
    )
    over = text_of(operator.get(url(session)))
    assert "Retry failed pages" in over
    for word in ("Pause crawl", "Resume", "Stop, keep", "Cancel job"):
        assert word not in over


def test_pause_resume_and_stop_are_asked_for_and_kept_in_the_audit_log(operator):
    session = make_session()
    for word in ("pause", "resume", "stop"):
        answer = act(operator, url(session, word))
        assert (answer.status_code, answer["Location"]) == (302, url(session))
        session.refresh_from_db()
        assert session.wish == {"resume": ""}.get(word, word)
    assert {"pause", "stop"} <= set(AuditEntry.objects.values_list("action", flat=True))
    BackgroundJob.objects.update(**end("completed"))
    session.refresh_from_db()
    assert "does not allow" in text_of(
        operator.post(
            url(session, "pause"),
            {"csrfmiddlewaretoken": str(operator.get("/scraper").context["csrf_token"])},
            follow=True,
        )
    )


@pytest.mark.parametrize("word", ["pause", "resume", "stop", "retry-failed"])
def test_a_viewer_may_not(viewer, word):
    session = make_session()
    assert act(viewer, url(session, word)).status_code == 403
    for address in ("/scraper/start", "/scraper/check"):
        assert act(viewer, address, urls="https://tiles.example/", supplier="A").status_code == 403


def test_the_form_says_what_is_wrong(operator):
    wrong = act(operator, "/scraper/start", urls="ftp://tiles.example/", max_pages="0")
    assert wrong.status_code == 400
    found = wrong.content.decode()
    assert "is no http or https address" in found
    assert "This field is required." in found
    assert not BackgroundJob.objects.exists()


@pytest.fixture
def reachable(monkeypatch):
    """Let the guard pass every address: names of examples resolve nowhere."""
    monkeypatch.setattr("jobtracker.outbound.check", lambda url: None)


def test_start_leads_to_the_session_with_its_options(operator, reachable):
    form = {
        "urls": "https://tiles.example/a\nhttps://tiles.example/b",
        "supplier": "Acme",
        "mode": "page",
        "max_pages": "7",
        "max_depth": "2",
        "exclude": "*/blog/*",
        "categories": "tiles, flooring",
        "delay": "1.5",
    }
    answer = act(operator, "/scraper/start", **form)
    session = ScrapingSession.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, url(session))
    config = session.scraping_config
    assert (config["mode"], config["max_pages"], config["max_depth"]) == ("page", 7, 2)
    assert (config["exclude"], config["categories"]) == (["*/blog/*"], ["tiles", "flooring"])
    assert (config["delay"], config["ignore_robots"]) == (1.5, False)
    assert session.background_job.metadata["urls"] == form["urls"].split("\n")
    assert session.background_job.created_by.username == "operators"
    assert "Never" not in text_of(operator.get(url(session)))
    two = act(operator, "/scraper/start", **form | {"urls": "http://a.example/\nhttp://b.example/"})
    assert two["Location"] == "/scraper"
    assert ScrapingSession.objects.count() == 3


def test_failed_pages_are_read_again_in_a_session_of_their_own(operator):
    session = make_session(**end("completed"), total_items=2, done_items=1, failed_items=1)
    add_page(session, "good")
    add_page(session, "bad", status="failed", http_status=503)
    answer = act(operator, url(session, "retry-failed"))
    again = ScrapingSession.objects.exclude(pk=session.pk).get()
    assert answer["Location"] == url(again)
    assert again.background_job.metadata["urls"] == ["https://tiles.example/bad"]
    assert again.background_job.parent_id == session.background_job_id
    ScrapingPage.objects.all().delete()
    assert act(operator, url(session, "retry-failed"))["Location"] == url(session)


def test_the_pages_of_one_cause_are_read_again_alone(operator):
    session = make_session(**end("completed"), total_items=3, failed_items=3)
    for number, error in enumerate(("Status 503 after 3 tries.", "Status 500.", "Too large.")):
        add_page(session, f"bad{number}", status="failed", error=error)
    found = text_of(operator.get(url(session)))
    assert found.count("Retry these") == 3
    assert 'name="cause" value="Status &lt;n&gt;."' in found
    act(operator, url(session, "retry-failed"), cause="Status <n>.")
    again = ScrapingSession.objects.exclude(pk=session.pk).get()
    assert again.background_job.metadata["urls"] == ["https://tiles.example/bad1"]
    assert again.scraping_config["mode"] == "page"
    assert act(operator, url(session, "retry-failed"), cause="Other")["Location"] == url(session)


def test_pages_that_nobody_fetches_any_more_are_queued(operator):
    session = make_session(**end("failed"), total_items=2)
    add_page(session, "left", status="fetching")
    found = text_of(operator.get(f"{url(session)}?pages=pending"))
    assert "https://tiles.example/left" in found
    assert "Fetching" not in found
    BackgroundJob.objects.filter(pk=session.background_job_id).update(
        status="processing", failed_at=None, attempt_token=uuid4(), last_heartbeat=Now()
    )
    found = text_of(operator.get(f"{url(session)}?pages=fetching"))
    assert "https://tiles.example/left" in found
    assert "Fetching" in found


def test_a_check_says_its_facts_and_shows_the_product(operator, monkeypatch):
    product = {
        "name": SCRIPT,
        "price": "12.40",
        "currency": "EUR",
        "source": {"url": EVIL},
        "provenance": {"price": {"raw": "12,40 €", "method": "json-ld:offers.price", "url": EVIL}},
    }
    facts = [{"state": "completed", "said": "robots.txt allows this page.", "more": "no delay"}]
    found = {"facts": facts, "page": {"products": [product]}}
    asked = []
    monkeypatch.setattr(
        "scraping.preview.check_site", lambda url, options: asked.append((url, options)) or found
    )
    form = {"urls": "https://tiles.example/", "mode": "page", "max_pages": "7", "max_depth": "2"}
    whole = text_of(act(operator, "/scraper/check", **form))
    assert [(each, options.max_pages) for each, options in asked] == [("https://tiles.example/", 7)]
    for words in ("robots.txt allows this page.", "12.40 EUR", "json-ld:offers.price", "12,40 €"):
        assert words in whole
    assert "&lt;script&gt;" in whole
    assert SCRIPT not in whole
    assert 'href="javascript' not in whole
    assert 'value="7"' in whole
    token = str(operator.get("/scraper").context["csrf_token"])
    part = operator.post(
        "/scraper/check",
        form | {"max_pages": "none", "csrfmiddlewaretoken": token},
        headers={"HX-Request": "true"},
    )
    assert text_of(part).lstrip().startswith("<section")
    assert "<small>Pages at most</small>" in text_of(part)
    assert not BackgroundJob.objects.exists()


def test_a_wish_is_shown_until_it_is_obeyed(operator):
    session = make_session()
    act(operator, url(session, "pause"))
    found = text_of(operator.get(url(session)))
    assert "obeys at its next safe point" in found
    assert "Pause crawl" not in found


def test_ten_thousand_pages_are_one_page_of_the_table(viewer):
    session = make_session()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scraping_pages (session_id, url, canonical_url, depth, found_on, status,"
            " skip_rule, http_status, content_type, bytes, etag, last_modified, content_hash,"
            " unchanged, attempts, redirects, materials_found, rows, notes, error, hint)"
            " SELECT %s, 'https://tiles.example/' || n, 'https://tiles.example/' || n, 1, '',"
            " 'failed', '', 404, '', 0, '', '', '', false, 1, 0, 0, 0, '[]',"
            " 'Page ' || n || ' is not there.', '' FROM generate_series(1, 10000) n",
            [session.pk],
        )
    page = viewer.get(url(session), headers={"accept-encoding": "gzip"})
    assert len(page.content) <= 30_000
    assert len(page.context["lines"]) == 50
    assert len(page.context["causes"]) == 1
