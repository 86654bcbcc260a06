"""PDFs by a real worker whose processes are killed in the middle: the end is the same."""

import os
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.workers import processes
from pdfjobs.models import PdfImage, PdfPage, PdfRow
from pdfjobs.start import Request, start_pdfs
from tests.fixtures.pdfs import table_catalogue
from tests.fixtures.worker_host import WorkerHost, until

pytestmark = pytest.mark.usefixtures("host")
PAGES = 12


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table_catalogue(tmp_path_factory.mktemp("pdf") / "tiles.pdf", pages=PAGES)


@pytest.fixture(scope="module")
def undisturbed(host: WorkerHost, catalogue: Path) -> Any:
    job_id = started(catalogue, "Undisturbed")
    assert ended(job_id).status == "completed"
    return what_is_left(job_id)


def started(path: Path, supplier: str) -> UUID:
    (created,) = start_pdfs([Request(str(path), supplier=supplier)])
    return created.job_id


def ended(job_id: UUID) -> BackgroundJob:
    done = ("completed", "failed", "cancelled")
    return until(
        lambda: BackgroundJob.objects.filter(pk=job_id, status__in=done).first(), "it ended", 60
    )


def what_is_left(job_id: UUID) -> Any:
    """Everything that a run leaves, without ids and times."""
    pages = PdfPage.objects.filter(document__background_job_id=job_id)
    return (
        list(pages.values_list("number", "state", "stage", "kind", "records", "error")),
        list(PdfRow.objects.filter(job_id=job_id).values_list("number", "key", "outcome")),
        PdfImage.objects.filter(page__in=pages).count(),
        sum(page.chunks.count() for page in pages),
    )


def child_in(job_id: UUID, stage: str) -> int:
    """Wait until some pages are through a stage; return the attempt's own process."""
    until(
        lambda: PdfPage.objects.filter(
            document__background_job_id=job_id, stage=stage
        ).exists(),
        f"a page is through {stage}",
    )  # fmt: skip
    attempt = JobAttempt.objects.get(job_id=job_id, finished_at=None)
    (child,) = processes.children(attempt.pid)
    return child


@pytest.mark.parametrize("stage", ["text_extracted", "tiles_generated"])
def test_a_killed_attempt_goes_on_at_its_page(
    host: WorkerHost, catalogue: Path, undisturbed: Any, stage: str
) -> None:
    job_id = started(catalogue, f"Killed in {stage}")
    os.kill(child_in(job_id, stage), signal.SIGKILL)
    job = ended(job_id)
    outcomes = list(job.attempts.order_by("number").values_list("outcome", flat=True))
    assert outcomes == ["crashed", "completed"]
    assert what_is_left(job_id) == undisturbed


def test_a_killed_reader_is_asked_again(
    host: WorkerHost, catalogue: Path, undisturbed: Any
) -> None:
    job_id = started(catalogue, "Reader killed")
    child = child_in(job_id, "text_extracted")
    (reader,) = [
        pid
        for pid in processes.children(child)
        if b"pdfjobs.reading.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(reader, signal.SIGKILL)
    job = ended(job_id)
    assert job.attempts.count() == 1
    assert what_is_left(job_id) == undisturbed
