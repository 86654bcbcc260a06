"""The library of mapping templates: versions that stay, what is set aside, files in and out."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imports import template_library as library
from imports.mapping import Mapping
from imports.models import DataImportJob, MappingTemplate
from jobtracker import lifecycle, schedules
from jobtracker.catalogue.models import Supplier
from jobtracker.models import AuditEntry, BackgroundJob, JobCheckpoint, JobSchedule, User
from jobtracker.states import Waiting
from jobtracker.uploads import SourceRefused
from tests.db.import_runs import (
    PRODUCTS,
    imported,
    manage,
    refused,
    without_currency,
    work_off,
    xml_feed,
)
from tests.db.jobs import make_job
from tests.db.pages import act, signed_in
from tests.db.schedules import make_schedule

pytestmark = pytest.mark.django_db

LIST = "/admin/data-import/templates"
FIELDS = [
    {"source": "sku", "target": "sku", "transform": None},
    {"source": "name", "target": "name", "transform": None},
    {"source": "price", "target": "price", "transform": None},
]
MAPPING = {"fields": FIELDS, "defaults": {"currency": "EUR"}}


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


def make(supplier: Supplier, name: str = "tiles.xml", **values) -> MappingTemplate:
    values = {"shape": "s", "mapping": MAPPING, "record_path": "/catalog/product"} | values
    return MappingTemplate.objects.create(supplier=supplier, name=name, **values)


def address(template: MappingTemplate, page: str = "") -> str:
    name = f"import-template-{page}" if page else "import-template"
    return reverse(name, args=[template.pk])


def text_of(response) -> str:
    return response.content.decode()


def said(client, answer) -> str:
    """What the page says to which an act leads."""
    page = client.get(answer["Location"])
    return " ".join(str(message) for message in page.context["messages"])


def run_of(
    template: MappingTemplate, fields: list[str], answer: dict | None = None
) -> DataImportJob:
    """An import that obeyed a template, of a feed with these fields."""
    job = make_job(supplier_id=template.supplier_id)
    BackgroundJob.objects.filter(pk=job.pk).update(answer=answer or {})
    survey = {"count": 1, "unusable": [], "fields": [surveyed(name) for name in fields]}
    parsed = {"survey": survey}
    for stage, data in (("feed_parsed", parsed), ("fields_mapped", {"by": "template"})):
        JobCheckpoint.objects.create(job=job, stage=stage, state="done", attempt=1, data=data)
    DataImportJob.objects.filter(background_job=job).update(template=template)
    return DataImportJob.objects.get(background_job=job)


def surveyed(name: str) -> dict:
    return {
        "source": name, "coverage": 1.0, "distinct": 1, "counted": 1,
        "samples": [f"some {name}"], "repeated": False, "max_length": 9,
    }  # fmt: skip


def confirmed(tmp_path, name: str = "tiles.xml") -> MappingTemplate:
    """A template as a person makes one: by confirming what a feed's mapping is."""
    job = imported(xml_feed(tmp_path / name, without_currency()), "--supplier", "N")
    assert job.waiting_for == Waiting.CURRENCY
    reply = {**job.question["mapping"], "defaults": {"currency": "EUR"}, "remember": True}
    assert lifecycle.answer(job.pk, Waiting.CURRENCY, reply, None)
    work_off()
    return MappingTemplate.objects.get()


def edited(template: MappingTemplate, *fields: dict, **changed: str) -> dict[str, str]:
    """The form of a template whose feed is not known, with these fields instead of its own."""
    mapping = {**template.mapping, "fields": fields or template.mapping["fields"]}
    return {"after": str(template.version), "save": "1", "text": json.dumps(mapping)} | changed


def form_of(client, template: MappingTemplate, **changed: str) -> dict[str, str]:
    """The form of a template whose feed is known, as its page gives it, with changes."""
    form = client.get(address(template, "edit")).context["form"]
    kept = {"after": str(template.version), "save": "1", "feed": str(form.feed)}
    return kept | form.page.form | changed


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


def test_an_edit_is_a_new_version_and_leaves_the_old_one(operator, template):
    run_of(template, ["sku", "name", "price", "net"])
    step = {"step-3-0-do": "divide", "step-3-0-field": "sku"}
    form = form_of(
        operator, template, **{"target-2": "", "target-3": "price", **step, "default-unit": "m2"}
    )
    answer = act(operator, address(template, "edit"), **form)
    first, second = MappingTemplate.objects.order_by("version")
    assert answer["Location"] == address(second)
    assert (first.mapping, second.version, second.shape) == (MAPPING, 2, "s")
    assert second.mapping["fields"][2:] == [
        {"source": "net", "target": "price", "transform": [{"do": "divide", "field": "sku"}]}
    ]
    assert second.mapping["defaults"] == {"currency": "EUR", "unit": "m2"}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.subject_id) == (
        "change", "mapping template", str(second.pk),
    )  # fmt: skip


