"""The rejected records of a feed of two joined files: what failed, from both, as an archive of two.

Corrected, the two are joined as the whole files were. Where a record that failed joined nothing,
what joined nothing in the other file comes along: its partner may be among that.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from imports import reject_formats
from imports.readers import Source, joining
from imports.reject_formats import Rejected

FailedRows = Callable[[], Iterator[tuple[int, str, str]]]
"""Gives the number of each row that failed, with reason and hint."""


class NoRejects(ValueError):
    """There is no reject file; the message is a sentence for a person."""


class Part(NamedTuple):
    """A record as it stands in the first file and in the second, None where it is not in it;
    `row` is its number in the second. Reason and hint are empty where it `is_good`."""

    first: str | None
    second: str | None
    row: int
    is_good: bool
    reason: str
    hint: str


Parts = Callable[[], Iterator[Part]]


def write(
    path: Path, names: tuple[str, str], feed: Path, source: Source, failed_rows: FailedRows
) -> None:
    """Write what failed of a joined feed into an archive, under the names of its two files. Raises
    `NoRejects` where no record of the first is among that."""
    join = source.join
    assert join is not None, "a joined source says how"

    def parts() -> Iterator[Part]:
        return _parts(feed, failed_rows())

    if not any(_of_first(parts)):
        raise NoRejects(
            f"Only rows of {join.name} failed, and every record of the feed has another one: there"
            " is nothing that they could be joined to."
        )
    written = (
        (joining.first_of(feed), source, _of_first(parts)),
        (joining.second_of(feed), join.source, _of_second(parts)),
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, (file, read_as, rejected) in zip(names, written, strict=True):
            with archive.open(name, "w") as out:
                reject_formats.write(out, file, read_as, rejected)


def _parts(feed: Path, failed: Iterator[tuple[int, str, str]]) -> Iterator[Part]:
    nothing = (0, "", "")
    number, *remarks = next(failed, nothing)
    for texts in joining.texts(feed):
        if texts.number == number:
            yield Part(texts.first, texts.second, texts.row, False, *remarks)
            number, *remarks = next(failed, nothing)
        else:
            yield Part(texts.first, texts.second, texts.row, True, "", "")


def _of_first(parts: Parts) -> Rejected:
    """The records that failed, and those that a row which failed may have been meant for."""
    rows_failed = any(part.first is None and not part.is_good for part in parts())
    for part in parts():
        if part.first is None:
            continue
        if not part.is_good or (rows_failed and part.second is None):
            yield part.first, part.reason, part.hint


def _of_second(parts: Parts) -> Rejected:
    """The rows of the records that failed, behind those that joined nothing: of several with one
    key the last counts. There is one at least, without which the file could not be read."""
    records_bare = any(part.second is None and not part.is_good for part in parts())
    alone = (part for part in parts() if part.first is None)
    joined = (part for part in parts() if part.first is not None and not part.is_good)
    written: set[int] = set()
    for part in chain((each for each in alone if records_bare or not each.is_good), joined):
        if part.second is not None and part.row not in written:
            written.add(part.row)
            yield part.second, part.reason, part.hint
    if not written:
        rows = (part.second for part in parts() if part.second is not None)
        yield from ((row, "", "") for row in islice(rows, 1))
