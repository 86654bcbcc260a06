"""The stages that read the file: load, text, tables, images, page pictures."""

from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from jobtracker.catalogue.normalise import storable
from jobtracker.context import JobContext
from jobtracker.monitor.words import counted
from jobtracker.states import Permanent, Status, Waiting
from pdfjobs.desk import Desk, keep
from pdfjobs.models import PdfDocument, PdfImage, PdfPage
from pdfjobs.page_numbers import page_numbers
from pdfjobs.pages import Done, each
from pdfjobs.reading.model import Table
from pdfjobs.sandbox import PageFailed

LINES_LEAST = 4  # ruled lines below which a page can hold no ruled table
ROWS = 1000  # page rows written at once
PAGES_KNOWN_MOST = 200_000  # pages that a file may claim to have, read or not
REPEATED_LEAST = 3  # pages that a picture is on before it may be decoration
REPEATED_SHARE = 0.1


def load(context: JobContext, document: PdfDocument, desk: Desk) -> None:
    """Open the file, make a row for each page, and draw the first one for the impatient."""
    _ask_about_repetition(context, document)
    reader = desk.reader(context, document)
    opened = reader.opened
    if not opened.pages:
        raise Permanent(f"{document.filename} has no pages that can be read.")
    stated = context.job.metadata.get("pages", "")
    chosen = page_numbers(stated, opened.pages)
    if not chosen:
        raise Permanent(
            f"{document.filename} has {counted(opened.pages, 'pages')}, none of them in {stated}."
        )
    if len(chosen) > settings.PDF_MAX_PAGES or opened.pages > PAGES_KNOWN_MOST:
        raise Permanent(
            f"{document.filename} has {opened.pages:,} pages; at most {settings.PDF_MAX_PAGES:,}"
            " are processed at once (PDF_MAX_PAGES). Name some of them with --pages."
        )
    numbers = set(chosen)
    skipped = {"state": PdfPage.State.SKIPPED, "error": f"Not among the pages asked for: {stated}."}
    with context.transaction():
        PdfPage.objects.bulk_create(
            (
                PdfPage(document=document, number=n, **({} if n in numbers else skipped))
                for n in range(1, opened.pages + 1)
            ),
            batch_size=ROWS,
            ignore_conflicts=True,
        )
        answer = context.answer(Waiting.PASSWORD) or {}
        PdfDocument.objects.filter(pk=document.pk).update(
            engine=opened.engine,
            information={storable(k): storable(v) for k, v in opened.information.items()},
            sealed_password=answer.get("sealed") or document.sealed_password,
        )
    for message in opened.warnings:
        context.warn("pdf", message)
    first = document.pages.get(number=min(chosen))
    columns = {}
    if not first.picture:
        with suppress(PageFailed):  # it fails where its turn comes, with its reason
            columns = _drawn(desk, context, document, first.number)
    with context.transaction():
        PdfPage.objects.filter(pk=first.pk).update(**columns, updated_at=Now())
        context.checkpoint(opened.pages, {"pages": opened.pages, "chosen": len(chosen)})


def read_text(context: JobContext, document: PdfDocument, desk: Desk) -> None:
    """Keep each page's text and words. A page of pictures alone has no text layer."""

    def work(page: PdfPage) -> Done:
        read = desk.reader(context, document).text(page.number)
        lacking = not read.words and bool(read.pictures)
        warnings = list(read.warnings)
        if lacking:
            warnings.append("No text layer: what this page says is only in its pictures.")
        return Done(
            {
                "width": read.width,
                "height": read.height,
                "text": storable(read.text),
                "words": [[storable(word[0]), *word[1:]] for word in read.words],
                "lines": read.lines,
                "pictures": read.pictures,
                "engine": read.engine,
            },
            made=bool(read.words),
            lacking=lacking,
            warnings=warnings,
        )

    tally = each(context, document, "text_extracted", work)
    if tally.lacking:
        context.warn(
            "text", f"{tally.lacking:,} of {counted(tally.pages, 'pages')} without a text layer."
        )


