"""Packed feeds - gz, zip and workbooks - as the plain files that readers read.

What was stored stays as it came; a plain copy lives for as long as it is read. Nothing is ever
written under a name that an archive gives. Caps on ratio, bytes and entries hold whatever the
archive says of itself, since they count what comes out.
"""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from . import workbook
from .detect import kind_of
from .model import UnreadableFeed

PIECE_BYTES = 1 << 18
MAX_BYTES = 4 << 30  # of all that comes out of an archive
MAX_RATIO = 200  # bytes out for each byte in; feeds are packed at most 40 times
RATIO_FREE = 32 << 20  # bytes up to which no ratio is looked at
MAX_ENTRIES = 1_000
SHOWN = 5  # names in a sentence

PACKED = ("gzip", "zip")
FEEDS = ("xml", "json", "datanorm", "text")  # and workbooks


class Readable(Protocol):
    """What a stream of bytes must offer."""

    def read(self, size: int, /) -> bytes: ...


Merit = Callable[[Path, str | None], tuple[bool, float] | None]


@dataclass(frozen=True)
class Plain:
    """A file to read. `entry` is what it is in an archive or workbook (None in itself), `type`
    the feed's type where its own content does not tell it; `warnings` name what is left out."""

    path: Path
    entry: str | None = None
    type: str | None = None
    warnings: tuple[str, ...] = ()


@contextmanager
def unpacked(
    path: Path, merit: Merit, entry: str | None = None, folder: Path | None = None
) -> Iterator[Plain]:
    """Give the feed in a file, which is the file itself unless it is packed.

    Of several in an archive, or sheets of a workbook, the one of most `merit` is taken (None is
    no feed), unless `entry` names one. Copies are made in `folder`. Raises UnreadableFeed.
    """
    with ExitStack() as stack:
        room = Path(stack.enter_context(TemporaryDirectory(prefix="feed-", dir=folder)))
        plain = Plain(path)
        kind = kind_of(path)
        if kind == "gzip":
            plain = Plain(_from_gzip(path, room / "gzip"))
        elif kind == "zip":
            plain, entry = _from_zip(path, room, merit, entry)
        if kind in PACKED and (inner := kind_of(plain.path)) in (*PACKED, "archive"):
            raise UnreadableFeed(f"The archive holds another archive ({inner}): unpack it first.")
        if kind_of(plain.path) == "xlsx":
            plain = _from_workbook(plain, room, merit, entry)
        elif entry:
            raise UnreadableFeed(f'There is no "{entry}": the feed is a single table.')
        yield plain


def _from_gzip(path: Path, to: Path) -> Path:
    packed = path.stat().st_size
    with gzip.open(path) as stream:
        try:
            _copy(stream, to, packed, Budget())
        except EOFError:
            raise UnreadableFeed(
                f"The gzip file is cut off: it ends at byte {packed:,}, in the middle of its data."
            ) from None
        except (OSError, zlib.error) as error:
            raise UnreadableFeed(f"The gzip file is damaged: {error}.") from error
    if not to.stat().st_size:
        raise UnreadableFeed("The gzip file holds nothing.")
    return to


