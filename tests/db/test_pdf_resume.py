"""A PDF job that dies goes on at the page where it was."""

import pytest

from jobtracker import context as contexts
from jobtracker import lifecycle
from jobtracker.models import BackgroundJob
from pdfjobs.models import PdfPage, PdfRow

from .import_runs import Line, manage, work_off
from .jobs import claim
from .pdf_runs import HEAD, Shelf, document_of, pdf_file, put_in_place, states_of

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = [f"{HEAD}\nNL-{n} Tile {n}.50" for n in range(1, 5)]


class Killed(BaseException):
    """What a kill -9 looks like from inside: nothing is written after it."""


def kill() -> None:
    raise Killed


@pytest.fixture
def shelf(monkeypatch, settings, tmp_path) -> Shelf:
    settings.EMBEDDINGS_PROVIDER = "ngrams"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media"},
        }
    }
    return put_in_place(monkeypatch, Shelf(list(TEXTS)))


def killed_in(shelf: Shelf, what: str, number: int) -> None:
    """Run the next attempt until it dies there, and let the tracker find that out."""
    shelf.trouble[what, number] = kill
    claimed = claim()
    with pytest.raises(Killed):
        contexts.run(claimed, Line())
    shelf.trouble.clear()
    lifecycle.crash(claimed.token, lifecycle.Failure("died", "", ""))


@pytest.mark.parametrize(
    ("what", "number"),
    [("draw", 1), ("text", 1), ("text", 3), ("tables", 2), ("draw", 4)],
)
def test_at_most_the_page_in_hand_is_repeated(shelf, tmp_path, what, number):
    manage("process_pdf", pdf_file(tmp_path / "tiles.pdf"))
    killed_in(shelf, what, number)
    work_off()
    job = BackgroundJob.objects.latest("id")
    assert (job.status, job.done_items, job.result["created"]) == ("completed", 4, 4)
    repeated = [call for call in set(shelf.calls) if shelf.calls.count(call) > 1]
    assert repeated == [(what, number)]
    assert PdfRow.objects.filter(job_id=job.pk).count() == 4


def test_a_page_that_kills_two_attempts_fails(shelf, tmp_path):
    manage("process_pdf", pdf_file(tmp_path / "tiles.pdf"))
    killed_in(shelf, "text", 2)
    killed_in(shelf, "text", 2)
    work_off()
    job = BackgroundJob.objects.latest("id")
    page = PdfPage.objects.get(document=document_of(job), number=2)
    assert (job.status, job.done_items, job.failed_items) == ("completed", 3, 1)
    assert page.error == "The process that read this page died 2 times over it."
    assert states_of(job)["text_extracted"] == "degraded"
