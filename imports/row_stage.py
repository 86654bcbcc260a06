"""The stage that writes a feed's rows: held against the last run, batch by batch, and then what is
missing."""

from collections.abc import Iterator

from imports import feed_source, guardrails, missing, readers, rejects
from imports.batches import Batch, Batches
from imports.mapping import Mapping
from imports.models import DataImportJob, ImportRow
from imports.prices import PriceWriter, is_price_only
from imports.profiles import Feed
from imports.readers import Record, Source, Survey
from imports.rows import remarks
from jobtracker.catalogue import write
from jobtracker.catalogue.models import CatalogueSource, WhenMissing
from jobtracker.context import JobContext
from jobtracker.images import queue as images
from jobtracker.monitor.words import counted
from jobtracker.pipelines import Counts
from jobtracker.states import Permanent, StageState, Waiting


def write_rows(context: JobContext, counts: Counts) -> None:
    """Write what earlier attempts have not; `counts` is what they did. Raises `Permanent`."""
    count = context.data("feed_parsed")["count"]
    detail = feed_source.detail_of(context)
    parsed, mapped = context.data("feed_parsed"), context.data("fields_mapped")
    if context.job.supplier_id is None:
        raise Permanent("The job has no supplier. Set one on its admin page and retry.")
    source = feed_source.catalogue_source(
        context.job.supplier_id,
        rejects.stream_of(context.job.supplier_id, detail.source_name, detail.source_url),
    )
    mapping = Mapping.from_json(mapped["mapping"])
    last = context.resumed.get("number", 0)
    if last:
        context.advance(_moved(counts), count, counts=counts)
    only = frozenset(parsed["only"]) if parsed.get("only") else None
    found = Source.from_json(parsed["source"])
    with feed_source.unpacked(detail, found) as path:
        feed = Feed(path, found, feed_source.survey_from_json(parsed["survey"]))
        mapping = mapping.bound(feed.read)

        def batches(records: Iterator[Record], after: int = 0) -> Iterator[Batch]:
            start = readers.read(path, found)
            return Batches(mapping, source.supplier, start).of(records, after=after, only=only)

        whole = only is None and rejects.origin_of(detail) is None
        if whole and not last:
            _guard(context, detail, source, feed.survey, batches(readers.read_own(path, found)))
        kind = PriceWriter if is_price_only(context) else write.Writer
        writer = kind(context.job.id, source, ImportRow._meta.db_table)
        for batch in batches(readers.read(path, found), after=last):
            outcome = _write(context, writer, batch)
            last = batch.last_number
            counts = Counts(
                total=count,
                done=counts.done + outcome.created + outcome.updated + outcome.unchanged,
                failed=counts.failed + outcome.failed,
                skipped=counts.skipped + outcome.skipped,
            )
            context.advance(_moved(counts), count, counts=counts)
            del batch  # or it would stay beside the next one while that is made
    if _moved(counts) != count:
        raise Permanent(
            f"The source has {_moved(counts):,} of the {count:,} records that were found when"
            " it was first read."
        )
    deactivated = _deactivate(context, source, last) if whole else 0
    for message, number in remarks(context.job.id):
        context.warn("rows", f"{counted(number, 'rows')}: {message}")
    images.add_of_rows(context, ImportRow._meta.db_table, last)
    context.checkpoint(count, {"number": last, "deactivated": deactivated})


def _moved(counts: Counts) -> int:
    return counts.done + counts.failed + counts.skipped


def _guard(
    context: JobContext,
    detail: DataImportJob,
    source: CatalogueSource,
    survey: Survey,
    batches: Iterator[Batch],
) -> None:
    """Ask a person before a feed is written that is unlike its last ones; what was answered
    holds for this job. Raises `Permanent` where the answer was to stop."""
    if guardrails.allowed(context.job.answer, context.job.attempt):
        return
    asked = guardrails.question(detail, source, survey, batches, price_only=is_price_only(context))
    if asked:
        context.wait_for(Waiting.THRESHOLD, asked)


def _deactivate(context: JobContext, source: CatalogueSource, last: int) -> int:
    """Make inactive what the feed does not have any more, where the job is asked to; many only
    once a person has said so. Returns how many, earlier attempts included."""
    done: int = context.resumed.get("deactivated", 0)
    if context.job.metadata.get("missing") != WhenMissing.DEACTIVATE:
        return done
    if is_price_only(context):
        return done
    if reason := missing.untold(context.job.id):
        context.warn(missing.ABOUT, reason)
        return done
    found = missing.look_for(context.job.id, source)
    given = context.answer(Waiting.THRESHOLD) or {}
    decided = given.get("about") == missing.ABOUT
    if found.many and not done and not decided:
        context.wait_for(Waiting.THRESHOLD, found.question())
    if decided and not given["go_on"]:
        context.warn(missing.ABOUT, f"{found.text} A person left them active.")
        return done
    after = 0
    while True:

        def commit() -> tuple[int, int]:
            context.fence()
            at, number = missing.deactivate_some(context.job.id, source, after)  # noqa: B023
            kept = {"number": last, "deactivated": done + number}  # noqa: B023
            context.checkpoint(last, kept, StageState.RUNNING)
            return at, number

        after, number = write.in_transaction(commit)
        done += number
        if not after:
            return done


def _write(context: JobContext, writer: write.Writer, batch: Batch) -> write.Outcome:
    """Commit one batch with its checkpoint."""

    def commit() -> write.Outcome:
        writer.stage(*batch.rows(known=writer.keep(batch.seen())))
        context.fence()
        outcome = writer.apply()
        context.checkpoint(batch.last_number, {"number": batch.last_number}, StageState.RUNNING)
        return outcome

    return write.in_transaction(commit)
