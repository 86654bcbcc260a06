"""The schedules' pages: the list, the form with its next runs, and what people do there."""

import pytest
from django.urls import reverse
from django.utils import timezone

from jobtracker import lifecycle, schedules
from jobtracker.models import AuditEntry, BackgroundJob, JobSchedule, User
from jobtracker.plans import Plan

from .pages import signed_in
from .schedules import ADDRESS, make_schedule, wanted

pytestmark = pytest.mark.django_db

LIST = "/admin/schedules"
NEW = "/admin/schedules/new?type=xml_import"
# session, user, permissions (2), navigation, counts, number, rows, the notice
LIST_QUERIES = 9


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


@pytest.fixture
def schedule(db):
    return make_schedule()


@pytest.fixture
def feed(settings, tmp_path):
    settings.IMPORT_DIRS = [tmp_path]
    return str(tmp_path / "tiles.xml")


def test_open_pages_fetch_what_others_change(operator, schedule):
    page, listed = f"{LIST}/{schedule.pk}", text(operator.get(f"{LIST}?q=tiles"))
    assert 'id="jt-plans" data-poll="?q=tiles&amp;page=1&amp;part=list"' in listed
    whole = text(operator.get(page))
    for part in ("acts", "facts"):
        assert f'data-poll="?part={part}"' in whole
    schedules.pause(schedule.pk, None)
    again = text(operator.get(f"{LIST}?part=list"))
    assert again.startswith('<div id="jt-plans"')
    assert "Resume" in again
    assert text(operator.get(f"{page}?part=acts")).count("Resume") == 1
    assert "Nothing starts until someone resumes it." in text(operator.get(f"{page}?part=facts"))


def test_a_run_that_found_its_job_alive_is_told_apart_in_the_audit_log(operator, schedule):
    for _ in range(2):
        act(operator, f"{LIST}/{schedule.pk}/run")
    actions = AuditEntry.objects.filter(subject="schedule").order_by("pk")
    assert list(actions.values_list("action", flat=True))[-2:] == ["run", "run, found alive"]


def form(**values: str) -> dict[str, str]:
    return {
        "name": "Tiles",
        "supplier": "Acme",
        "cron": "0 6 * * mon-fri",
        "time_zone": "Europe/Athens",
        "priority": "2",
        **values,
    }


def act(client, address: str, **data: str):
    token = client.get("/admin/async-queue-monitor").context["csrf_token"]
    return client.post(address, {"csrfmiddlewaretoken": str(token), **data})


def text(response) -> str:
    return " ".join(response.content.decode().split())


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_a_form_that_is_out_of_date_takes_back_nobodys_change(operator, schedule, feed):
    page = f"{LIST}/{schedule.pk}"
    seen = operator.get(page).context["form"]["seen"].value()
    schedules.pause(schedule.pk, None)  # which the form does not show
    stale = form(path=feed, seen=seen)
    assert act(operator, page, **stale | {"name": "Mine"}).status_code == 302
    refused = act(operator, page, **stale | {"name": "Yours"})
    assert refused.status_code == 400
    assert "someone has changed this schedule since you opened it" in text(refused)
    assert JobSchedule.objects.get(pk=schedule.pk).name == "Mine"
    seen = operator.get(page).context["form"]["seen"].value()
    assert act(operator, page, **stale | {"name": "Yours", "seen": seen}).status_code == 302


# --- the list ---


def test_an_empty_list_offers_what_can_be_scheduled(operator):
    page = text(operator.get(LIST))
    assert "Nothing is scheduled yet." in page
    assert "/admin/schedules/new?type=web_scraping" in page


def test_the_list_says_what_when_and_how_it_went(operator, schedule):
    created = schedules.run_now(schedule.pk, None)
    page = text(operator.get(LIST))
    assert schedule.name in page
    assert f"Import · Acme · {ADDRESS}" in page
    assert "At 06:00 every day" in page
    assert "Europe/Athens" in page
    assert f"/admin/async-queue-monitor/jobs/{created.job_id}" in page
    assert "by hand" in page
    assert "06:00 EE" in page  # the next run, by the clock of its zone


