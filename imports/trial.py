"""The run of a feed as a trial: the import's own code, on copies that are thrown away."""

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID, uuid4

from imports import guardrails, missing, readers, rejects
from imports.batches import Batches
from imports.mapping import Mapping
from imports.mapping.expression import TooSlow
from imports.mapping_choice import Choice
from imports.models import DataImportJob, ImportRow
from imports.prices import PriceWriter
from imports.profiles import Feed
from imports.readers import Record
from imports.rows import repairs
from jobtracker.catalogue.models import CatalogueSource, WhenMissing
from jobtracker.catalogue.rehearsal import Rehearsal
from jobtracker.catalogue.write import Change
from jobtracker.monitor.words import counted
from jobtracker.states import WaitForPerson, Waiting

T = TypeVar("T")

SHOWN = 20  # rows of each outcome


@dataclass(frozen=True)
class Bounds:
    """How many records a preview reads, in whole batches, and for how long it goes on."""

    records: int = sys.maxsize
    seconds: float = math.inf


@dataclass
class Preview:
    """What the run would do: numbers by outcome, and the first rows of each. `looked_at` records
    of `total` were read; `asks` are sentences about what a person would be asked meanwhile, and
    `deactivated` counts products that the feed has no more, where the import looks for them."""

    source: str
    total: int = 0
    looked_at: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    deactivated: int = 0
    mapping: dict[str, Any] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every record was read."""
        return self.looked_at == self.total

    @property
    def all_failed(self) -> bool:
        """Whether a run would fail because every row does."""
        return bool(self.total) and self.failed == self.total

    def sentence(self) -> str:
        """Say it in one line."""
        return (
            f"{self.source}: would create {self.created:,}, update {self.updated:,}, leave"
            f" {self.unchanged:,} unchanged, fail {self.failed:,}, skip {self.skipped:,}"
            f" of {counted(self.total, 'rows')}. Nothing was written."
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        changes = [
            asdict(change) | {"old": _plain(change.old), "new": _plain(change.new)}
            for change in self.changes
        ]
        return asdict(self) | {"changes": changes, "dry_run": True}


class Clock:
    """The time that a preview has."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._until = monotonic() + bounds.seconds

    @property
    def is_running(self) -> bool:
        return monotonic() < self._until

    def within(self, items: Iterable[T]) -> Iterator[T]:
        """Yield what must be read to its end. Raises `TooSlow`."""
        for item in items:
            if not self.is_running:
                raise TooSlow
            yield item


@dataclass(frozen=True)
class TimedFeed(Feed):
    """A feed whose other records, such as its categories, are read in time or not at all."""

    clock: Clock = field(default_factory=lambda: Clock(Bounds()))

    def read(self, record: str) -> Iterator[Any]:
        return self.clock.within(super().read(record))


class _PriceRehearsal(Rehearsal, PriceWriter):
    """What `PriceWriter` does, on copies."""


class Trial:
    """The run of a feed inside a transaction that the caller rolls back; only temporary tables
    are written in it."""

    def __init__(
        self,
        feed: Feed,
        source: CatalogueSource,
        *,
        price_only: bool,
        only: list[int] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._feed = feed
        self._source = source
        self._price_only = price_only
        self._only = only
        self._clock = clock or Clock(Bounds())
        self._job_id = uuid4()

    def preview(self, name: str, choice: Choice, detail: DataImportJob | None = None) -> Preview:
        """Write what the run would write, and say what that was. Of a stored import (`detail`)
        also what its run would ask. Raises `TooSlow`, `WaitForPerson`."""
        if choice.waits_for:
            raise WaitForPerson(choice.waits_for, choice.question or {})
        total = self._feed.survey.count if self._only is None else len(self._only)
        preview = Preview(name, total, mapping=choice.mapping.to_json())
        mapping = choice.mapping.bound(self._feed.read)
        whole = detail is not None and self._only is None and rejects.origin_of(detail) is None
        if detail and whole:
            self._guard(preview, mapping, detail)
        self._write(preview, mapping)
        if detail and whole and preview.is_whole and not self._price_only:
            self._look_for_missing(preview, detail)
        return preview

    def _records(self) -> Iterator[Record]:
        return readers.read(self._feed.path, self._feed.source)

    def _guard(self, preview: Preview, mapping: Mapping, detail: DataImportJob) -> None:
        given = detail.background_job.answer.get(Waiting.THRESHOLD.value) or {}
        if given.get("about") == guardrails.ABOUT and given["go_on"]:
            return
        timed = self._clock.within
        batches = Batches(mapping, self._source.supplier, timed(self._records()))
        own = readers.read_own(self._feed.path, self._feed.source)
        asked = guardrails.question(
            detail,
            self._source,
            self._feed.survey,
            batches.of(timed(own)),
            price_only=self._price_only,
        )
        if asked:
            preview.asks += [each["text"] for each in asked["concerns"]]

    def _write(self, preview: Preview, mapping: Mapping) -> None:
        clock = self._clock
        kind = _PriceRehearsal if self._price_only else Rehearsal
        writer = kind(self._job_id, self._source, ImportRow._meta.db_table)
        batches = Batches(mapping, self._source.supplier, clock.within(self._records()))
        only = None if self._only is None else frozenset(self._only)
        in_time = takewhile(lambda _: clock.is_running, self._records())
        for batch in batches.of(in_time, only=only):
            writer.stage(*batch.rows(known=writer.keep(batch.seen())))
            outcome = writer.apply()
            preview.looked_at += len(batch)
            preview.created += outcome.created
            preview.updated += outcome.updated
            preview.unchanged += outcome.unchanged
            preview.failed += outcome.failed
            preview.skipped += outcome.skipped
            if preview.looked_at >= clock.bounds.records or not clock.is_running:
                break
        if preview.total and not preview.looked_at:
            raise TooSlow
        for code in ("c", "u"):
            preview.changes += writer.sample(code, SHOWN)
        for code in ("f", "s"):
            preview.problems += _problems(self._job_id, code)
        preview.repairs = repairs(self._job_id)
        writer.end()

    def _look_for_missing(self, preview: Preview, detail: DataImportJob) -> None:
        if detail.background_job.metadata.get("missing") != WhenMissing.DEACTIVATE:
            return
        if missing.untold(self._job_id):
            return
        found = missing.look_for(self._job_id, self._source)
        preview.deactivated = found.gone
        if found.many:
            preview.asks.append(found.text)


def _problems(job_id: UUID, outcome: str) -> list[dict[str, Any]]:
    """Return the first rows of an outcome, in the order of the feed: the model's own order asks
    for the job, and there is none."""
    rows = ImportRow.objects.filter(job_id=job_id, outcome=outcome).order_by("number")[:SHOWN]
    return [
        {"number": row.number, "line": row.line, "key": row.key, "outcome": outcome}
        | (row.detail or {})
        for row in rows
    ]


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    return {k: str(v) if v is not None else None for k, v in values.items()} if values else values
