"""Behind many waiting jobs the claim and the pusher's probe still read the first few alone."""

import re

import pytest
from django.db import connection

from jobtracker import lifecycle
from jobtracker.models import BackgroundJob

from .jobs import claim, make_job, pipeline_in_place
from .reading import rows_read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]

# The statements of the functions, with their parameters put in, as the server has them.
PARAMETERS = {"wanted": "8", "by_worker": "uuidv7()", "by_host": "'host'", "by_pid": "1"}
ROWS_MOST = 100

MANY = """
INSERT INTO background_jobs
    (job_type, status, filename, metadata, priority, max_attempts, run_after, progress,
     current_stage, error, error_fingerprint, question, answer, retry_count, crash_count,
     hand_back_count, stage_done, total_items, done_items, failed_items, skipped_items, result,
     warnings)
SELECT %s, 'pending', 'tiles', '{}', 0, 3, now() + make_interval(hours => %s), 0, '', '', '',
       '{}', '{}', 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]'
FROM generate_series(1, %s)
"""


@pytest.fixture
def many_waiting():
    """10,000 ready jobs of low priority, 5,000 for later, 5,000 of a paused type."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, ["xml_import", None, 10_000])
        cursor.execute(MANY, ["xml_import", 1, 5_000])
        cursor.execute(MANY, ["web_scraping", None, 5_000])
        cursor.execute("ANALYZE background_jobs")
    lifecycle.set_queue("web_scraping", None, paused=True)


def plan(function: str) -> str:
    """Return the plan of the query that a function is made of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
        query = cursor.fetchone()[0].split("RETURN QUERY")[-1].split(";")[0]
        for name, value in PARAMETERS.items():
            query = re.sub(rf"\b{name}\b", value, query)
        cursor.execute("EXPLAIN " + query)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_high_job_behind_ten_thousand_low_ones_is_claimed_next(many_waiting):
    with pipeline_in_place():
        urgent = make_job(priority=2)
        assert claim().job_id == urgent.pk
        assert BackgroundJob.objects.get(pk=claim().job_id).priority == 0


def test_claim_and_probe_read_a_few_rows_of_many(many_waiting):
    assert rows_read(lambda: lifecycle.ready(8), "background_jobs") <= ROWS_MOST
    assert rows_read(claim, "background_jobs") <= ROWS_MOST


def test_a_small_table_without_statistics_is_gone_through_no_more_than_a_few_times():
    """As after an installation or a bulk of jobs, until the first ANALYZE: it may be read from end
    to end, being small, but the candidates are not found again for each of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, ["xml_import", None, 500])
    assert rows_read(claim, "background_jobs") <= 4 * 500


def test_a_cap_makes_them_read_no_more(many_waiting):
    lifecycle.set_queue("xml_import", None, max_running=4)
    for _ in range(3):
        claim()
    assert rows_read(lambda: lifecycle.ready(8), "background_jobs") <= ROWS_MOST
    assert rows_read(claim, "background_jobs") <= ROWS_MOST
    assert lifecycle.ready(8) == 0


@pytest.mark.parametrize("function", ["ready_jobs", "claim_job"])
def test_they_stay_on_the_partial_index(many_waiting, function):
    shape = plan(function)
    assert re.search(r"Index (Only )?Scan using job_ready on background_jobs", shape), shape
    assert not re.search(r"Seq Scan on background_jobs|Bitmap", shape), shape
