"""`manage.py schedules`: every act, its words, its JSON and its exit code."""

import json

import pytest
from django.utils import timezone

from jobtracker.models import AuditEntry, BackgroundJob, JobSchedule
from jobtracker.plans import Plan

from .import_runs import manage, refused, work_off, xml_feed
from .schedules import make_schedule

pytestmark = pytest.mark.django_db

KEYS = [
    *("id", "name", "job_type", "supplier", "cron", "time_zone", "spec", "priority", "paused"),
    *("paused_because", "next_runs", "failures", "last_started_at", "last_job", "last_error"),
    "last_note",
]


@pytest.fixture
def schedule(db):
    return make_schedule()


@pytest.fixture
def feed(settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    return xml_feed(tmp_path / "tiles.xml")


def add(*options):
    return manage("schedules", "add", "xml_import", "Tiles", "--supplier", "Acme", *options)


def test_add_and_list(feed):
    added = add(
        *("--cron", "0 6 * * mon-fri", "--zone", "Europe/Athens", "--path", feed),
        *("--price-only", "--currency", "eur", "--priority", "high", "--json"),
    )
    assert added.code == 0, added.err
    assert list(added.json) == KEYS
    made = added.json
    assert made["spec"] == {"path": str(feed), "currency": "EUR", "price_only": True}
    assert (made["cron"], made["priority"]) == ("0 6 * * MON-FRI", "high")
    plan = Plan("0 6 * * MON-FRI", "Europe/Athens")
    assert made["next_runs"] == [run.isoformat() for run in plan.upcoming(timezone.now())]
    assert manage("schedules", "list", "--json").json == [made]
    listed = manage("schedules", "list")
    assert "0 6 * * MON-FRI" in listed.out
    assert "Tiles" in listed.out


def test_add_says_when_it_runs(feed):
    said = add("--cron", "0 6 * * *", "--path", feed)
    assert "Added schedule" in said.out
    assert "At 06:00 every day (UTC). The next run: " in said.out


def test_add_a_crawl(settings):
    settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", 8099)})
    added = manage(
        *("schedules", "add", "web_scraping", "Site", "--supplier", "Acme", "--cron", "0 3 * * 0"),
        *("--urls", "http://127.0.0.1:8099/a", "--urls", "http://127.0.0.1:8099/b"),
        *("--max-pages", "50", "--categories", "tiles, stone", "--ignore-robots", "--json"),
    )
    assert added.code == 0, added.err
    spec = added.json["spec"]
    assert spec["urls"] == ["http://127.0.0.1:8099/a", "http://127.0.0.1:8099/b"]
    assert (spec["max_pages"], spec["categories"]) == (50, ["tiles", "stone"])
    assert spec["ignore_robots"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cron", "0 25 * * *", "--path", "a.xml"], "--cron: The hour '25' cannot be read"),
        (["--cron", "0 6 * * *", "--zone", "Mars", "--path", "a.xml"], "--zone: 'Mars' is no time"),
        (["--cron", "0 6 * * *"], "Give one source: an address or a path"),
        (["--cron", "0 6 * * *", "--path", "/etc/passwd"], "--path: /etc/passwd lies outside"),
        (["--cron", "0 6 * * *", "--path", "a.xml", "--currency", "XYZ"], "--currency: XYZ is no"),
        (["--path", "a.xml"], "the following arguments are required: --cron"),
    ],
)
def test_add_refuses_in_one_sentence(feed, options, said):
    assert said in refused(add(*options))
    assert not JobSchedule.objects.exists()


def test_a_name_is_taken_once(schedule, feed):
    answer = manage(
        *("schedules", "add", "xml_import", schedule.name, "--supplier", "Acme"),
        *("--cron", "0 6 * * *", "--path", feed),
    )
    assert f"NAME: There is a schedule {schedule.name!r} already." in refused(answer)


def test_pause_and_resume_by_number_and_by_name(schedule):
    assert "Paused" in manage("schedules", "pause", schedule.pk).out
    assert "is paused already" in refused(manage("schedules", "pause", schedule.pk))
    resumed = manage("schedules", "resume", schedule.name, "--json")
    assert not resumed.json["paused"]
    assert "is not paused" in refused(manage("schedules", "resume", schedule.pk))
    actions = AuditEntry.objects.filter(subject="schedule").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["add", "pause", "resume"]


def test_run_prints_the_job_and_its_exit_code(feed):
    assert add("--cron", "0 6 * * *", "--path", feed).code == 0
    started = manage("schedules", "run", "Tiles", "--json")
    assert (started.code, started.json["status"]) == (0, "pending")
    again = manage("schedules", "run", "Tiles", "--json")
    assert again.json["id"] == started.json["id"]
    assert "has not ended yet" in again.err
    work_off()
    assert BackgroundJob.objects.get().status == "completed"


def test_delete(schedule):
    told = manage("schedules", "delete", schedule.pk, "--json")
    assert json.loads(told.out)["name"] == schedule.name
    assert not JobSchedule.objects.exists()


@pytest.mark.parametrize("act", ["pause", "resume", "run", "delete"])
@pytest.mark.parametrize("which", ["12345", "nothing", "9" * 40])
def test_there_is_no_such_schedule(act, which):
    assert f"There is no schedule '{which}'." in refused(manage("schedules", act, which))
