"""How rejected records are written in the format of their feed, with two more fields that say what
is wrong and what to do."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from json import dumps
from pathlib import Path
from typing import IO, Any, TextIO
from xml.sax.saxutils import escape

from imports.readers import Source, csv_reader, xml_reader
from imports.readers.dialect import reading_options
from imports.readers.record_path import ANY
from jobtracker.catalogue.export import formula_safe

REASON, HINT = "reject_reason", "reject_hint"  # names that no feed of a supplier has

Rejected = Iterator[tuple[str, str, str]]
"""Records as they stand in the feed, each with reason and hint."""


def is_writable(source: Source) -> bool:
    """Whether the format has room for fields of ours."""
    return source.type in _WRITERS


def record_path(source: Source) -> str:
    """Return the path of the records in the reject file of a feed, "" in a table."""
    return (source.record_path or "").removesuffix(f".{ANY}")


def write(out: IO[bytes], feed: Path, source: Source, rejected: Rejected) -> int:
    """Write a feed of rejected records, with what stands around the records in `feed`; returns
    their number."""
    errors = "xmlcharrefreplace" if source.type == "xml" else "replace"
    with io.TextIOWrapper(out, encoding=source.encoding, errors=errors, newline="") as text:
        return _WRITERS[source.type](text, feed, source, rejected)


def _write_csv(out: TextIO, feed: Path, source: Source, rejected: Rejected) -> int:
    assert source.dialect is not None, "a CSV source has a dialect"
    options = reading_options(source.dialect.delimiter, source.dialect.quotechar)
    header = csv_reader.header(feed, source)
    width = len(_cells(header, options)) if header else 0
    if header:
        out.write(_longer(header, 0, (REASON, HINT), options))
    count = 0
    for count, (record, *remarks) in enumerate(rejected, 1):  # noqa: B007 (it is returned)
        short = width - len(_cells(record, options))
        out.write(_longer(record, max(short, 0), map(formula_safe, remarks), options))
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


def _write_xml(out: TextIO, feed: Path, source: Source, rejected: Rejected) -> int:
    before, after = xml_reader.around(feed, source)
    out.write(f'<?xml version="1.0" encoding="{source.encoding.removesuffix("-sig")}"?>\n{before}')
    count = 0
    for count, (record, reason, hint) in enumerate(rejected, 1):
        remarks = f"<{REASON}>{escape(reason)}</{REASON}><{HINT}>{escape(hint)}</{HINT}>"
        out.write(("\n" if count > 1 else "") + _with(record, remarks))
    out.write(after + "\n")
    return count


def _with(element: str, more: str) -> str:
    """Return an element as text with more at its end."""
    if element.endswith("/>"):
        name = re.split(r"[\s/>]", element[1:], maxsplit=1)[0]
        return f"{element[:-2]}>{more}</{name}>"
    inside, _, end = element.rpartition("</")
    return f"{inside}{more}</{end}"


def _write_json(out: TextIO, feed: Path, source: Source, rejected: Rejected) -> int:
    """As lines where the source has lines, else as the list at the place where it was; entries of
    an object as a list too, each with its key as a field."""
    names = record_path(source).split(".")[1:]
    lines = not names and _first_character(feed, source) == "{"
    out.write("".join(f"{{{dumps(name)}: " for name in names) + ("" if lines else "[\n"))
    count = 0
    for count, (record, reason, hint) in enumerate(rejected, 1):
        fields = record.rstrip()[:-1].rstrip()
        comma = "" if fields.endswith("{") else ", "
        remarks = f'"{REASON}": {dumps(reason)}, "{HINT}": {dumps(hint)}'
        between = "" if count == 1 else "\n" if lines else ",\n"
        out.write(f"{between}{fields}{comma}{remarks}}}")
    out.write("\n" if lines else "\n]" + "}" * len(names) + "\n")
    return count


def _first_character(feed: Path, source: Source) -> str:
    with feed.open(encoding=source.encoding, errors="replace") as text:
        return text.read(1000).lstrip("\ufeff \r\n\t")[:1]


_WRITERS: dict[str, Callable[[TextIO, Path, Source, Rejected], int]] = {
    "csv": _write_csv,
    "xlsx": _write_csv,
    "xml": _write_xml,
    "json": _write_json,
}
