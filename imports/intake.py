"""Taking in a source: it is read as its job will read it, and then kept in our storage."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from imports import feed_source, joins, readers
from imports.joins import JoinRefused
from imports.mapping import MappingError
from imports.mapping_choice import obeyable
from imports.prices import price_fields
from imports.readers import UnknownEncoding, UnreadableFeed
from imports.readers.detect import kind_of
from imports.readers.joining import NotJoined
from imports.request import Request
from jobtracker import uploads
from jobtracker.uploads import SourceRefused

CHECKED_BYTES = 16 << 20  # of two files that a page has joined before it answers


def keep(request: Request, name: str) -> tuple[uploads.StoredSource, str]:
    """Keep the request's file in our storage; returns it with its type: "xml", "csv" or "json".
    Raises `SourceRefused` for one that no import could read as the request says."""
    if request.has_second:
        return _keep_together(request, name)
    if request.upload is None:
        kind = _check(Path(request.source), request)
        return uploads.store_path(Path(request.source), name), kind
    stored = uploads.store_upload(request.upload)
    try:
        with uploads.local_copy(stored.name) as path:
            return stored, _check(path, request)
    except SourceRefused:
        uploads.delete(stored.name)
        raise


def _keep_together(request: Request, name: str) -> tuple[uploads.StoredSource, str]:
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
        unseen = request.created_by and is_large
        kind = _likely_type(first) if unseen else _check(archive, request)
        return uploads.store_path(archive, name), kind


def _local(upload: Any, path: Path) -> AbstractContextManager[Path]:
    return nullcontext(path) if upload is None else uploads.received(upload)


def _check(path: Path, request: Request) -> str:
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
