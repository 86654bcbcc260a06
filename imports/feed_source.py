"""Where a feed comes from: checked before a job exists, kept as it came, read as described."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from imports import joins, profiles, readers
from imports.models import DataImportJob, FeedLogin
from imports.profiles import Profile
from imports.readers import FieldSurvey, Inspection, Plain, Source, Survey, UnreadableFeed
from imports.readers.joining import NotJoined
from jobtracker import uploads
from jobtracker.catalogue.models import CatalogueSource, Kind, Supplier
from jobtracker.context import JobContext
from jobtracker.sealed import unseal
from jobtracker.sources import is_url
from jobtracker.states import Outcome, Permanent, Retryable, Status

if TYPE_CHECKING:
    from imports.sources import Login
    from jobtracker.outbound import FetchFailed

UNCHANGED = "The source has not changed since the last import."
NO_ENTRY = (
    "If it lets in only whom it knows, keep a log-in for it, or mend the one that is kept: an"
    " administrator adds it under Log-ins for feeds on the supplier's page."
)
READING = ("type", "record", "encoding", "delimiter", "entry")  # what can be stated of a source
FIELDS_KEPT = 500  # surveyed fields kept for the mapping page
SAMPLES_KEPT = 5
SAMPLE_LENGTH = 160


@dataclass(frozen=True)
class Fetched:
    """A download in our storage: the columns of the detail row that it fills, its size."""

    columns: dict[str, Any]
    bytes: int


def detail_of(context: JobContext) -> DataImportJob:
    """Return the detail row of the job that is running."""
    return DataImportJob.objects.get(background_job_id=context.job.id)


def name_of(source: str) -> str:
    """Return the name by which people know a source: a file's name, an address's last part."""
    if is_url(source):
        parts = urlsplit(source)
        return uploads.shown_name(parts.path) or parts.hostname or source
    return uploads.shown_name(source)


def fetch(detail: DataImportJob, between: Callable[[], object]) -> Fetched | None:
    """Bring the job's address, or its file on this machine, into our storage; None where it has
    not changed since the last import from it that was asked for in the same way and came to its
    end. `between` is called after each piece of a download. Raises `Permanent` or `Retryable`."""
    job = detail.background_job
    before = (
        DataImportJob.objects.filter(
            source_url=detail.source_url,
            background_job__supplier=job.supplier_id,
            background_job__metadata=job.metadata,
            status=Status.COMPLETED,
        )
        # One that a person marked completed has perhaps written nothing.
        .filter(background_job__attempts__outcome=Outcome.COMPLETED)
        .exclude(content_hash="")
        .exclude(background_job__result__has_key="undone")
        .order_by("-pk")
        .first()
    )
    if not detail.source_url:
        return _copied(job.metadata["path"], before)
    from imports import sources  # httpx: 8 MB that most processes never need
    from jobtracker import outbound

    with uploads.incoming() as path:
        try:
            got = sources.fetch(
                detail.source_url,
                path,
                uploads.max_bytes(),
                etag=before.etag if before else None,
                last_modified=before.last_modified if before else None,
                login=login_for(detail.background_job.supplier, detail.source_url),
                between=between,
            )
        except outbound.OutboundRefused as error:
            raise Permanent(str(error)) from error
        except outbound.FetchFailed as error:
            raise (Retryable if error.transient else Permanent)(why_failed(error)) from error
        if got.status == 304 or (before and got.sha256 == before.content_hash):
            return None
        stored = uploads.store_path(path, detail.source_name)
    return Fetched(
        {
            "source_file": stored.name,
            "content_hash": stored.sha256,
            "etag": got.etag or "",
            "last_modified": got.last_modified or "",
        },
        stored.bytes,
    )


def why_failed(error: "FetchFailed") -> str:
    """Return what a download failed for; of one that was denied, also where log-ins are kept."""
    return f"{error} {NO_ENTRY}" if error.status in (401, 403) else str(error)


def login_for(supplier: Supplier | None, url: str) -> "Login | None":
    """Return the log-in that a supplier keeps for the host of an address. Raises
    `OutboundRefused` where it cannot be unsealed any more."""
    from imports.sources import Login, host_of
    from jobtracker.outbound import OutboundRefused

    host, port = host_of(url)
    kept = FeedLogin.objects.filter(supplier=supplier, host__in=[host, f"{host}:{port}"])
    found = kept.order_by("-host").first()  # the one with a port is meant more exactly
    if found is None:
        return None
    try:
        return Login(found.kind, found.name, unseal(found.sealed_secret), found.host_key)
    except ValueError as error:
        raise OutboundRefused(f"The log-in for {host} must be entered again: {error}") from error


def check_url(url: str) -> None:
    """Raise `SourceRefused` for an address that no import would reach."""
    from imports import sources
    from jobtracker.outbound import OutboundError

    try:
        sources.check(url)
    except OutboundError as error:
        raise uploads.SourceRefused(str(error)) from error


def _copied(path: str, before: DataImportJob | None) -> Fetched | None:
    """Copy a file from one of `IMPORT_DIRS` into our storage."""
    try:
        stored = uploads.store_path(uploads.allowed_path(path))
    except uploads.SourceRefused as error:
        raise Permanent(str(error)) from error
    if before and stored.sha256 == before.content_hash:
        uploads.delete(stored.name)
        return None
    return Fetched({"source_file": stored.name, "content_hash": stored.sha256}, stored.bytes)


def catalogue_source(supplier_id: int, name: str) -> CatalogueSource:
    """Return the stream of values of a file name or address: tomorrow's file of that name
    replaces today's values."""
    source, _ = CatalogueSource.objects.select_related("supplier").get_or_create(
        supplier_id=supplier_id, kind=Kind.FEED, name=name
    )
    return source


