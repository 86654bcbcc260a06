"""An attempt from inside: which stages run, what is told, and how each end is classified."""

from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db.utils import InternalError, OperationalError

from jobtracker import context, lifecycle, pipelines
from jobtracker.models import AttemptSession, BackgroundJob, JobCheckpoint
from jobtracker.pipelines import Counts, Stage
from jobtracker.states import (
    JobType,
    LeaseLost,
    Permanent,
    Priority,
    Retryable,
    StageState,
    WaitForPerson,
    Waiting,
)

from .jobs import GOOD, WORKER, claim, make_job, pipeline_in_place

pytestmark = pytest.mark.django_db


class Link:
    """A nurse that only listens; `stops_after` messages it asks the attempt to stop."""

    def __init__(self, reason: str | None = None, stops_after: int = 0) -> None:
        self.messages: list[dict[str, Any]] = []
        self._reason = reason
        self._stops_after = stops_after

    def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def stop(self) -> str | None:
        return self._reason if len(self.messages) >= self._stops_after else None

    @property
    def end(self) -> dict[str, Any]:
        return self.messages[-1]["end"]

    def told(self, kind: str) -> list[Any]:
        return [message[kind] for message in self.messages if kind in message]


@pytest.fixture
def pipeline():
    with pipeline_in_place() as stand_in:
        yield stand_in


def run(link: Link | None = None) -> Link:
    link = link or Link()
    context.run(claim(), link)
    return link


def test_the_stages_run_in_order_and_each_leaves_its_checkpoint(pipeline):
    job = make_job()
    link = run()
    assert link.end["outcome"] == "completed"
    assert Counts(**link.end["counts"]) == GOOD
    kept = list(job.checkpoints.order_by("pk").values_list("stage", "state", "items"))
    assert kept == [("first", "done", 1), ("second", "done", 3)]
    lines = [line["message"] for line in link.told("event") if line["data"]["mark"] == "done"]
    assert lines == ["First: done, items: 1", "Second: done, items: 3"]


def test_a_stage_with_a_checkpoint_is_not_run_again(pipeline):
    job = make_job()
    JobCheckpoint.objects.create(job=job, stage="first", state=StageState.EMPTY, attempt=1)
    pipeline.first_body = lambda context: pytest.fail("ran again")
    assert run().end["outcome"] == "completed"


def test_a_stage_goes_on_from_its_running_checkpoint(pipeline):
    job = make_job()
    seen = []

    def second(context):
        seen.append(context.resumed)
        if not context.resumed:
            context.checkpoint(2, {"number": 2}, StageState.RUNNING)
            raise Retryable("later")
        context.checkpoint(3)

    pipeline.second_body = second
    assert run().end["outcome"] == "retryable"
    lifecycle.hand_back(BackgroundJob.objects.get().attempt_token, "test")
    assert run().end["outcome"] == "completed"
    assert seen == [{}, {"number": 2}]
    assert job.checkpoints.get(stage="second").attempt == 2


def test_a_stage_that_leaves_no_checkpoint_is_a_failure(pipeline):
    make_job()
    pipeline.second_body = lambda context: context.checkpoint(1, state=StageState.RUNNING)
    assert run().end["outcome"] == "failed"


@pytest.mark.parametrize(
    ("counts", "outcome", "message"),
    [
        (Counts(3, 1, 1, 0), "failed", "1 of 3 items have no outcome"),
        (Counts(2, 0, 2, 0, {"cause": "no key"}), "failed", "All 2 items failed: no key"),
        (
            Counts(9, 0, 1, 8, {"cause": "no key"}),
            "failed",
            "Nothing was done: 1 failed, 8 were skipped: no key",
        ),
        (Counts(), "failed", "Nothing was found"),
        (Counts(result={"note": "unchanged"}), "completed", ""),
        (Counts(3, 0, 0, 3), "completed", ""),
        (Counts(3, 1, 2, 0), "completed", ""),
    ],
)
def test_green_means_done(pipeline, counts, outcome, message):
    make_job()
    pipeline.counts = counts
    end = run().end
    assert end["outcome"] == outcome
    assert message in end["message"]


