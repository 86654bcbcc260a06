"""The job page: the sentence, the stages over time, the history, and the acts."""

from datetime import datetime, timedelta
from re import findall
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from jobtracker import lifecycle
from jobtracker.lifecycle import Failure
from jobtracker.models import AuditEntry, BackgroundJob, JobCheckpoint, JobEvent
from jobtracker.monitor import live
from jobtracker.monitor.job import JobPage
from jobtracker.pipelines import Counts
from jobtracker.states import Priority, Waiting
from tests.db.ended_jobs import end, tried
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


def said(answer, client) -> str:
    """Return the page that an act led to, with what it says of the act."""
    return client.get(answer.headers["location"]).content.decode()


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


def test_says_when_a_job_that_is_asked_to_stop_is_killed(pipeline, queues, operator, settings):
    settings.GRACE_SECONDS = 8
    job, _ = running(current_stage="second")
    assert "data-until" not in operator.get(url(job)).content.decode()
    lifecycle.cancel([job.pk], None)
    row = page_of(job).row
    assert (row.left, row.cancellable) == ("at most 8 s", False)
    asked_at = BackgroundJob.objects.get(pk=job.pk).cancel_requested_at
    assert row.kill_at == asked_at + timedelta(seconds=8)
    stops = f'data-until="{row.kill_at.isoformat()}">at most '
    assert stops in operator.get(url(job)).content.decode()
    assert stops in operator.get("/admin/async-queue-monitor").content.decode()


def test_a_cancel_says_beforehand_what_it_does_to_this_job(pipeline, queues, operator):
    waiting = make_job()
    shown = operator.get(url(waiting)).content.decode()
    assert 'data-act="cancel"' in shown
    assert 'data-cancel="It does not run, so it is cancelled at once.' in shown
    claim()
    assert 'data-act="stop"' in operator.get(url(waiting)).content.decode()
    acts = page_of(waiting).row.actions.split()
    assert "stop" in acts
    assert "cancel" not in acts


def test_a_long_reason_is_no_headline(pipeline, queues, operator):
    job, reason = make_job(), "The supplier sent last year's feed again. " * 10
    lifecycle.mark_failed(job.pk, reason, None)
    assert page_of(job).trouble.parts == ("", f"Marked failed by hand: {reason}".strip())
    shown = operator.get(url(job)).content.decode()
    assert "<b>Failed</b>" in shown
    assert '<p class="jt-whole" tabindex="0">Marked failed by hand: The supplier' in shown
    assert sentence(job) == "Failed before its first attempt."


def test_a_short_one_is_told_once(pipeline, queues, operator):
    job = make_job()
    lifecycle.mark_failed(job.pk, "Wrong feed.", None)
    assert page_of(job).trouble.parts == ("Marked failed by hand: Wrong feed.", "")
    assert 'class="jt-whole"' not in operator.get(url(job)).content.decode()


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
    end(job)
    tried(job, "completed", took=90)
    BackgroundJob.objects.filter(pk=job.pk).update(**values)
    assert sentence(job) == said


def test_a_job_took_as_long_as_its_attempts_worked(pipeline, queues, operator):
    job = make_job()
    end(job, took=1289)
    tried(job, "waiting", took=9, minutes=21)
    tried(job, "completed", 2, took=11)
    assert page_of(job).row.duration == "20 s"
    assert "<dt>Took</dt><dd>20 s</dd>" in operator.get(url(job)).content.decode()


def test_a_running_job_goes_on_from_what_its_attempts_worked(pipeline, queues, operator):
    job, _ = running()
    tried(job, "handed_back", 2, took=600, hours=1)
    row = page_of(job).row
    assert row.duration == "10 m 00 s"
    for page in (url(job), "/admin/async-queue-monitor"):
        [since] = findall('data-since="([^"]+)"', operator.get(page).content.decode())
        assert (datetime.fromisoformat(since) - row.worked_since).total_seconds() < 5


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


@pytest.mark.parametrize(
    "name",
    [
        *("cancel", "retry", "retry-failed", "priority"),
        *("mark-failed", "mark-completed", "run-again"),
    ],
)
def test_viewers_see_and_do_not_act(pipeline, queues, client, name):
    viewer = signed_in(client, "Viewers")
    job = make_job()
    assert viewer.get(url(job)).status_code == 200
    form = {"reason": "x", "stage": "first", "priority": "high"}
    assert act(viewer, url(job, name), **form).status_code == 403
    assert viewer.get(url(job, name)).status_code in (403, 405)
    found = BackgroundJob.objects.get(pk=job.pk)
    assert (found.status, found.priority) == ("pending", Priority.NORMAL)
    assert not AuditEntry.objects.exists()


