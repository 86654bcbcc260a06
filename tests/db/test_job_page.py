"""The job page: the sentence, the stages over time, the history, and the acts."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from jobtracker import lifecycle
from jobtracker.lifecycle import Failure
from jobtracker.models import AuditEntry, BackgroundJob, JobCheckpoint, JobEvent
from jobtracker.monitor import live
from jobtracker.monitor.job import JobPage
from jobtracker.states import Waiting
from tests.db.jobs import claim, make_job, pipeline_in_place
from tests.db.pages import act, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline():
    with pipeline_in_place() as stand_in:
        yield stand_in


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def url(job: BackgroundJob, act: str = "") -> str:
    return f"/admin/async-queue-monitor/jobs/{job.pk}{act and '/' + act}"


def page_of(job: BackgroundJob) -> JobPage:
    page = JobPage.of(job.pk)
    assert page
    return page


def sentence(job: BackgroundJob) -> str:
    return "".join(text for text, _ in page_of(job).said)


def mark(job: BackgroundJob, attempt: int, stage: str, kind: str, ago: float) -> None:
    JobEvent.objects.create(
        job=job,
        attempt=attempt,
        stage=stage,
        message=kind,
        data={"mark": kind},
        at=Now() - timedelta(seconds=ago),
    )


def running(**values) -> tuple[BackgroundJob, lifecycle.Claimed]:
    job = make_job()
    claimed = claim()
    BackgroundJob.objects.filter(pk=job.pk).update(**values)
    return BackgroundJob.objects.get(pk=job.pk), claimed


def test_says_where_a_running_job_stands(pipeline, queues):
    job, _ = running(
        current_stage="second",
        stage_done=3120,
        stage_total=8000,
        progress=39,
        expected_at=Now() + timedelta(seconds=40),
        retry_count=1,
    )
    assert sentence(job) == (
        "Stage 2 of 2, 3,120 of 8,000 items, about 40 s left, attempt 2 of 3 on host."
    )


def test_says_when_a_job_that_is_asked_to_stop_is_killed(pipeline, queues, settings):
    settings.GRACE_SECONDS = 8
    job, _ = running(current_stage="second")
    lifecycle.cancel([job.pk], None)
    assert sentence(job) == (
        "Asked to stop; it is killed in at most 8 s. Stage 2 of 2, attempt 1 of 3 on host."
    )
    assert not page_of(job).row.cancellable


def test_says_what_a_job_waits_for_and_links_to_the_answer(pipeline, queues, operator):
    job, claimed = running()
    lifecycle.wait(claimed.token, Waiting.MAPPING, {"message": "Which field is the price?"})
    pipeline.answer_url = lambda job_id: f"/answer/{job_id}"
    assert sentence(job) == "It needs a field mapping and holds no slot."
    found = operator.get(url(job)).content.decode()
    assert "Which field is the price?" in found
    assert f'href="/answer/{job.pk}"' in found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"result": {"materials": 7996}, "total_items": 9, "done_items": 7, "failed_items": 2},
            "7,996 materials in 1 m 30 s, 2 items failed.",
        ),
        ({"result": {"note": "Unchanged since yesterday."}}, "Unchanged since yesterday."),
    ],
)
def test_says_what_a_finished_job_made(pipeline, queues, values, said):
    job = make_job()
    times = {"started_at": Now() - timedelta(seconds=90), "completed_at": Now()}
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="completed", progress=100, **times, **values
    )
    assert sentence(job) == said


def test_draws_a_lane_an_attempt_and_hatches_what_was_kept(pipeline, queues):
    job, claimed = running()
    mark(job, 1, "first", "started", 60)
    mark(job, 1, "first", "done", 40)
    mark(job, 1, "second", "started", 40)
    lifecycle.crash(claimed.token, Failure("Killed by signal 9.", stage="second"))
    again = claim()
    BackgroundJob.objects.filter(pk=job.pk).update(current_stage="second")
    mark(job, again.number, "first", "kept", 0)
    mark(job, again.number, "second", "resumed", 0)
    JobCheckpoint.objects.create(
        job=job, stage="first", state="done", attempt=1, items=7, seconds=20
    )
    fall = page_of(job).waterfall
    first, second = fall.stages
    assert [span.kind for span in first.spans] == ["completed", "resumed"]
    assert [span.kind for span in second.spans] == ["failed", "wait", "processing"]
    assert first.spans[0].y < first.spans[1].y
    assert (first.state, first.items, first.took) == ("completed", "7 items", "20 s")
    assert second.state == "processing"
    assert fall.lanes == "Upper lane attempt 1, lower lane attempt 2."
    for span in first.spans + second.spans:
        assert 0 <= span.x <= span.x + span.width <= 100.01


def test_shows_the_failure_with_its_traceback(pipeline, queues, operator):
    job, claimed = running()
    lifecycle.fail(claimed.token, Failure("The file is empty.", "Permanent", "Traceback <x>"))
    found = operator.get(url(job)).content.decode()
    assert "The file is empty." in found
    assert "Traceback &lt;x&gt;" in found
    assert f'formaction="{url(job, "retry")}"' in found


def test_shows_items_of_the_pipeline_first(pipeline, queues, operator):
    pipeline.items_template = "jobtracker/state.html"
    pipeline.items = lambda job_id, request: {"state": {"label": "One failed row"}}
    job = make_job()
    assert "One failed row" in operator.get(url(job)).content.decode()
    assert "One failed row" in operator.get(url(job, "panel")).content.decode()
    assert "One failed row" not in operator.get(url(job), {"tab": "log"}).content.decode()


@pytest.mark.parametrize("tab", ["", "log", "attempts", "data", "nonsense"])
def test_every_tab_of_every_state(pipeline, queues, operator, tab):
    pending = make_job()
    job, claimed = running()
    lifecycle.fail_retryably(claimed.token, Failure("Timed out."))
    for each in (pending, job):
        assert operator.get(url(each), {"tab": tab}).status_code == 200
        assert operator.get(f"{url(each)}/", {"tab": tab}).status_code == 200


def test_unknown_job_is_not_found(operator):
    assert operator.get(f"/admin/async-queue-monitor/jobs/{uuid4()}").status_code == 404


def test_cancels_and_retries(pipeline, queues, operator):
    job = make_job()
    response = act(operator, url(job, "cancel"), next=url(job))
    assert response.headers["location"] == url(job)
    assert BackgroundJob.objects.get(pk=job.pk).status == "cancelled"
    act(operator, url(job, "retry"))
    assert BackgroundJob.objects.get(pk=job.pk).status == "pending"


def test_returns_to_our_own_pages_only(pipeline, queues, operator):
    response = act(operator, url(make_job(), "cancel"), next="https://elsewhere.example/")
    assert response.headers["location"] == "/admin/async-queue-monitor"


def test_repairs_by_hand_need_a_reason(pipeline, queues, operator):
    job = make_job()
    act(operator, url(job, "mark-failed"), reason="  ")
    assert BackgroundJob.objects.get(pk=job.pk).status == "pending"
    act(operator, url(job, "mark-failed"), reason="The supplier withdrew it")
    assert BackgroundJob.objects.get(pk=job.pk).status == "failed"
    act(operator, url(job, "run-again"), reason="Withdrawn no more", stage="no such stage")
    assert BackgroundJob.objects.get(pk=job.pk).status == "failed"
    act(operator, url(job, "run-again"), reason="Withdrawn no more", stage="second")
    assert BackgroundJob.objects.get(pk=job.pk).status == "pending"
    assert pipeline.forgotten == ["second"]
    act(operator, url(job, "mark-completed"), reason="Done elsewhere")
    assert BackgroundJob.objects.get(pk=job.pk).status == "completed"
    reasons = list(AuditEntry.objects.order_by("id").values_list("reason", flat=True))
    assert reasons == ["The supplier withdrew it", "Withdrawn no more", "Done elsewhere"]


@pytest.mark.parametrize("name", ["cancel", "retry", "mark-failed", "mark-completed", "run-again"])
def test_viewers_see_and_do_not_act(pipeline, queues, client, name):
    viewer = signed_in(client, "Viewers")
    job = make_job()
    assert viewer.get(url(job)).status_code == 200
    assert act(viewer, url(job, name), reason="x", stage="first").status_code == 403
    assert viewer.get(url(job, name)).status_code in (403, 405)
    assert BackgroundJob.objects.get(pk=job.pk).status == "pending"


def test_live_parts_of_each_job_that_exists(pipeline, queues):
    job = make_job()
    parts = live.render_jobs([job.pk, uuid4()])
    assert parts.keys() == {job.pk}
    for element in ("jt-actions", "jt-top", "jt-mid"):
        assert f'id="{element}"' in parts[job.pk]
    assert "csrfmiddlewaretoken" not in parts[job.pk]


def test_compares_with_earlier_runs_of_the_same_source(pipeline, queues, operator):
    from jobtracker.catalogue.models import Supplier

    supplier = Supplier.objects.create(name="Northstone")
    for seconds in (60, 100, 200):
        earlier = make_job(supplier_id=supplier.pk)
        BackgroundJob.objects.filter(pk=earlier.pk).update(
            status="completed",
            progress=100,
            started_at=Now() - timedelta(seconds=seconds),
            completed_at=Now(),
        )
    job = make_job(supplier_id=supplier.pk)
    BackgroundJob.objects.filter(pk=job.pk).update(
        status="completed",
        progress=100,
        started_at=Now() - timedelta(seconds=150),
        completed_at=Now(),
    )
    page = page_of(job)
    assert page.compared["slower"] == 50
    assert len(page.runs) == 4
    assert "50 % slower than usual" in operator.get(url(job)).content.decode()