def read_tables(context: JobContext, document: PdfDocument, desk: Desk) -> None:
    """Keep the ruled tables of the pages that have ruled lines and text."""

    def work(page: PdfPage) -> Done:
        if page.lines < LINES_LEAST or not page.text:
            return Done()
        tables = desk.reader(context, document).tables(page.number)
        return Done({"tables": [_table(table) for table in tables]}, made=bool(tables))

    each(context, document, "tables_extracted", work, fields=("lines", "text"))


def read_images(context: JobContext, document: PdfDocument, desk: Desk) -> None:
    """Keep each page's pictures; those that come again and again are decoration."""

    def work(page: PdfPage) -> Done:
        if not page.pictures:
            return Done()
        reader = desk.reader(context, document)
        rows = [
            PdfImage(
                page_id=page.pk,
                number=number,
                box=image.box,
                file=keep(desk.folder / image.file, document, f"i{page.number}-{number}"),
                width_px=image.width_px,
                height_px=image.height_px,
                phash=image.phash,
            )
            for number, image in enumerate(reader.images(page.number, desk.folder), start=1)
        ]

        def save() -> None:
            PdfImage.objects.filter(page_id=page.pk).delete()
            PdfImage.objects.bulk_create(rows)

        return Done(made=bool(rows), save=save)

    # Marked before the stage ends, or an attempt that dies in between would leave it undone.
    each(
        context, document, "images_extracted", work, fields=("pictures",),
        before_end=lambda: _mark_decoration(context, document),
    )  # fmt: skip


def _mark_decoration(context: JobContext, document: PdfDocument) -> None:
    pages_of: defaultdict[str, set[int]] = defaultdict(set)
    images = PdfImage.objects.filter(page__document=document)
    for phash, page in images.values_list("phash", "page_id"):
        pages_of[phash].add(page)
    least = max(REPEATED_LEAST, REPEATED_SHARE * document.pages.count())
    repeated = [p for p, pages in pages_of.items() if len(pages) >= least and not _is_flat(p)]
    with context.transaction():
        images.filter(phash__in=repeated).update(decoration=True)


def draw(context: JobContext, document: PdfDocument, desk: Desk) -> None:
    """Keep a picture, a thumbnail and the tiles of each page."""

    def work(page: PdfPage) -> Done:
        if page.picture:
            return Done(made=True)
        return Done(_drawn(desk, context, document, page.number), made=True)

    each(context, document, "tiles_generated", work, fields=("picture",))


def _drawn(desk: Desk, context: JobContext, document: PdfDocument, number: int) -> dict[str, Any]:
    """Draw a page and keep the files; return the columns that name them."""
    drawing = desk.reader(context, document).draw(number, desk.folder)
    return {
        "picture": keep(desk.folder / drawing.picture, document, f"p{number}"),
        "thumbnail": keep(desk.folder / drawing.thumbnail, document, f"t{number}"),
        "tiles": [
            [keep(desk.folder / file, document, f"p{number}-{place}"), box]
            for place, (file, box) in enumerate(drawing.tiles, start=1)
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    found = asdict(table)
    for row in found["rows"]:
        for cell in row:
            if cell:
                cell["text"] = storable(cell["text"])
    return found


def _is_flat(phash: str) -> bool:
    """Whether a picture is of one colour: its hash tells it from no other such one."""
    return len(set(phash)) == 1


def _ask_about_repetition(context: JobContext, document: PdfDocument) -> None:
    """Ask before a file is processed that was processed for this supplier already."""
    supplier_id = context.job.supplier_id
    known = context.job.metadata.get("again") or context.answer(Waiting.DUPLICATE)
    if known or supplier_id is None:
        return
    earlier = (
        PdfDocument.objects.filter(
            content_hash=document.content_hash,
            background_job__supplier_id=supplier_id,
            background_job__status=Status.COMPLETED,
        )
        .exclude(pk=document.pk)
        .order_by("-pk")
        .first()
    )
    if earlier:
        context.wait_for(
            Waiting.DUPLICATE,
            {
                "message": f"{document.filename} was processed before, on"
                f" {earlier.created_at:%Y-%m-%d}, as {earlier.filename}. Process it again?",
                "document": str(earlier.pk),
            },
        )
