"""Which stored files go with a job, and which stay."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.storage.filesystem import FileSystemStorage
from django.db import connection
from django.urls import reverse

from jobtracker import metrics, pipelines, retention
from jobtracker.catalogue.models import MaterialSource, MaterialVersion
from jobtracker.metrics import Bite
from jobtracker.models import FileToRemove
from jobtracker.retention import files
from pdfjobs import desk
from pdfjobs.models import PdfDocument, PdfImage, PdfPage
from pdfjobs.start import retry_pages
from tests.db.ended_jobs import end, rolled_up
from tests.db.pages import signed_in
from tests.db.pdf_documents import make_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr(metrics, "STATEMENT_MS", 60_000)
    monkeypatch.setattr(metrics, "_hours", Bite(most=10_000, least=1))


def drawn(document: PdfDocument) -> list[str]:
    """Return the names of the files that the document has in the default storage."""
    folder = f"pdf/{document.pk}"
    if not default_storage.exists(folder):
        return []
    return sorted(f"{folder}/{name}" for name in default_storage.listdir(folder)[1])


def with_image(document: PdfDocument, number: int = 1) -> str:
    """Give the first page's picture of that number a file; return its name."""
    name = default_storage.save(f"pdf/{document.pk}/i1-{number}.png", ContentFile(b"image"))
    page = PdfPage.objects.get(document=document, number=1)
    PdfImage.objects.update_or_create(
        page=page,
        number=number,
        defaults={
            "file": name, "box": [0, 0, 9, 9], "width_px": 9, "height_px": 9, "phash": "0" * 16,
        },
    )  # fmt: skip
    return name


def stored(document: PdfDocument) -> bool:
    return storages["sources"].exists(document.source_file)


def test_all_files_of_a_document_go_with_its_job():
    document = make_document()
    with_image(document)
    assert len(drawn(document)) == 3
    end(document.background_job, days=31)
    rolled_up()
    told = retention.prune_all()
    assert told["files"] == 4
    assert not stored(document)
    assert not default_storage.exists(f"pdf/{document.pk}")


def test_a_product_keeps_its_picture():
    document = make_document()
    shown, undone, other = (with_image(document, number) for number in (1, 2, 3))
    source = MaterialSource.objects.get(job_id=document.background_job_id)
    source.vals |= {"images": [shown]}
    source.save()
    MaterialVersion.objects.create(
        material_id=source.material_id, op="u", source_id=source.source_id, source_key="k",
        old_source={"images": [undone]},
    )  # fmt: skip
    MaterialVersion.objects.create(
        material_id=source.material_id, op="u", source_id=source.source_id, source_key="k",
        old_source={"images": None, "name": "Slate"},
    )  # fmt: skip
    end(document.background_job, days=31)
    rolled_up()
    retention.prune_all()
    assert drawn(document) == [shown, undone]
    assert other not in drawn(document)


def test_pictures_stay_where_the_catalogue_takes_too_long_to_ask(monkeypatch):
    def ask(ids: list, names: set[str]) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(60)")
        return set()

    monkeypatch.setattr(pipelines.get("pdf_processing"), "files_to_keep", ask)
    document = make_document()
    image = with_image(document)
    end(document.background_job, days=31)
    rolled_up()
    assert retention.prune_all()["background_jobs completed"] == 1
    assert drawn(document) == [image]


def test_pictures_go_before_their_pages(client, settings):
    settings.RETENTION_DAYS_COMPLETED = 0
    document = make_document(pages=2)
    image = with_image(document)
    end(document.background_job, days=91)
    rolled_up()
    settings.RETENTION_DAYS_ROWS = settings.RETENTION_DAYS_SOURCES = 0
    assert retention.count_due() == {"pictures": 1}
    told = retention.prune_all()
    assert (told["pictures"], told["files"]) == (1, 2)
    assert drawn(document) == [image]
    page = PdfPage.objects.get(document=document, number=1)
    assert (page.picture, page.thumbnail, page.tiles, page.records) == ("", "", [], 2)
    assert stored(document)
    signed_in(client, "Viewers")
    for address in (
        reverse("pdf-document", args=[document.pk]),
        reverse("pdf-page", args=[document.pk, 1]),
    ):
        assert client.get(address).status_code == 200


def test_a_source_stays_until_its_last_job_lets_it_go():
    document = make_document()
    job = document.background_job
    end(job, days=31)
    again = PdfDocument.objects.get(background_job_id=retry_pages(document, [1], user=None).job_id)
    end(again.background_job, days=10)
    rolled_up()
    retention.prune_all()
    assert not PdfDocument.objects.filter(pk=document.pk).exists()
    assert stored(again)
    assert not FileToRemove.objects.exists()
    end(again.background_job, days=40)
    rolled_up()
    retention.prune_all()
    assert not stored(again)


def test_a_source_has_days_of_its_own(client, settings):
    settings.RETENTION_DAYS_FAILED = 0
    document = make_document()
    end(document.background_job, "failed", days=91)
    rolled_up()
    retention.prune_all()
    assert not stored(document)
    document.refresh_from_db()
    assert document.source_file == ""
    signed_in(client, "Viewers")
    assert client.get(reverse("pdf-original", args=[document.pk])).status_code == 404
    with pytest.raises(ValueError, match="removed"):
        retry_pages(document, [1], user=None)


def test_a_file_that_is_kept_anew_is_not_removed(tmp_path):
    document = make_document()
    (tmp_path / "picture.webp").write_bytes(b"old")
    name = desk.keep(tmp_path / "picture.webp", document, "p9")
    FileToRemove.objects.create(storage="default", name=name)
    (tmp_path / "picture.webp").write_bytes(b"new")
    assert desk.keep(tmp_path / "picture.webp", document, "p9") == name
    retention.prune_all()
    assert default_storage.open(name).read() == b"new"


def test_a_file_that_cannot_be_removed_is_tried_again(monkeypatch):
    document = make_document()
    end(document.background_job, days=31)
    rolled_up()

    def refuse(storage: FileSystemStorage, name: str) -> None:
        raise PermissionError(name)

    monkeypatch.setattr(files, "FILES", 2)
    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "delete", refuse)
        retention.prune_all()
    last = FileToRemove.objects.order_by("pk").last()
    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "delete", refuse)
        retention.prune_all()
    assert last.pk <= FileToRemove.objects.order_by("pk")[0].pk  # the line moves on
    assert FileToRemove.objects.count() == 4
    assert stored(document)
    retention.prune_all()
    assert not FileToRemove.objects.exists()
    assert not stored(document)
