"""Imports by schedule: a file of IMPORT_DIRS or an address, fetched by the job itself."""

from contextlib import contextmanager

import pytest

from imports.forms import ScheduleForm
from imports.models import DataImportJob
from jobtracker import lifecycle, outbound, schedules
from jobtracker.catalogue.models import Material
from jobtracker.models import BackgroundJob

from .import_runs import PRODUCTS, imported, manage, work_off, xml_feed
from .schedules import jobs_of, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    return tmp_path


def run(schedule) -> BackgroundJob:
    """Run the schedule's job to its end and return it."""
    schedules.run_now(schedule.pk, None)
    work_off()
    return jobs_of(schedule)[-1]


def test_a_file_is_copied_when_the_job_runs(folder):
    feed = xml_feed(folder / "tiles.xml")
    schedule = make_schedule(spec={"path": str(feed)})
    job = run(schedule)
    assert (job.status, job.result["created"]) == ("completed", 3)
    detail = DataImportJob.objects.get(background_job=job)
    assert (detail.source_name, detail.import_type) == ("tiles.xml", "xml")
    assert detail.source_file
    assert Material.objects.filter(supplier__name="Acme").count() == 3


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(folder):
    feed = xml_feed(folder / "tiles.xml")
    schedule = make_schedule(spec={"path": str(feed)})
    run(schedule)
    again = run(schedule)
    assert (again.status, again.total_items) == ("completed", 0)
    assert again.result["note"] == "The source has not changed since the last import."
    xml_feed(feed, [{**PRODUCTS[0], "price": "25.00 EUR"}, *PRODUCTS[1:]])
    third = run(schedule)
    assert (third.result["updated"], third.result["unchanged"]) == (1, 2)


def test_an_unchanged_file_is_read_again_where_the_last_run_was_undone(folder):
    feed = xml_feed(folder / "tiles.xml")
    schedule = make_schedule(spec={"path": str(feed)})
    assert manage("materials", "undo", "--job", run(schedule).pk).code == 0
    assert run(schedule).result["created"] == 3
    assert Material.objects.count() == 3


def test_only_prices_change_where_that_is_asked(folder):
    feed = xml_feed(folder / "tiles.xml")
    run(make_schedule(spec={"path": str(feed)}))
    xml_feed(feed, [{**PRODUCTS[0], "price": "25.00 EUR", "name": "Another"}, *PRODUCTS[1:]])
    job = run(make_schedule(name="prices", spec={"path": str(feed), "price_only": True}))
    assert job.result["updated"] == 1
    assert not Material.objects.filter(name="Another").exists()


def test_a_file_that_is_gone_or_outside_fails_in_words(folder, tmp_path_factory):
    gone = run(make_schedule(spec={"path": str(folder / "gone.xml")}))
    assert (gone.status, gone.error) == (
        "failed",
        f"{folder}/gone.xml does not exist or is no file.",
    )
    outside = xml_feed(tmp_path_factory.mktemp("outside") / "tiles.xml")
    job = run(make_schedule(name="outside", spec={"path": str(outside)}))
    assert job.status == "failed"
    assert "lies outside the folders that may be read" in job.error


@contextmanager
def answers(monkeypatch, body: bytes):
    """Let the feed's address answer so."""

    def fetch(url, path, **asked):
        path.write_bytes(body)
        return outbound.Fetched(200, url, "", "", "text/xml", len(body), outbound_sha(body))

    monkeypatch.setattr(outbound, "fetch", fetch)
    yield


def outbound_sha(body: bytes) -> str:
    from hashlib import sha256

    return sha256(body).hexdigest()


def test_an_address_is_fetched_by_the_job(folder, monkeypatch):
    body = xml_feed(folder / "tiles.xml").read_bytes()
    schedule = make_schedule(spec={"url": "https://tiles.example/f.xml", "currency": "EUR"})
    with answers(monkeypatch, body):
        first, second = run(schedule), run(schedule)
    assert first.result["created"] == 3
    assert second.result["note"] == "The source has not changed since the last import."


def test_what_a_person_marked_completed_is_read_again(monkeypatch):
    schedule = make_schedule(spec={"url": "https://tiles.example/f.xml"})
    with answers(monkeypatch, b"<catalog><product>"):
        first = run(schedule)
        assert first.status == "failed"
        lifecycle.mark_completed(first.pk, "looked at", None)
        assert run(schedule).status == "failed"


def test_a_confirmed_template_is_obeyed(folder):
    feed = xml_feed(folder / "tiles.xml")
    schedule = make_schedule(spec={"path": str(feed), "template": "mine"})
    job = imported(feed, "--supplier", "Acme")
    mapping = DataImportJob.objects.get(background_job=job).field_mappings
    from imports.models import MappingTemplate

    MappingTemplate.objects.create(supplier=job.supplier, name="mine", shape="s", mapping=mapping)
    run(schedule)
    assert DataImportJob.objects.latest("pk").template.name == "mine"


def test_a_stated_encoding_is_read_and_not_warned_of(folder):
    lines = ["code;name;price;currency", "A1;Weiß;1,50;EUR", "A2;Königsblau;2,50;EUR"]
    (folder / "tiles.csv").write_bytes("\n".join(lines).encode("cp437"))
    spec = {"path": str(folder / "tiles.csv")}
    guessed = run(make_schedule(name="guessed", spec=spec))
    stated = run(make_schedule(name="stated", spec=spec | {"encoding": "cp437"}))
    assert "encoding is guessed" in str(guessed.warnings)
    assert "encoding is guessed" not in str(stated.warnings)
    assert Material.objects.filter(name__in=["Weiß", "Königsblau"]).exists()


# --- the form ---


def errors(**data) -> str:
    form = ScheduleForm({"supplier": "Acme", **data})
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def test_the_form_takes_one_source(folder, settings):
    settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", 8099)})
    assert "Give one source" in errors()
    assert "Give one source" in errors(url="http://127.0.0.1:8099/a.xml", path="a.xml")
    assert errors(url="http://127.0.0.1:8099/a.xml") == ""
    assert errors(path="not-there-yet.xml") == ""


def test_the_form_says_what_is_wrong(folder):
    assert "is no http or https address" in errors(url="tiles.example/feed.xml")
    assert "is not a public address" in errors(url="http://10.0.0.1/feed.xml")
    assert "lies outside the folders that may be read" in errors(path="/etc/passwd")
    assert "XYZW"[:3] in errors(path="a.xml", currency="XYZ")
    assert "no text encoding called “latin-99”" in errors(path="a.xml", encoding="latin-99")
    assert errors(path="a.xml", template="mine") == "Acme has no template of that name."
