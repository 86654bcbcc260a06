"""Keeps the source files that jobs work on, as they came, in the `sources` storage.

A stored file bears a name of ours; what the user called it is only ever shown. The storage lies
outside every web root, and nothing here depends on its being local.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile

from jobtracker.states import Permanent

PIECE_BYTES = 1 << 20
NAME_CHARS = 255
LEFT_SECONDS = 7 * 86_400  # longer than any attempt lasts
REMOVED = "The source file was kept for its days and is removed. Start a new job with the file."


class SourceRefused(ValueError):
    """A source file cannot be taken; the message tells a person why."""


@dataclass(frozen=True)
class StoredSource:
    """A stored file: `name` in the storage, `original_name` only to be shown."""

    name: str
    original_name: str
    bytes: int
    sha256: str


def store_upload(uploaded: UploadedFile) -> StoredSource:
    """Keep a file that came with a request. Raises `SourceRefused`."""
    return _store(uploaded.chunks(PIECE_BYTES), uploaded.name or "")


def store_path(path: Path, original_name: str = "") -> StoredSource:
    """Keep a copy of a local file, under its own or the given name. Raises `SourceRefused`.

    Any readable file will do; paths that come from a page go through `allowed_path` first.
    """
    try:
        if not path.exists():
            raise SourceRefused(f"{path} does not exist.")
        if not path.is_file():
            raise SourceRefused(f"{path} is no file.")
        file = path.open("rb")
    except OSError as error:
        raise SourceRefused(f"{path} cannot be opened: {error.strerror}.") from error
    with file:
        return _store(iter(lambda: file.read(PIECE_BYTES), b""), original_name or path.name)


@contextmanager
def received(uploaded: UploadedFile) -> Iterator[Path]:
    """Give a file that came with a request as a local path for the length of the block."""
    if isinstance(uploaded, TemporaryUploadedFile):
        yield Path(uploaded.temporary_file_path())
        return
    with incoming() as path:
        with path.open("wb") as file:
            for piece in uploaded.chunks(PIECE_BYTES):
                file.write(piece)
        yield path


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Give the stored file as a local path for the length of the block.

    A local storage gives its own file, which must not be changed; of another one a temporary
    copy is made. Raises `FileNotFoundError` where it is gone, `Permanent` for the "" that stands
    for one that was pruned.
    """
    if not name:
        raise Permanent(REMOVED)
    storage = storages["sources"]
    if not storage.exists(name):
        raise FileNotFoundError(f"The stored source {name} is gone.")
    try:
        local = Path(storage.path(name))
    except NotImplementedError:  # what a storage without local paths says
        local = None
    if local:
        yield local
        return
    with (
        NamedTemporaryFile(prefix="source-", dir=settings.FILE_UPLOAD_TEMP_DIR) as copy,
        storage.open(name) as stored,
    ):
        shutil.copyfileobj(stored, copy, PIECE_BYTES)
        copy.flush()
        yield Path(copy.name)


def allowed_path(text: str) -> Path:
    """Return the file that a page's path means, links resolved, if it lies in `IMPORT_DIRS`.

    A relative path is looked for in each of those folders. Raises `SourceRefused`, with the same
    words for a file outside whether it exists or not.
    """
    for path in check_inside(text):
        if path.is_file():
            return path
    raise SourceRefused(f"{text} does not exist or is no file.")


def check_inside(text: str) -> list[Path]:
    """Return what a page's path can mean in `IMPORT_DIRS`, links resolved, whether it exists or
    not. Raises `SourceRefused` for a path outside."""
    if not settings.IMPORT_DIRS:
        raise SourceRefused("No folder is open to this page. IMPORT_DIRS can list some.")
    if not text.strip() or "\0" in text:
        raise SourceRefused("That is no path.")
    inside = []
    for folder in map(os.path.realpath, settings.IMPORT_DIRS):
        path = Path(os.path.realpath(Path(folder) / text.strip()))
        if path.is_relative_to(folder):
            inside.append(path)
    if not inside:
        folders = ", ".join(map(str, settings.IMPORT_DIRS))
        raise SourceRefused(f"{text} lies outside the folders that may be read: {folders}.")
    return inside


def opened(name: str) -> "File[bytes]":
    """Open a stored file for reading, to hand it out; the caller closes it. Raises
    `FileNotFoundError`, also for the "" of one that was pruned."""
    if not name:
        raise FileNotFoundError(REMOVED)
    return storages["sources"].open(name, "rb")


def delete(name: str) -> None:
    """Remove a stored file; one that is gone already is no error."""
    storages["sources"].delete(name)


@contextmanager
def incoming() -> Iterator[Path]:
    """Give a path for a download; what is there when the block ends is removed."""
    with TemporaryDirectory(prefix="incoming-", dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        yield Path(folder) / "source"


def sweep_incoming() -> None:
    """Remove what killed processes of this host left of downloads and unpacked sources."""
    for entry in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with suppress(FileNotFoundError):  # another worker of this host sweeps too
            if entry.stat().st_mtime < time.time() - LEFT_SECONDS:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()


def max_bytes() -> int:
    """Return how large a source may be (`MAX_UPLOAD_MB`)."""
    return settings.MAX_UPLOAD_MB * 1024 * 1024


def shown_name(name: str) -> str:
    """Return the last part of a user's file name, printable and of bounded length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, last)).strip()[-NAME_CHARS:]


def _store(pieces: Iterable[bytes], original_name: str) -> StoredSource:
    """Copy, count and hash in one pass; only a file found good reaches the storage."""
    shown = shown_name(original_name) or "unnamed"
    digest, count = sha256(), 0
    # Django moves a file of this class into a local storage instead of copying it again.
    with TemporaryUploadedFile(shown, "application/octet-stream", 0, None) as copy:
        for piece in pieces:
            count += len(piece)
            if count > max_bytes():
                raise SourceRefused(
                    f"{shown} is larger than {settings.MAX_UPLOAD_MB} MB (MAX_UPLOAD_MB)."
                )
            digest.update(piece)
            copy.write(piece)
        if not count:
            raise SourceRefused(f"{shown} is empty.")
        copy.seek(0)
        stored = storages["sources"].save(uuid4().hex, copy)
    return StoredSource(stored, shown, count, digest.hexdigest())
