"""Which ends of an attempt are reported, and that each is reported once and only where it ended."""

import os

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from jobtracker import lifecycle, reporting
from jobtracker.lifecycle import Failure
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.states import Waiting
from tests.db.jobs import claim, make_job, pipeline_in_place

FAILURE = Failure(
    "tiles.xml: password=HUSH is wrong",
    error_type="Permanent",
    stage="first",
    traceback='Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nE: x\n',
)


class Recorder(Transport):
    """Keeps events instead of sending them."""

    def __init__(self):
        super().__init__()
        self.events = []

    def capture_envelope(self, envelope):
        self.events.append(envelope.get_event())


@pytest.fixture
def recorder(monkeypatch):
    """Report into a list."""
    monkeypatch.setattr(reporting, "_options", {})
    transport = Recorder()
    reporting.init("http://key@127.0.0.1:1/1", release="r", environment="test", transport=transport)
    yield transport
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def ended(recorder, queues):
    """End a new job's attempt and report it; returns what was reported, and the job."""

    def end(act, **values):
        with pipeline_in_place():
            job = make_job(**values)
            token = claim().token
            act(token, job)
        said = reporting.report_attempt(token)
        sent = [event["event_id"] for event in recorder.events]
        assert sent == ([said] if said else [])
        return recorder.events[0] if said else None, job, token

    return end


def test_a_failed_job_is_reported_with_what_helps_to_mend_it(ended):
    event, job, _ = ended(lambda token, _: lifecycle.fail(token, FAILURE))
    assert event["tags"]["job"] == str(job.pk)
    assert event["tags"]["error_type"] == "Permanent"
    assert event["contexts"]["attempt"]["outcome"] == "failed"
    assert event["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] == "f"
    assert (event["release"], event["environment"]) == ("r", "test")
    assert event["server_name"]


def test_secrets_and_persons_stay_here(ended):
    event, *_ = ended(lambda token, _: lifecycle.fail(token, FAILURE))
    assert "HUSH" not in str(event)
    assert "user" not in event


def test_the_fingerprint_is_the_one_of_the_job(ended):
    event, job, _ = ended(lambda token, _: lifecycle.fail(token, FAILURE))
    assert event["fingerprint"] == [BackgroundJob.objects.get(pk=job.pk).error_fingerprint]


@pytest.mark.parametrize(
    "act",
    [
        lambda token, _: lifecycle.crash(token, Failure("killed by signal 9")),
        lambda token, _: lifecycle.rescue(token, 0),
    ],
    ids=["crashed", "lost"],
)
def test_a_killed_attempt_is_reported_though_the_job_goes_on(ended, act):
    event, job, _ = ended(act)
    assert BackgroundJob.objects.get(pk=job.pk).status == "pending"
    assert event["exception"]["values"][0]["mechanism"]["handled"] is False


def test_the_last_retry_is_reported_and_no_earlier_one(ended):
    event, *_ = ended(lambda token, _: lifecycle.fail_retryably(token, FAILURE), max_attempts=2)
    assert event is None


def test_retries_used_up_are_a_failure(ended):
    event, *_ = ended(lambda token, _: lifecycle.fail_retryably(token, FAILURE), max_attempts=1)
    assert event["contexts"]["attempt"]["outcome"] == "retryable"


def cancel(token, job):
    lifecycle.cancel([job.pk], None)
    lifecycle.finish_cancelled(token)


@pytest.mark.parametrize(
    "act",
    [
        cancel,
        lambda token, _: lifecycle.hand_back(token, "shutdown"),
        lambda token, _: lifecycle.wait(token, Waiting.MAPPING, {}),
    ],
    ids=["cancelled", "handed back", "waiting"],
)
def test_what_is_no_error_is_not_reported(ended, act):
    event, *_ = ended(act)
    assert event is None


def test_a_stalled_job_is_reported_as_a_warning(recorder, queues):
    with pipeline_in_place():
        job = make_job()
    event_id = reporting.report_stalled(job.pk)
    (event,) = recorder.events
    assert (event["event_id"], event["level"]) == (event_id, "warning")


def test_without_a_receiver_nothing_is_asked(db, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(reporting, "_options", {})
    with django_assert_num_queries(0):
        assert reporting.report_attempt("0199f3a2-1c2d-7abc-8def-0123456789ab") is None


def test_an_attempt_whose_event_is_kept_is_not_reported_again(ended, recorder):
    event, _, token = ended(lambda token, _: lifecycle.fail(token, FAILURE))
    lifecycle.note_sentry_event(token, event["event_id"])
    assert JobAttempt.objects.get(token=token).sentry_event_id == event["event_id"]
    assert reporting.report_attempt(token) is None
    assert len(recorder.events) == 1


def test_a_process_starts_with_a_client_of_its_own(ended, monkeypatch):
    """What a parent has queued must not be sent again by its child."""
    reporting.flush()
    before = sentry_sdk.get_client()
    monkeypatch.setattr(reporting, "_owner", os.getpid() + 1)
    ended(lambda token, _: lifecycle.fail(token, FAILURE))
    assert sentry_sdk.get_client() is not before
