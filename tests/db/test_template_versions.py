"""A mapping template is changed by adding a version: by its form, as JSON, and from a file."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports import template_library as library
from imports.mapping import Mapping
from imports.models import DataImportJob, MappingTemplate
from jobtracker.catalogue.models import Supplier
from jobtracker.models import AuditEntry, JobCheckpoint, User
from tests.db.import_runs import (
    PRODUCTS,
    imported,
    manage,
    refused,
    without_currency,
    xml_feed,
)
from tests.db.pages import act, signed_in
from tests.db.templates import (
    FIELDS,
    MAPPING,
    address,
    confirmed,
    edited,
    form_of,
    make,
    run_of,
    said,
    text_of,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/data-import/templates"


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
