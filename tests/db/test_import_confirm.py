"""Who wants to see the mapping sees it, also where a template or a given mapping fits the feed."""

import pytest

from imports.mapping import Mapping
from imports.mapping_choice import Confirm
from imports.models import DataImportJob, MappingTemplate
from imports.request import Request
from imports.start import start_import
from jobtracker.catalogue.models import Material
from jobtracker.models import BackgroundJob
from jobtracker.states import Status, Waiting

from .import_runs import (
    PRODUCTS,
    imported,
    lines_of,
    manage,
    without_currency,
    work_off,
    xml_feed,
)
from .pages import act, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def shown(path, confirm=Confirm.ALWAYS, **more) -> BackgroundJob:
    """Import a feed of Northlight's whose mapping a person wants to see."""
    start_import(Request(str(path), supplier="Northlight", confirm=confirm, **more))
    work_off()
    return BackgroundJob.objects.latest("id")


def confirm(operator, job: BackgroundJob, **changed: str) -> BackgroundJob:
    """Confirm the page as it is offered, but for what is `changed` by source."""
    found = DataImportJob.objects.get(background_job=job)
    page = operator.get(f"/admin/data-import/{found.pk}/mapping").context["mapping_page"]
    index = {line.source: line.index for line in page.lines}
    form = page.form | {f"target-{index[source]}": target for source, target in changed.items()}
    answered = act(operator, f"/admin/data-import/{found.pk}/answer", **form, remember="1")
    assert answered.status_code == 302, answered.content.decode()
    work_off()
    job.refresh_from_db()
    return job


def targets(job: BackgroundJob) -> dict[str, str]:
    return {each["source"]: each["target"] for each in job.question["mapping"]["fields"]}


def template_of(job: BackgroundJob) -> MappingTemplate | None:
    return DataImportJob.objects.get(background_job=job).template


@pytest.fixture
def template(operator, tmp_path) -> MappingTemplate:
    """A template by which the colour is the finish."""
    job = confirm(operator, shown(xml_feed(tmp_path / "tiles.xml")), colour="finish")
    assert job.status == Status.COMPLETED
    return MappingTemplate.objects.get()


def test_a_template_is_shown_first(operator, template, tmp_path):
    cheaper = [each | {"price": "1.00 EUR"} for each in PRODUCTS]
    job = shown(xml_feed(tmp_path / "december.xml", cheaper))
    assert (job.status, job.waiting_for) == (Status.PENDING, Waiting.MAPPING)
    assert "template tiles.xml v1" in job.question["message"]
    assert targets(job)["colour"] == "finish"
    assert not Material.objects.filter(price=1).exists()
    assert confirm(operator, job).status == Status.COMPLETED
    assert {line["price"] for line in lines_of().values()} == {"1.00"}


def test_who_wants_to_see_new_feeds_only_is_not_asked_again(operator, tmp_path):
    first = shown(xml_feed(tmp_path / "tiles.xml"), Confirm.NEW)
    assert first.waiting_for == Waiting.MAPPING
    confirm(operator, first)
    assert shown(xml_feed(tmp_path / "december.xml"), Confirm.NEW).status == Status.COMPLETED


def test_the_form_asks_for_what_is_new_and_a_job_of_an_older_version_too(operator, tmp_path):
    feed = xml_feed(tmp_path / "tiles.xml")
    page = operator.get("/admin/data-import")
    assert '<option value="new" selected>of a feed that is new here</option>' in (
        page.content.decode()
    )
    assert Confirm(True) is Confirm.NEW
    with feed.open("rb") as file:
        act(operator, "/admin/data-import/start", feeds=file, supplier="Northlight", confirm="new")
    work_off()
    assert BackgroundJob.objects.get().waiting_for == Waiting.MAPPING


def test_what_is_confirmed_as_it_was_is_the_same_template(operator, template, tmp_path):
    job = confirm(operator, shown(xml_feed(tmp_path / "december.xml", PRODUCTS[:2])))
    assert (template_of(job), MappingTemplate.objects.count()) == (template, 1)


def test_what_is_changed_is_its_next_version_whatever_the_file_is_called(
    operator, template, tmp_path
):
    job = confirm(operator, shown(xml_feed(tmp_path / "december.xml", PRODUCTS[:2])), colour="")
    assert str(template_of(job)) == "tiles.xml v2"
    assert imported(xml_feed(tmp_path / "january.xml", PRODUCTS[:1]), "--supplier", "Northlight")
    assert str(template_of(BackgroundJob.objects.latest("id"))) == "tiles.xml v2"


def test_a_command_takes_what_is_shown_as_it_is(template, tmp_path):
    job = shown(xml_feed(tmp_path / "december.xml"))
    assert "with --go-on" in manage("jobs", "answer", job.pk).err
    assert manage("jobs", "answer", job.pk, "--go-on").code == 0
    work_off()
    job.refresh_from_db()
    assert (job.status, template_of(job)) == (Status.COMPLETED, template)


def test_a_command_takes_what_the_page_would_confirm(operator, tmp_path, settings):
    """Also what is suggested and not sure, as the page fills it in."""
    settings.MAPPING_CONFIDENCE = 1.0
    feed = xml_feed(tmp_path / "tiles.xml")
    asked = imported(feed, "--supplier", "Southlight")
    confirm(operator, shown(feed, Confirm.NEVER))
    assert asked.waiting_for == Waiting.MAPPING
    assert manage("jobs", "answer", asked.pk, "--go-on").code == 0
    work_off()
    by_page, by_command = DataImportJob.objects.values_list("field_mappings", flat=True)
    assert by_command == by_page
    assert [each["target"] for each in by_page["fields"]]


def test_a_command_does_not_take_what_the_page_would_refuse(tmp_path, settings):
    settings.MAPPING_CONFIDENCE = 1.0
    nameless = [{"amount": f"{n}.50 EUR", "note": f"as {n}"} for n in range(1, 5)]
    job = imported(xml_feed(tmp_path / "t.xml", nameless), "--supplier", "N")
    answer = manage("jobs", "answer", job.pk, "--go-on")
    assert (answer.code, "No field is mapped yet" in answer.err) == (2, True)
    job.refresh_from_db()
    assert job.waiting_for == Waiting.MAPPING


def test_a_given_mapping_is_shown_first(operator, tmp_path):
    fields = {"sku": "sku", "name": "name", "price": "price", "colour": "finish"}
    given = Mapping.from_json([{"source": s, "target": t} for s, t in fields.items()])
    job = shown(xml_feed(tmp_path / "tiles.xml"), mapping=given)
    assert (job.waiting_for, targets(job)) == (Waiting.MAPPING, fields)
    assert confirm(operator, job).status == Status.COMPLETED
    assert lines_of()["NL-1"]["finish"] == "grey"


def test_one_look_answers_the_currency_too(operator, template, tmp_path):
    job = shown(xml_feed(tmp_path / "december.xml", without_currency()))
    assert (job.waiting_for, targets(job)["colour"]) == (Waiting.CURRENCY, "finish")
    found = DataImportJob.objects.get(background_job=job)
    page = operator.get(f"/admin/data-import/{found.pk}/mapping").context["mapping_page"]
    act(operator, f"/admin/data-import/{found.pk}/answer", **page.form | {"currency": "SEK"})
    work_off()
    job.refresh_from_db()
    assert job.status == Status.COMPLETED
