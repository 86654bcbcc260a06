"""What a page may read of a stored source, where only the start of it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path

from imports import feed_source, readers
from imports.models import DataImportJob
from imports.readers import Source, UnreadableFeed
from imports.readers.detect import kind_of
from jobtracker import uploads

PACKED = ("gzip", "zip", "xlsx")
PACKED_BYTES = 16 << 20  # of what is packed: it is unpacked whole, however little is read of it
WHOLE_BYTES = 64 << 20  # of what is read to its end
NOT_FETCHED = "The source has not been fetched."
JOINED_BYTES = 2 << 20  # of two files in one archive, which are joined whole
RECORDS = 20  # that examples are taken from
VALUE = 1_000  # characters of each of their values

Fields = dict[str, str | list[str]]


class NotOpened(ValueError):
    """A page does not open this source; the message is a sentence for a person."""


class TooLarge(NotOpened):
    """A source that only a job may read as far as is asked."""


def check(detail: DataImportJob) -> None:
    """Raise `NotOpened` for a source that is not kept, and `TooLarge` for one that would have to be
    unpacked."""
    if not detail.source_file:
        raise NotOpened(uploads.REMOVED if detail.content_hash else NOT_FETCHED)
    is_joined = "join" in detail.background_job.metadata.get("stated", {})
    most = JOINED_BYTES if is_joined else PACKED_BYTES
    try:
        with uploads.local_copy(detail.source_file) as path:
            is_large = kind_of(path) in PACKED and path.stat().st_size > most
    except FileNotFoundError:
        raise NotOpened(uploads.REMOVED) from None
    if is_large:
        raise TooLarge(
            f"The source is packed and larger than {most >> 20} MB, which is too much to"
            " unpack for a page."
        )


def check_whole(detail: DataImportJob) -> None:
    """As `check`, for what may have to read a source to its end, and more than once."""
    check(detail)
    with uploads.local_copy(detail.source_file) as path:
        if path.stat().st_size > WHOLE_BYTES:
            raise TooLarge(
                f"The source is larger than {WHOLE_BYTES >> 20} MB, which is too much to look at"
                " again on a page."
            )


@contextmanager
def opened(detail: DataImportJob, source: Source) -> Iterator[Path]:
    """Give the stored source, unpacked. Raises `NotOpened`, `UnreadableFeed`."""
    check(detail)
    with feed_source.unpacked(detail, source) as path:
        yield path


@lru_cache(maxsize=4)
def first_records(detail: DataImportJob, source: Source) -> tuple[Fields, ...]:
    """Return the fields of the first records of a stored source, long values cut; none of one that
    a page does not open. Remembered, as an example is asked for with every change of a form."""
    try:
        with opened(detail, source) as path:
            records = [each.fields for each in islice(readers.read(path, source), RECORDS)]
    except (NotOpened, UnreadableFeed):
        return ()
    return tuple(
        {
            field: value[:VALUE] if isinstance(value, str) else [text[:VALUE] for text in value]
            for field, value in record.items()
        }
        for record in records
    )