def idle_too_long() -> InternalError:
    error = InternalError("terminating connection due to idle-in-transaction timeout")
    error.__cause__ = psycopg.errors.lookup("25P03")("terminated")
    return error


def lost_session(state: str | None) -> OperationalError:
    cause = psycopg.OperationalError("gone")
    cause.sqlstate = state
    error = OperationalError("gone")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        (Permanent("Row 3 is broken."), "failed", "Row 3 is broken."),
        (Retryable("time-out"), "retryable", "time-out"),
        (KeyError("x"), "retryable", "KeyError: 'x'"),
        (LeaseLost("taken"), "lost", "taken"),
        (lost_session(None), "handed_back", "database session was lost"),
        (lost_session("57P01"), "handed_back", "database session was lost"),
        (lost_session("08006"), "handed_back", "database session was lost"),
        (idle_too_long(), "handed_back", "database session was lost"),
        (lost_session("40P01"), "retryable", "OperationalError"),
    ],
)
def test_an_exception_ends_the_attempt_as_what_it_is(pipeline, error, outcome, message):
    make_job()

    def raise_it(context):
        raise error

    pipeline.second_body = raise_it
    end = run().end
    assert (end["outcome"], end["stage"]) == (outcome, "second")
    assert message in end["message"]
    assert type(error).__name__ in end["traceback"]


def test_a_question_ends_the_attempt_and_the_answer_is_there_next_time(pipeline):
    job = make_job()
    pipeline.second_body = lambda context: (
        context.checkpoint(3)
        if context.answer(Waiting.CURRENCY)
        else context.wait_for(Waiting.CURRENCY, {"message": "Which?"})
    )
    end = run().end
    assert (end["outcome"], end["reason"], end["question"]) == (
        "waiting",
        "currency",
        {"message": "Which?"},
    )
    lifecycle.wait(BackgroundJob.objects.get().attempt_token, Waiting.CURRENCY, end["question"])
    lifecycle.answer(job.pk, Waiting.CURRENCY, {"currency": "EUR"}, None)
    assert run().end["outcome"] == "completed"


@pytest.mark.parametrize(
    ("reason", "outcome"), [("cancel", "cancelled"), ("drain", "handed_back"), ("lost", "lost")]
)
def test_an_attempt_stops_where_it_says_how_far_it_is(pipeline, reason, outcome):
    make_job()
    pipeline.second_body = lambda context: context.advance(1, 2)
    assert run(Link(reason, stops_after=5)).end["outcome"] == outcome


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_by_an_attempt_that_lost_its_job(pipeline, queues):
    job = make_job()

    def second(context):
        assert lifecycle.hand_back(context.token, "taken away")
        context.checkpoint(3)

    pipeline.second_body = second
    assert run().end["outcome"] == "lost"
    assert not job.checkpoints.filter(stage="second").exists()


def test_progress_follows_the_shares_and_never_runs_backwards(pipeline):
    make_job()

    def second(context):
        context.advance(1, 2, counts=Counts(3, 1))
        context.advance(0, 2)
        context._report(0.0)
        context.checkpoint(3)

    pipeline.second_body = second
    told = run().told("progress")
    assert [each["progress"] for each in told] == sorted(each["progress"] for each in told)
    # The second stage has three of four shares: its middle is at 25 + 37.5.
    assert told[-1]["progress"] == 62
    assert (told[-1]["total"], told[-1]["done"]) == (3, 1)


def test_what_the_throttle_held_back_is_told_at_the_next_check(pipeline, monkeypatch):
    make_job()
    told = []

    def second(context):
        monkeypatch.setattr("jobtracker.context.REPORT_EVERY", 3600.0)
        context.advance(1, 3)
        context.check()
        told.append(len(link.told("progress")))
        monkeypatch.setattr("jobtracker.context.REPORT_EVERY", 0.0)
        context.check()
        context.check()
        told.append(len(link.told("progress")))
        context.checkpoint(3)

    pipeline.second_body = second
    link = Link()
    run(link)
    assert told[1] - told[0] == 1
    assert link.told("progress")[-1]["stage_done"] == 1


