"""Starting PDFs: everything that can be checked cheaply is checked before a job exists."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobtracker import lifecycle, uploads
from jobtracker.catalogue.models import Supplier
from jobtracker.lifecycle import Created
from jobtracker.models import User
from jobtracker.sealed import seal
from jobtracker.sources import supplier_name
from jobtracker.states import JobType, Priority
from jobtracker.uploads import SourceRefused, StoredSource
from pdfjobs import page_numbers
from pdfjobs.models import PdfDocument

SIGN_WITHIN = 1024  # bytes from the start, as readers of PDFs have it


@dataclass(frozen=True)
class Request:
    """What a person asks for. `source` is a path, `upload` a file from the pages (then `source` is
    its name); `pages` as "1-9, 12", "" for all; `again` processes a known file without asking.
    Raises `SourceRefused` for what can be no PDF's."""

    source: str
    upload: Any = None
    supplier: str = ""
    password: str = ""
    pages: str = ""
    again: bool = False
    priority: Priority = Priority.NORMAL
    created_by: User | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "supplier", supplier_name(self.supplier))
        try:
            page_numbers.parts(self.pages)
        except ValueError as error:
            raise SourceRefused(f"Pages: {error}") from error
        object.__setattr__(self, "pages", self.pages.strip())


def start_pdfs(requests: Sequence[Request]) -> list[Created]:
    """Check the files, keep them in our storage and create their jobs: all or none of them.
    Raises `SourceRefused`.

    The same file and pages for the same supplier while an earlier job still runs is that job.
    """
    kept: list[StoredSource] = []
    try:
        for request in requests:
            kept.append(_stored(request))  # noqa: PERF401 (what is kept must be known)
        with transaction.atomic():
            created = [_create(*each) for each in zip(requests, kept, strict=True)]
    except BaseException:
        for stored in kept:
            uploads.delete(stored.name)
        raise
    for made, stored in zip(created, kept, strict=True):
        if made.existing:
            uploads.delete(stored.name)
    return created


def retry_pages(document: PdfDocument, numbers: list[int], user: User | None) -> Created:
    """Process pages of a document once more, in a job of their own with the same options and on
    the same stored file. Raises `SourceRefused`."""
    job = document.background_job
    pages = page_numbers.as_text(numbers)
    if not document.source_file:
        raise SourceRefused(uploads.REMOVED)
    if not pages:
        raise SourceRefused("There is no page to retry.")
    return _new(
        document.filename,
        document.source_file,
        document.content_hash,
        document.bytes,
        sealed=document.sealed_password,
        supplier_id=job.supplier_id,
        metadata=job.metadata | {"pages": pages, "again": True},
        priority=job.priority,
        unique_key=f"pdf-pages:{document.pk}:{pages}",
        created_by=user,
        parent_id=job.pk,
    )


def _create(request: Request, stored: StoredSource) -> Created:
    metadata: dict[str, Any] = {"pages": request.pages} if request.pages else {}
    if request.again:
        metadata["again"] = True
    name = request.supplier or Path(stored.original_name).stem
    supplier = Supplier.objects.get_or_create(name=name)[0]
    return _new(
        stored.original_name,
        stored.name,
        stored.sha256,
        stored.bytes,
        sealed=seal(request.password) if request.password else "",
        supplier_id=supplier.pk,
        metadata=metadata,
        priority=request.priority,
        unique_key=f"pdf:{supplier.pk}:{stored.sha256}:{request.pages}",
        created_by=request.created_by,
    )


def _new(
    filename: str, source: str, content_hash: str, size: int, *, sealed: str, **job: Any
) -> Created:
    document_id = _new_id()
    return lifecycle.create(
        JobType.PDF,
        filename=filename,
        document_id=document_id,
        detail={
            "id": document_id,
            "filename": filename,
            "source_file": source,
            "content_hash": content_hash,
            "bytes": size,
            "sealed_password": sealed,
        },
        **job,
    )


def _new_id() -> UUID:
    """Return a fresh key: the job names its document and the document its job."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7()")
        found: UUID = cursor.fetchone()[0]
    return found


def _stored(request: Request) -> StoredSource:
    """Keep the file in our storage, once it is found to be a PDF by its sign."""
    if request.upload is None:
        stored = uploads.store_path(Path(request.source))
    else:
        stored = uploads.store_upload(request.upload)
    with uploads.opened(stored.name) as file:
        is_pdf = b"%PDF-" in file.read(SIGN_WITHIN)
    if not is_pdf:
        uploads.delete(stored.name)
        raise SourceRefused(f"{stored.original_name} is no PDF: it does not begin like one.")
    return stored
