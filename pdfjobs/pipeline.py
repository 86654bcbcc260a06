"""The processing of a PDF catalogue: load, read, draw, embed, detect, write, a page at a time."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse

from jobtracker import causes
from jobtracker.context import JobContext
from jobtracker.lifecycle import Created
from jobtracker.models import BackgroundJob, User
from jobtracker.monitor.words import counted
from jobtracker.pipelines import SAME_STATUS, Counts, Detail, Invented, ItemTable, Pipeline, Stage
from jobtracker.states import JobType
from pdfjobs.models import PdfChunk, PdfDocument, PdfImage, PdfPage, PdfRow

if TYPE_CHECKING:
    from pdfjobs.desk import Desk

State = PdfPage.State

DRAWN = ("picture", "thumbnail", "tiles")

SAMPLES = {"tiles-price-list.pdf": "Northlight Tiles", "fabric-cards.pdf": "Weaver & Loom"}


class PdfPipeline(Pipeline):
    """The pages are the items; each stage takes the pages that it has not finished.

    What reads and embeds is imported where it runs: the web server never needs it.
    """

    job_type = JobType.PDF
    label = "PDF"
    noun = "pages"
    icon = "file-text"
    stages = (
        Stage("pdf_loaded", "Load PDF", 2, "pages"),
        Stage("text_extracted", "Read text", 8, "pages"),
        Stage("tables_extracted", "Read tables", 30, "pages"),
        Stage("images_extracted", "Extract images", 12, "pages"),
        Stage("tiles_generated", "Draw pages", 15, "pages"),
        Stage("chunks_created", "Cut chunks", 3, "pages"),
        Stage("embeddings_created", "Embed chunks", 20, "texts"),
        Stage("materials_detected", "Detect products", 5, "pages"),
        Stage("materials_extracted", "Write materials", 5, "pages"),
    )
    detail = Detail(
        PdfDocument,
        SAME_STATUS
        | {
            "total_pages": "b.total_items",
            "processed_pages": "b.done_items + b.skipped_items",
            "failed_pages": "b.failed_items",
        },
    )
    item_tables = (
        ItemTable(PdfImage, "page__document__background_job_id", files=("file",)),
        ItemTable(PdfChunk, "page__document__background_job_id"),
        ItemTable(PdfPage, "document__background_job_id", files=DRAWN, pictures=DRAWN),
        ItemTable(PdfRow, "job_id"),
    )
    source_column = "source_file"
    invented = Invented(
        filename="'catalogue-' || to_char(s.made, 'YYYY-MM') || '.pdf'",
        total="4 + floor(random() * 120)::int",
        job={"document_id": "uuidv7()"},
        detail={
            "id": "b.document_id",
            "filename": "b.filename",
            "content_hash": "md5(b.id::text)",
        },
        errors=(
            ("pdf_loaded", "The file is damaged: it has no page tree."),
            ("tables_extracted", "The reader was killed on page 217 for want of memory."),
            ("materials_extracted", "No page holds a product table that could be read."),
        ),
    )
    items_template = "pdfjobs/items.html"
    start_template = "pdfjobs/start.html"

    def __init__(self) -> None:
        self._kept_desk: Desk | None = None

    def run_stage(self, stage: Stage, context: JobContext) -> None:
        """Run a stage; the reader stays open for the next one, unless this one was the last to
        need it or failed."""
        try:
            super().run_stage(stage, context)
        except BaseException:
            self._clear()
            raise
        if stage.name == "tiles_generated":
            self._clear()

    # --- stages ---

    def pdf_loaded(self, context: JobContext) -> None:
        """Open the file, make its page rows, show its first page."""
        from pdfjobs import read_stages

        read_stages.load(context, _document(context), self._desk())

    def text_extracted(self, context: JobContext) -> None:
        """Read each page's text."""
        from pdfjobs import read_stages

        read_stages.read_text(context, _document(context), self._desk())

    def tables_extracted(self, context: JobContext) -> None:
        """Read the ruled tables."""
        from pdfjobs import read_stages

        read_stages.read_tables(context, _document(context), self._desk())

    def images_extracted(self, context: JobContext) -> None:
        """Take the pictures out."""
        from pdfjobs import read_stages

        read_stages.read_images(context, _document(context), self._desk())

    def tiles_generated(self, context: JobContext) -> None:
        """Draw the pages."""
        from pdfjobs import read_stages

        read_stages.draw(context, _document(context), self._desk())

    def chunks_created(self, context: JobContext) -> None:
        """Cut the text into passages."""
        from pdfjobs import chunks

        chunks.cut_pages(context, _document(context))

    def embeddings_created(self, context: JobContext) -> None:
        """Embed the passages that are new."""
        from pdfjobs import chunks

        chunks.embed(context, _document(context))

    def materials_detected(self, context: JobContext) -> None:
        """Find the products of each page."""
        from pdfjobs import materials

        materials.detect(context, _document(context))

    def materials_extracted(self, context: JobContext) -> None:
        """Write the products to the catalogue."""
        from pdfjobs import materials

        materials.extract(context, _document(context))

    # --- what the tracker asks ---

    def recount(self, job_id: UUID) -> Counts:
        """Count the pages by state; the result counts the records."""
        pages = PdfPage.objects.filter(document__background_job_id=job_id).order_by()
        states = dict(pages.values_list("state").annotate(Count("pk")))
        rows = PdfRow.objects.filter(job_id=job_id).order_by()
        outcomes = dict(rows.values_list("outcome").annotate(Count("pk")))
        created, updated, unchanged = (outcomes.get(each, 0) for each in "cu=")
        result: dict[str, Any] = {
            "materials": created + updated + unchanged,
            "created": created,
            "updated": updated,
            "unchanged": unchanged,
        }
        if failed := outcomes.get("f", 0):
            result["note"] = f"{counted(failed, 'records')} not written; the pages say why."
        elif not result["materials"] and states.get(State.DONE):
            result["note"] = _nothing_found(pages.filter(state=State.DONE))
        if states.get(State.FAILED):
            result["cause"] = _causes(pages)
        return Counts(
            sum(states.values()),
            states.get(State.DONE, 0),
            states.get(State.FAILED, 0),
            states.get(State.SKIPPED, 0),
            result,
        )

    def forget(self, job_id: UUID, stages: Iterable[str]) -> None:
        names = [stage.name for stage in self.stages]
        first = min(map(names.index, stages), default=len(names))
        pages = PdfPage.objects.filter(document__background_job_id=job_id)
        if first == 0:
            pages.delete()
        elif first < len(names):
            again = pages.exclude(state=State.SKIPPED).filter(stage__in=names[first - 1 :])
            again.update(state=State.PENDING, stage=names[first - 1], error="", hint="", attempts=0)
            if first <= names.index("tiles_generated"):
                pages.update(picture="", thumbnail="", tiles=[])
        if first < len(names):
            PdfRow.objects.filter(job_id=job_id).delete()

    def files_to_keep(self, job_ids: Iterable[UUID], names: set[str]) -> set[str]:
        """Keep pictures of products: a material may show those of any run of its file, and gets
        back those that a version kept when it is undone."""
        with connection.cursor() as cursor:
            cursor.execute(_SHOWN, {"jobs": list(job_ids), "names": list(names)})
            return {name for (name,) in cursor.fetchall()}

    def items(self, job_id: UUID, request: HttpRequest) -> dict[str, Any]:
        from pdfjobs import document_page

        document = PdfDocument.objects.filter(background_job_id=job_id).first()
        if document is None:
            return {}
        return {"found": document, **document_page.grid(document, request.GET)}

    def job_url(self, job_id: UUID) -> str | None:
        document = PdfDocument.objects.only("pk").filter(background_job_id=job_id).first()
        return reverse("pdf-document", args=[document.pk]) if document else None

    def start_context(self) -> dict[str, Any]:
        from pdfjobs.forms import StartForm

        return {"pdf_form": StartForm()}

    def parse_answer(self, job: BackgroundJob, options: Mapping[str, Any]) -> dict[str, Any]:
        from pdfjobs.answers import answer_from_options

        return answer_from_options(job, options)

    def failures(self, job_id: UUID, limit: int) -> list[dict[str, Any]]:
        failed = PdfPage.objects.filter(document__background_job_id=job_id, state=State.FAILED)
        return [
            {"where": f"page {number}", "page": number, "reason": error, "hint": hint}
            for number, error, hint in failed.order_by("number").values_list(
                "number", "error", "hint"
            )[:limit]
        ]

    def retry_failed(self, job: BackgroundJob, user: User | None) -> Created:
        from pdfjobs.document_page import failed_numbers
        from pdfjobs.start import retry_pages

        document = PdfDocument.objects.get(background_job=job)
        return retry_pages(document, failed_numbers(document), user)

    def start_samples(self, folder: Path) -> list[UUID]:
        from pdfjobs.start import Request, start_pdfs

        requests = [
            Request(str(folder / name), supplier=who, again=True) for name, who in SAMPLES.items()
        ]
        return [created.job_id for created in start_pdfs(requests)]

    def source(self, job_id: UUID) -> str:
        document = PdfDocument.objects.filter(background_job_id=job_id).first()
        return document.filename if document else ""

    def picture_urls(self, images: Collection[str]) -> dict[str, str]:
        from pdfjobs.document_page import PICTURE

        named = {image: PICTURE.fullmatch(image) for image in images}
        return {
            image: reverse("pdf-file", args=match.groups())
            for image, match in named.items()
            if match
        }

    def place_url(self, job_id: UUID, place: Mapping[str, Any]) -> str:
        document = PdfDocument.objects.only("pk").filter(background_job_id=job_id).first()
        if document is None or not isinstance(place.get("page"), int):
            return ""
        return reverse("pdf-page", args=[document.pk, place["page"]])

    def materials(self, job_id: UUID) -> QuerySet[Any, Any]:
        rows = PdfRow.objects.filter(job_id=job_id, material_id__isnull=False)
        return rows.order_by().values("material_id")

    def urls(self) -> list[URLPattern]:
        from pdfjobs.urls import urlpatterns

        return urlpatterns

    def _desk(self) -> "Desk":
        from pdfjobs.desk import Desk

        if self._kept_desk is None:
            self._kept_desk = Desk()
        return self._kept_desk

    def _clear(self) -> None:
        if self._kept_desk is not None:
            self._kept_desk.close()


