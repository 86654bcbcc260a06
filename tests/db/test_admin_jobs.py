"""Jobs, queues and mapping templates are mended in the admin by the lifecycle, with a reason."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from imports.models import MappingTemplate
from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.lifecycle import Failure
from jobtracker.models import AuditEntry, BackgroundJob, JobCheckpoint, JobQueue
from jobtracker.pipelines import Counts
from jobtracker.states import Priority, Status
from tests.db.jobs import claim, make_job, pipeline_in_place
from tests.db.pages import act, signed_in

pytestmark = pytest.mark.django_db

LIST = "/admin/jobtracker/backgroundjob/"


@pytest.fixture(autouse=True)
def pipeline():
    with pipeline_in_place() as stand_in:
        yield stand_in


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def repair(client, name: str, *jobs: BackgroundJob, **form: str):
    chosen = "&".join(f"job={job.pk}" for job in jobs)
    return act(client, f"{reverse('admin:repair-jobs', args=[name])}?{chosen}", **form)


def failed_job() -> BackgroundJob:
    job = make_job()
    lifecycle.fail(claim().token, Failure("It broke."))
    return job


def status(job: BackgroundJob) -> str:
    return BackgroundJob.objects.get(pk=job.pk).status


@pytest.mark.parametrize(
    ("name", "make", "form", "becomes", "action"),
    [
        ("cancel", make_job, {}, Status.CANCELLED, "cancel"),
        ("retry", failed_job, {}, Status.PENDING, "retry"),
        ("run-again", failed_job, {"stage": "second"}, Status.PENDING, "run again"),
        ("mark-failed", make_job, {}, Status.FAILED, "mark failed"),
        ("mark-completed", failed_job, {}, Status.COMPLETED, "mark completed"),
        ("priority", make_job, {"priority": "3"}, Status.PENDING, "prioritise"),
    ],
)
def test_a_fix_is_made_and_kept_with_its_reason(operator, name, make, form, becomes, action):
    jobs = [make(), make()]
    answer = repair(operator, name, *jobs, reason="the feed was wrong", **form)
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert [status(job) for job in jobs] == [becomes, becomes]
    entries = AuditEntry.objects.filter(action=action, subject="job")
    assert {entry.subject_id for entry in entries} == {str(job.pk) for job in jobs}
    assert {(entry.actor_name, entry.reason) for entry in entries} == {
        ("operators", "the feed was wrong")
    }


@pytest.mark.parametrize("name", ["cancel", "mark-failed", "priority"])
def test_without_a_reason_nothing_is_done(operator, name):
    job = make_job()
    page = repair(operator, name, job, reason=" ", priority="3")
    assert page.status_code == 200
    assert "reason" in page.context["form"].errors
    assert (status(job), AuditEntry.objects.count()) == ("pending", 0)


def test_a_stage_that_was_run_again_is_forgotten(operator):
    job = failed_job()
    for stage in ("first", "second"):
        JobCheckpoint.objects.create(job=job, stage=stage, state="done", attempt=1)
    repair(operator, "run-again", job, stage="second", reason="r")
    assert list(JobCheckpoint.objects.values_list("stage", flat=True)) == ["first"]


def test_what_the_state_forbids_is_said(operator):
    pending, failed = make_job(), None
    failed = make_job()
    lifecycle.mark_failed(failed.pk, "r", None)
    repair(operator, "retry", pending, failed, reason="r")
    said = [str(message) for message in operator.get(LIST).context["messages"]]
    assert said == ["1 job pending again.", "1 job left as found: the state forbids it."]


def test_failed_items_of_several_jobs_are_retried_with_a_reason(operator, pipeline):
    wrong, other, whole = make_job(), make_job(), make_job()
    for counts in (Counts(2, 1, 1), Counts(3, 0, 2, 1), Counts(1, 1)):
        lifecycle.complete(claim().token, counts)
    detail = {"source_name": "tiles.xml", "import_type": "xml"}
    pipeline.retry_failed = lambda job, user: lifecycle.create(
        job.job_type, parent_id=job.pk, created_by=user, detail=detail
    )
    repair(operator, "retry-failed", wrong, other, whole, reason="the feed was mended")
    said = [str(message) for message in operator.get(LIST).context["messages"]]
    assert said == [
        "2 jobs given a new one for what failed.",
        "1 job left as found: the state forbids it.",
    ]
    again = BackgroundJob.objects.exclude(parent=None).values_list("parent_id", flat=True)
    assert set(again) == {wrong.pk, other.pk}
    kept = AuditEntry.objects.filter(reason="the feed was mended")
    assert {entry.subject_id for entry in kept} == {str(wrong.pk), str(other.pk)}


def test_the_list_leads_chosen_jobs_to_the_reason(operator):
    jobs = [make_job(), make_job()]
    page = operator.get(LIST)
    assert {name for name, _ in page.context["action_form"].fields["action"].choices} == {
        "", "cancel", "retry", "retry-failed", "run-again", "mark-failed", "mark-completed",
        "priority",
    }  # fmt: skip
    form = {"action": "cancel", "_selected_action": [str(job.pk) for job in jobs]}
    answer = act(operator, LIST, **form)
    asked = operator.get(answer["Location"])
    assert {job.pk for job in asked.context["jobs"]} == {job.pk for job in jobs}
    assert [status(job) for job in jobs] == ["pending", "pending"]


def test_a_viewer_is_offered_no_fix(client):
    viewer = signed_in(client, "Viewers")
    job = make_job()
    assert viewer.get(LIST).context["action_form"] is None
    page = viewer.get(f"{LIST}{job.pk}/change/")
    assert "/repair/" not in page.content.decode()
    assert 'name="reason"' not in page.content.decode()


def shown(client, address: str) -> dict[str, str]:
    """Return what the form of a page sends back when nothing is changed in it."""
    fields = client.get(address).context["adminform"].form
    sent = {field.html_name: field.value() for field in fields}
    sent |= {f.html_initial_name: f.value() for f in fields if f.field.show_hidden_initial}
    return {name: str(value) for name, value in sent.items() if value not in (None, False)}


def edit(client, job: BackgroundJob, **form: str):
    address = f"{LIST}{job.pk}/change/"
    return act(client, address, **shown(client, address) | form)


def test_supplier_metadata_and_priority_are_edited_through_the_lifecycle(operator):
    job, supplier = make_job(metadata={"a": 1}), Supplier.objects.create(name="Acme")
    form = {"supplier": str(supplier.pk), "priority": "3", "metadata": '{"b": 2}', "reason": "typo"}
    assert edit(operator, job, **form, status="completed").status_code == 302
    changed = BackgroundJob.objects.get(pk=job.pk)
    assert (changed.supplier, changed.priority) == (supplier, Priority.CRITICAL)
    assert (changed.metadata, changed.status) == ({"b": 2}, "pending")
    entry = AuditEntry.objects.get(subject="job")
    assert (entry.action, entry.reason, entry.details["priority"]) == ("edit", "typo", 3)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"priority": "3"}, "reason"),
        ({"metadata": "[1]", "reason": "r"}, "metadata"),
        ({"metadata": "{", "reason": "r"}, "metadata"),
        ({"metadata": '{"a": "\\u0000"}', "reason": "r"}, "metadata"),
        ({"metadata": '{"a": "\\ud800"}', "reason": "r"}, "metadata"),
    ],
)
def test_an_edit_that_cannot_be_kept_is_said_so(operator, form, field):
    page = edit(operator, make_job(), **form)
    assert page.status_code == 200
    assert set(page.context["adminform"].form.errors) == {field}


def test_a_save_that_changes_nothing_writes_nothing(operator):
    assert edit(operator, make_job()).status_code == 302
    assert not AuditEntry.objects.exists()


def test_a_queue_is_paused_through_the_lifecycle(operator):
    JobQueue.objects.get_or_create(job_type="xml_import")
    form = {"paused": "on", "max_running": "2"}
    assert act(operator, "/admin/jobtracker/jobqueue/xml_import/change/", **form).status_code == 302
    queue = JobQueue.objects.get(job_type="xml_import")
    assert (queue.paused, queue.max_running) == (True, 2)
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.subject_id, entry.details) == (
        "queue", "xml_import", {"paused": True, "max_running": 2},
    )  # fmt: skip


def test_a_form_that_is_out_of_date_takes_nothing_back(operator):
    JobQueue.objects.get_or_create(job_type="xml_import")
    job, queue = make_job(), "/admin/jobtracker/jobqueue/xml_import/change/"
    old_job, old_queue = (shown(operator, page) for page in (f"{LIST}{job.pk}/change/", queue))
    lifecycle.set_queue("xml_import", None, paused=True)
    lifecycle.prioritise([job.pk], Priority.HIGH, None)
    act(operator, queue, **old_queue | {"max_running": "3"})
    edited = old_job | {"metadata": '{"a": 1}', "reason": "a note"}
    act(operator, f"{LIST}{job.pk}/change/", **edited)
    kept = JobQueue.objects.get(job_type="xml_import")
    assert (kept.paused, kept.max_running) == (True, 3)
    job = BackgroundJob.objects.get(pk=job.pk)
    assert (job.priority, job.metadata) == (Priority.HIGH, {"a": 1})


@pytest.fixture
def template(db):
    return MappingTemplate.objects.create(
        supplier=Supplier.objects.create(name="Acme"),
        name="tiles",
        shape="s",
        mapping={"fields": [{"source": "a", "target": "name", "transform": None}], "defaults": {}},
    )


def test_a_changed_mapping_is_a_new_version(operator, template):
    url = f"/admin/imports/mappingtemplate/{template.pk}/change/"
    mapping = {"fields": [{"source": "a", "target": "sku"}]}
    assert act(operator, url, mapping=json.dumps(mapping)).status_code == 302
    first, second = MappingTemplate.objects.order_by("version")
    assert (first.pk, first.mapping) == (template.pk, template.mapping)
    assert (second.version, second.shape, second.mapping["fields"][0]["target"]) == (2, "s", "sku")


def test_a_change_of_an_old_version_is_set_aside_as_the_newest_is(operator, template):
    url = f"/admin/imports/mappingtemplate/{template.pk}/change/"
    newest = {"supplier": template.supplier, "name": template.name, "shape": "s", "mapping": {}}
    MappingTemplate.objects.create(version=2, retired_at=timezone.now(), **newest)
    act(operator, url, mapping=json.dumps({"fields": [{"source": "a", "target": "sku"}]}))
    assert MappingTemplate.objects.get(version=3).retired_at


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ('{"fields": [{"source": "a", "target": "nonsense"}]}', "unknown target"),
        ("3", 'an object with a list "fields"'),
        ("{", "valid JSON"),
    ],
)
def test_a_mapping_that_no_run_can_obey_is_said_so(operator, template, mapping, said):
    url = f"/admin/imports/mappingtemplate/{template.pk}/change/"
    page = act(operator, url, mapping=mapping)
    assert said in page.context["adminform"].form.errors["mapping"][0]
    assert MappingTemplate.objects.count() == 1
