"""Removes the files that are noted as named by no row any more."""

import logging
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobtracker import faults, pipelines
from jobtracker.images.models import FOLDER, stored_again
from jobtracker.images.queue import fetch_again
from jobtracker.models import FileToRemove
from jobtracker.retention.rows import Bit, delete, note_files

FILES = 100
FETCH_MINUTES = 10  # in which a picture that was being fetched when its row went has a row again

logger = logging.getLogger(__name__)


def remove(most: int) -> Bit:
    """Remove some noted files, and then their notes. A source that another job refers to stays,
    and so does a picture that was fetched again; one that was just then, and lost its file here, is
    fetched once more. A file that cannot be removed goes to the end of the line."""
    young = Q(name__startswith=f"{FOLDER}/", at__gt=Now() - timedelta(minutes=FETCH_MINUTES))
    noted = list(FileToRemove.objects.exclude(young, storage="default").order_by("pk")[:FILES])
    needed = _needed([each.name for each in noted if each.storage == "sources"])
    others = [each.name for each in noted if each.storage == "default"]
    shown = {name for image in stored_again(others) for name in image.names}
    done, stuck = [], []
    for each in noted:
        if each.name not in (needed if each.storage == "sources" else shown):
            try:
                storages[each.storage].delete(each.name)
            except Exception as error:  # each kind of storage has errors of its own
                logger.warning("%s cannot be removed: %s", each, error)
                stuck.append(each)
                continue
            faults.point("prune.file")
        done.append(each)
    for storage, folder in {(e.storage, e.name.rpartition("/")[0]) for e in done if "/" in e.name}:
        # Not a local storage, or not empty.
        with suppress(NotImplementedError, OSError):
            Path(storages[storage].path(folder)).rmdir()
    held = storages["default"].exists
    fetch_again([each for each in stored_again(others) if not all(map(held, each.names))])
    with transaction.atomic():
        delete(FileToRemove, [each.pk for each in noted])
        for each in stuck:
            note_files(each.storage, [each.name])
    return Bit(Counter({"files": len(done)}), more=bool(done) and len(noted) == FILES)


def _needed(names: list[str]) -> set[str]:
    """Return those of the sources that a job still refers to."""
    found: set[str] = set()
    for pipeline in pipelines.registered():
        if column := pipeline.source_column:
            rows = pipeline.detail.model._base_manager.filter(**{f"{column}__in": names})
            found.update(rows.values_list(column, flat=True))
    return found