def test_the_list_asks_the_same_for_many(operator, schedule, django_assert_max_num_queries):
    for number in range(60):
        made = make_schedule(name=f"schedule {number:02}")
        schedules.run_now(made.pk, None)
    with django_assert_max_num_queries(LIST_QUERIES):
        first = operator.get(LIST)
    assert len(first.context["lines"]) == 50
    assert len(operator.get(f"{LIST}?page=2").context["lines"]) == 11
    assert "1 to 50 of 61" in text(first)


def test_states_and_search_narrow_the_list(operator, schedule):
    other = make_schedule(name="Site", supplier="Weaver")
    schedules.pause(other.pk, None)
    broken = make_schedule(name="Broken")
    JobSchedule.objects.filter(pk=broken.pk).update(
        paused=True, next_run_at=None, paused_because="Paused after 5 failures in a row."
    )

    def names(query: str) -> list[str]:
        return [line.schedule.name for line in operator.get(f"{LIST}?{query}").context["lines"]]

    assert names("state=paused") == ["Site"]
    assert names("state=stopped") == ["Broken"]
    assert names("state=on") == [schedule.name]
    assert names("q=weav") == ["Site"]
    assert names("state=nonsense") == ["Broken", "Site", schedule.name]
    JobSchedule.objects.filter(pk=other.pk).update(failures=1)
    assert names("") == ["Site", "Broken", schedule.name]
    assert "Nothing matches." in text(operator.get(f"{LIST}?q=xyz"))


# --- the form ---


def test_a_schedule_is_made_from_the_form(operator, feed):
    answer = act(operator, NEW, **form(path=feed, currency="eur"))
    made = JobSchedule.objects.get()
    assert answer["Location"] == reverse("schedule", args=[made.pk])
    assert (made.name, made.supplier.name, made.cron) == ("Tiles", "Acme", "0 6 * * MON-FRI")
    assert made.spec == {"path": feed, "currency": "EUR"}
    assert made.next_run_at == Plan("0 6 * * MON-FRI", "Europe/Athens").next(timezone.now())
    assert made.created_by.username == "operators"
    assert AuditEntry.objects.get(subject="schedule").action == "add"


