"""Forgets the pictures that nothing in the catalogue names any more.

What a source of a material says, or said before a change that can be undone, stays. To know that
takes the whole catalogue, so it is read in parts:

1. note the addresses that were last asked longer ago than they are kept unnamed, a bit for each;
2. read what sources and versions name, and take those bits back;
3. remove the addresses whose bit is left, unless one was queued again meanwhile;
4. remove the pictures that no address leads to, with their files.

A process that ends in between begins anew. An address that a material names again after it was read
here is fetched again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import Exists, Max, Model, OuterRef, QuerySet
from django.db.models.functions import Now

from jobtracker import faults
from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.images.queue import FRESH_DAYS, NAMED_HASHES
from jobtracker.metrics import short_transaction
from jobtracker.outgoing.models import WAITING
from jobtracker.retention.rows import Bit, delete, note_files, rows_of

PASS_SECONDS = 86_400  # from the end of a pass to the next of the same process

_SAID = (("material_sources", "vals->'images'"), ("material_versions", "old_source->'images'"))
"""The tables that name pictures, and where. They are read by their ids, which nothing changes: a
merge, say, gives a source to another material."""


class Forgetting:
    """One process's passes through addresses, catalogue and pictures, a part a call."""

    def __init__(self) -> None:
        self._next = 0.0
        self._left: list[Callable[[int], Bit]] = []
        self._after = 0
        self._noted = bytearray()

    def __call__(self, most: int) -> Bit:
        if not self._left:
            if not settings.RETENTION_DAYS_IMAGES or time.monotonic() < self._next:
                return Bit()
            self._begin()
        bit = self._left[0](most)
        if not bit.more:
            self._after = 0
            self._left.pop(0)
            if not any(self._noted):
                self._left = [each for each in self._left if each == self._remove_images]
        if not self._left:
            self._next = time.monotonic() + PASS_SECONDS
        return Bit(bit.gone, more=bool(self._left))

    def _begin(self) -> None:
        self._after = 0
        self._noted = bytearray(_last(ImageFetch) // 8 + 1)
        self._left = [
            self._note_old,
            *(partial(self._read, *said) for said in _SAID),
            self._remove_addresses,
            self._remove_images,
        ]

    def _note_old(self, most: int) -> Bit:
        upto = self._after + rows_of(most)
        with short_transaction(alone=False):
            old = old_addresses().filter(pk__gt=self._after, pk__lte=upto)
            for pk in old.values_list("pk", flat=True):
                if pk < len(self._noted) * 8:
                    self._noted[pk // 8] |= 1 << pk % 8
        self._after = upto
        return Bit(more=upto < len(self._noted) * 8)

    def _read(self, table: str, images: str, most: int) -> Bit:
        with short_transaction(alone=False), connection.cursor() as cursor:
            statement = _NAMED.format(table=table, images=images)
            cursor.execute(statement, {"after": self._after, "rows": rows_of(most)})
            last, named = cursor.fetchone()
        for pk in named:
            if pk < len(self._noted) * 8:
                self._noted[pk // 8] &= ~(1 << pk % 8)
        self._after = last or 0
        return Bit(more=last is not None)

    def _remove_addresses(self, most: int) -> Bit:
        keys = list(islice(_bits(self._noted), rows_of(most)))
        with short_transaction(alone=False):
            free = old_addresses().filter(pk__in=keys, claim=None)
            found = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True))
            number = delete(ImageFetch, found)
            faults.point("prune.addresses")
        for pk in keys:
            self._noted[pk // 8] &= ~(1 << pk % 8)
        return Bit(Counter({"image_fetches": number}), more=bool(keys))

    def _remove_images(self, most: int) -> Bit:
        """Lock them first: a fetch that finds the same content waits, or they are passed over."""
        upto = self._after + rows_of(most)
        with short_transaction(alone=False):
            here = unled().filter(pk__gt=self._after, pk__lte=upto)
            locked = here.select_for_update(skip_locked=True)
            keys = list(locked.values_list("pk", flat=True))
            # Another statement, which sees what was committed before the lock was had.
            gone = list(unled().filter(pk__in=keys).values_list("pk", "file", "thumbnail"))
            note_files("default", {name for _, *names in gone for name in names})
            number = delete(StoredImage, [pk for pk, *_ in gone])
            faults.point("prune.images")
        self._after = upto
        return Bit(Counter({"stored_images": number}), more=upto < _last(StoredImage))


def old_addresses() -> QuerySet[ImageFetch]:
    """Return the addresses that were last asked longer ago than they are kept unnamed. A fresh one
    stays: a run that names it again, after its material was read here, does not queue it."""
    if not (days := settings.RETENTION_DAYS_IMAGES):
        return ImageFetch.objects.none()
    kept = timedelta(days=max(days, FRESH_DAYS + 1))
    old = ImageFetch.objects.filter(completed_at__lt=Now() - kept)
    return old.exclude(status__in=WAITING).order_by()


def unled() -> QuerySet[StoredImage]:
    """Return the pictures that no address leads to."""
    if not settings.RETENTION_DAYS_IMAGES:
        return StoredImage.objects.none()
    led = ImageFetch.objects.filter(image=OuterRef("pk"))
    return StoredImage.objects.filter(~Exists(led)).order_by()


def count_unnamed() -> int:
    """Count the old addresses that nothing names, by one reading of the whole catalogue."""
    old = list(old_addresses().values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_UNNAMED, [old])
        number: int = cursor.fetchone()[0]
    return number


def _last(model: type[Model]) -> int:
    return model._base_manager.aggregate(last=Max("pk"))["last"] or 0


def _bits(noted: bytearray) -> Iterator[int]:
    for at, byte in enumerate(noted):
        if byte:
            yield from (at * 8 + bit for bit in range(8) if byte >> bit & 1)


# A look-up for each name: the planner would read all addresses for a part of the catalogue.
_NAMED = f"""
WITH part AS MATERIALIZED (
    SELECT id, {{images}} AS images FROM {{table}} WHERE id > %(after)s
    ORDER BY id LIMIT %(rows)s)
SELECT (SELECT max(id) FROM part), ARRAY(
    SELECT f.id FROM ({NAMED_HASHES.format(rows="part")}) named CROSS JOIN LATERAL (
        SELECT id FROM image_fetches WHERE url_hash = named.hash LIMIT 1) f)
"""

_SAID_AT_ALL = " UNION ALL ".join(
    NAMED_HASHES.format(rows=f"(SELECT {images} AS images FROM {table})") for table, images in _SAID
)
_UNNAMED = f"""
SELECT count(*) FROM image_fetches f WHERE f.id = ANY(%s)
    AND NOT EXISTS (SELECT FROM ({_SAID_AT_ALL}) named WHERE named.hash = f.url_hash)
"""
