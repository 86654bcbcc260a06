"""The rows of an import that failed, as a feed of the same format: with two more fields that say
what is wrong and what to do. Corrected, it is imported as any feed, into the source that it came
from. A feed of two files that are joined gives two, in one archive.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from imports import feed_source, joins, readers, reject_formats, reject_pairs
from imports.models import DataImportJob, ImportRow
from imports.readers import Source, Survey, joining
from imports.reject_formats import HINT, REASON, Rejected
from imports.reject_pairs import NoRejects as NoRejects
from jobtracker.models import JobCheckpoint

GONE = "The source of this import is not kept any more."
_NAME = re.compile(r"\.rejected(?: ?\(\d+\))?\.\w+$")  # a browser counts what it saved before


def file_name(detail: DataImportJob) -> str:
    """Return the name of an import's reject file, by which it is known when it comes back."""
    joined = "join" in detail.background_job.metadata.get("stated", {})
    return _rejected(detail.source_name, "zip" if joined else detail.import_type)


def _rejected(name: str, extension: str) -> str:
    """Return the name of the reject file of a feed, or of a reject file, of this name."""
    return f"{_NAME.sub('', name)}.rejected.{extension}"


def _names_of_pair(detail: DataImportJob, source: Source) -> tuple[str, str]:
    """Return what the two files are called in the reject file of a joined import."""
    assert source.join is not None, "a joined source says how"
    return joins.together(
        Path(_rejected(detail.source_name, source.stored_type)),
        Path(_rejected(source.join.name, source.join.source.stored_type)),
    )


def origin(supplier_id: int | None, name: str) -> DataImportJob | None:
    """Return the last import of the feed whose reject file has this name; None for any other
    file."""
    if not _NAME.search(name):
        return None
    imports = DataImportJob.objects.filter(
        background_job__supplier=supplier_id, source_name=_NAME.sub("", name)
    )
    return imports.exclude(field_mappings={}).order_by("-pk").first()


def origin_of(detail: DataImportJob) -> DataImportJob | None:
    """Return the import whose corrected reject file this one reads, if it does."""
    if detail.source_url:
        return None
    return origin(detail.background_job.supplier_id, detail.source_name)


def pair_of(before: DataImportJob) -> dict[str, str]:
    """Return how the reject file of a joined import is read, as `feed_source.opened` takes it: its
    two files are joined as those were. {} for another import."""
    source = _source_of(before)
    if source is None or source.join is None:
        return {}
    first, second = _names_of_pair(before, source)
    fields = joins.Second(second, source.join.other, source.join.key).fields
    pair = {"entry": first, "join": second, "join_on": fields}
    # Of a few records it is not told which of several is the one of the feed.
    for name, each in (("record", source), ("join_record", source.join.source)):
        if path := reject_formats.record_path(each):
            pair[name] = path
    return pair


def stream_of(supplier_id: int | None, name: str, url: str = "") -> str:
    """Return the name of the catalogue source that a feed belongs to: its address or file name,
    and for a reject file that of the feed which it came from."""
    before = None if url else origin(supplier_id, name)
    return (before.source_url or before.source_name) if before else url or name


def mapping_for(before: DataImportJob, survey: Survey) -> dict[str, Any]:
    """Return the mapping that an import obeyed, as far as its reject file still has the fields."""
    kept = {each.source for each in survey.fields}
    fields = [each for each in before.field_mappings["fields"] if each["source"] in kept]
    return {**before.field_mappings, "fields": fields}


def without_remarks(survey: Survey) -> Survey:
    """Return a survey without the fields that are ours: the feed has the shape that its source
    always had."""
    ours = [prefix + name for prefix in ("", joining.PREFIX) for name in (REASON, HINT)]
    return replace(survey, fields=tuple(each for each in survey.fields if each.source not in ours))


def write(detail: DataImportJob, path: Path) -> int:
    """Write the reject file of an ended import; returns the number of rows that failed. Raises
    `NoRejects` where there are none, where the source is not kept any more, knows no fields of ours
    or has none of their products."""
    failed = ImportRow.objects.filter(job_id=detail.background_job_id, outcome="f").count()
    if not failed:
        raise NoRejects("No row of this import failed.")
    source = _source_of(detail)
    if source is None or not detail.source_file:
        raise NoRejects(GONE)
    both = [source, source.join.source] if source.join else [source]
    if not all(map(reject_formats.is_writable, both)):
        raise NoRejects("A Datanorm file has no room for reasons; see the failed rows on the page.")
    try:
        with feed_source.unpacked(detail, source) as feed:
            if source.join:
                names = _names_of_pair(detail, source)
                failed_rows = partial(_failed, detail.background_job_id)
                reject_pairs.write(path, names, feed, source, failed_rows)
            else:
                with path.open("wb") as out:
                    rejected = _rejected_of(feed, source, detail.background_job_id)
                    reject_formats.write(out, feed, source, rejected)
    except FileNotFoundError as error:
        raise NoRejects(GONE) from error
    return failed


def _source_of(detail: DataImportJob) -> Source | None:
    """Return how an import read its source, None where it did not or where that is forgotten."""
    parsed = JobCheckpoint.objects.filter(job=detail.background_job_id, stage="feed_parsed").first()
    if parsed is None or "source" not in parsed.data:
        return None
    return Source.from_json(parsed.data["source"])


def _failed(job_id: UUID) -> Iterator[tuple[int, str, str]]:
    """Give the number of each row that failed, with reason and hint."""
    rows = ImportRow.objects.filter(job_id=job_id, outcome="f").order_by("number")
    for number, detail in rows.values_list("number", "detail").iterator(1000):
        told = [detail or {}, *(detail or {}).get("more", [])]
        reasons = (
            ": ".join(filter(None, (each.get("column"), each.get("reason")))) for each in told
        )
        hints = dict.fromkeys(each["hint"] for each in told if each.get("hint"))
        yield number, "; ".join(reasons), " ".join(hints)


def _rejected_of(feed: Path, source: Source, job_id: UUID) -> Rejected:
    records = readers.read(feed, source)
    for number, reason, hint in _failed(job_id):
        record = next(each for each in records if each.number == number)
        yield record.raw, reason, hint
