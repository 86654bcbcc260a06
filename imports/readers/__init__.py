"""Feeds as records: what a file is, where its records are, and the records one by one.

Pure code: paths in, records out, nothing of Django. Each type of feed is one module with the
functions of `Reader`; a new type is a new module and a line in `READERS`.

    with unpacked(path) as plain:                      # the file itself, unless it is packed
        found = inspect(plain)                         # found.source describes how to read it
        for record in read(plain.path, found.source):  # constant memory, whatever the size
            ...
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Protocol

from . import (
    csv_reader,
    datanorm_reader,
    joining,
    json_reader,
    packing,
    sheet_reader,
    xml_reader,
)
from .detect import KINDS, kind_of
from .field_survey import FieldSurvey, Survey, survey_records
from .model import (
    Candidate,
    Dialect,
    Inspection,
    Join,
    MalformedXml,
    Record,
    Source,
    UnknownEncoding,
    UnreadableFeed,
)
from .packing import Plain
from .record_path import merit

__all__ = [
    "Candidate",
    "Dialect",
    "FieldSurvey",
    "Inspection",
    "Join",
    "MalformedXml",
    "Plain",
    "Record",
    "Source",
    "Survey",
    "UnknownEncoding",
    "UnreadableFeed",
    "elsewhere",
    "inspect",
    "read",
    "read_own",
    "survey",
    "unpacked",
]


class Reader(Protocol):
    """What a module must offer to read one type of feed."""

    def inspect(
        self, path: Path, *, encoding: str | None, delimiter: str | None, record: str | None
    ) -> Inspection: ...

    def read(self, path: Path, source: Source) -> Iterator[Record]: ...

    def count(self, path: Path, source: Source) -> Iterator[int]: ...


SURVEYED = 5_000  # records that a survey looks into
TOLD = 500  # records between two words about how far a survey is

PLAIN = ("xml", "json", "datanorm", "text")  # kinds of files that are read as they are
READABLE = "XML, CSV, JSON, Excel and Datanorm"
LOOKED_AT = 200  # records of each file in an archive, and each sheet, to choose among them

READERS: dict[str, Reader] = {
    "xml": xml_reader,
    "csv": csv_reader,
    "json": json_reader,
    "xlsx": sheet_reader,
    "datanorm": datanorm_reader,
}


@contextmanager
def unpacked(
    path: str | Path, entry: str | None = None, folder: Path | None = None
) -> Iterator[Plain]:
    """Give the feed in a file, which is the file itself unless it is packed.

    `entry` names a file in an archive or a sheet of a workbook; else the likeliest is chosen.
    Copies live in `folder` until the block ends. Raises UnreadableFeed.
    """
    with packing.unpacked(Path(path), _merit, entry, folder) as plain:
        yield plain


def _merit(path: Path, type: str | None) -> tuple[bool, float] | None:
    """How far a file looks like a feed of products; None where it is no feed."""
    try:
        found = inspect(Plain(path, type=type))
        return merit(record.fields for record in islice(read(path, found.source), LOOKED_AT))
    except UnreadableFeed:
        return None


def inspect(
    feed: str | Path | Plain,
    *,
    type: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    record: str | None = None,
    repair: bool = False,
) -> Inspection:
    """Find out how to read a file, unpacked; what the caller states wins over what is found.

    `type` is a key of READERS, `encoding` a codec's name, `delimiter` one character (or "tab"),
    `record` the path of an XML or JSON feed's record, or its end where that is unambiguous.
    Malformed XML is read with what can be mended to `repair` it, and told of in the warnings.
    Of a large file only as much is read as the answer needs; `read` and `survey` find what is
    broken further on. Raises UnreadableFeed where no record could be read.
    """
    plain = feed if isinstance(feed, Plain) else Plain(Path(feed))
    if plain.type and type in (None, "csv"):  # a sheet is a table
        type = plain.type
    kind = kind_of(plain.path)
    wanted = type or kind
    if kind not in PLAIN or wanted not in (*READERS, "text"):
        what = KINDS.get(wanted if kind in PLAIN else kind, wanted)
        raise UnreadableFeed(f"The file is {what}; only {READABLE} feeds can be read.")
    reader = READERS["csv" if wanted == "text" else wanted]
    if repair and reader is not xml_reader:
        raise UnreadableFeed(
            f"Only XML can be repaired; the file is {KINDS.get(wanted, 'a table')}."
        )
    stated: dict[str, Any] = {"repair": True} if repair else {}
    found = reader.inspect(
        plain.path, encoding=encoding, delimiter=delimiter, record=record, **stated
    )
    return replace(
        found,
        source=replace(found.source, entry=plain.entry),
        warnings=plain.warnings + found.warnings,
    )


def read(path: str | Path, source: Source) -> Iterator[Record]:
    """The records of a file in its order, read to the end.

    Raises UnreadableFeed, naming line and column, where the file cannot be read further; the
    records before that place have been given out by then.
    """
    if source.join:
        return joining.read(Path(path), source)
    return READERS[source.type].read(Path(path), source)


def read_own(path: Path, source: Source) -> Iterator[Record]:
    """The records of a feed, without those that only the second file of a join has."""
    return takewhile(lambda record: not record.only_in, read(path, source))


def elsewhere(path: Path, source: Source, record: str) -> Iterator[Record]:
    """The records at another path of a feed's document, in a joined feed of the first file."""
    if source.join:
        path = joining.first_of(path)
    return read(path, replace(source, record_path=record, join=None))


def survey(
    path: str | Path, source: Source, tell: Callable[[int, float], None] | None = None
) -> Survey:
    """Describe each field by the first `SURVEYED` records; read the rest to its end and count it.

    `tell` hears the number of records read so far and the share of the file that they are.
    Raises UnreadableFeed like `read`.
    """
    path = Path(path)
    size = max(path.stat().st_size, 1)
    seen = 0
    joined, alone = joining.count_joins(path) if source.join else (0, 0)

    def watched() -> Iterator[Record]:
        nonlocal seen
        for record in islice(read(path, source), SURVEYED):
            if tell:
                seen += len(record.raw)
                if record.number % TOLD == 0:
                    tell(record.number, min(seen / size, 1.0))
            yield record

    found = replace(survey_records(watched()), joined=joined, alone=alone)
    if found.count < SURVEYED:
        return found
    share = seen / size / found.count
    number = 0
    counted = joining.count if source.join else READERS[source.type].count
    for number in counted(path, source):
        if tell and number % TOLD == 0:
            tell(number, min(number * share, 1.0))
    return replace(found, count=number)