def test_a_stage_ends_with_its_last_word_told(pipeline, monkeypatch):
    make_job()
    monkeypatch.setattr("jobtracker.context.REPORT_EVERY", 3600.0)

    def second(context):
        context.advance(3, 3, counts=GOOD)
        context.checkpoint(3)

    pipeline.second_body = second
    last = run().told("progress")[-1]
    assert (last["stage"], last["stage_done"], last["progress"]) == ("second", 3, 100)


@pytest.mark.parametrize(
    "error", [Permanent("no more"), Retryable("later"), WaitForPerson(Waiting.PAUSED, {})]
)
def test_an_attempt_that_ends_early_tells_what_became_of_its_items(pipeline, error):
    make_job()

    def second(context):
        raise error

    pipeline.second_body = second
    last = run().told("progress")[-1]
    assert [last[name] for name in ("total", "done", "failed", "skipped")] == [3, 1, 1, 1]


def test_the_bar_of_a_job_that_goes_on_does_not_fall_back(pipeline, monkeypatch):
    job = make_job()
    for stage in ("first", "second"):
        JobCheckpoint.objects.create(job=job, stage=stage, state=StageState.DONE, attempt=1)
    pipeline.stages = (*pipeline.stages, Stage("third", "Third", share=4))
    pipeline.third = lambda context: context.checkpoint(1)
    monkeypatch.setattr("jobtracker.context.REPORT_EVERY", 0.0)
    assert run().told("progress")[0]["progress"] == 50


def test_a_job_whose_stages_were_all_kept_tells_its_last_one(pipeline, monkeypatch):
    job = make_job()
    for stage in ("first", "second"):
        JobCheckpoint.objects.create(job=job, stage=stage, state=StageState.DONE, attempt=1)
    monkeypatch.setattr("jobtracker.context.REPORT_EVERY", 3600.0)
    last = run().told("progress")[-1]
    assert (last["stage"], last["progress"]) == ("second", 100)


def test_warnings_are_bounded_but_the_log_says_what_was_done(pipeline):
    make_job()

    def second(context):
        for number in range(context_limit + 50):
            context.warn("code", f"warning {number}")
        context.checkpoint(3)

    context_limit = context.WARNINGS_MOST
    pipeline.second_body = second
    link = run()
    assert len(link.told("warning")) == context_limit
    marks = [event["data"].get("mark") for event in link.told("event") if event["data"]]
    assert marks == ["started", "done", "started", "done"]


def test_a_type_without_a_pipeline_fails_with_a_sentence(monkeypatch):
    monkeypatch.setattr(pipelines, "_registered", {})
    BackgroundJob.objects.create(job_type=JobType.PDF)
    end = run().end
    assert (end["outcome"], "No pipeline" in end["message"]) == ("failed", True)
    token = BackgroundJob.objects.get().attempt_token
    assert lifecycle.fail(token, lifecycle.Failure(end["message"])) == "failed"


def test_the_claim_puts_both_sessions_of_an_attempt_on_record():
    make_job()
    waiting = lifecycle.Session(4711, datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))
    claimed = lifecycle.claim(WORKER, "host", 1, waiting)
    assert claimed is not None
    noted = AttemptSession.objects.filter(attempt=claimed.token)
    assert {(each.pid, each.backend_start) for each in noted} == {
        astuple(waiting),
        astuple(lifecycle.own_session()),
    }


def test_the_claim_tells_the_work_of_its_job():
    parent = make_job(priority=Priority.LOW)
    made = make_job(parent_id=parent.pk, metadata={"a": [1]}, priority=Priority.HIGH)
    claimed = claim()
    assert (claimed.job_id, claimed.job_type, claimed.number) == (made.pk, "xml_import", 1)
    assert (claimed.filename, claimed.metadata, claimed.answer) == ("tiles.xml", {"a": [1]}, {})
    assert (claimed.parent_id, claimed.supplier_id, claimed.created_by_id) == (
        parent.pk,
        None,
        None,
    )
    assert not claimed.resumes


def test_an_attempt_knows_that_an_earlier_one_kept_something():
    job = make_job()
    JobCheckpoint.objects.create(job=job, stage="first", state=StageState.DONE, attempt=1)
    assert claim().resumes
