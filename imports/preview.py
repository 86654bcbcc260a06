"""What an import would do, said by the code that does it; all of it is rolled back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from imports import feed_source, profiles, readers, rejects
from imports.mapping import Mapping, MappingError, suggest
from imports.mapping.expression import in_time
from imports.mapping_choice import SAMPLE, choose, hints_of
from imports.models import DataImportJob
from imports.profiles import Feed, Profile
from imports.readers import Inspection, Record, UnreadableFeed
from imports.start import Request, supplier_of
from imports.trial import Bounds, Clock, Preview, TimedFeed, Trial
from jobtracker import uploads
from jobtracker.catalogue.models import CatalogueSource, Supplier
from jobtracker.models import JobCheckpoint
from jobtracker.sources import is_url
from jobtracker.uploads import SourceRefused

LOCK_SECONDS = 3.0  # that a preview waits for the supplier's writers


def dry_run(request: Request) -> Preview:
    """Run the import's own code over the whole source and roll everything back.

    Raises `SourceRefused` for what cannot be read, `WaitForPerson` with the question where a run
    would wait for a person.
    """
    with _opened(request) as (_, feed, profile, sample), transaction.atomic():
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
        trial = Trial(feed, _source(request, supplier), price_only=price_only)
        preview = trial.preview(request.source, choice)
        transaction.set_rollback(True)
    return preview


def of_import(detail: DataImportJob, given: Mapping, bounds: Bounds) -> Preview:
    """Run what an import would do with its stored source and the mapping `given`, as far as
    `bounds` allow, and roll everything back.

    Raises `MappingError` for a mapping that no run could obey, `WaitForPerson` with the question
    where one would ask, `TooSlow`, `FileNotFoundError` or `UnreadableFeed` for a source that is
    gone or damaged, and the database's own error where a statement takes too long or the
    supplier's catalogue is being written.
    """
    job = detail.background_job
    assert job.supplier is not None, "an import without a supplier writes nothing"
    parsed = JobCheckpoint.objects.get(job=job, stage="feed_parsed").data
    price_only = bool(job.metadata.get("price_only") or parsed.get("price_only"))
    source = readers.Source.from_json(parsed["source"])
    clock = Clock(bounds)
    with feed_source.unpacked(detail, source) as path, transaction.atomic():
        _limit_statements(bounds)
        feed = TimedFeed(
            path,
            source,
            feed_source.survey_from_json(parsed["survey"]),
            tuple(each for each, *_ in parsed["candidates"]),
            clock,
        )
        sample = list(islice(clock.within(readers.read(path, source)), SAMPLE))
        with in_time(bounds.seconds):
            choice = choose(
                job.supplier,
                feed,
                sample,
                profile=profiles.named(detail.profile),
                given=given,
                currency=job.metadata.get("stated", {}).get("currency", ""),
                price_only=price_only,
            )
        name = rejects.stream_of(job.supplier_id, detail.source_name, detail.source_url)
        stream = feed_source.catalogue_source(job.supplier.pk, name)
        trial = Trial(feed, stream, price_only=price_only, only=parsed.get("only"), clock=clock)
        preview = trial.preview(detail.source_name, choice, detail)
        transaction.set_rollback(True)
    return preview


def _limit_statements(bounds: Bounds) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {round(bounds.seconds * 1000)}")
        cursor.execute(f"SET LOCAL lock_timeout = {round(LOCK_SECONDS * 1000)}")


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
