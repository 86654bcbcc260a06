"""What an import would do, said by the code that does it. It works on copies (see `rehearsal`), so
that a look at a preview changes nothing and holds up no import."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from imports import feed_source, profiles, readers, rejects
from imports.mapping import Mapping, MappingError, suggest
from imports.mapping.expression import in_time
from imports.mapping_choice import SAMPLE, choose, hints_of
from imports.models import DataImportJob
from imports.profiles import Feed, Profile
from imports.readers import Inspection, Record, UnreadableFeed
from imports.request import Request, supplier_title
from imports.start import as_before
from imports.trial import Bounds, Clock, Preview, TimedFeed, Trial
from jobtracker import uploads
from jobtracker.catalogue.models import CatalogueSource, Kind, Supplier
from jobtracker.models import JobCheckpoint
from jobtracker.sources import is_url
from jobtracker.uploads import SourceRefused

UNSAVED = -1  # the id of a supplier or source that the run would make


def dry_run(request: Request) -> Preview:
    """Run the import's own code over the whole source, on copies.

    Raises `SourceRefused` for what cannot be read, `WaitForPerson` with the question where a run
    would wait for a person.
    """
    request = as_before(request)
    with _opened(request) as (_, feed, profile, sample), transaction.atomic():
        supplier = _supplier(request)
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
        url = request.source if is_url(request.source) else ""
        stream = _stream(supplier, feed_source.name_of(request.source), url)
        trial = Trial(feed, stream, price_only=price_only)
        preview = trial.preview(request.source, choice)
        transaction.set_rollback(True)
    return preview


def of_import(detail: DataImportJob, given: Mapping, bounds: Bounds) -> Preview:
    """Run what an import would do with its stored source and the mapping `given`, on copies and
    as far as `bounds` allow.

    Raises `MappingError` for a mapping that no run could obey, `WaitForPerson` with the question
    where one would ask, `TooSlow`, `FileNotFoundError` or `UnreadableFeed` for a source that is
    gone or damaged, and the database's own error where a statement takes too long.
    """
    job = detail.background_job
    assert job.supplier is not None, "an import without a supplier writes nothing"
    parsed = JobCheckpoint.objects.get(job=job, stage="feed_parsed").data
    price_only = bool(job.metadata.get("price_only") or parsed.get("price_only"))
    source = readers.Source.from_json(parsed["source"])
    clock = Clock(bounds)
    with feed_source.unpacked(detail, source) as path, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {round(bounds.seconds * 1000)}")
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
        stream = _stream(job.supplier, detail.source_name, detail.source_url)
        trial = Trial(feed, stream, price_only=price_only, only=parsed.get("only"), clock=clock)
        preview = trial.preview(detail.source_name, choice, detail)
        transaction.set_rollback(True)
    return preview


def suggestion(request: Request) -> dict[str, Any]:
    """Return how a source would be read and mapped, in the shape that `--mapping` takes; writes
    nothing. Raises `SourceRefused`."""
    request = as_before(request)
    with _opened(request) as (found, feed, profile, sample):
        supplier = Supplier.objects.filter(name=request.supplier).first()
        currency = supplier.default_currency if supplier else ""
        defaults = {"currency": currency} if currency else {}
        suggested = suggest(feed.survey, sample, defaults, hints_of(profile, feed))
        if request.price_only or (profile and profile.sets_only_prices(feed.survey)):
            suggested = suggested.of_prices()
    questions = suggested.open_questions(settings.MAPPING_CONFIDENCE)
    return {
        "record_path": found.source.record_path,
        "count": feed.survey.count,
        "encoding": found.source.encoding,
        "dialect": found.source.as_json()["dialect"],
        "entry": found.source.entry,
        "candidates": [asdict(candidate) for candidate in found.candidates[:10]],
        "warnings": list(found.warnings),
        **suggested.as_json(),
        "questions": [question.as_json() for question in questions],
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
    except outbound.FetchFailed as error:
        why = feed_source.why_failed(error)
        if error.status in (401, 403) and not request.supplier:
            why += " A supplier's log-in is used where --supplier names it."
        raise SourceRefused(why) from error
    except outbound.OutboundError as error:
        raise SourceRefused(str(error)) from error


def _supplier(request: Request) -> Supplier:
    """Return the request's supplier, unsaved where the run would make it."""
    title = supplier_title(request)
    return Supplier.objects.filter(name=title).first() or Supplier(pk=UNSAVED, name=title)


def _stream(supplier: Supplier, name: str, url: str) -> CatalogueSource:
    """Return the source whose values the run would write, unsaved where the run would make it."""
    named = rejects.stream_of(supplier.pk, name, url)
    found = CatalogueSource.objects.filter(supplier=supplier, kind=Kind.FEED, name=named).first()
    return found or CatalogueSource(pk=UNSAVED, supplier=supplier, kind=Kind.FEED, name=named)
