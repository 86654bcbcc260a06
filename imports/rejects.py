"""The rows of an import that failed, as a feed of the same format: with two more fields that say
what is wrong and what to do. Corrected, it is imported as any feed, into the source that it came
from.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID
from xml.sax.saxutils import escape

from imports import feed_source, readers
from imports.models import DataImportJob, ImportRow
from imports.readers import Record, Source, Survey, csv_reader, xml_reader
from imports.readers.dialect import reading_options
from imports.readers.record_path import ANY
from jobtracker.catalogue.export import formula_safe
from jobtracker.models import JobCheckpoint

REASON, HINT = "reject_reason", "reject_hint"  # names that no feed of a supplier has
_NAME = re.compile(r"\.rejected(?: ?\(\d+\))?\.\w+$")  # a browser counts what it saved before


class NoRejects(ValueError):
    """There is no reject file; the message is a sentence for a person."""


def file_name(detail: DataImportJob) -> str:
    """Return the name of an import's reject file, by which it is known when it comes back."""
    return f"{detail.source_name}.rejected.{detail.import_type}"


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
    """Return a survey without the two fields that are ours: the feed has the shape that its source
    always had."""
    ours = (REASON, HINT)
    return replace(survey, fields=tuple(each for each in survey.fields if each.source not in ours))


def write(detail: DataImportJob, path: Path) -> int:
    """Write the reject file of an ended import; returns the number of its rows. Raises `NoRejects`
    where there are none, where the source is not kept any more or knows no fields of ours."""
    job_id = detail.background_job_id
    parsed = JobCheckpoint.objects.filter(job=job_id, stage="feed_parsed").first()
    if not ImportRow.objects.filter(job_id=job_id, outcome="f").exists():
        raise NoRejects("No row of this import failed.")
    if parsed is None or "source" not in parsed.data or not detail.source_file:
        raise NoRejects("The source of this import is not kept any more.")
    source = Source.from_json(parsed.data["source"])
    if source.join:
        raise NoRejects("This feed was joined of two files; correct them and import both again.")
    writer = _WRITERS.get(source.type)
    if writer is None:
        raise NoRejects("A Datanorm file has no room for reasons; see the failed rows on the page.")
    errors = "xmlcharrefreplace" if source.type == "xml" else "replace"
    try:
        with (
            feed_source.unpacked(detail, source) as feed,
            path.open("w", encoding=source.encoding, errors=errors, newline="") as out,
        ):
            return writer(out, feed, source, _failed(feed, source, job_id))
    except FileNotFoundError as error:
        raise NoRejects("The source of this import is not kept any more.") from error


Failed = Iterator[tuple[Record, str, str]]


def _failed(feed: Path, source: Source, job_id: UUID) -> Failed:
    """Give the records that failed, each with reason and hint."""
    rows = ImportRow.objects.filter(job_id=job_id, outcome="f").order_by("number")
    remarks = rows.values_list("number", "detail").iterator(1000)
    number, detail = next(remarks)
    for record in readers.read(feed, source):
        if record.number < number:
            continue
        told = [detail or {}, *(detail or {}).get("more", [])]
        reasons = (
            ": ".join(filter(None, (each.get("column"), each.get("reason")))) for each in told
        )
        hints = dict.fromkeys(each["hint"] for each in told if each.get("hint"))
        yield record, "; ".join(reasons), " ".join(hints)
        found = next(remarks, None)
        if found is None:
            return
        number, detail = found


def _write_csv(out: TextIO, feed: Path, source: Source, failed: Failed) -> int:
    assert source.dialect is not None, "a CSV source has a dialect"
    options = reading_options(source.dialect.delimiter, source.dialect.quotechar)
    header = csv_reader.header(feed, source)
    width = len(_cells(header, options)) if header else 0
    if header:
        out.write(_longer(header, 0, (REASON, HINT), options))
    count = 0
    for count, (record, *remarks) in enumerate(failed, 1):  # noqa: B007 (it is returned)
        short = width - len(_cells(record.raw, options))
        out.write(_longer(record.raw, max(short, 0), map(formula_safe, remarks), options))
    return count


def _cells(raw: str, options: dict[str, Any]) -> list[str]:
    return next(csv.reader(io.StringIO(raw, newline=""), **options), [])


def _longer(raw: str, short: int, remarks: Iterable[str], options: dict[str, Any]) -> str:
    """Return a row with our cells behind its own, of which so many are missing."""
    delimiter: str = options["delimiter"]
    cells = [" ".join(each.split()) for each in remarks]
    quote = options.get("quotechar")
    if quote:
        cells = [quote + each.replace(quote, quote * 2) + quote for each in cells]
    else:
        cells = [each.replace(delimiter, " ") for each in cells]
    row = raw.rstrip("\r\n")
    end = raw[len(row) :] or "\n"
    return row + delimiter * short + "".join(delimiter + each for each in cells) + end


def _write_xml(out: TextIO, feed: Path, source: Source, failed: Failed) -> int:
    before, after = xml_reader.around(feed, source)
    out.write(f'<?xml version="1.0" encoding="{source.encoding.removesuffix("-sig")}"?>\n{before}')
    count = 0
    for count, (record, reason, hint) in enumerate(failed, 1):
        remarks = f"<{REASON}>{escape(reason)}</{REASON}><{HINT}>{escape(hint)}</{HINT}>"
        out.write(("\n" if count > 1 else "") + _with(record.raw, remarks))
    out.write(after + "\n")
    return count


def _with(element: str, more: str) -> str:
    """Return an element as text with more at its end."""
    if element.endswith("/>"):
        name = re.split(r"[\s/>]", element[1:], maxsplit=1)[0]
        return f"{element[:-2]}>{more}</{name}>"
    inside, _, end = element.rpartition("</")
    return f"{inside}{more}</{end}"


def _write_json(out: TextIO, feed: Path, source: Source, failed: Failed) -> int:
    """As lines where the source has lines, else as the list at the place where it was; entries of
    an object as a list too, each with its key as a field."""
    names = (source.record_path or "$").removesuffix(f".{ANY}").split(".")[1:]
    lines = not names and _first_character(feed, source) == "{"
    out.write("".join(f"{{{dumps(name)}: " for name in names) + ("" if lines else "[\n"))
    count = 0
    for count, (record, reason, hint) in enumerate(failed, 1):
        fields = record.raw.rstrip()[:-1].rstrip()
        comma = "" if fields.endswith("{") else ", "
        remarks = f'"{REASON}": {dumps(reason)}, "{HINT}": {dumps(hint)}'
        between = "" if count == 1 else "\n" if lines else ",\n"
        out.write(f"{between}{fields}{comma}{remarks}}}")
    out.write("\n" if lines else "\n]" + "}" * len(names) + "\n")
    return count


def _first_character(feed: Path, source: Source) -> str:
    with feed.open(encoding=source.encoding, errors="replace") as text:
        return text.read(1000).lstrip("\ufeff \r\n\t")[:1]


_WRITERS: dict[str, Callable[[TextIO, Path, Source, Failed], int]] = {
    "csv": _write_csv,
    "xlsx": _write_csv,
    "xml": _write_xml,
    "json": _write_json,
}