def test_a_pending_job_gets_another_priority_and_a_running_one_does_not(pipeline, operator):
    job = make_job()
    act(operator, url(job, "priority"), priority="urgent")
    assert BackgroundJob.objects.get(pk=job.pk).priority == Priority.NORMAL
    assert "Choose a priority." in said(
        act(operator, url(job, "priority"), next=url(job)), operator
    )
    answer = act(operator, url(job, "priority"), priority="high", next=url(job))
    assert "Priority: high." in said(answer, operator)
    assert BackgroundJob.objects.get(pk=job.pk).priority == Priority.HIGH
    assert "high priority" in page_of(job).row.origin
    claim()
    answer = act(operator, url(job, "priority"), priority="low", next=url(job))
    assert "would change nothing" in said(answer, operator)
    [entry] = AuditEntry.objects.filter(subject="job")
    assert (entry.action, entry.details) == ("prioritise", {"priority": "high"})


def test_failed_items_are_done_again_by_a_job_of_their_own(pipeline, operator):
    job, claimed = running()
    lifecycle.complete(claimed.token, Counts(total=14, done=2, failed=12))
    pipeline.retry_failed = lambda job, user: lifecycle.create(
        "xml_import",
        detail={"import_type": "xml"},
        unique_key=f"failed of {job.pk}",
        created_by=user,
        parent_id=job.pk,
    )
    assert "Retry 12 failed items" in operator.get(url(job)).content.decode()
    answer = act(operator, url(job, "retry-failed"), next=url(job))
    again = BackgroundJob.objects.get(parent=job)
    assert f'<a href="{url(again)}">job {str(again.pk)[-4:]}</a>' in said(answer, operator)
    assert (again.status, again.created_by.username) == ("pending", "operators")
    [entry] = AuditEntry.objects.filter(subject_id=job.pk)
    assert (entry.action, entry.details) == ("run items again", {"job": str(again.pk)})
    answer = act(operator, url(job, "retry-failed"), next=url(job))
    assert "being done again already" in said(answer, operator)
    assert url(job) in operator.get(url(again)).content.decode()


def test_failed_items_that_cannot_be_done_again_are_refused_with_a_sentence(pipeline, operator):
    job, claimed = running()
    answer = act(operator, url(job, "retry-failed"), next=url(job))
    assert "It still runs" in said(answer, operator)
    lifecycle.complete(claimed.token, Counts(total=2, done=2))
    assert "failed item" not in operator.get(url(job)).content.decode()
    answer = act(operator, url(job, "retry-failed"), next=url(job))
    assert "None of its items failed." in said(answer, operator)
    BackgroundJob.objects.filter(pk=job.pk).update(done_items=1, failed_items=1)
    answer = act(operator, url(job, "retry-failed"), next=url(job))
    assert "cannot do single items again" in said(answer, operator)
    assert BackgroundJob.objects.count() == 1


def test_a_refused_retry_links_to_the_job_that_does_the_same(pipeline, operator):
    job = make_job(unique_key="same")
    lifecycle.cancel([job.pk], None)
    standing = make_job(unique_key="same")
    for name, form in (("retry", {}), ("run-again", {"stage": "first", "reason": "r"})):
        answer = act(operator, url(job, name), next=url(job), **form)
        assert f'<a href="{url(standing)}">' in said(answer, operator)
    assert BackgroundJob.objects.get(pk=job.pk).status == "cancelled"


def test_says_why_a_pending_job_waits_and_says_it_again(pipeline, operator):
    job = make_job()
    lifecycle.set_queue("xml_import", None, paused=True)
    assert "Import is paused since" in sentence(job)
    assert "attempt" not in sentence(job)
    found = operator.get(url(job)).content.decode()
    assert f'data-poll="{url(job, "said")}"' in found
    fragment = operator.get(url(job, "said")).content.decode()
    assert "Import is paused since" in fragment
    assert fragment.startswith('<p class="jt-said" id="jt-said"')


def test_leads_to_where_the_answer_is_given(pipeline, operator):
    job, claimed = running()
    assert operator.get(url(job, "answer")).headers["location"] == url(job)
    lifecycle.wait(claimed.token, Waiting.MAPPING, {})
    pipeline.answer_url = lambda job_id: f"/answer/{job_id}"
    assert operator.get(url(job, "answer")).headers["location"] == f"/answer/{job.pk}"


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
        end(earlier)
        tried(earlier, "completed", took=seconds)
    job = make_job(supplier_id=supplier.pk)
    end(job)
    tried(job, "completed", took=150)
    page = page_of(job)
    assert page.compared["slower"] == 50
    assert len(page.runs) == 4
    assert "50 % slower than usual" in operator.get(url(job)).content.decode()
