"""The import of a product feed: fetch, read to the end, map, write, deliver."""

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import URLPattern, reverse

from imports import feed_source, mapping_choice, profiles, readers, rejects
from imports.mapping import Mapping, MappingError
from imports.models import DataImportJob, ImportRow
from imports.prices import is_price_only
from imports.profiles import Feed
from imports.readers import MalformedXml, Source, UnknownEncoding, UnreadableFeed
from imports.row_stage import write_rows
from jobtracker import causes, uploads
from jobtracker.context import JobContext
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, JobSchedule, User
from jobtracker.monitor.words import counted
from jobtracker.pipelines import SAME_STATUS, Counts, Detail, Invented, ItemTable, Pipeline, Stage
from jobtracker.states import JobType, Permanent, StageState, Waiting
from jobtracker.webhooks import calls, products

REPAIR = (
    "It can be read again and mended (under Source, or by import_feed --repair): then what is wrong"
    " is left out, and each place is named."
)
SAMPLES = {
    "tiles.xml": "Northlight Tiles",
    "fabrics.csv": "Weaver & Loom",
    "boards.json": "Harrow Boards",
}


class ImportPipeline(Pipeline):
    """Nothing is written to the catalogue before the feed was read to its end and its mapping is
    sure; from then on each batch commits with its checkpoint."""

    job_type = JobType.IMPORT
    label = "Import"
    noun = "rows"
    icon = "file-input"
    words = ("xml", "csv", "json")
    stages = (
        Stage("source_fetched", "Fetch source", 2, "bytes"),
        Stage("feed_parsed", "Read feed", 15, "records"),
        Stage("fields_mapped", "Map fields", 1, "fields"),
        Stage("rows_imported", "Import rows", 80, "rows"),
        Stage("products_delivered", "Queue deliveries", 2, "products"),
    )
    detail = Detail(
        DataImportJob,
        SAME_STATUS
        | {
            "total_products": "b.total_items",
            "processed_products": "b.done_items + b.skipped_items",
            "failed_products": "b.failed_items",
        },
    )
    item_tables = (ItemTable(ImportRow, "job_id"),)
    source_column = "source_file"
    invented = Invented(
        filename="'products-' || to_char(s.made, 'YYYY-MM-DD') || '.xml'",
        total="20 + floor(exp(random() * 9))::int",
        detail={"source_name": "b.filename", "import_type": "'xml'"},
        errors=(
            ("source_fetched", "The server answered 503 Service Unavailable."),
            ("source_fetched", "The connection to the server timed out after 30 s."),
            ("feed_parsed", "The feed ends in the middle of record 48,213."),
            ("fields_mapped", "The mapping cannot be obeyed: the feed has no field g:price."),
            ("rows_imported", "All 1,240 items failed: no price in it"),
        ),
    )
    items_template = "imports/items.html"
    start_template = "imports/start.html"

    # --- stages ---

    def source_fetched(self, context: JobContext) -> None:
        """Have the source in our own storage, as it came."""
        detail = feed_source.detail_of(context)
        elsewhere = detail.source_url or context.job.metadata.get("path")
        if detail.source_file or not elsewhere:
            with uploads.local_copy(detail.source_file) as path:
                context.checkpoint(path.stat().st_size, {"note": ""})
            return
        context.check()
        fetched = feed_source.fetch(detail, context.check)
        with context.transaction():
            if fetched is None:
                context.checkpoint(0, {"note": feed_source.UNCHANGED}, StageState.EMPTY)
            else:
                DataImportJob.objects.filter(pk=detail.pk).update(**fetched.columns)
                context.checkpoint(fetched.bytes, {"note": ""})

    def feed_parsed(self, context: JobContext) -> None:
        """Read the feed to its end: a feed that is cut off fails here, with nothing written."""
        if context.data("source_fetched")["note"]:
            context.checkpoint(0, {"count": 0}, StageState.EMPTY)
            return
        detail = feed_source.detail_of(context)
        reading = context.job.metadata.get("stated", {})
        try:
            with (
                uploads.local_copy(detail.source_file) as stored,
                feed_source.opened(stored, reading) as (path, found, profile),
            ):
                survey = readers.survey(
                    path,
                    found.source,
                    lambda number, share: context.advance(number, fraction=share),
                )
                survey = rejects.without_remarks(survey)
        except MalformedXml as error:
            raise Permanent(f"{error} {REPAIR}") from error
        except UnknownEncoding as error:
            raise Permanent(
                f"{error} Source takes its name, and shows how the file reads."
            ) from error
        except UnreadableFeed as error:
            raise Permanent(str(error)) from error
        for message in found.warnings:
            context.warn("feed", message)
        if not survey.count:
            raise Permanent(f"{detail.source_name} has no records.")
        only = _rows_to_retry(context)
        count = survey.count if only is None else len(only)
        with context.transaction():
            DataImportJob.objects.filter(pk=detail.pk).update(
                import_type=found.source.stored_type,
                record_path=found.source.record_path or "",
                encoding=found.source.encoding,
                profile=profile.name if profile else "",
                dialect=found.source.as_json()["dialect"] or {},
            )
            context.checkpoint(
                count,
                {
                    "count": count,
                    "only": only,
                    "source": found.source.as_json(),
                    "price_only": bool(profile and profile.sets_only_prices(survey)),
                    "candidates": [[c.path, c.count, c.reason] for c in found.candidates],
                    "survey": feed_source.survey_to_json(survey),
                },
            )

    def fields_mapped(self, context: JobContext) -> None:
        """Choose the mapping: as given, as confirmed for this shape before, else as suggested
        if it is sure enough; else, or where someone wants to see it, a person is asked."""
        parsed = context.data("feed_parsed")
        if not parsed["count"]:
            context.checkpoint(0, {}, StageState.EMPTY)
            return
        detail = feed_source.detail_of(context)
        answer = context.answer(Waiting.CURRENCY) or context.answer(Waiting.MAPPING) or {}
        given = answer or context.job.metadata.get("mapping")
        supplier = detail.background_job.supplier
        price_only = is_price_only(context)
        survey = feed_source.survey_from_json(parsed["survey"])
        if not given and (before := rejects.origin_of(detail)):
            given = rejects.mapping_for(before, survey)
        try:
            source = Source.from_json(parsed["source"])
            with feed_source.unpacked(detail, source) as path:
                elsewhere = tuple(path for path, *_ in parsed["candidates"])
                feed = Feed(path, source, survey, elsewhere)
                sample = list(islice(readers.read(path, feed.source), mapping_choice.SAMPLE))
                choice = mapping_choice.choose(
                    supplier,
                    feed,
                    sample,
                    profile=profiles.named(detail.profile),
                    given=Mapping.from_json(given) if given else None,
                    template=detail.template,
                    currency=context.job.metadata.get("stated", {}).get("currency", ""),
                    confirm=mapping_choice.Confirm(
                        "" if answer else context.job.metadata.get("confirm", "")
                    ),
                    price_only=price_only,
                )
        except MappingError as error:
            raise Permanent(f"The mapping cannot be obeyed: {error}") from error
        if choice.waits_for:
            context.wait_for(choice.waits_for, choice.question or {})
        with context.transaction():
            template = choice.template
            if supplier and answer.get("remember"):
                shape = mapping_choice.shape_of(survey, price_only=price_only)
                known = mapping_choice.template_for(supplier, shape)
                own_name = f"{detail.source_name[:110]}{' (prices)' if price_only else ''}"
                template = mapping_choice.keep_template(
                    supplier,
                    known.name if known else own_name,
                    detail.record_path,
                    shape,
                    choice.mapping,
                )
            DataImportJob.objects.filter(pk=detail.pk).update(
                field_mappings=choice.mapping.to_json(), template=template
            )
            context.checkpoint(
                len(choice.mapping.fields), {"mapping": choice.mapping.to_json(), "by": choice.by}
            )
        context.log(f"Mapping: {choice.by}, {counted(len(choice.mapping.fields), 'fields')}")

    def rows_imported(self, context: JobContext) -> None:
        """Write the rows, a batch and its checkpoint at a time."""
        if context.data("feed_parsed")["count"]:
            write_rows(context, self.recount(context.job.id))
        else:
            context.checkpoint(0, {}, StageState.EMPTY)

    def products_delivered(self, context: JobContext) -> None:
        """Hand what was created or updated over to be delivered; the sender does the rest."""
        changed = ImportRow.objects.filter(
            job_id=context.job.id, outcome__in=["c", "u"], material_id__isnull=False
        )
        products.deliver(context, changed.order_by().values("material_id"))

    # --- what the tracker asks ---

    def recount(self, job_id: UUID) -> Counts:
        """Count the rows by outcome; the total is what the feed was found to hold."""
        found = dict(
            ImportRow.objects.filter(job_id=job_id)
            .order_by()
            .values_list("outcome")
            .annotate(Count("pk"))
        )
        created, updated, unchanged = found.get("c", 0), found.get("u", 0), found.get("=", 0)
        done = created + updated + unchanged
        failed, skipped = found.get("f", 0), found.get("s", 0)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT stage, data->>'count', data->>'note', data->>'deactivated'"
                " FROM job_checkpoints WHERE job_id = %s"
                " AND stage IN ('source_fetched', 'feed_parsed', 'rows_imported')",
                [job_id],
            )
            kept = {stage: found for stage, *found in cursor.fetchall()}
        nothing = (None, None, None)
        total = int(kept.get("feed_parsed", nothing)[0] or 0)
        result: dict[str, Any] = {
            "materials": done, "created": created, "updated": updated, "unchanged": unchanged,
        }  # fmt: skip
        if deactivated := int(kept.get("rows_imported", nothing)[2] or 0):
            result["deactivated"] = deactivated
        if note := kept.get("source_fetched", nothing)[1]:
            result["note"] = note
        elif skipped and not done and not failed:
            result["note"] = f"{counted(skipped, 'rows')} read and skipped: {_causes(job_id, 's')}"
        if failed:
            result["cause"] = _causes(job_id, "f")
        return Counts(max(total, done + failed + skipped), done, failed, skipped, result)

    def forget(self, job_id: UUID, stages: Iterable[str]) -> None:
        if "rows_imported" in stages:
            ImportRow.objects.filter(job_id=job_id).delete()
        if "products_delivered" in stages:
            calls.withdraw([job_id])

    def items(self, job_id: UUID, request: HttpRequest) -> dict[str, Any]:
        from imports.rows import page_of_rows

        return page_of_rows(job_id, request.GET)

    def job_url(self, job_id: UUID) -> str | None:
        detail = DataImportJob.objects.only("pk").filter(background_job_id=job_id).first()
        return reverse("import-detail", args=[detail.pk]) if detail else None

    def answer_url(self, job_id: UUID) -> str | None:
        detail = (
            DataImportJob.objects.only("background_job__waiting_for")
            .select_related("background_job")
            .filter(background_job_id=job_id)
            .first()
        )
        if detail is None:
            return None
        if detail.background_job.waiting_for == Waiting.THRESHOLD:
            return reverse("import-detail", args=[detail.pk]) + "#import-question"
        return reverse("import-mapping", args=[detail.pk])

    def start_context(self) -> dict[str, Any]:
        from imports.forms import StartForm

        return {"import_form": StartForm()}

    def parse_answer(self, job: BackgroundJob, options: MappingOf[str, Any]) -> dict[str, Any]:
        from imports.answers import answer_from_options

        return answer_from_options(job, options)

    def failures(self, job_id: UUID, limit: int) -> list[dict[str, Any]]:
        from imports.rows import failed_rows

        return failed_rows(job_id, limit)

    def retry_failed(self, job: BackgroundJob, user: User | None) -> Created:
        from imports.start import retry_failed

        return retry_failed(job, user)

    def start_samples(self, folder: Path) -> list[UUID]:
        from imports.request import Request
        from imports.start import start_imports

        requests = [Request(str(folder / name), supplier=who) for name, who in SAMPLES.items()]
        return [created.job_id for created in start_imports(requests)]

    def schedule_form(self) -> type[Form]:
        from imports.forms import ScheduleForm

        return ScheduleForm

    def start_scheduled(self, schedule: JobSchedule, **common: Any) -> Created:
        from imports.start import start_scheduled

        return start_scheduled(schedule, **common)

    def scheduled_source(self, spec: MappingOf[str, Any]) -> str:
        return str(spec.get("url") or spec.get("path") or "")

    def source(self, job_id: UUID) -> str:
        detail = DataImportJob.objects.filter(background_job_id=job_id).first()
        return (detail.source_url or detail.source_name) if detail else ""

    def materials(self, job_id: UUID) -> QuerySet[Any, Any]:
        rows = ImportRow.objects.filter(job_id=job_id, material_id__isnull=False)
        return rows.order_by().values("material_id")

    def urls(self) -> list[URLPattern]:
        from imports.urls import urlpatterns

        return urlpatterns


def _rows_to_retry(context: JobContext) -> list[int] | None:
    """Return the numbers of the rows that failed in the parent, for a job that is to import those
    alone; None for one that imports all. Raises `Permanent` where they are not known any more."""
    if not context.job.metadata.get("failed_rows_only"):
        return None
    failed = ImportRow.objects.filter(job_id=context.job.parent_id, outcome="f").order_by("number")
    numbers = list(failed.values_list("number", flat=True))
    if not numbers:
        raise Permanent("The import whose failed rows these are is gone; import the feed again.")
    return numbers


def _causes(job_id: UUID, outcome: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT detail->>'reason', count(*) FROM import_rows WHERE job_id = %s AND outcome = %s"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT %s",
            [job_id, outcome, causes.MESSAGES],
        )
        return causes.told(cursor.fetchall())
