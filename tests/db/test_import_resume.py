"""An import that is stopped in the middle goes on at its last commit, and ends as if it had not
been stopped."""

import pytest
from django.db import connection

from imports import batches, preview, start
from imports.models import ImportRow
from imports.request import Request
from imports.rows import remarks
from jobtracker import context
from jobtracker.catalogue import write
from jobtracker.catalogue.models import Material, MaterialVersion
from jobtracker.models import BackgroundJob, JobCheckpoint
from samples.make_samples import write_feed
from tests.db.import_runs import Line, imported, work_off
from tests.db.jobs import claim

pytestmark = pytest.mark.django_db

ROWS, BATCH = 50, 10
STATE = """
SELECT (SELECT array_agg((name, price, stock, ean_valid, active) ORDER BY name) FROM materials m
        WHERE m.supplier_id = s.id)::text,
    (SELECT array_agg((source_key, row_number, content_hash) ORDER BY row_number)
     FROM material_sources JOIN materials m ON m.id = material_id WHERE m.supplier_id = s.id)::text,
    (SELECT array_agg((source_key, row_number, op) ORDER BY row_number, v.id)
     FROM material_versions v JOIN materials m ON m.id = v.material_id
     WHERE m.supplier_id = s.id)::text,
    (SELECT array_agg((number, line, key, outcome, r.detail) ORDER BY number) FROM import_rows r
     JOIN background_jobs j ON j.id = r.job_id WHERE j.supplier_id = s.id)::text
FROM suppliers s WHERE s.name = %s
"""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(batches, "BATCH", BATCH)


@pytest.fixture
def feed(tmp_path):
    return write_feed(tmp_path / "feed.xml", ROWS)


class StopsAt(Line):
    """A line over which the stop comes once so many checks were made in the stage that writes."""

    def __init__(self, checks: int, reason: str) -> None:
        super().__init__()
        self._checks = checks
        self._reason = reason

    def stop(self) -> str | None:
        if JobCheckpoint.objects.filter(stage="fields_mapped").exists():
            self._checks -= 1
        return self._reason if self._checks < 0 else None


def state(supplier):
    with connection.cursor() as cursor:
        cursor.execute(STATE, [supplier])
        return cursor.fetchone()


def start_job(feed, supplier):
    return start.start_import(Request(str(feed), supplier=supplier)).job_id


def attempt(line):
    """Run one attempt and write its end, as a nurse does."""
    claimed = claim()
    context.run(claimed, line)
    line.diary.ending.write(claimed.token)
    return line.diary.ending.outcome


def committed(job_id):
    """The last row that the checkpoint says is written."""
    kept = JobCheckpoint.objects.filter(job_id=job_id, stage="rows_imported").first()
    return kept.data["number"] if kept else 0


@pytest.mark.parametrize("reason", ["drain", "lost"])
@pytest.mark.parametrize("checks", [1, 4, 6, 9])
def test_a_stopped_import_goes_on_and_ends_as_if_undisturbed(feed, monkeypatch, checks, reason):
    imported(feed, "--supplier", "Undisturbed")
    job_id = start_job(feed, "Disturbed")
    ended = attempt(StopsAt(checks, reason))
    assert ended != "completed"
    last = committed(job_id)
    assert last < ROWS
    written = []
    stage = write.Writer.stage

    def counted(self, rows, rejected=()):
        written.extend(row.number for row in rows)
        stage(self, rows, rejected)

    monkeypatch.setattr(write.Writer, "stage", counted)
    work_off()
    job = BackgroundJob.objects.get(pk=job_id)
    assert (job.status, job.done_items) == ("completed", ROWS)
    assert written == list(range(last + 1, ROWS + 1))
    assert state("Disturbed") == state("Undisturbed")


def test_a_stopped_import_of_two_files_goes_on_in_the_same_rows(tmp_path):
    texts, prices = tmp_path / "texts.csv", tmp_path / "prices.csv"
    texts.write_text("sku;name\n" + "".join(f"T-{n};Tile {n}\n" for n in range(40)))
    rows = "".join(f"T-{n};{n}.50;EUR\n" for n in range(50, 4, -1))
    prices.write_text(f"Article;Price;Currency\n{rows}")
    imported(texts, "--join", prices, "--supplier", "Undisturbed")
    asked = Request(str(texts), supplier="Disturbed", join=str(prices))
    job_id = start.start_import(asked).job_id
    assert attempt(StopsAt(7, "lost")) != "completed"
    assert 0 < committed(job_id) < 40
    work_off()
    job = BackgroundJob.objects.get(pk=job_id)
    assert (job.status, job.done_items, job.skipped_items) == ("completed", 40, 11)
    assert state("Disturbed") == state("Undisturbed")


def test_a_batch_that_dies_before_its_commit_leaves_nothing(feed, monkeypatch):
    job_id = start_job(feed, "Disturbed")
    apply, calls = write.Writer.apply, []

    def dies(self):
        calls.append(apply(self))
        if len(calls) == 3:
            raise RuntimeError("killed between writing and commit")
        return calls[-1]

    with monkeypatch.context() as patched:
        patched.setattr(write.Writer, "apply", dies)
        assert attempt(Line()) == "retryable"
    assert committed(job_id) == 2 * BATCH
    assert Material.objects.count() == MaterialVersion.objects.count() == 2 * BATCH
    assert ImportRow.objects.filter(job_id=job_id).count() == 2 * BATCH
    BackgroundJob.objects.filter(pk=job_id).update(run_after=None)
    work_off()
    imported(feed, "--supplier", "Undisturbed")
    assert state("Disturbed") == state("Undisturbed")


def test_the_same_file_again_leaves_everything_unchanged(feed):
    imported(feed, "--supplier", "S")
    before = state("S")[:3]
    job = imported(feed, "--supplier", "S")
    assert job.result["unchanged"] == job.done_items == ROWS
    assert state("S")[:3] == before


def test_a_dry_run_writes_nothing_and_counts_as_the_run_does(feed, tmp_path):
    imported(feed, "--supplier", "S")
    (tmp_path / "new").mkdir()
    changed = write_feed(tmp_path / "new" / "feed.xml", ROWS + 5, changed_share=0.3)
    before = state("S")
    said = preview.dry_run(Request(str(changed), supplier="S"))
    assert state("S") == before
    assert not BackgroundJob.objects.filter(status="pending").exists()
    job = imported(changed, "--supplier", "S")
    assert said.created == job.result["created"] == 5
    assert said.updated == job.result["updated"] > 0
    assert said.unchanged == job.result["unchanged"] > 0


def test_what_was_remarked_is_counted_from_the_rows_of_all_attempts(feed):
    job_id = start_job(feed, "Disturbed")
    zero = {"column": "price", "reason": "the price is 0"}
    ImportRow.objects.bulk_create(
        ImportRow(job_id=job_id, number=number, line=1, outcome="c", detail=detail)
        for number, detail in enumerate([{"warnings": [zero, {"reason": "mended"}]},
                                         {"warnings": [zero]}, None, {"reason": "skipped"}])
    )  # fmt: skip
    assert remarks(job_id) == [("price: the price is 0", 2), ("mended", 1)]