_SHOWN = """
WITH said AS (
    SELECT s.id, s.material_id, s.source_id, s.vals->'images' AS images FROM catalogue_sources c
    JOIN material_sources s ON s.source_id = c.id WHERE c.kind = 'pdf' AND c.supplier_id IN (
        SELECT supplier_id FROM background_jobs WHERE id = ANY(%(jobs)s))
), lists AS (
    SELECT images FROM said UNION ALL
    SELECT v.old_source->'images' FROM material_versions v
    WHERE v.material_id IN (SELECT material_id FROM said)
)
SELECT DISTINCT name FROM lists, jsonb_array_elements_text(images) AS name
WHERE jsonb_typeof(images) = 'array' AND name = ANY(%(names)s)
"""


def _document(context: JobContext) -> PdfDocument:
    return PdfDocument.objects.select_related("background_job").get(
        background_job_id=context.job.id
    )


def _nothing_found(pages: QuerySet[PdfPage]) -> str:
    """Say what the pages are that gave no product."""
    kinds = pages.exclude(kind="").values_list("kind").annotate(number=Count("pk"))
    words = [f"{number:,} {kind}" for kind, number in kinds.order_by("-number", "kind")]
    unread = pages.filter(Q(text="") & Q(pictures__gt=0)).count()
    if unread:
        words.append(f"{unread:,} without a text layer")
    return "No page holds a product table that could be read: " + ", ".join(words)


def _causes(pages: QuerySet[PdfPage]) -> str:
    failed = pages.filter(state=State.FAILED).values_list("error").annotate(number=Count("pk"))
    return causes.told(failed.order_by("-number", "error")[: causes.MESSAGES])