class Budget:
    """How many bytes may still come out of an archive."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise UnreadableFeed(f"The archive holds more than {MAX_BYTES >> 30} GB.")


def _copy(stream: Readable, to: Path, packed: int, budget: Budget) -> None:
    """Write out a packed stream of `packed` bytes, as far as the caps let it go."""
    out = 0
    with to.open("wb") as file:
        while piece := stream.read(PIECE_BYTES):
            out += len(piece)
            budget.spend(len(piece))
            if out > RATIO_FREE and out > MAX_RATIO * packed:
                raise UnreadableFeed(
                    f"The archive is refused: its content is more than {MAX_RATIO} times as large "
                    "as itself (a zip bomb)."
                )
            file.write(piece)


def _from_zip(path: Path, room: Path, merit: Merit, wanted: str | None) -> tuple[Plain, str | None]:
    """The entry that holds the feed, and what of `wanted` is left to find in it."""
    with _opened_zip(path) as archive:
        entries = [each for each in archive.infolist() if not _is_clutter(each.filename)]
        if not entries:
            raise UnreadableFeed("The zip archive is empty.")
        if len(entries) > MAX_ENTRIES:
            raise UnreadableFeed(f"The zip archive holds more than {MAX_ENTRIES:,} files.")
        rest = None
        if wanted:
            named = [each for each in entries if f"{wanted}/".startswith(f"{each.filename}/")]
            named = named or [each for each in entries if each.filename.endswith(f"/{wanted}")]
            if not named:
                raise UnreadableFeed(
                    f'The archive holds no file "{wanted}"; it has {_names(entries)}.'
                )
            rest = wanted[len(named[0].filename) + 1 :] or None
            entries, others = named[:1], []
        budget = Budget()
        best: tuple[tuple[bool, float], zipfile.ZipInfo, Path] | None = None
        for number, entry in enumerate(entries):
            file = _extracted(archive, entry, room / f"entry-{number}", budget)
            kind = kind_of(file) if entry.file_size else "nothing"
            worth = (False, 0.0)
            if len(entries) > 1:
                found = merit(file, None) if kind in FEEDS else None
                worth = (True, 0.0) if kind == "xlsx" else found or (False, -1.0)
                if worth[1] < 0:
                    file.unlink()
                    continue
            if best is None or worth > best[0]:
                if best:
                    best[2].unlink()
                best = worth, entry, file
            else:
                file.unlink()
        if best is None:
            raise UnreadableFeed(f"The zip archive holds no feed, only {_names(entries)}.")
        _, entry, file = best
        others = [each for each in entries if each is not entry]
        warnings = (
            (f"Of the archive {_shown(entry)} is read, not {_names(others)}.",) if others else ()
        )
        return Plain(file, entry.filename, warnings=warnings), rest


def _from_workbook(plain: Plain, room: Path, merit: Merit, sheet: str | None) -> Plain:
    sheets = workbook.as_tables(plain.path, room, sheet)
    best = max(sheets, key=lambda each: merit(each.path, "xlsx") or (False, -1.0))
    others = ", ".join(f'"{each.name}"' for each in sheets if each is not best)
    warnings = (f'Of the workbook the sheet "{best.name}" is read, not {others}.',)
    return replace(
        plain,
        path=best.path,
        type="xlsx",
        entry=f"{plain.entry}/{best.name}" if plain.entry else best.name,
        warnings=plain.warnings + (warnings if others else ()),
    )


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise UnreadableFeed(f"The zip archive is damaged or cut off: {error}.") from error


def _extracted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, budget: Budget) -> Path:
    if entry.flag_bits & 1:
        raise UnreadableFeed(f"{_shown(entry)} in the zip archive needs a password.")
    try:
        with archive.open(entry) as stream:
            _copy(stream, to, max(entry.compress_size, 1), budget)
    except (NotImplementedError, RuntimeError) as error:
        raise UnreadableFeed(
            f"{_shown(entry)} in the zip archive cannot be read: {error}."
        ) from None
    except (EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFeed(f"{_shown(entry)} in the zip archive is damaged: {error}.") from error
    return to


def _is_clutter(name: str) -> bool:
    """Whether an entry is a folder, or what a desktop leaves beside the files."""
    return name.endswith("/") or name.startswith("__MACOSX/") or name.rpartition("/")[2][:1] == "."


def _shown(entry: zipfile.ZipInfo) -> str:
    """A name as it is to be stated, folders and all."""
    return "".join(filter(str.isprintable, entry.filename))[-100:] or "a file without a name"


def _names(entries: list[zipfile.ZipInfo]) -> str:
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return ", ".join(map(_shown, entries[:SHOWN])) + more
