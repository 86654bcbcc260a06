"""The demo imports the sample feeds, names their bad rows, and may be run again."""

import pytest

from jobtracker import pipelines, waiting
from jobtracker.models import BackgroundJob, Worker
from jobtracker.states import JobType
from tests.db.import_runs import manage, refused, work_off
from tests.db.jobs import WORKER

pytestmark = pytest.mark.django_db


@pytest.fixture
def _worked_off(monkeypatch):
    """Work the jobs off here instead of waiting for a worker."""

    def work(job_ids, *, timeout=None):
        work_off()
        return waiting.exit_code(list(BackgroundJob.objects.filter(pk__in=job_ids)))

    monkeypatch.setattr(waiting, "wait_for_jobs", work)
    # The other pipelines' samples are tried by a real worker.
    others = {JobType.PDF, JobType.SCRAPING}
    for pipeline in pipelines.registered():
        if pipeline.job_type in others:
            monkeypatch.setattr(type(pipeline), "start_samples", lambda self, folder: [])
    Worker.objects.create(pk=WORKER, host="host", pid=1, start_ticks=1, slots=1)


def test_without_a_worker_it_says_what_to_start():
    assert "make run" in refused(manage("demo"))


@pytest.mark.usefixtures("_worked_off")
def test_bad_rows_are_named_and_a_second_run_changes_nothing():
    first = manage("demo")
    assert first.code == 0
    assert "tiles.xml" in first.out
    assert "fabrics.csv" in first.out
    assert "boards.json" in first.out
    assert first.out.count("abc") == 3
    made = list(BackgroundJob.objects.order_by("id"))
    assert [(job.done_items, job.failed_items) for job in made] == [
        (238, 2),
        (177, 3),
        (148, 2),
    ]
    assert all(job.result["created"] == job.done_items for job in made)
    assert manage("demo").code == 0
    again = BackgroundJob.objects.order_by("id")[3:]
    assert [job.result["unchanged"] for job in again] == [238, 177, 148]
