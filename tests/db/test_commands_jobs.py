"""`manage.py jobs`: every act, its words, its JSON and its exit code."""

import json

import pytest

from jobtracker import lifecycle
from jobtracker.models import AuditEntry, BackgroundJob, JobQueue
from jobtracker.states import Status

from .import_runs import imported, manage, without_currency, work_off, xml_feed
from .jobs import claim

pytestmark = pytest.mark.django_db

KEYS = [
    *("id", "job_type", "status", "waiting_for", "question", "progress", "current_stage"),
    *("supplier", "filename", "source", "total", "done", "failed", "skipped", "materials"),
    *("created", "updated", "unchanged", "attempts", "stages", "error", "warnings", "cost_usd"),
    *("created_at", "started_at", "completed_at", "failed_at"),
]
ATTEMPT = ["number", "outcome", "error", "worker", "pid", "started_at", "finished_at"]
STAGE = ["name", "status", "items", "seconds", "warnings"]


@pytest.fixture
def feed(tmp_path):
    return xml_feed(tmp_path / "tiles.xml")


@pytest.fixture
def done(feed):
    return imported(feed, "--supplier", "Northlight")


@pytest.fixture
def pending(feed):
    return manage("import_feed", feed, "--supplier", "Northlight", "--json").json["id"]


@pytest.fixture
def waiting(tmp_path):
    return imported(xml_feed(tmp_path / "t.xml", without_currency()), "--supplier", "N")


def test_a_job_as_json_has_every_key(done):
    shown = manage("jobs", "show", done.pk, "--json").json
    assert set(KEYS) <= set(shown)
    assert [list(each) for each in shown["attempts"]] == [ATTEMPT]
    assert [list(each) for each in shown["stages"]] == [STAGE] * 5
    numbers = ("total", "done", "failed", "skipped", "materials", "created", "unchanged")
    assert [shown[name] for name in numbers] == [3, 3, 0, 0, 3, 3, 0]
    assert (shown["id"], shown["status"], shown["job_type"]) == (
        str(done.pk),
        "completed",
        "xml_import",
    )
    assert (shown["supplier"], shown["source"], shown["question"]) == (
        "Northlight",
        "tiles.xml",
        None,
    )


def test_show_says_it_in_words(done):
    shown = manage("jobs", "show", done.pk)
    assert shown.out.splitlines()[0] == f"tiles.xml ({done.pk}): completed: 3 created"
    assert "rows_imported" in shown.out


def test_show_says_what_the_job_warns_of(done):
    warnings = [
        {"code": "feed", "message": "The encoding is guessed.", "where": ""},
        {"code": "row", "message": "The EAN is none.", "where": "line 3"},
    ]
    BackgroundJob.objects.filter(pk=done.pk).update(warnings=warnings)
    assert manage("jobs", "show", done.pk).out.splitlines()[-2:] == [
        "  warning: The encoding is guessed.",
        "  warning: The EAN is none. (line 3)",
    ]


def test_list_shows_the_newest_first_and_filters(done, waiting):
    listed = manage("jobs", "list", "--json").json
    assert [each["id"] for each in listed] == [str(waiting.pk), str(done.pk)]
    completed = manage("jobs", "list", "--status", "completed", "--json").json
    assert [each["id"] for each in completed] == [str(done.pk)]
    assert manage("jobs", "list", "--type", "pdf_processing", "--json").json == []
    assert len(manage("jobs", "list", "--limit", "1").out.splitlines()) == 1


def test_wait_for_several_prints_a_list(done, waiting):
    waited = manage("jobs", "wait", done.pk, waiting.pk, "--json")
    assert (waited.code, [each["status"] for each in waited.json]) == (3, ["completed", "pending"])
    assert waited.json[1]["question"]["message"]


def test_wait_runs_out(pending):
    waited = manage("jobs", "wait", pending, "--timeout", "0")
    assert (waited.code, "pending" in waited.out) == (3, True)


def test_cancel_and_retry(pending):
    assert manage("jobs", "cancel", pending).out == "Cancelled.\n"
    assert manage("jobs", "wait", pending).code == 3
    again = manage("jobs", "cancel", pending)
    assert (again.code, "cancelled already" in again.err) == (2, True)
    assert manage("jobs", "retry", pending).out == "Pending again.\n"
    work_off()
    assert manage("jobs", "wait", pending).code == 0
    entries = AuditEntry.objects.filter(subject_id=pending).order_by("id")
    actions = entries.values_list("action", flat=True)
    assert list(actions) == ["cancel", "retry"]


def test_a_running_job_is_asked_to_stop(pending):
    claim()
    assert manage("jobs", "cancel", pending).out == "Asked to stop.\n"


