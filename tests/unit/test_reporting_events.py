"""What an event says about a failure, and what it must never say."""

import tomllib
import traceback
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import resolve

import jobtracker
from jobtracker import reporting
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.redaction import scrub
from jobtracker.states import JobType, Outcome, Status

JOB = UUID("0199f3a2-1c2d-7abc-8def-0123456789ab")


def an_attempt(**values):
    job = BackgroundJob(
        id=JOB,
        job_type=JobType.IMPORT,
        status=Status.FAILED,
        supplier=Supplier(name="Lindvall"),
        filename="tiles.xml",
        progress=40,
        total_items=420,
        done_items=160,
        failed_items=3,
    )
    known = {
        "number": 2,
        "outcome": Outcome.FAILED,
        "stage": "read",
        "error": "tiles.xml: line 9, column 3: mismatched tag",
        "error_type": "Permanent",
        "host": "worker-1",
        "pid": 77,
    }
    return JobAttempt(job=job, **{**known, **values})


def test_tags_name_job_type_stage_supplier_and_error_type():
    assert reporting.attempt_event(an_attempt())["tags"] == {
        "job": str(JOB),
        "job_type": "xml_import",
        "stage": "read",
        "supplier": "Lindvall",
        "error_type": "Permanent",
    }


def test_the_context_holds_progress_counts_attempt_and_the_job_page():
    contexts = reporting.attempt_event(an_attempt())["contexts"]
    job, attempt = contexts["job"], contexts["attempt"]
    assert (job["progress"], job["total"], job["done"], job["failed"]) == (40, 420, 160, 3)
    assert (attempt["number"], attempt["outcome"], attempt["host"]) == (2, "failed", "worker-1")
    assert job["page"].startswith(settings.PUBLIC_URL)


def test_the_job_page_is_an_address_of_ours():
    page = reporting.attempt_event(an_attempt())["contexts"]["job"]["page"]
    assert str(JOB) in map(str, resolve(page.removeprefix(settings.PUBLIC_URL)).kwargs.values())


def test_one_cause_has_one_fingerprint():
    one = reporting.attempt_event(an_attempt())
    same = reporting.attempt_event(an_attempt(error="x.xml: line 1, column 77: mismatched tag"))
    other = reporting.attempt_event(an_attempt(stage="write"))
    assert one["fingerprint"] == same["fingerprint"] != other["fingerprint"]


def test_a_killed_attempt_without_a_word_still_says_what_happened():
    event = reporting.attempt_event(an_attempt(outcome=Outcome.LOST, error="", error_type=""))
    (error,) = event["exception"]["values"]
    assert error["type"] == "Lost"
    assert error["value"]
    assert error["mechanism"]["handled"] is False


def outer():
    try:
        raise ValueError("first")
    except ValueError as error:
        raise RuntimeError("second") from error


def test_frames_come_from_the_text_of_the_last_exception():
    try:
        outer()
    except RuntimeError as error:
        text = "".join(traceback.format_exception(error))
    event = reporting.attempt_event(an_attempt(traceback=text))
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame["function"] for frame in frames] == [
        "test_frames_come_from_the_text_of_the_last_exception",
        "outer",
    ]
    assert frames[1]["context_line"] == 'raise RuntimeError("second") from error'
    assert frames[1]["filename"] == "tests/unit/test_reporting_events.py"
    assert frames[1]["in_app"]
    assert event["extra"]["traceback"] == text


def test_a_frame_without_source_line_is_kept():
    text = (
        "Traceback (most recent call last):\n"
        '  File "<string>", line 3, in run\n'
        '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode\n'
        "    raise JSONDecodeError(s)\n"
        "json.JSONDecodeError: bad\n"
    )
    frames = reporting.frames_of(text)
    assert [(f["lineno"], f["context_line"], f["in_app"]) for f in frames] == [
        (3, "", False),
        (355, "raise JSONDecodeError(s)", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://anna:HUSH@shop.example/feed.xml",
        "postgresql://u:HUSH@db/x",
        "https://shop.example/feed?api_key=HUSH&x=1",
        "Authorization: Bearer HUSH",
        "sent Basic SFVTSEhVU0g=".replace("SFVTSEhVU0g=", "HUSHHUSH"),
        "client_secret = 'HUSH'",
        '{"password": "HUSH"}',
        "host=db password=HUSH dbname=x",
        "X-Api-Key: HUSH",
    ],
)
def test_secrets_in_texts_are_removed(text):
    assert "HUSH" not in scrub(text)


def test_secrets_under_telling_keys_are_removed_at_any_depth():
    value = {"a": [{"supplier_password": "HUSH"}, {"headers": {"Cookie": ["HUSH"]}}]}
    assert "HUSH" not in str(scrub(value))


def test_what_is_no_secret_stays():
    value = {"author": "x", "keys": ["sku"], "n": 3, "text": "row 3: price is no number"}
    assert scrub(value) == value


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        (
            "https://k@o1.ingest.de.sentry.io/42",
            "https://sentry.io/orgredirect/organizations/:orgslug/issues/?project=42&query=abc",
        ),
        (
            "http://k@errors.example:9000/in/7",
            "http://errors.example:9000/in/organizations/sentry/issues/?project=7&query=abc",
        ),
        ("", None),
    ],
)
def test_an_event_is_linked_in_its_project(settings, dsn, url):
    settings.SENTRY_DSN = dsn
    assert reporting.event_url("abc") == url


def test_the_release_is_the_one_of_the_project():
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    assert jobtracker.__version__ == project["version"]
