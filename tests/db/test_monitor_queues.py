"""Pause, resume and cap a type from the monitor: what it shows, who may, what it leaves behind."""

import pytest

from jobtracker import lifecycle
from jobtracker.models import AuditEntry, JobQueue
from jobtracker.monitor import queries
from tests.db.jobs import claim, make_job
from tests.db.pages import act, signed_in
from tests.db.test_monitor_page import start_worker

pytestmark = pytest.mark.django_db
URL = "/admin/async-queue-monitor"
QUEUE = f"{URL}/queues/xml_import"


@pytest.fixture
def operator(client):
    return signed_in(client, "Operators")


def queue() -> queries.Queue:
    return next(each for each in queries.queues() if each.job_type == "xml_import")


def said(client, answer) -> str:
    return client.get(answer.headers["location"]).content.decode()


def test_shows_each_type_with_what_runs_and_waits(operator):
    start_worker()
    for _ in range(3):
        make_job()
    claim()
    lifecycle.set_queue("xml_import", None, max_running=1)
    found = queue()
    assert (found.running, found.waiting, found.max_running, found.full) == (1, 2, 1, True)
    assert found.oldest
    page = operator.get(URL).content.decode()
    assert "1 of 1 running · 2 waiting" in page
    assert "<b>2</b> waiting, oldest" in page
    assert page.count("Cap reached: 1 of 1 running") == 3  # the type's line and two rows


def test_counts_no_further_than_the_cap(monkeypatch):
    monkeypatch.setattr(queries, "CAP", 2)
    for _ in range(4):
        make_job()
    assert (queue().waiting, queue().waiting_said) == (3, "2+")


def test_pauses_and_resumes(operator):
    make_job()
    assert "Import is paused." in said(operator, act(operator, f"{QUEUE}/pause")).replace(
        "; running jobs go on", ""
    )
    assert lifecycle.ready(5) == 0
    assert (queue().paused, queue().paused_by) == (True, "operators")
    assert "by operators" in operator.get(URL).content.decode()
    assert "It was so already." in said(operator, act(operator, f"{QUEUE}/pause"))
    assert "Import goes on." in said(operator, act(operator, f"{QUEUE}/resume"))
    assert (lifecycle.ready(5), queue().paused_by) == (1, None)
    entries = AuditEntry.objects.filter(subject="queue", subject_id="xml_import").order_by("id")
    assert [(each.action, each.actor_name) for each in entries] == [
        ("pause", "operators"),
        ("resume", "operators"),
    ]


def test_caps_and_lifts_the_cap(operator):
    for _ in range(3):
        make_job()
    answer = act(operator, f"{QUEUE}/cap", max_running="2")
    assert "Import: at most 2 jobs at once." in said(operator, answer)
    assert lifecycle.ready(5) == 2
    assert "no cap any more" in said(operator, act(operator, f"{QUEUE}/cap", max_running=" "))
    assert lifecycle.ready(5) == 3
    [first, last] = AuditEntry.objects.filter(action="cap").order_by("id")
    assert (first.details, last.details) == ({"max_running": 2}, {"max_running": None})


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "ten", "10001", "9" * 30, "²"])
def test_takes_only_a_number_that_can_be_a_cap(operator, given):
    answer = act(operator, f"{QUEUE}/cap", max_running=given)
    assert "Give a number from 1 to 10,000" in said(operator, answer)
    assert JobQueue.objects.get(pk="xml_import").max_running is None


def test_knows_no_other_types(operator):
    answer = act(operator, f"{URL}/queues/nonsense/pause")
    assert "There is no such type of jobs." in said(operator, answer)


@pytest.mark.parametrize("name", ["pause", "resume", "cap"])
def test_viewers_see_and_do_not_act(client, name):
    viewer = signed_in(client, "Viewers")
    assert 'id="jt-queues"' in viewer.get(URL).content.decode()
    assert act(viewer, f"{QUEUE}/{name}", max_running="1").status_code == 403
    assert viewer.get(f"{QUEUE}/{name}").status_code in (403, 405)
    found = JobQueue.objects.get(pk="xml_import")
    assert (found.paused, found.max_running) == (False, None)
    assert not AuditEntry.objects.exists()