@contextmanager
def opened(
    stored: Path, reading: MappingOf[str, str]
) -> Iterator[tuple[Path, Inspection, Profile | None]]:
    """Give a feed, unpacked, how to read it, obeying what the person stated, and the format that
    it has. `join` in `reading` names a second file in the same archive, `join_file` one of this
    machine, which are joined to the feed, `join_on` the fields that do so and `join_record` its
    record; `repair` is anything where malformed XML is to be mended. Raises `UnreadableFeed`."""
    stated: dict[str, Any] = {name: reading.get(name) for name in READING if name != "entry"}
    stated["repair"] = bool(reading.get("repair"))
    with ExitStack() as stack:
        plain = stack.enter_context(_plain(stored, reading.get("entry")))
        found, profile = profiles.inspect(plain, **stated)
        path = plain.path
        if named := reading.get("join_file") or reading.get("join"):
            second = joins.Second.from_text(named, reading.get("join_on"))
            second = second._replace(record=reading.get("join_record"))
            inside = "join" in reading
            try:
                other = stack.enter_context(
                    _plain(stored, second.file) if inside else _plain(Path(second.file), None)
                )
            except UnreadableFeed as error:
                if inside and plain.entry is None:
                    raise NotJoined(
                        "join",
                        f"There is no file {second.file} to join, and the feed is no archive that"
                        " could hold it.",
                    ) from error
                raise NotJoined("join", f"{Path(second.file).name}: {error}") from error
            if inside and other.entry == plain.entry:
                raise NotJoined(
                    "join",
                    f"{second.file} cannot be joined to itself: say which other file of the archive"
                    " is the feed (--entry).",
                )
            path, found = stack.enter_context(joins.found(path, found, second, other))
        yield path, found, profile


@contextmanager
def unpacked(detail: DataImportJob, source: Source) -> Iterator[Path]:
    """Give the stored file once more, unpacked for `source`."""
    with uploads.local_copy(detail.source_file) as stored, _plain(stored, source.entry) as plain:
        if source.join is None:
            yield plain.path
            return
        with (
            _plain(stored, source.join.source.entry) as other,
            joins.again(plain.path, source, other.path) as joined,
        ):
            yield joined


def _plain(stored: Path, entry: str | None) -> AbstractContextManager[Plain]:
    return readers.unpacked(stored, entry, settings.FILE_UPLOAD_TEMP_DIR)


def survey_to_json(survey: Survey) -> dict[str, Any]:
    """Return a survey as bounded JSON for the checkpoint; `survey_from_json` reads it."""
    fields = [
        asdict(each) | {"samples": [text[:SAMPLE_LENGTH] for text in each.samples[:SAMPLES_KEPT]]}
        for each in survey.fields[:FIELDS_KEPT]
    ]
    return {
        "count": survey.count,
        "unusable": survey.unusable,
        "joined": survey.joined,
        "alone": survey.alone,
        "fields": fields,
    }


def survey_from_json(data: dict[str, Any]) -> Survey:
    """The reverse of `survey_to_json`."""
    fields = tuple(
        FieldSurvey(**each | {"samples": tuple(each["samples"])}) for each in data["fields"]
    )
    return Survey(
        data["count"], data["unusable"], fields, data.get("joined", 0), data.get("alone", 0)
    )
