"""Starting an import: everything that can be checked is checked before a job exists."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.db import transaction

from imports import feed_source, intake, rejects
from imports.models import DataImportJob, ImportRow, MappingTemplate
from imports.request import Request, supplier_title
from jobtracker import lifecycle, uploads
from jobtracker.catalogue.models import Supplier
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, JobSchedule, User
from jobtracker.sources import is_url
from jobtracker.states import JobType
from jobtracker.uploads import SourceRefused

MAX_RETRIED = 100_000  # failed rows that a job of their own takes
UNREAD = "xml"  # the type of a source until it is read
COPIED = ("source_name", "source_file", "source_url", "content_hash", "import_type")


def as_before(request: Request) -> Request:
    """Return a request for a reject file as one to import it as the feed was that it comes from: of
    prices only, its two files joined. Raises `SourceRefused` for one of two files by itself."""
    supplier = Supplier.objects.filter(name=supplier_title(request)).first()
    name = feed_source.name_of(request.source)
    before = rejects.origin(supplier.pk, name) if supplier and not is_url(request.source) else None
    if before is None:
        return request
    if before.background_job.metadata.get("price_only"):
        request = replace(request, price_only=True)
    pair = rejects.pair_of(before)
    if pair and request.join:
        fields = request.reading["join_on"] or pair["join_on"]
        return replace(request, join_on=fields, record=request.record or pair.get("record"))
    if pair and not name.endswith(".zip"):
        raise SourceRefused(
            f"{name} belongs to a feed of two files: put {pair['entry']} and {pair['join']} into"
            f" one archive {rejects.file_name(before)}, and import that."
        )
    return replace(request, pair=pair)


def start_import(request: Request) -> Created:
    """Start one import; see `start_imports`."""
    return start_imports([request])[0]


def start_imports(requests: Sequence[Request]) -> list[Created]:
    """Check the sources, keep them in our storage and create their jobs: all or none of them.
    Raises `SourceRefused`, which names all that are no good.

    The same file for the same supplier while an earlier job on it still runs is that job.
    """
    obeyed: list[Request] = []
    details: list[dict[str, Any]] = []
    refused: list[SourceRefused] = []
    try:
        for request in requests:
            try:
                obeyed.append(as_before(request))
                details.append(_checked(obeyed[-1]))
            except SourceRefused as error:
                refused.append(error)
        if refused:
            raise _together(refused)
        with transaction.atomic():
            created = [_create(*each) for each in zip(obeyed, details, strict=True)]
    except BaseException:
        for detail in details:
            _discard(detail)
        raise
    for made, detail in zip(created, details, strict=True):
        if made.existing:
            _discard(detail)
    return created


def retry_failed(job: BackgroundJob, user: User | None) -> Created:
    """Import only the rows of an ended import that failed: from the stored file, with the mapping
    that was obeyed, as a job of its own. Raises `SourceRefused`."""
    failed = ImportRow.objects.filter(job_id=job.pk, outcome="f").count()
    if not failed:
        raise SourceRefused("No row of this import failed.")
    if failed > MAX_RETRIED:
        raise SourceRefused(
            f"{failed:,} rows failed, more than {MAX_RETRIED:,}: import the whole feed again."
        )
    before = DataImportJob.objects.get(background_job=job)
    kept = {name: value for name, value in job.metadata.items() if name != "confirm"}
    return lifecycle.create(
        JobType.IMPORT,
        filename=job.filename,
        supplier_id=job.supplier_id,
        metadata=kept | {"mapping": before.field_mappings, "failed_rows_only": True},
        priority=job.priority,
        unique_key=f"failed rows:{job.pk}",
        created_by=user,
        parent_id=job.pk,
        detail={name: getattr(before, name) for name in COPIED},
    )


def start_scheduled(schedule: JobSchedule, *, metadata: dict[str, Any], **common: Any) -> Created:
    """Create the import of a schedule. Its job fetches the address, or copies the file, itself.
    Raises `SourceRefused`."""
    spec = schedule.spec
    source = spec.get("url") or spec["path"]
    template = None
    if name := spec.get("template"):
        template = template_named(schedule.supplier.name, name)
        if template is None:
            raise SourceRefused(f"{schedule.supplier.name} has no mapping template {name!r} now.")
    request = Request(
        source,
        currency=spec.get("currency"),
        encoding=spec.get("encoding"),
        template=template,
        price_only=spec.get("price_only", False),
        missing=spec.get("missing", ""),
    )
    where = {"source_url": source} if is_url(source) else {}
    if not where:
        metadata = metadata | {"path": source}
    detail = {
        "source_name": feed_source.name_of(source),
        "template": template,
        "import_type": UNREAD,
        **where,
    }
    return lifecycle.create(
        JobType.IMPORT,
        filename=detail["source_name"],
        metadata=request.metadata(schedule.supplier) | metadata,
        detail=detail,
        **common,
    )


def _together(refused: Sequence[SourceRefused]) -> SourceRefused:
    """Return the refusals as one, a line each."""
    if len(refused) == 1:
        return refused[0]
    return SourceRefused("\n".join(dict.fromkeys(map(str, refused))))


def _checked(request: Request) -> dict[str, Any]:
    """Return the columns of the detail row, once the source is found good and kept."""
    name = feed_source.name_of(request.source)
    detail: dict[str, Any] = {"source_name": name, "template": request.template}
    if is_url(request.source):
        feed_source.check_url(request.source)
        return detail | {"source_url": request.source, "import_type": request.type or UNREAD}
    stored, kind = intake.keep(request, name)
    return detail | {
        "source_file": stored.name,
        "content_hash": stored.sha256,
        "import_type": kind,
    }


def _create(request: Request, detail: dict[str, Any]) -> Created:
    supplier, _ = Supplier.objects.get_or_create(name=supplier_title(request))
    same = detail.get("content_hash") or sha256(request.source.encode()).hexdigest()
    what = "prices" if request.price_only else "import"
    return lifecycle.create(
        JobType.IMPORT,
        filename=detail["source_name"],
        supplier_id=supplier.pk,
        metadata=request.metadata(supplier),
        priority=request.priority,
        unique_key=f"{what}:{supplier.pk}:{same}",
        created_by=request.created_by,
        detail=detail,
    )


def _discard(detail: dict[str, Any]) -> None:
    if name := detail.get("source_file"):
        uploads.delete(name)


def template_named(supplier: str, name: str) -> MappingTemplate | None:
    """Return the newest version of a supplier's mapping template; None for one set aside."""
    versions = MappingTemplate.objects.filter(supplier__name=supplier, name=name)
    newest = versions.order_by("-version").first()
    return None if newest is None or newest.retired_at else newest
