"""The preview page: what the run would do with the mapping as it is filled in, or as it is in use.

The run's own code does the work, on copies. A page must not take long, so the work is bounded, and
the page says how far it got.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import OperationalError
from psycopg import errors

from imports import mapping_lines, mapping_page, preview, stored_source
from imports.mapping import Mapping, MappingError
from imports.mapping.expression import TooSlow
from imports.models import DataImportJob
from imports.readers import UnreadableFeed
from imports.trial import Bounds, Preview
from jobtracker.catalogue.write import Change
from jobtracker.models import BackgroundJob
from jobtracker.monitor.words import counted
from jobtracker.states import Status, WaitForPerson, Waiting

BOUNDS = Bounds(records=5_000, seconds=10.0)
ASKING = (Waiting.MAPPING, Waiting.CURRENCY)
UNBOUNDED = "“manage.py import_feed FILE --dry-run” looks at all of it."
HIDDEN = ("sku_folded", "ean_valid")  # columns made of others
LABELS = {
    "sku": "SKU",
    "ean": "EAN",
    "size_text": "Size",
    "width_mm": "Width in mm",
    "height_mm": "Height in mm",
    "thickness_mm": "Thickness in mm",
    "unit": "Unit of the price",
    "images": "Pictures",
}
SHOWN_VALUE = 200  # characters


class NoPreview(ValueError):
    """There is nothing to preview; the message is a sentence for a person."""


@dataclass(frozen=True)
class Update:
    """A product that would change; `values` are (field, as it is, as it becomes)."""

    line: int | None
    key: str
    values: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Shown:
    """A preview as the page shows it."""

    outcome: Preview

    @property
    def extent(self) -> str:
        """How much of the feed was looked at, where that is not all."""
        found = self.outcome
        if found.is_whole:
            return ""
        why = f"{BOUNDS.seconds:.0f} s were over"
        if found.looked_at >= BOUNDS.records:
            why = f"a page looks at {BOUNDS.records:,} at most"
        return (
            f"This is about the first {found.looked_at:,} of {counted(found.total, 'records')}:"
            f" {why}. {UNBOUNDED}"
        )

    @property
    def numbers(self) -> list[tuple[str, str, int]]:
        """Outcomes as (state whose colour it takes, label, number)."""
        found = self.outcome
        numbers = [
            ("completed", "To create", found.created),
            ("processing", "To update", found.updated),
            ("pending", "Unchanged", found.unchanged),
            ("failed", "To fail", found.failed),
            ("cancelled", "To skip", found.skipped),
        ]
        if found.deactivated:
            numbers.append(("retry", "To make inactive", found.deactivated))
        return numbers

    @property
    def created(self) -> list[Change]:
        return [each for each in self.outcome.changes if each.old is None]

    @property
    def updates(self) -> list[Update]:
        return [
            Update(each.line, each.key, list(_differences(each)))
            for each in self.outcome.changes
            if each.old is not None
        ]

    def rows(self, outcome: str) -> list[dict[str, Any]]:
        return [each for each in self.outcome.problems if each["outcome"] == outcome]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return self.rows("f")

    @property
    def skips(self) -> list[dict[str, Any]]:
        return self.rows("s")


def mapping_to_try(
    detail: DataImportJob, job: BackgroundJob, filled: MappingOf[str, str] | None
) -> Mapping:
    """Return the mapping whose effect the page shows: of a job that asks for one what its form
    holds (`filled`, or as it is offered), else the one in use. Raises `NoPreview`, and
    `MappingError` for a form that makes no mapping."""
    if job.status == Status.PROCESSING:
        raise NoPreview("The import runs. What became of its rows so far shows under Run.")
    page = mapping_page.page_for(detail, job, filled if job.waiting_for in ASKING else None)
    if page is None:
        raise NoPreview(_unread(job))
    if job.waiting_for in ASKING:
        return mapping_lines.mapping_of(page)
    given = detail.field_mappings or next(
        (job.answer[reason] for reason in ASKING if reason in job.answer), None
    )
    if not given:
        raise NoPreview("No mapping was confirmed for this feed, so there is nothing to try.")
    return Mapping.from_json(given)


def preview_for(detail: DataImportJob, job: BackgroundJob, mapping: Mapping) -> Shown:
    """Try the mapping on the stored source, within `BOUNDS`. Raises `NoPreview`."""
    if job.supplier_id is None:
        raise NoPreview("The job has no supplier. Set one on its admin page.")
    try:
        stored_source.check(detail)
        return Shown(preview.of_import(detail, mapping, BOUNDS))
    except WaitForPerson as asked:
        raise NoPreview(f"The run would ask first: {asked.question['message']}") from asked
    except TooSlow:
        raise NoPreview(
            f"The start of the feed could not be read in {BOUNDS.seconds:.0f} s. {UNBOUNDED}"
        ) from None
    except (MappingError, UnreadableFeed, stored_source.NotOpened) as error:
        raise NoPreview(str(error)) from error
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise NoPreview(
                f"The database took longer than {BOUNDS.seconds:.0f} s. {UNBOUNDED}"
            ) from error
        raise


def _unread(job: BackgroundJob) -> str:
    if job.status == Status.COMPLETED:
        return "Nothing was read, as the source had not changed since the last import."
    if job.status == Status.FAILED:
        return "The feed could not be read to its end; see under Source."
    return "The feed is not read yet."


def _differences(change: Change) -> Iterator[tuple[str, str, str]]:
    for name, old in (change.old or {}).items():
        new = change.new.get(name)
        if name == "attributes":
            before, after = old or {}, new or {}
            for each in {**before, **after}:
                if before.get(each) != after.get(each):
                    yield each.capitalize(), _words(before.get(each)), _words(after.get(each))
        elif name not in HIDDEN:
            label = LABELS.get(name) or name.capitalize()
            yield label, _words(old), _words(new)


def _words(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))[:SHOWN_VALUE]
    return f"{value:f}" if isinstance(value, Decimal) else str(value)[:SHOWN_VALUE]