def test_a_crawl_is_made_changed_and_shown_as_it_was_typed(operator, settings):
    settings.OUTBOUND_ALLOW = frozenset({("127.0.0.1", 8099)})
    urls = "http://127.0.0.1:8099/a\r\nhttp://127.0.0.1:8099/b"
    given = form(urls=urls, mode="page", max_pages="7", max_depth="0", include="*/p/*")
    act(operator, "/admin/schedules/new?type=web_scraping", **given)
    made = JobSchedule.objects.get()
    assert made.spec["max_depth"] == 0
    shown = operator.get(reverse("schedule", args=[made.pk]))
    fields = {field.name: field.value() for field in shown.context["fields"]}
    assert (fields["max_pages"], fields["include"]) == (7, "*/p/*")
    assert fields["urls"] == urls.replace("\r", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cron": "0 25 * * *"}, "The hour &#x27;25&#x27; cannot be read"),
        ({"time_zone": "Mars/Base"}, "&#x27;Mars/Base&#x27; is no time zone"),
        ({"path": "/etc/passwd"}, "/etc/passwd lies outside"),
        ({"path": ""}, "Give one source: an address or a path on the server."),
        ({"name": ""}, "This field is required."),
        ({"supplier": "x\x07"}, "A supplier&#x27;s name has at most"),
        ({"priority": "9"}, "9 is not one of the available choices"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(operator, feed, given, said):
    answer = act(operator, NEW, **(form(path=feed) | given))
    assert answer.status_code == 400
    assert text(answer).count(said) == 1
    assert not JobSchedule.objects.exists()
    assert answer.context["form"]["time_zone"].value() == given.get("time_zone", "Europe/Athens")


def test_a_name_is_taken_once_but_ones_own(operator, schedule, feed):
    answer = act(operator, NEW, **form(path=feed, name=schedule.name))
    assert "There is a schedule" in text(answer)
    own = reverse("schedule", args=[schedule.pk])
    kept = act(operator, own, **form(path=feed, name=schedule.name))
    assert kept.status_code == 302
    assert JobSchedule.objects.get().spec == {"path": feed}


def test_someone_elses_name_in_the_same_moment(operator, feed, monkeypatch):
    taken = make_schedule(name="Tiles")
    monkeypatch.setattr(
        "jobtracker.schedule_pages.forms.ScheduleForm.clean_name", lambda form: taken.name
    )
    from django.db import transaction

    with transaction.atomic():
        answer = act(operator, NEW, **form(path=feed))
    assert "Someone has just made a schedule of that name." in text(answer)


def test_the_next_five_runs_are_shown_as_one_types(operator):
    asked = {"cron": "0 6 * * MON-FRI", "time_zone": "Europe/Athens"}
    page = text(operator.get("/admin/schedules/plan", asked))
    plan = Plan("0 6 * * MON-FRI", "Europe/Athens")
    for run in plan.upcoming(timezone.now()):
        assert f"{run:%a %-d %b}" in page
        assert f"{run:%H:%M %Z}</span>" in page
    assert "At 06:00 on Monday through Friday, by the clock of Europe/Athens" in page
    wrong = text(operator.get("/admin/schedules/plan", asked | {"cron": "0 6 * * FUNDAY"}))
    assert "The day of week &#x27;FUNDAY&#x27; cannot be read" in wrong
    assert "Say when" in text(operator.get("/admin/schedules/plan"))


def test_the_page_begins_with_the_run_that_was_put_off(operator, schedule):
    plan = Plan(schedule.cron, schedule.time_zone)
    later = plan.upcoming(timezone.now(), 4)[3]
    JobSchedule.objects.update(next_run_at=later, failures=1, last_error="The feed is gone.")
    page = operator.get(reverse("schedule", args=[schedule.pk]))
    assert page.context["coming"][0][0].startswith(f"{later:%a %-d %b}")
    assert len(page.context["coming"]) == 5
    assert "Failure 1 of 5 in a row: The feed is gone." in text(page)


def test_without_a_script_a_button_shows_them_and_saves_nothing(operator, schedule):
    for address in (NEW, reverse("schedule", args=[schedule.pk])):
        page = act(operator, address, **form(fill="1", url="https://a.example/f.xml"))
        assert page.status_code == 200
        assert "At 06:00 on Monday through Friday" in text(page)
        assert 'value="https://a.example/f.xml"' in text(page)
    assert JobSchedule.objects.get().cron == schedule.cron


def test_the_start_forms_hand_over_what_was_typed(operator):
    for address in ("/admin/data-import", "/scraper"):
        assert "Schedule this…" in text(operator.get(address))
    typed = {"url": "https://a.example/f.xml", "supplier": "Acme", "price_only": "on"}
    page = act(operator, NEW, fill="1", **typed)
    assert page.context["form"]["supplier"].value() == "Acme"
    assert page.context["spec_form"]["price_only"].value()
    assert "This field is required" not in text(page)


def test_the_form_begins_in_ones_own_time_zone(operator):
    User.objects.update(time_zone="Asia/Tokyo")
    assert operator.get(NEW).context["form"]["time_zone"].value() == "Asia/Tokyo"


def test_markup_in_a_name_is_shown_and_not_obeyed(operator):
    evil = "<script>alert(1)</script>"
    made = make_schedule(name=evil, spec={"url": f"https://a.example/{evil}"})
    for address in (LIST, reverse("schedule", args=[made.pk])):
        assert evil not in operator.get(address).content.decode()


# --- acts ---


def test_run_now_leads_to_the_job_and_the_job_to_its_schedule(operator, schedule):
    url = reverse("schedule-run", args=[schedule.pk])
    answer = act(operator, url)
    job = BackgroundJob.objects.get()
    assert answer["Location"] == reverse("job", args=[job.pk])
    page = operator.get(answer["Location"])
    assert messages_of(page) == ["Started. The plan stays as it is."]
    assert reverse("schedule", args=[schedule.pk]) in page.content.decode()
    again = operator.get(act(operator, url)["Location"])
    assert messages_of(again) == ["The schedule's job has not ended yet; this is it."]
    lifecycle.cancel([job.pk], None)


def test_a_job_with_nonsense_as_its_schedule_has_no_link(operator, schedule):
    schedules.run_now(schedule.pk, None)
    for nonsense in ({"id": "x"}, "text", {"id": -1, "name": "n"}, {"id": True}):
        BackgroundJob.objects.update(metadata={"schedule": nonsense})
        job = BackgroundJob.objects.get()
        page = operator.get(reverse("job", args=[job.pk]))
        assert page.status_code == 200
        assert "/admin/schedules/" not in text(page).partition('id="jt-top"')[2]


def test_pause_and_resume_return_to_where_they_were_asked(operator, schedule):
    back = f"{LIST}?state=on"
    answer = act(operator, reverse("schedule-pause", args=[schedule.pk]), next=back)
    assert answer["Location"] == back
    assert JobSchedule.objects.get().paused
    away = act(operator, reverse("schedule-resume", args=[schedule.pk]), next="//evil.example")
    assert away["Location"] == LIST
    assert not JobSchedule.objects.get().paused


def test_delete_leads_to_the_list_and_its_page_is_gone(operator, schedule):
    url = reverse("schedule", args=[schedule.pk])
    answer = act(operator, reverse("schedule-delete", args=[schedule.pk]), next=url)
    assert answer["Location"] == LIST
    gone = operator.get(url)
    assert gone.status_code == 404
    assert "There is no such schedule; it may have been deleted." in text(gone)
    assert 'href="/admin/async-queue-monitor"' in text(gone)


def test_what_paused_itself_says_why_on_its_page(operator, schedule):
    JobSchedule.objects.update(paused=True, next_run_at=None, paused_because="Paused after 5 such.")
    assert "Paused after 5 such." in text(operator.get(reverse("schedule", args=[schedule.pk])))


def test_a_viewer_sees_and_is_refused(client, schedule):
    viewer = signed_in(client, "Viewers")
    page = viewer.get(reverse("schedule", args=[schedule.pk]))
    assert "disabled" in text(page)
    assert "Save" not in text(page).partition("jt-body jt-form")[2]
    assert viewer.get(LIST).status_code == 200
    refused = viewer.get(NEW)
    assert refused.status_code == 403
    assert "An administrator can give you another role." in text(refused)
    for address in ("schedule", "schedule-run", "schedule-pause", "schedule-delete"):
        answer = act(viewer, reverse(address, args=[schedule.pk]), **form())
        assert answer.status_code == 403
    assert JobSchedule.objects.get().name == wanted().name
    assert not BackgroundJob.objects.exists()


def test_the_navigation_leads_to_the_list(operator):
    groups = operator.get(LIST).context["sidebar_navigation"]
    items = {item["title"]: item for group in groups for item in group["items"]}
    assert items["Schedules"]["active"]
    assert not items["Queue"]["active"]


def test_the_monitor_says_what_paused_itself(operator, schedule):
    def attention() -> list:
        return operator.get("/admin/async-queue-monitor").context["attention"]

    schedules.pause(schedule.pk, None)  # what a person paused needs nobody
    assert attention() == []
    because = "Paused after 5 failures in a row, the last: The feed is gone."
    JobSchedule.objects.update(paused_because=because)
    [line] = attention()
    assert line.message == f"Schedule {schedule.name} paused itself"
    assert (line.about, line.url) == (because, reverse("schedule", args=[schedule.pk]))
    other = make_schedule(name="Another")
    JobSchedule.objects.filter(pk=other.pk).update(
        paused=True, next_run_at=None, paused_because=because
    )
    [line] = attention()
    assert line.message == "2 schedules paused themselves"
    assert line.url == f"{LIST}?state=stopped"
