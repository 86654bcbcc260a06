"""Starting an import: everything that can be checked is checked before a job exists."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from imports import feed_source, readers
from imports.mapping import Mapping
from imports.models import MappingTemplate
from imports.readers import UnreadableFeed
from imports.readers.detect import kind_of
from imports.readers.encoding import checked_codec
from jobtracker import lifecycle, outbound, uploads
from jobtracker.catalogue.models import Supplier
from jobtracker.lifecycle import Created
from jobtracker.models import User
from jobtracker.states import JobType, Priority
from jobtracker.uploads import SourceRefused


@dataclass(frozen=True)
class Request:
    """What a person asks for. `source` is a path or an address, `upload` a file from the pages
    (then `source` is its name); `confirm` asks for a look at the mapping in any case; the rest
    overrides what would be found out."""

    source: str
    upload: Any = None
    supplier: str = ""
    type: str | None = None
    record: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    currency: str | None = None
    mapping: Mapping | None = None
    template: MappingTemplate | None = None
    confirm: bool = False
    priority: Priority = Priority.NORMAL
    created_by: User | None = None
    stated: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        options = ("type", "record", "encoding", "delimiter", "currency")
        stated = {name: getattr(self, name) for name in options if getattr(self, name)}
        object.__setattr__(self, "stated", stated)


def start_import(request: Request) -> Created:
    """Check the source, keep it in our storage and create the job. Raises `SourceRefused`.

    The same file for the same supplier while an earlier job on it still runs is that job.
    """
    name = feed_source.name_of(request.source)
    detail: dict[str, Any] = {"source_name": name[:500], "import_type": request.type or "xml"}
    if feed_source.is_url(request.source):
        check_url(request.source)
        detail["source_url"] = same = request.source
    else:
        stored, kind = _stored(request, name)
        detail |= {
            "source_file": stored.name,
            "content_hash": stored.sha256,
            "import_type": kind,
        }
        same = stored.sha256
    with transaction.atomic():
        supplier = supplier_of(request)
        metadata: dict[str, Any] = {"stated": request.stated}
        if request.confirm:
            metadata["confirm"] = True
        if request.mapping:
            metadata["mapping"] = request.mapping.to_json()
        created = lifecycle.create(
            JobType.IMPORT,
            filename=name[:500],
            supplier_id=supplier.pk,
            metadata=metadata,
            priority=request.priority,
            unique_key=f"import:{supplier.pk}:{same}"[:200],
            created_by=request.created_by,
            detail=detail | {"template": request.template},
        )
    if created.existing and detail.get("source_file"):
        uploads.delete(detail["source_file"])
    return created


def check_file(path: Path, request: Request) -> str:
    """Return "xml" or "csv". Raises `SourceRefused` for a file that no import could read."""
    try:
        kind = request.type or kind_of(path)
        if kind != "xml" or request.type:
            # Cheap for CSV; an XML feed is read to its end by the job, which can take a while.
            stated = {k: v for k, v in request.stated.items() if k != "currency"}
            kind = readers.inspect(path, **stated).source.type
        if request.encoding:
            checked_codec(request.encoding)
    except UnreadableFeed as error:
        raise SourceRefused(f"{request.source}: {error}") from error
    return kind


def check_url(url: str) -> None:
    """Raise `SourceRefused` for an address that the outbound guard would not reach."""
    try:
        outbound.check(url)
    except outbound.OutboundError as error:
        raise SourceRefused(str(error)) from error


def _stored(request: Request, name: str) -> tuple[uploads.StoredSource, str]:
    """Keep a readable file in our storage; returns it with its type."""
    if request.upload is None:
        kind = check_file(Path(request.source), request)
        return uploads.store_path(Path(request.source), name), kind
    stored = uploads.store_upload(request.upload)
    try:
        with uploads.local_copy(stored.name) as path:
            return stored, check_file(path, request)
    except SourceRefused:
        uploads.delete(stored.name)
        raise


def supplier_of(request: Request) -> Supplier:
    """Return the named supplier, made on first use; without a name the source gives one, so that
    feeds of different suppliers never share keys by accident."""
    title = request.supplier.strip()
    if not title:
        host = urlsplit(request.source).hostname if feed_source.is_url(request.source) else None
        title = host or Path(feed_source.name_of(request.source)).stem
    return Supplier.objects.get_or_create(name=title)[0]


def template_named(supplier: str, name: str) -> MappingTemplate | None:
    """Return the newest version of a supplier's mapping template."""
    return (
        MappingTemplate.objects.filter(supplier__name=supplier, name=name)
        .order_by("-version")
        .first()
    )