def test_the_form_shows_samples_of_the_last_feed_and_what_is_left_out(operator, template):
    run_of(template, ["sku", "name", "price", "colour"])
    newest = run_of(template, ["sku"])  # not read yet
    JobCheckpoint.objects.filter(job=newest.background_job_id).delete()
    page = operator.get(address(template, "edit")).context["mapping_page"]
    assert [(line.source, line.target) for line in page.lines] == [
        ("sku", "sku"), ("name", "name"), ("price", "price"), ("colour", ""),
    ]  # fmt: skip
    assert page.lines[3].samples == ["some colour"]


def test_a_button_adds_a_step_and_saves_nothing(operator, template):
    run_of(template, ["sku", "name", "price"])
    form = form_of(operator, template, **{"act": "add-1", "add-1": "constant"})
    del form["save"]
    page = act(operator, address(template, "edit"), **form)
    [step] = page.context["mapping_page"].lines[1].steps
    assert (page.status_code, step.do) == (200, "constant")
    assert MappingTemplate.objects.count() == 1


def test_a_script_gets_the_line_that_it_asks_for(operator, template):
    run_of(template, ["sku", "name", "price"])
    url = address(template, "edit")
    form = form_of(operator, template)
    del form["save"]
    token = operator.get(url).context["csrf_token"]
    data = {**form, "csrfmiddlewaretoken": str(token)}
    line = operator.post(url, data, headers={"HX-Target": "line-2"})
    assert text_of(line).strip().startswith('<li id="line-2"')


def test_where_the_feed_is_not_known_or_lacks_a_field_the_mapping_is_edited_as_json(
    operator, template
):
    assert operator.get(address(template, "edit")).context["mapping_page"] is None
    run_of(template, ["sku", "name"])
    page = operator.get(address(template, "edit"))
    assert page.context["mapping_page"] is None
    assert json.loads(page.context["text"]) == MAPPING
    act(operator, address(template, "edit"), **edited(template, *FIELDS[:2]))
    assert MappingTemplate.objects.get(version=2).mapping == {**MAPPING, "fields": FIELDS[:2]}


def test_a_form_belongs_to_the_feed_that_it_was_made_of(operator, template):
    run_of(template, ["sku", "name", "price"])
    form = form_of(operator, template)
    run_of(template, ["price", "name", "sku"])  # its lines have the same numbers
    answer = act(operator, address(template, "edit"), **form)
    assert "says the same already" in said(operator, answer)
    form["feed"] = str(uuid4())
    page = act(operator, address(template, "edit"), **form)
    assert "is not kept any more" in page.context["wrong"]
    assert MappingTemplate.objects.count() == 1


def test_an_edit_without_a_change_saves_nothing(operator, template):
    answer = act(operator, address(template, "edit"), **edited(template))
    assert "says the same already" in said(operator, answer)
    run_of(template, ["sku", "name", "price"])
    answer = act(operator, address(template, "edit"), **form_of(operator, template))
    assert "says the same already" in said(operator, answer)
    assert MappingTemplate.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "The mapping is not JSON: "),
        ('{"fields": [{"source": "a", "target": "cost"}]}', "the unknown target"),
        ('[{"source": "a", "target": "name", "transform": [{"do": "fold"}]}]', "is no transform"),
        ('{"fields": [{"source": "a", "target": "name"}], "defaults": {"currency": "EU1"}}', "ISO"),
        ('[{"source": "a\\u0000", "target": "name"}]', "a NUL"),
    ],
)
def test_what_no_run_can_obey_is_told_and_kept_in_the_form(operator, template, text, sentence):
    page = act(operator, address(template, "edit"), **edited(template, text=text))
    assert page.status_code == 400
    assert sentence in page.context["wrong"]
    assert page.context["text"] == text
    assert MappingTemplate.objects.count() == 1


def test_what_no_database_takes_is_left_out_of_an_edit(operator, template):
    run_of(template, ["sku", "name", "price"])
    changed = {"target-1": "attribute.a\0b", "default-brand": "\0Nord", "decimal": "\0,"}
    act(operator, address(template, "edit"), **form_of(operator, template, **changed))
    saved = MappingTemplate.objects.get(version=2).mapping
    assert saved["fields"][1]["target"] == "attribute.ab"
    assert saved["defaults"]["brand"] == "Nord"


def test_what_is_wrong_with_the_filled_in_form_is_told(operator, template):
    run_of(template, ["sku", "name", "price"])
    for changed, sentence in (
        ({"target-0": "", "target-1": ""}, "Choose a key, an article code or a name"),
        ({"currency": "EU1"}, "EU1 is no ISO 4217 currency code."),
        ({"target-1": "price"}, "Two fields feed price"),
    ):
        form = form_of(operator, template, **changed)
        page = act(operator, address(template, "edit"), **form)
        assert (page.status_code, sentence in page.context["wrong"]) == (400, True)
        assert page.context["mapping_page"].lines[1].target == form["target-1"]
    assert MappingTemplate.objects.count() == 1


