"""The source page: how a feed was read and why so, its first records as they were read, and the
same bytes read otherwise."""

import codecs
import re
import zipfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine

from imports import feed_source, readers, stored_source
from imports.models import DataImportJob
from imports.readers import Candidate, Inspection, Record, Source, UnreadableFeed
from imports.readers.detect import HEAD_BYTES, bom_encoding, kind_of, unmarked_utf16
from imports.reread import ASKED
from imports.stored_source import NotOpened
from jobtracker import uploads
from jobtracker.models import BackgroundJob, JobCheckpoint

RECORDS = 5
SEARCHED = 2_000  # records, for some with accents where the encoding is guessed
GUESSED = "guessed: look at the accents below"
COLUMNS = 40
CANDIDATES = 20
ENTRIES = 50
CELL = 80  # characters
ENCODINGS = (
    "utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "iso-8859-2",
    "windows-1251", "windows-1253", "windows-1254", "cp850", "cp437", "mac-roman", "utf-16",
)  # fmt: skip
TYPES = {"xml": "XML", "csv": "CSV", "json": "JSON", "xlsx": "Excel", "datanorm": "Datanorm 4"}
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=")


class Blamed(ValueError):
    """A setting with which the source cannot be read; `field` is its name, "" where none is to
    blame by itself."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Reading:
    """A way to read a source, and what comes of it. `encoding_why` says where the encoding is
    from; `cells` are the first records as rows below `columns`, each with its line."""

    source: Source
    encoding_why: str
    candidates: list[Candidate]
    columns: list[str]
    cells: list[tuple[int, list[str]]]
    more_columns: int
    warnings: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return TYPES[self.source.type]

    @property
    def shows_accents(self) -> bool:
        """Whether the records are chosen to judge a guessed encoding by."""
        texts = (cell for _, cells in self.cells for cell in cells)
        return self.encoding_why == GUESSED and not all(map(str.isascii, texts))

    @property
    def delimiter(self) -> str:
        dialect = self.source.dialect
        if dialect is None or self.source.type == "xlsx":
            return ""
        return {"\t": "tab", " ": "blank"}.get(dialect.delimiter, dialect.delimiter)

    @property
    def quotes(self) -> str:
        dialect = self.source.dialect
        if dialect is None or self.source.type == "xlsx":
            return ""
        return dialect.quotechar or "none"

    @property
    def header(self) -> str:
        """Which line names the columns of a table."""
        if self.source.dialect is None:
            return ""
        line = self.source.dialect.header_line
        return f"line {line:,}" if line else "none: columns are numbered"


def source_in_use(job: BackgroundJob) -> tuple[Source | None, list[Candidate]]:
    """Return how a job read its source, None where it has not or not yet, and what else could be
    the record."""
    parsed = JobCheckpoint.objects.filter(job=job, stage="feed_parsed").first()
    if parsed is None or "source" not in parsed.data:
        return None, []
    candidates = [Candidate(path, count, 0, why) for path, count, why in parsed.data["candidates"]]
    return Source.from_json(parsed.data["source"]), candidates


def joined_of(job: BackgroundJob) -> tuple[int, int] | None:
    """Return how many records of a job's feed have a row of the second file, and how many it has;
    None where that is not known."""
    parsed = JobCheckpoint.objects.filter(job=job, stage="feed_parsed").first()
    if parsed is None or "joined" not in parsed.data.get("survey", {}):
        return None
    survey = feed_source.survey_from_json(parsed.data["survey"])
    return survey.joined, survey.own


def read_so(
    detail: DataImportJob, source: Source, candidates: list[Candidate]
) -> tuple[Reading, str]:
    """Return what the job read, and why its records do not show, "" where they do."""
    head, records, why_not = b"", [], ""
    stated = stated_of(detail.background_job)
    try:
        with stored_source.opened(detail, source) as path:
            head = _head(path)
            records = _shown(path, source, _encoding_why(source, head, stated))
    except (NotOpened, UnreadableFeed) as error:
        why_not = str(error)
    return _reading(source, head, stated, candidates, records), why_not


def read_otherwise(detail: DataImportJob, stated: dict[str, str]) -> Reading:
    """Read the start of the stored source as `stated`. Raises `Blamed`, `NotOpened`."""
    stored_source.check_whole(detail)
    try:
        return _read(detail, stated)
    except UnreadableFeed as error:
        raise Blamed(_culprit(detail, stated), str(error)) from error


def _read(detail: DataImportJob, stated: dict[str, str]) -> Reading:
    with (
        uploads.local_copy(detail.source_file) as stored,
        feed_source.opened(stored, stated) as (path, found, _),
    ):
        head = _head(path)
        records = _shown(path, found.source, _encoding_why(found.source, head, stated))
    return _reading(found.source, head, stated, list(found.candidates), records, found)


def _culprit(detail: DataImportJob, stated: dict[str, str]) -> str:
    """Return the setting without which the source can be read, "" where there is no such."""
    for name in filter(stated.get, ASKED):
        try:
            _read(detail, {key: value for key, value in stated.items() if key != name})
        except UnreadableFeed:
            continue
        return name
    return ""


def _reading(
    source: Source,
    head: bytes,
    stated: dict[str, str],
    candidates: list[Candidate],
    records: list[Record],
    found: Inspection | None = None,
) -> Reading:
    columns = list(dict.fromkeys(name for record in records for name in record.fields))
    cells = [
        (record.line, [_cell(record.fields.get(name, "")) for name in columns[:COLUMNS]])
        for record in records
    ]
    return Reading(
        source,
        _encoding_why(source, head, stated),
        candidates[:CANDIDATES],
        columns[:COLUMNS],
        cells,
        max(len(columns) - COLUMNS, 0),
        found.warnings if found else (),
    )


def _shown(path: Path, source: Source, encoding_why: str) -> list[Record]:
    """The first records; where the encoding is guessed, the first in which that shows."""
    records = readers.read(path, source)
    if encoding_why != GUESSED:
        return list(islice(records, RECORDS))
    searched = list(islice(records, SEARCHED))
    telling = [record for record in searched if not record.raw.isascii()]
    return (telling or searched)[:RECORDS]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _cell(value: str | list[str]) -> str:
    text = value if isinstance(value, str) else " · ".join(value)
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"


def _encoding_why(source: Source, head: bytes, stated: dict[str, str]) -> str:
    if source.type == "xlsx":
        return "workbooks are Unicode"
    if stated.get("encoding"):
        return "as stated"
    if bom_encoding(head):
        return "by the mark at its start"
    if unmarked_utf16(head):
        return "every second byte is zero"
    if source.type == "xml" and _DECLARED.search(head[:1000]):
        return "as its XML declaration says"
    if codecs.lookup(source.encoding).name == "utf-8":
        return "all of it is valid UTF-8"
    if source.type == "datanorm":
        return "usual for Datanorm"
    return GUESSED


def entries(detail: DataImportJob) -> list[str]:
    """Return the files of the stored archive, or the sheets of the workbook, that could be read in
    place of the one that was; none of what is no archive."""
    with uploads.local_copy(detail.source_file) as path:
        match kind_of(path):
            case "zip":
                with zipfile.ZipFile(path) as archive:
                    names = [each for each in archive.namelist() if not each.endswith("/")]
            case "xlsx":
                names = python_calamine.load_workbook(path).sheet_names
            case _:
                return []
    return names[:ENTRIES]


def stated_of(job: BackgroundJob) -> dict[str, Any]:
    """Return what was stated of how to read a job's source."""
    stated: dict[str, Any] = job.metadata.get("stated", {})
    return stated
