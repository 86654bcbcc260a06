"""A feed of two files: how the second is named, kept beside the first, and joined to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings

from imports import readers
from imports.readers import Inspection, Join, Plain, Record, Source, UnreadableFeed, joining
from imports.readers.detect import kind_of
from jobtracker import uploads
from jobtracker.monitor.words import counted

PIECE_BYTES = 1 << 20


class JoinRefused(uploads.SourceRefused):
    """Two files that cannot be joined; `blamed` as `joining.NotJoined` has it, or "" for the
    first."""

    def __init__(self, blamed: str, message: str) -> None:
        super().__init__(message)
        self.blamed = blamed


class Second(NamedTuple):
    """The second file as a person names it; the fields that join it and its record's path where
    they are said."""

    file: str
    other: str | None = None
    key: str | None = None
    record: str | None = None

    @classmethod
    def from_text(cls, text: str, fields: str | None = None) -> "Second":
        """Return what `FILE` and `[FIELD[=FIELD OF THE FEED]]` say; without `fields` the two may
        stand in one text with a colon between them."""
        if fields is None and not Path(text).exists():
            text, _, fields = text.partition(":")
        other, _, key = (fields or "").partition("=")
        return cls(text, other or None, key or None)

    @property
    def fields(self) -> str:
        """The fields as `from_text` reads them."""
        return f"{self.other or ''}={self.key}" if self.key else self.other or ""


def together(first: Path, second: Path) -> tuple[str, str]:
    """The names of two files in the archive that holds them."""
    return first.name, second.name if second.name != first.name else f"joined-{second.name}"


@contextmanager
def packed(files: tuple[Path, Path], names: tuple[str, str]) -> Iterator[Path]:
    """Give an archive of two files under these names, the same for the same bytes. Raises
    `JoinRefused`."""
    for file, name, blamed in zip(files, names, ("", "join"), strict=True):
        try:
            is_packed = kind_of(file) in ("zip", "gzip")
        except UnreadableFeed as error:
            raise JoinRefused(blamed, f"{name}: {error}") from error
        if is_packed:
            raise JoinRefused(blamed, f"{name} is packed. Two files are joined unpacked.")
    with uploads.incoming() as path:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for file, name in zip(files, names, strict=True):
                with file.open("rb") as source, archive.open(ZipInfo(name), "w") as entry:
                    while piece := source.read(PIECE_BYTES):
                        entry.write(piece)
        yield path


@contextmanager
def found(
    path: Path, feed: Inspection, second: Second, plain: Plain
) -> Iterator[tuple[Path, Inspection]]:
    """Find out how a second file is joined to a feed, and give the joined file and how it is read.
    Raises UnreadableFeed, `NotJoined` where the second is to blame."""
    name = Path(second.file).name
    try:
        other = readers.inspect(plain, record=second.record)
    except UnreadableFeed as error:
        raise joining.NotJoined("join", f"{name}: {error}") from error
    wanted = (second.key, second.other)
    key, other_key = joining.keys((path, feed), (plain.path, other), name, wanted, _alone)
    join = Join(other.source, name, key, other_key)
    brought = joining.columns(other, join)
    if both := [each for each in brought if each in feed.columns]:
        raise joining.NotJoined(
            "join",
            f"{name} cannot be joined: the feed has a field {both[0]} itself, as one of the second"
            " file would be called. Rename it.",
        )
    source = replace(feed.source, join=join)
    with again(path, source, plain.path) as joined:
        _, idle = joining.count_joins(joined)
        said = f"{counted(idle, 'rows')} of {name} joined nothing: see the last rows."
        yield (
            joined,
            replace(
                feed,
                source=source,
                columns=(*feed.columns, *brought),
                warnings=(*feed.warnings, *other.warnings, *([said] if idle else ())),
            ),
        )


@contextmanager
def again(path: Path, source: Source, other: Path) -> Iterator[Path]:
    """Give the joined file of two whose join is known. Raises UnreadableFeed."""
    with TemporaryDirectory(prefix="feed-", dir=settings.FILE_UPLOAD_TEMP_DIR) as room:
        to = Path(room) / "joined"
        joining.write(to, path, source, other, _alone)
        yield to


def _alone(path: Path, source: Source) -> Iterator[Record]:
    return readers.read(path, replace(source, join=None))
