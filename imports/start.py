"""Starting an import: everything that can be checked is checked before a job exists."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from imports import feed_source, joins, readers, rejects
from imports.joins import JoinRefused
from imports.mapping import Mapping, MappingError
from imports.mapping_choice import Confirm, obeyable
from imports.models import DataImportJob, ImportRow, MappingTemplate
from imports.prices import price_fields
from imports.readers import UnknownEncoding, UnreadableFeed
from imports.readers.detect import kind_of
from imports.readers.joining import NotJoined
from jobtracker import lifecycle, uploads
from jobtracker.catalogue.models import Supplier, WhenMissing
from jobtracker.catalogue.normalise import is_code
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, JobSchedule, User
from jobtracker.sources import is_url, supplier_name
from jobtracker.states import JobType, Priority
from jobtracker.uploads import SourceRefused

MAX_RETRIED = 100_000  # failed rows that a job of their own takes
CHECKED_BYTES = 16 << 20  # of two files that a page has joined before it answers
UNREAD = "xml"  # the type of a source until it is read
COPIED = ("source_name", "source_file", "source_url", "content_hash", "import_type")


@dataclass(frozen=True)
class Request:
    """What a person asks for. `source` is a path or an address, `upload` a file from the pages
    (then `source` is its name); `confirm` asks for a look at the mapping; `price_only` changes
    nothing but prices and stock of known products; `missing` says what becomes of those that a
    whole feed has no more (`WhenMissing`), "" that it is as the supplier's default; `join` is a
    second file, on this machine or in the same archive, and `join_on` what joins it, as
    `joins.Second` reads them, or `join` is the name of a `join_upload` from the pages; `pair` says
    how the two files of a reject file are read (see `as_before`); `repair` mends malformed XML; the
    rest overrides what would be found out. Raises `SourceRefused` for what can be no import's."""

    source: str
    upload: Any = None
    supplier: str = ""
    type: str | None = None
    record: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    entry: str | None = None
    join: str | None = None
    join_on: str | None = None
    join_upload: Any = None
    pair: dict[str, str] = field(default_factory=dict)
    repair: bool = False
    currency: str | None = None
    mapping: Mapping | None = None
    template: MappingTemplate | None = None
    confirm: Confirm = Confirm.NEVER
    price_only: bool = False
    missing: str = ""
    priority: Priority = Priority.NORMAL
    created_by: User | None = None
    stated: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        currency = (self.currency or "").upper()
        if currency and not is_code(currency):
            raise SourceRefused(f"{self.currency} is no ISO 4217 currency code.")
        if self.price_only and self.missing == WhenMissing.DEACTIVATE:
            raise SourceRefused("A feed of prices only does not tell which products are missing.")
        if self.join_on is not None and not self.join:
            raise SourceRefused("--join-on says what joins a second file: name it with --join.")
        if self.has_second and is_url(self.source):
            raise SourceRefused(
                f"{self.source} cannot be joined with a file of this machine. Fetch it first, or"
                " name a file of the archive that the address leads to."
            )
        object.__setattr__(self, "currency", currency)
        object.__setattr__(self, "supplier", supplier_name(self.supplier))
        options = {name: getattr(self, name) for name in (*feed_source.READING, "currency")}
        options["repair"] = "yes" if self.repair else None
        object.__setattr__(self, "stated", {k: v for k, v in options.items() if v})

    @property
    def reading(self) -> dict[str, str]:
        """What was stated of how to read the source."""
        found = {name: value for name, value in self.stated.items() if name in feed_source.READING}
        if self.repair:
            found["repair"] = self.stated["repair"]
        if self.join:
            found["join_file" if self.second_file else "join"] = self.second.file
            found["join_on"] = self.second.fields
        return found | self.pair

    @property
    def second(self) -> joins.Second:
        """The second file as it is named."""
        return joins.Second.from_text(self.join or "", self.join_on)

    @property
    def second_file(self) -> Path | None:
        """The file on this machine that is joined, if it is one."""
        path = Path(self.second.file)
        return path if self.join and self.join_upload is None and path.is_file() else None

    @property
    def has_second(self) -> bool:
        """Whether what is joined is a file by itself, not one of the archive that the first is."""
        return self.join_upload is not None or self.second_file is not None

    @property
    def names(self) -> tuple[str, str]:
        """What a file and its second are called in the archive that keeps them."""
        return joins.together(Path(self.source), Path(self.second.file))

    @property
    def _joined(self) -> dict[str, str]:
        """What the job is told of a second file, which it finds beside the first."""
        if not self.join:
            return self.pair
        joined = {"join": self.second.file, "join_on": self.second.fields}
        if self.has_second:
            first, joined["join"] = self.names
            joined["entry"] = f"{first}/{self.entry}" if self.entry else first
        return joined

    @property
    def told(self) -> dict[str, str]:
        """What the job is told of how to read what is kept: one file, or the archive of two."""
        return self.stated | self._joined

    def metadata(self, supplier: Supplier) -> dict[str, Any]:
        """Return what the job keeps of the request, and of the supplier's defaults, for its
        stages."""
        kept: dict[str, Any] = {"stated": self.told}
        if self.confirm:
            kept["confirm"] = self.confirm
        if self.price_only:
            kept["price_only"] = True
        elif (self.missing or supplier.when_missing) == WhenMissing.DEACTIVATE:
            kept["missing"] = WhenMissing.DEACTIVATE
        if self.mapping:
            kept["mapping"] = self.mapping.to_json()
        return kept


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
    Raises `SourceRefused`.

    The same file for the same supplier while an earlier job on it still runs is that job.
    """
    requests = [as_before(request) for request in requests]
    details: list[dict[str, Any]] = []
    try:
        for request in requests:
            details.append(_checked(request))  # noqa: PERF401 (what is kept must be known)
        with transaction.atomic():
            created = [_create(*each) for each in zip(requests, details, strict=True)]
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


def check_file(path: Path, request: Request) -> str:
    """Return "xml", "csv" or "json". Raises `SourceRefused` for a file that no import could read
    as the request says."""
    try:
        kind = kind_of(path)
        if kind == "xml" and not request.reading and not request.mapping:
            # Its job reads an XML feed to the end, which can take a while; nothing that was
            # stated has to be held against it here.
            return kind
        with feed_source.opened(path, request.told) as (plain, found, _):
            if request.mapping:
                mapping = price_fields(request.mapping) if request.price_only else request.mapping
                obeyable(mapping, readers.survey(plain, found.source))
    except NotJoined as error:
        raise JoinRefused(error.blamed, f"{request.source}: {error}") from error
    except (UnreadableFeed, MappingError) as error:
        if isinstance(error, UnknownEncoding) and request.upload:
            return _likely_type(path)  # its job says so, and its page takes the encoding
        raise SourceRefused(f"{request.source}: {error}") from error
    return found.source.stored_type


def _likely_type(path: Path) -> str:
    """Return the type of a file that nobody has read yet, as it looks from outside."""
    kind = kind_of(path)
    return kind if kind in ("xml", "json") else "csv"


def _checked(request: Request) -> dict[str, Any]:
    """Return the columns of the detail row, once the source is found good and kept."""
    name = feed_source.name_of(request.source)
    detail: dict[str, Any] = {"source_name": name, "template": request.template}
    if is_url(request.source):
        feed_source.check_url(request.source)
        return detail | {"source_url": request.source, "import_type": request.type or UNREAD}
    stored, kind = _stored(request, name)
    return detail | {
        "source_file": stored.name,
        "content_hash": stored.sha256,
        "import_type": kind,
    }


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


def _create(request: Request, detail: dict[str, Any]) -> Created:
    supplier = supplier_of(request)
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


def _stored(request: Request, name: str) -> tuple[uploads.StoredSource, str]:
    """Keep a readable file in our storage; returns it with its type."""
    if request.has_second:
        return _stored_together(request, name)
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


def _stored_together(request: Request, name: str) -> tuple[uploads.StoredSource, str]:
    """Keep two readable files as one archive in our storage; returns it with the type of the
    first."""
    with (
        _local(request.upload, Path(request.source)) as first,
        _local(request.join_upload, Path(request.second.file)) as second,
        joins.packed((first, second), request.names) as archive,
    ):
        # Two files are joined whole to be checked: of large ones the job says what is wrong, not
        # the page that someone waits for.
        is_large = first.stat().st_size + second.stat().st_size > CHECKED_BYTES
        if request.created_by and is_large:
            kind = _likely_type(first)
        else:
            kind = check_file(archive, request)
        return uploads.store_path(archive, name), kind


def _local(upload: Any, path: Path) -> AbstractContextManager[Path]:
    return nullcontext(path) if upload is None else uploads.received(upload)


def supplier_title(request: Request) -> str:
    """Return the name of the supplier; without one the source gives it, so that feeds of different
    suppliers never share keys by accident."""
    if request.supplier:
        return request.supplier
    host = urlsplit(request.source).hostname if is_url(request.source) else None
    return host or Path(feed_source.name_of(request.source)).stem


def supplier_of(request: Request) -> Supplier:
    """Return the request's supplier, made on first use."""
    return Supplier.objects.get_or_create(name=supplier_title(request))[0]


def template_named(supplier: str, name: str) -> MappingTemplate | None:
    """Return the newest version of a supplier's mapping template; None for one set aside."""
    versions = MappingTemplate.objects.filter(supplier__name=supplier, name=name)
    newest = versions.order_by("-version").first()
    return None if newest is None or newest.retired_at else newest
