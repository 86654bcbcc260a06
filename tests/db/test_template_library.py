"""The library of mapping templates: its list and pages, names, what is set aside, who may."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imports import template_library as library
from imports.models import DataImportJob, MappingTemplate
from jobtracker import lifecycle, schedules
from jobtracker.catalogue.models import Supplier
from jobtracker.models import AuditEntry, BackgroundJob, JobSchedule, User
from jobtracker.states import Waiting
from jobtracker.uploads import SourceRefused
from tests.db.import_runs import (
    imported,
    manage,
    without_currency,
    work_off,
    xml_feed,
)
from tests.db.pages import act, signed_in
from tests.db.schedules import make_schedule
from tests.db.templates import (
    FIELDS,
    MAPPING,
    address,
    confirmed,
    edited,
    make,
    run_of,
    said,
    text_of,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/data-import/templates"


@pytest.fixture
def viewer(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


@pytest.fixture
def supplier():
    return Supplier.objects.create(name="N")


@pytest.fixture
def template(supplier):
    return make(supplier)


@pytest.fixture
def user():
    return User.objects.create_user("kim")


# --- the list ---


def test_the_list_shows_shape_use_and_newest_version(viewer, template):
    fields = ["sku", "name", "price", "colour"]
    run_of(template, fields, {"mapping": {}})  # the one that a person answered
    run_of(template, fields)
    newest = make(template.supplier, version=2)
    last = run_of(newest, [*fields, "stock"])
    make(Supplier.objects.create(name="Other"), "wood.csv", record_path="")
    line, other = viewer.get(LIST).context["lines"]
    assert line.template.pk == newest.pk
    assert (line.use.runs, line.use.matched, line.use.last_at) == (3, 2, last.created_at)
    assert line.shape == "XML, 5 fields, record /catalog/product"
    assert (other.use.runs, other.use.last_at, other.shape) == (0, None, "3 mapped fields")


def test_the_list_is_searched_and_narrowed(viewer, template):
    other = Supplier.objects.create(name="Weaver")
    make(other, "wood.csv")
    make(other, "old.csv", retired_at="2026-01-01T00:00Z")

    def names(**query: str) -> list[str]:
        return [line.template.name for line in viewer.get(LIST, query).context["lines"]]

    assert names() == ["tiles.xml", "wood.csv"]
    assert names(q="WEAV") == ["wood.csv"]
    assert names(q="tiles") == ["tiles.xml"]
    assert names(supplier=str(other.pk)) == ["wood.csv"]
    assert names(state="aside") == ["old.csv"]
    assert names(supplier="x", state="y", q="\x00") == ["tiles.xml", "wood.csv"]
    assert "Nothing matches." in text_of(viewer.get(LIST, {"q": "nothing"}))


def test_the_list_asks_as_much_for_many_as_for_one(viewer, template):
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            viewer.get(LIST)
        return len(caught)

    asked()
    few = asked()
    for number in range(30):
        run_of(make(template.supplier, f"t{number}"), ["sku"])
    assert asked() == few


def test_a_feed_that_waits_is_shown_with_the_template_that_nearly_fits(viewer, template):
    run_of(template, ["sku", "name", "price", "colour"])
    make(template.supplier, "far.csv", mapping={"fields": [{"source": "x", "target": "name"}]})
    make(template.supplier, "aside.csv", retired_at="2026-01-01T00:00Z")
    waiting = run_of(template, ["sku", "name", "price", "color"])
    DataImportJob.objects.filter(pk=waiting.pk).update(template=None)
    BackgroundJob.objects.filter(pk=waiting.background_job_id).update(waiting_for="mapping")
    [near] = viewer.get(LIST).context["near"]
    assert (near.template, near.added, near.vanished) == (template, ["color"], ["colour"])
    text = text_of(viewer.get(LIST))
    assert "Vanished: colour." in text
    assert "New: color." in text
    assert reverse("import-mapping", args=[waiting.pk]) in text


@pytest.mark.parametrize("fields", [["a", "b", "price"], ["price", "sku", "name"]])
def test_a_feed_unlike_all_templates_or_of_ones_very_shape_is_not_named(viewer, template, fields):
    waiting = run_of(template, fields)
    DataImportJob.objects.filter(pk=waiting.pk).update(template=None)
    BackgroundJob.objects.filter(pk=waiting.background_job_id).update(waiting_for="currency")
    assert viewer.get(LIST).context["near"] == []


# --- one template ---


def test_the_page_shows_versions_with_what_each_changed(viewer, template):
    changed = {**MAPPING, "fields": [*FIELDS[:2], {**FIELDS[2], "transform": "number, 1.234,5"}]}
    newest = make(template.supplier, version=2, mapping=changed)
    run = run_of(template, ["sku"])
    page = viewer.get(address(template))
    second, first = page.context["versions"]
    assert (second.template.pk, second.runs, first.runs, first.changes) == (newest.pk, 0, 1, None)
    [change] = second.changes
    assert (change.what, change.before, change.after) == (
        "price", "price", "price: number, 1.234,5",
    )  # fmt: skip
    assert f"job-{run.background_job_id}" in text_of(page)


def test_of_many_versions_the_newest_are_shown(viewer, template):
    for number in range(2, 33):
        make(template.supplier, version=number)
    page = viewer.get(address(template))
    shown = page.context["versions"]
    assert [each.template.version for each in shown[:: len(shown) - 1]] == [32, 3]
    assert shown[-1].changes == []
    assert "and 2 older" in text_of(page)


# --- names ---


def test_a_rename_takes_all_versions_and_schedules_along(operator, template):
    make(template.supplier, version=2)
    schedule = make_schedule(spec={"url": "https://a.example/f.xml", "template": "tiles.xml"})
    JobSchedule.objects.filter(pk=schedule.pk).update(supplier=template.supplier)
    stranger = make_schedule(name="Other", spec={"path": "a.xml", "template": "tiles.xml"})
    act(operator, address(template, "rename"), name="Spring")
    assert set(MappingTemplate.objects.values_list("name", flat=True)) == {"Spring"}
    schedule.refresh_from_db()
    stranger.refresh_from_db()
    assert schedule.spec["template"] == "Spring"
    assert stranger.spec["template"] == "tiles.xml"
    told = AuditEntry.objects.exclude(action="add").values_list("action", "subject")
    assert set(told) == {("rename", "mapping template"), ("edit", "schedule")}


def test_who_looked_before_a_rename_finds_the_template_after_it(template, user):
    before = MappingTemplate.objects.get()
    library.rename(template, "spring", user)
    assert library.newest_of(before).name == "spring"
    assert [each.template for each in library.versions(before, 5)] == [before]


def test_a_name_that_is_taken_or_unreadable_is_refused(operator, template):
    make(template.supplier, "Spring")
    make(Supplier.objects.create(name="Other"), "Free")
    refusal = said(operator, act(operator, address(template, "rename"), name="Spring"))
    assert refusal == "There is a template 'Spring' of this supplier already."
    assert "readable characters" in said(
        operator, act(operator, address(template, "rename"), name="a\tb")
    )
    act(operator, address(template, "rename"), name="Free")
    template.refresh_from_db()
    assert template.name == "Free"


# --- set aside ---


def test_what_is_set_aside_is_matched_and_named_no_more(operator, tmp_path):
    template = confirmed(tmp_path)
    feed = xml_feed(tmp_path / "more.xml", without_currency())
    assert imported(feed, "--supplier", "N").status == "completed"
    act(operator, address(template, "set-aside"))
    assert imported(
        xml_feed(tmp_path / "next.xml", without_currency()), "--supplier", "N"
    ).waiting_for
    named = manage("import_feed", str(feed), "--supplier", "N", "--mapping", template.name)
    assert named.code == 2
    assert "no template of that name in use" in named.err
    schedule = make_schedule(
        supplier="N", spec={"url": "https://a.example/f.xml", "template": template.name}
    )
    with pytest.raises(SourceRefused, match="N has no mapping template"):
        schedules.run_now(schedule.pk, None)
    act(operator, address(template, "take-back"))
    last = xml_feed(tmp_path / "last.xml", without_currency()[:2])
    assert imported(last, "--supplier", "N").status == "completed"
    acts = AuditEntry.objects.filter(subject="mapping template").order_by("pk")
    assert list(acts.values_list("action", flat=True)) == ["set aside", "take back"]


def test_an_edit_of_what_is_set_aside_stays_so_until_it_is_taken_back(operator, template):
    act(operator, address(template, "set-aside"))
    act(operator, address(template, "edit"), **edited(template, *FIELDS[:2]))
    newest = MappingTemplate.objects.get(version=2)
    assert newest.retired_at
    act(operator, address(newest, "take-back"))
    assert not MappingTemplate.objects.filter(retired_at__isnull=False).exists()


def test_a_mapping_that_is_confirmed_again_is_in_use_again(operator, tmp_path):
    template = confirmed(tmp_path)
    act(operator, address(template, "set-aside"))
    job = imported(xml_feed(tmp_path / "tiles.xml", without_currency()[:2]), "--supplier", "N")
    reply = {**template.mapping, "remember": True}
    assert lifecycle.answer(job.pk, Waiting.CURRENCY, reply, None)
    work_off()
    newest = MappingTemplate.objects.get(version=2)
    assert (newest.retired_at, newest.mapping) == (None, template.mapping)
    assert (
        imported(xml_feed(tmp_path / "b.xml", without_currency()[:1]), "--supplier", "N").status
        == "completed"
    )


# --- who may ---


def test_a_viewer_sees_and_is_refused(viewer, template):
    assert viewer.get(address(template)).status_code == 200
    assert viewer.get(address(template, "download")).status_code == 200
    assert "Rename" not in text_of(viewer.get(address(template)))
    assert viewer.get(address(template, "edit")).status_code == 403
    for page in ("edit", "upload", "use-again", "rename", "set-aside", "take-back"):
        assert act(viewer, address(template, page), name="x").status_code == 403
    assert act(viewer, f"{LIST}/new").status_code == 403
    template.refresh_from_db()
    assert (template.name, template.retired_at) == ("tiles.xml", None)


def test_what_is_not_there_is_not_found(operator):
    assert operator.get(f"{LIST}/999999").status_code == 404
    assert operator.get(f"/admin/data-import/{uuid4()}").status_code == 404


def test_markup_in_names_is_shown_and_not_obeyed(operator, supplier):
    evil = "<script>alert(1)</script>"
    mapping = {"fields": [{"source": evil, "target": f"attribute.{evil}", "transform": None}]}
    template = make(supplier, evil, mapping=mapping)
    for page in (LIST, address(template), address(template, "edit")):
        assert evil not in text_of(operator.get(page))