def test_a_completed_job_is_not_retried_but_runs_again_from_a_stage(done):
    refused = manage("jobs", "retry", done.pk)
    assert (refused.code, "is completed" in refused.err) == (2, True)
    unknown = manage("jobs", "retry", done.pk, "--from-stage", "rows_eaten")
    assert (unknown.code, "rows_imported" in unknown.err) == (2, True)
    assert manage("jobs", "retry", done.pk, "--from-stage", "rows_imported").code == 0
    work_off()
    assert manage("jobs", "show", done.pk, "--json").json["unchanged"] == 3


def test_an_answer_must_fit_the_question(waiting, tmp_path):
    assert "--currency CODE" in manage("jobs", "answer", waiting.pk).err
    assert "GOLD" in manage("jobs", "answer", waiting.pk, "--currency", "GOLD").err
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps([{"source": "skuu", "target": "sku"}]))
    answer = manage("jobs", "answer", waiting.pk, "--mapping", wrong, "--currency", "EUR")
    assert (answer.code, 'no field "skuu"' in answer.err) == (2, True)
    waiting.refresh_from_db()
    assert waiting.waiting_for == "currency"


def test_a_job_that_asks_nothing_takes_no_answer(done):
    answer = manage("jobs", "answer", done.pk, "--currency", "EUR")
    assert (answer.code, "waits for nobody" in answer.err) == (2, True)


def test_mark_repairs_by_hand_with_a_reason(pending):
    assert manage("jobs", "mark", pending, "failed").code == 2
    marked = manage("jobs", "mark", pending, "failed", "--reason", "supplier gone")
    assert marked.out == "Marked failed.\n"
    assert manage("jobs", "wait", pending).code == 1
    assert manage("jobs", "mark", pending, "completed", "--reason", "done by hand").code == 0
    shown = manage("jobs", "show", pending)
    assert "completed: Marked completed by hand: done by hand" in shown.out
    assert AuditEntry.objects.filter(reason="supplier gone").exists()


def test_pause_and_resume_a_type(pending):
    assert manage("jobs", "pause", "xml_import").code == 0
    assert JobQueue.objects.get(job_type="xml_import").paused
    assert lifecycle.ready(5) == 0
    assert manage("jobs", "resume", "xml_import").code == 0
    work_off()
    assert manage("jobs", "show", pending, "--json").json["status"] == Status.COMPLETED


def test_pausing_twice_says_so_and_leaves_one_line(pending):
    manage("jobs", "pause", "xml_import")
    assert manage("jobs", "pause", "xml_import").out == "xml_import was paused already.\n"
    queues = manage("jobs", "queues", "--json").json
    mine = next(each for each in queues if each["job_type"] == "xml_import")
    assert mine == {
        "job_type": "xml_import", "paused": True, "max_running": None, "running": 0,
        "waiting": 1, "paused_by": "command line",
    }  # fmt: skip
    assert "1 waiting, paused by command line" in manage("jobs", "queues").out
    manage("jobs", "resume", "xml_import")
    assert manage("jobs", "resume", "xml_import").out == "xml_import was not paused.\n"
    assert AuditEntry.objects.filter(subject="queue").count() == 2


def test_caps_a_type(pending):
    assert manage("jobs", "cap", "xml_import", "2").out == "xml_import: at most 2 run at once.\n"
    assert JobQueue.objects.get(job_type="xml_import").max_running == 2
    assert "0 of 2 running" in manage("jobs", "queues").out
    assert manage("jobs", "cap", "xml_import", "none").out == "xml_import: no cap.\n"
    assert JobQueue.objects.get(job_type="xml_import").max_running is None
    for wrong in ("0", "many", "10001", "-1"):
        assert manage("jobs", "cap", "xml_import", wrong).code == 2
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["cap", "cap"]


def test_changes_the_priority_of_what_waits(pending):
    assert manage("jobs", "priority", pending, "high").out == "Priority: high.\n"
    assert manage("jobs", "show", pending, "--json").json["priority"] == "high"
    assert manage("jobs", "priority", pending, "urgent").code == 2
    manage("jobs", "cancel", pending)
    refused = manage("jobs", "priority", pending, "low")
    assert (refused.code, "is cancelled" in refused.err) == (2, True)
    entry = AuditEntry.objects.get(action="prioritise")
    assert (entry.actor_name, entry.details) == ("command line", {"priority": "high"})


def test_a_refused_retry_names_the_job_that_does_the_same(pending, feed):
    manage("jobs", "cancel", pending)
    other = manage("import_feed", feed, "--supplier", "Northlight", "--json").json["id"]
    refused = manage("jobs", "retry", pending)
    assert (refused.code, f"job {other} does the same" in refused.err) == (2, True)


def test_a_second_start_names_the_job_that_stands_for_it(pending, feed):
    again = manage("import_feed", feed, "--supplier", "Northlight", "--json")
    assert f"job {pending}" in again.err
    assert again.json["id"] == pending


def test_failed_items_alone_need_a_job_that_is_over(pending):
    assert "still runs" in manage("jobs", "retry", pending, "--failed-items").err
