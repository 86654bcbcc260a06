"""Fetches the pictures of materials: five at once, one at a time from a host, each content once."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from jobtracker import outbound
from jobtracker.images import pictures
from jobtracker.images.models import FOLDER, ImageFetch, StoredImage
from jobtracker.outgoing.queue import Outcome, Queue, Task

TRIES = 5
PAUSE_SECONDS = 0.25  # between two pictures of a host
MAX_BYTES = 20 * 1024 * 1024
SECONDS = 60.0  # for one picture


class Images(Queue):
    """An address that was fetched before is asked whether it has changed."""

    name = "images"
    noun = "image"
    model = ImageFetch
    columns = ("url", "image_id", "etag", "last_modified")
    slots = 5
    tries = TRIES
    pause = PAUSE_SECONDS
    done = ImageFetch.Status.STORED

    def work(self, task: Task) -> Outcome:
        known = bool(task.values["image_id"])
        with TemporaryDirectory(prefix="image-", dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
            path = Path(folder) / "image"
            try:
                fetched = outbound.fetch(
                    task.values["url"],
                    path,
                    MAX_BYTES,
                    etag=task.values["etag"] if known else None,
                    last_modified=task.values["last_modified"] if known else None,
                    seconds=SECONDS,
                )
                if fetched.status == 304:
                    return Outcome(values={"response_status": 304})
                found = _stored(path, fetched)
            except outbound.FetchFailed as error:
                return Outcome(
                    str(error),
                    passing=error.transient,
                    retry_after=error.retry_after,
                    values={"response_status": error.status},
                )
            except outbound.OutboundError as error:
                return Outcome(str(error), passing=error.transient)
            except pictures.NoPicture as error:
                return Outcome(str(error), values={"response_status": 200})
        return Outcome(
            values={
                "response_status": 200,
                "etag": fetched.etag[:255] if fetched.etag.isprintable() else "",
                "last_modified": fetched.last_modified[:64],
            },
            found=found,
        )

    def keep(self, found: StoredImage | None) -> Mapping[str, Any]:
        """Have one row for a content, and lead the fetch to it. One that is there is locked, or it
        could be removed just now as one that no address leads to."""
        if found is None:
            return {}
        StoredImage.objects.bulk_create(
            [found],
            update_conflicts=True,
            unique_fields=["sha256"],
            update_fields=["content_type"],
        )
        return {"image": found}


def _stored(path: Path, fetched: outbound.Fetched) -> StoredImage:
    """Keep a picture and its thumbnail under names of its content; return its row, not saved.
    Raises `NoPicture`."""
    picture = pictures.read(path)
    digest = fetched.sha256
    stem = f"{FOLDER}/{digest[:2]}/{digest}"
    image = StoredImage(
        sha256=digest,
        file=f"{stem}.{picture.ending}",
        thumbnail=f"{stem}-small.jpg",
        content_type=picture.content_type,
        bytes=fetched.bytes,
        width_px=picture.width,
        height_px=picture.height,
    )
    with path.open("rb") as file:
        _save(image.file, File(file))
    _save(image.thumbnail, ContentFile(picture.thumbnail))
    return image


def _save(name: str, content: "File[Any]") -> None:
    """Store a file whose name says its content, unless it is there. One of another size was cut
    off by the death of a process; one that another process stores just now is as good."""
    storage = storages["default"]
    if storage.exists(name):
        if storage.size(name) == content.size:
            return
        storage.delete(name)
    if (saved := storage.save(name, content)) != name:
        storage.delete(saved)
