"""The queue monitor as a page: what it shows, and what it costs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db.models.functions import Now

from jobtracker import lifecycle
from jobtracker.models import AuditEntry, BackgroundJob, JobQueue, Worker
from jobtracker.monitor import live
from tests.db.jobs import make_job
from tests.db.pages import act, signed_in

pytestmark = pytest.mark.django_db
URL = "/admin/async-queue-monitor"
# Session, user, permissions (2), navigation, summary (6), list, counts (2), types, the notice.
QUERIES = 16


def text_of(response) -> str:
    return response.content.decode()


def change(job: BackgroundJob, **values) -> None:
    BackgroundJob.objects.filter(pk=job.pk).update(**values)


def fail(message: str, fingerprint: str) -> BackgroundJob:
    job = make_job()
    change(job, status="failed", failed_at=Now(), error=message, error_fingerprint=fingerprint)
    return job


def start_worker(**values) -> Worker:
    known = {"host": "h", "boot_id": "b", "pid_namespace": "n", "pid": 1, "start_ticks": 1}
    return Worker.objects.create(id=uuid4(), slots=4, **known | values)


def test_with_and_without_final_slash(viewer_page):
    assert viewer_page.get(URL).status_code == viewer_page.get(f"{URL}/").status_code == 200


@pytest.fixture
def viewer_page(client):
    return signed_in(client, "Viewers")


@pytest.fixture
def operator_page(client):
    return signed_in(client, "Operators")


@pytest.mark.parametrize("number", [0, 3, 60])
def test_costs_the_same_number_of_queries_for_any_number_of_jobs(
    viewer_page, django_assert_max_num_queries, number
):
    for _ in range(number):
        make_job()
    with django_assert_max_num_queries(QUERIES):
        assert viewer_page.get(URL).status_code == 200


def test_stays_small(viewer_page):
    for _ in range(50):
        make_job()
    response = viewer_page.get(URL, headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.content) <= 20_000


def test_says_that_there_is_nothing_yet_and_that_nothing_matches(viewer_page):
    assert "No jobs yet" in text_of(viewer_page.get(URL))
    found = text_of(viewer_page.get(URL, {"q": "nothing-like-it status:odd"}))
    assert "Nothing matches" in found
    assert "<code>status:odd</code>" in found


def test_names_the_missing_worker_and_its_cure(viewer_page):
    assert "manage.py worker" in text_of(viewer_page.get(URL))
    start_worker(busy=3)
    found = text_of(viewer_page.get(URL))
    assert "No worker" not in found
    assert "<b>3</b> of 4 slots busy" in found
    # The page's query asks for now(), which is one moment as long as a transaction lasts.
    Worker.objects.update(last_seen=TransactionNow() - timedelta(seconds=100))
    assert "No worker for 1 m 40 s" in text_of(viewer_page.get(URL))


def test_names_paused_types(viewer_page):
    JobQueue.objects.update_or_create(job_type="xml_import", defaults={"paused": True})
    assert "Paused: Import." in text_of(viewer_page.get(URL))


def test_shows_progress_and_the_time_left(viewer_page):
    job = make_job()
    change(
        job,
        status="processing",
        attempt_token=uuid4(),
        last_heartbeat=Now(),
        started_at=Now() - timedelta(seconds=90),
        progress=39,
        stage_done=3120,
        stage_total=8000,
        expected_at=Now() + timedelta(seconds=240),
    )
    found = text_of(viewer_page.get(URL))
    assert "3,120 of 8,000 · 39 %" in found
    assert "about 4 min" in found
    change(job, expected_at=Now())
    assert "about 1 s" in text_of(viewer_page.get(URL))
    change(job, expected_at=None)
    assert ">unknown<" in text_of(viewer_page.get(URL))
    change(job, started_at=Now())
    assert ">measuring<" in text_of(viewer_page.get(URL))


def test_shows_results_and_reasons(viewer_page):
    done = make_job()
    change(
        done,
        status="completed",
        completed_at=Now(),
        progress=100,
        total_items=10,
        done_items=8,
        failed_items=2,
        result={"materials": 7996},
    )
    waiting = make_job()
    change(waiting, waiting_for="mapping")
    fail("Cut off in line 7\nDETAIL", "f1")
    found = text_of(viewer_page.get(URL))
    assert "<b>7,996 materials</b>" in found
    assert "2 failed" in found
    assert "Needs a field mapping" in found
    assert "Cut off in line 7</p>" in found


def test_a_job_that_made_nothing_does_not_look_done(viewer_page):
    done = make_job()
    note = "12 pages read, none with structured product data"
    result = {"materials": 0, "note": note}
    change(done, status="completed", completed_at=Now(), progress=100, result=result)
    for url in (URL, f"{URL}?status=completed", f"{URL}/jobs/{done.pk}"):
        found = text_of(viewer_page.get(url))
        assert 'data-s="nothing"' in found
        assert "Nothing made" in found
        assert note in found


def test_escapes_what_others_wrote(viewer_page):
    change(fail("<script>alert(1)</script>", "f1"), filename="<img src=x onerror=alert(2)>.xml")
    found = text_of(viewer_page.get(URL))
    assert "<script>alert" not in found
    assert "<img src=x" not in found


def test_counts_failures_by_cause_and_retries_them_together(operator_page):
    alike = [fail(f"Time-out in line {n}", "aa") for n in range(3)]
    other = fail("Other", "bb")
    found = text_of(operator_page.get(URL))
    assert "Retry all (3)" in found
    assert "<b>2</b> causes need attention" in found
    response = act(operator_page, f"{URL}/causes/aa/retry")
    assert response.status_code == 302
    pending = set(BackgroundJob.objects.filter(status="pending").values_list("pk", flat=True))
    assert pending == {job.pk for job in alike}
    assert BackgroundJob.objects.get(pk=other.pk).status == "failed"
    assert AuditEntry.objects.filter(action="retry").count() == 3


def test_offers_acts_to_operators_only(client):
    fail("Stopped", "aa")
    assert "data-operate" in text_of(signed_in(client, "Operators").get(URL))
    assert "data-operate" not in text_of(signed_in(client, "Viewers").get(URL))


def test_fetches_what_depends_on_the_filter(viewer_page):
    shown = make_job()
    make_job()
    query = {"first": "1", "shown": str(shown.pk)}
    found = text_of(viewer_page.get(f"{URL}/changes", query))
    assert "1 new job · show" in found
    assert found.count('hx-swap-oob="morph"') == 3
    assert "new job" not in text_of(viewer_page.get(f"{URL}/changes", {"shown": str(shown.pk)}))


def test_live_rows_are_the_rows_of_the_page(viewer_page, django_assert_num_queries):
    start_worker()
    jobs = [make_job() for _ in range(3)]
    with django_assert_num_queries(1):
        rows = live.render_rows([*(job.pk for job in jobs), uuid4()])
    assert rows.keys() == {job.pk for job in jobs}
    page = text_of(viewer_page.get(URL))
    for job in jobs:
        row = rows[job.pk]
        assert row.lstrip().startswith(f'<tr id="job-{job.pk}" hx-swap-oob="morph"')
        body = row.partition('data-s="')[2].strip()
        assert body in page


def test_live_summary_by_six_statements(django_assert_num_queries):
    lifecycle.cancel([make_job().pk], None)
    with django_assert_num_queries(6):
        found = live.render_summary()
    for element in ("jt-facts", "jt-banner", "jt-queues", "jt-above"):
        assert f'id="{element}" hx-swap-oob="morph"' in found
