"""What an import would do, said by the code that does it; all of it is rolled back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction

from imports import feed_source, readers, rejects
from imports.batches import Batches
from imports.mapping import MappingError, suggest
from imports.mapping_choice import SAMPLE, choose, hints_of
from imports.models import ImportRow
from imports.prices import PriceWriter
from imports.profiles import Feed, Profile
from imports.readers import Inspection, Record, UnreadableFeed
from imports.start import Request, supplier_of
from jobtracker import uploads
from jobtracker.catalogue import write
from jobtracker.catalogue.models import CatalogueSource, Supplier
from jobtracker.catalogue.write import Change
from jobtracker.monitor.words import counted
from jobtracker.sources import is_url
from jobtracker.states import WaitForPerson
from jobtracker.uploads import SourceRefused

SHOWN = 20  # rows of each outcome


@dataclass
class Preview:
    """What the run would do: numbers by outcome, and the first rows of each."""

    source: str
    total: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    mapping: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

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


def dry_run(request: Request) -> Preview:
    """Run the import's own code over the whole source and roll everything back.

    Raises `SourceRefused` for what cannot be read, `WaitForPerson` with the question where a run
    would wait for a person.
    """
    with _opened(request) as (found, feed, profile, sample), transaction.atomic():
        supplier = supplier_of(request)
        price_only = request.price_only or bool(profile and profile.sets_only_prices(feed.survey))
        try:
            choice = choose(
                supplier,
                feed,
                sample,
                profile=profile,
                given=request.mapping,
                template=request.template,
                currency=request.currency or "",
                price_only=price_only,
            )
        except MappingError as error:
            raise SourceRefused(f"{request.source}: {error}") from error
        if choice.waits_for:
            raise WaitForPerson(choice.waits_for, choice.question or {})
        preview = Preview(request.source, feed.survey.count, mapping=choice.mapping.to_json())
        source = _source(request, supplier)
        job_id = uuid4()
        kind = PriceWriter if price_only else write.Writer
        writer = kind(job_id, source, ImportRow._meta.db_table)
        mapping = choice.mapping.bound(feed.read)
        batches = Batches(mapping, supplier, readers.read(feed.path, found.source))
        for batch in batches.of(readers.read(feed.path, found.source)):
            writer.stage(*batch.rows(known=writer.keep(batch.seen())))
            outcome = writer.apply()
            preview.created += outcome.created
            preview.updated += outcome.updated
            preview.unchanged += outcome.unchanged
            preview.failed += outcome.failed
            preview.skipped += outcome.skipped
        for outcome_code in ("c", "u"):
            preview.changes += writer.sample(outcome_code, SHOWN)
        # In the order of the feed: the model's own order asks for the job, and there is none.
        problems = ImportRow.objects.filter(job_id=job_id, outcome__in="fs").order_by("number")
        preview.problems = [
            {"number": row.number, "line": row.line, "key": row.key} | (row.detail or {})
            for row in problems[:SHOWN]
        ]
        transaction.set_rollback(True)
    return preview


def suggestion(request: Request) -> dict[str, Any]:
    """Return how a source would be read and mapped, in the shape that `--mapping` takes; writes
    nothing. Raises `SourceRefused`."""
    with _opened(request) as (found, feed, profile, sample):
        supplier = Supplier.objects.filter(name=request.supplier).first()
        currency = supplier.default_currency if supplier else ""
        defaults = {"currency": currency} if currency else {}
        suggested = suggest(feed.survey, sample, defaults, hints_of(profile, feed))
    return {
        "record_path": found.source.record_path,
        "count": feed.survey.count,
        "encoding": found.source.encoding,
        "dialect": found.source.as_json()["dialect"],
        "entry": found.source.entry,
        "candidates": [asdict(candidate) for candidate in found.candidates[:10]],
        "warnings": list(found.warnings),
        **suggested.as_json(),
    }


@contextmanager
def _opened(request: Request) -> Iterator[tuple[Inspection, Feed, Profile | None, list[Record]]]:
    """Read a source to its end: yields how it is read, the feed, its format and first records."""
    with uploads.incoming() as download:
        path = Path(request.source)
        if is_url(request.source):
            path = download
            _download(request, path)
        with ExitStack() as stack:
            try:
                plain, found, profile = stack.enter_context(
                    feed_source.opened(path, request.reading)
                )
                survey = rejects.without_remarks(readers.survey(plain, found.source))
                sample = list(islice(readers.read(plain, found.source), SAMPLE))
            except UnreadableFeed as error:
                raise SourceRefused(f"{request.source}: {error}") from error
            elsewhere = tuple(each.path for each in found.candidates)
            yield found, Feed(plain, found.source, survey, elsewhere), profile, sample


def _download(request: Request, path: Path) -> None:
    from imports import sources  # httpx: 8 MB that most processes never need
    from jobtracker import outbound

    supplier = Supplier.objects.filter(name=request.supplier).first()
    try:
        login = feed_source.login_for(supplier, request.source)
        sources.fetch(request.source, path, uploads.max_bytes(), login=login)
    except outbound.OutboundError as error:
        raise SourceRefused(str(error)) from error


def _source(request: Request, supplier: Supplier) -> CatalogueSource:
    url = request.source if is_url(request.source) else ""
    name = rejects.stream_of(supplier.pk, feed_source.name_of(request.source), url)
    return feed_source.catalogue_source(supplier.pk, name)


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    return {k: str(v) if v is not None else None for k, v in values.items()} if values else values
