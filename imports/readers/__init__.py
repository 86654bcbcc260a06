"""Feeds as records: what a file is, where its records are, and the records one by one.

Pure code: paths in, records out, nothing of Django. Each type of feed is one module with the
three functions of `Reader`; a new type is a new module and a line in `READERS`.

    found = inspect(path)                    # found.source describes how to read the file
    for record in read(path, found.source):  # constant memory, whatever the size
        ...
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from . import csv_reader, xml_reader
from .detect import KINDS, kind_of
from .field_survey import FieldSurvey, Survey, survey_records
from .model import Candidate, Dialect, Inspection, Record, Source, UnreadableFeed

__all__ = [
    "Candidate",
    "Dialect",
    "FieldSurvey",
    "Inspection",
    "Record",
    "Source",
    "Survey",
    "UnreadableFeed",
    "inspect",
    "read",
    "survey",
]


class Reader(Protocol):
    """What a module must offer to read one type of feed."""

    def inspect(
        self, path: Path, *, encoding: str | None, delimiter: str | None, record: str | None
    ) -> Inspection: ...

    def read(self, path: Path, source: Source) -> Iterator[Record]: ...


READERS: dict[str, Reader] = {"xml": xml_reader, "csv": csv_reader}


def inspect(
    path: str | Path,
    *,
    type: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    record: str | None = None,
) -> Inspection:
    """Find out how to read a file; what the caller states wins over what is found.

    `type` is "xml" or "csv", `encoding` a codec's name, `delimiter` one character (or "tab"),
    `record` the path of an XML feed's record, or its end where that is unambiguous.
    Reads the whole file once. Raises UnreadableFeed where no record could be read.
    """
    path = Path(path)
    kind = kind_of(path)
    wanted = type or kind
    if kind not in (*READERS, "text") or wanted not in (*READERS, "text"):
        readable = " and ".join(name.upper() for name in READERS)
        raise UnreadableFeed(
            f"The file is {KINDS.get(wanted if kind in READERS else kind, wanted)}; "
            f"only {readable} feeds can be read."
        )
    reader = READERS["csv" if wanted == "text" else wanted]
    return reader.inspect(path, encoding=encoding, delimiter=delimiter, record=record)


def read(path: str | Path, source: Source) -> Iterator[Record]:
    """The records of a file in its order, read to the end.

    Raises UnreadableFeed, naming line and column, where the file cannot be read further; the
    records before that place have been given out by then.
    """
    return READERS[source.type].read(Path(path), source)


def survey(path: str | Path, source: Source, limit: int | None = None) -> Survey:
    """Count the records and describe each field, from all records or the first `limit`."""
    return survey_records(read(path, source), limit)