def test_a_field_that_feeds_of_the_shape_have_not_is_refused(operator, tmp_path):
    template = confirmed(tmp_path)
    content = json.dumps([{"source": "naem", "target": "name"}]).encode()
    file = SimpleUploadedFile("m.json", content)
    answer = act(operator, address(template, "upload"), file=file)
    assert 'The feed has no field "naem".' in said(operator, answer)
    assert MappingTemplate.objects.count() == 1


def test_what_someone_saved_meanwhile_is_not_written_over(operator, template):
    make(template.supplier, version=2, mapping={"fields": FIELDS[:2], "defaults": {}})
    page = act(operator, address(template, "edit"), **edited(template, FIELDS[1]))
    assert "Someone has saved version 2 meanwhile" in text_of(page)
    assert MappingTemplate.objects.count() == 2


def test_an_older_version_is_used_again_as_a_new_one(operator, template, tmp_path):
    make(template.supplier, version=2, shape="other", mapping={"fields": FIELDS[:2]})
    act(operator, address(template, "use-again"))
    newest = MappingTemplate.objects.get(version=3)
    assert (newest.mapping, newest.shape) == (MAPPING, "s")


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


# --- files ---


def test_a_download_is_what_mapping_takes(operator, tmp_path):
    template = confirmed(tmp_path)
    answer = operator.get(address(template, "download"))
    assert 'filename="tiles.xml.v1.json"' in answer["Content-Disposition"]
    path = tmp_path / "mapping.json"
    path.write_bytes(answer.content)
    feed = xml_feed(tmp_path / "other.xml", without_currency())
    job = imported(feed, "--supplier", "Other", "--mapping", path)
    assert job.status == "completed"


def test_an_uploaded_file_that_names_all_fields_is_matched_by_shape(operator, tmp_path):
    template = confirmed(tmp_path)
    content = operator.get(address(template, "download")).content
    file = SimpleUploadedFile("mapping.json", content)
    answer = act(operator, f"{LIST}/new", supplier="Fresh", name="tiles", file=file)
    made = MappingTemplate.objects.get(name="tiles")
    assert answer["Location"] == address(made)
    assert (made.shape, made.mapping) == (template.shape, template.mapping)
    feed = xml_feed(tmp_path / "fresh.xml", without_currency())
    assert imported(feed, "--supplier", "Fresh").status == "completed"
    assert DataImportJob.objects.latest("pk").template == made


def test_what_suggest_mapping_prints_is_taken_as_the_next_version(operator, tmp_path, template):
    feed = xml_feed(tmp_path / "tiles.xml")
    printed = manage("suggest_mapping", feed).out.encode()
    file = SimpleUploadedFile("suggested.json", printed)
    act(operator, address(template, "upload"), file=file)
    newest = MappingTemplate.objects.get(version=2)
    assert {field["target"] for field in newest.mapping["fields"]} >= {"name", "price"}
    assert newest.shape == template.shape


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "m.json is not JSON: "),
        (b'[{"source": "\xff', "m.json is no UTF-8 text: see byte 14."),
        (
            b'{"fields": [], "count": ' + b"9" * 5_000 + b"}",
            "m.json holds a number that is too long",
        ),
        (b"[" * 100_000, "m.json is nested too deeply for a mapping."),
        (b'{"fields": []}', "m.json: The mapping uses no field."),
        (b'[{"source": "a", "target": "cost"}]', "unknown target"),
        (b'[{"source": "a\\u0000", "target": "name"}]', "a NUL"),
        (b'[{"source": "a", "target": "name"}, {"source": "\\ud800"}]', "half a character"),
        (b" " * 1_000_001, "at most 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(operator, template, content, sentence):
    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("m.json", content)

    page = act(operator, f"{LIST}/new", supplier="N", name="new", file=file())
    assert page.status_code == 400
    assert sentence in str(page.context["form"].errors["file"])
    answer = act(operator, address(template, "upload"), file=file())
    assert sentence in said(operator, answer)
    assert MappingTemplate.objects.count() == 1


def test_a_new_template_needs_a_free_name(operator, template):
    file = SimpleUploadedFile("m.json", json.dumps(MAPPING).encode())
    page = act(operator, f"{LIST}/new", supplier="N", name="tiles.xml", file=file)
    assert "There is a template" in str(page.context["form"].errors["name"])


def test_naming_a_template_takes_its_newest_version(tmp_path, user):
    template = confirmed(tmp_path)
    fields = [each for each in template.mapping["fields"] if each["target"] != "colour"]
    mapping = Mapping.from_json({**template.mapping, "fields": fields})
    newest = library.add_version(template, mapping, user)
    feed = xml_feed(tmp_path / "more.xml", without_currency())
    job = imported(feed, "--supplier", "N", "--mapping", template.name)
    assert DataImportJob.objects.get(background_job=job).template == newest


def test_a_template_of_that_name_is_missing(tmp_path):
    feed = xml_feed(tmp_path / "tiles.xml", PRODUCTS)
    sentence = refused(manage("import_feed", feed, "--supplier", "N", "--mapping", "nothing"))
    assert "no template of that name in use" in sentence


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
