"""Finds the products of each page, and writes them to the catalogue."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import connection

from jobtracker.catalogue import write
from jobtracker.catalogue.models import CatalogueSource, DecimalStyle, Kind, Supplier
from jobtracker.catalogue.normalise import decimal_style, normalise_record
from jobtracker.context import JobContext
from jobtracker.images.queue import add_web_of_rows
from jobtracker.monitor.words import counted
from jobtracker.states import Permanent
from pdfjobs.models import PdfDocument, PdfImage, PdfPage, PdfRow
from pdfjobs.pages import Done, each
from pdfjobs.reading.model import Box, Cell, Table
from pdfjobs.records import classify, read_records
from pdfjobs.records.model import Head, PageContent
from pdfjobs.sandbox import PageFailed

RECORDS_MOST = 999  # of a page: a row's number is page * 1,000 + place
PRICES_MOST = 5000  # from which a document's decimal style is learnt
PARTS_OF_KEY = ("name", "variant", "size", "finish", "colour")
STYLES = {DecimalStyle.POINT: ".", DecimalStyle.COMMA: ","}

logger = logging.getLogger(__name__)


def detect(context: JobContext, document: PdfDocument) -> None:
    """Say what kind of page each one is and what products it holds; a table that goes on over
    pages hands its head on."""

    def work(page: PdfPage) -> Done:
        content = _content(page)
        try:
            kind = classify(content)
            found = read_records(content, _carried(context, document, page.number))
        except Exception as error:
            logger.exception("page %s of document %s", page.number, document.pk)
            raise PageFailed(
                f"Its products could not be read: {type(error).__name__}: {error}"[:500],
                "The page is as it was drawn; report it with the file.",
            ) from error
        warnings = list(found.warnings)
        if len(found.records) > RECORDS_MOST:
            warnings.append(f"Only the first {RECORDS_MOST} of {len(found.records):,} records.")
            found.records = found.records[:RECORDS_MOST]
        return Done(
            {"kind": kind, "found": asdict(found)}, made=bool(found.records), warnings=warnings
        )

    fields = ("width", "height", "text", "words", "tables", "lines")
    each(context, document, "materials_detected", work, fields=fields)


def extract(context: JobContext, document: PdfDocument) -> None:
    """Write each page's records to the catalogue, with the page and box of each value."""
    if context.job.supplier_id is None:
        raise Permanent("The job has no supplier. Set one on its admin page and retry.")
    supplier = Supplier.objects.get(pk=context.job.supplier_id)
    source, _ = CatalogueSource.objects.select_related("supplier").get_or_create(
        supplier=supplier, kind=Kind.PDF, name=document.filename
    )
    writer = write.Writer(context.job.id, source, PdfRow._meta.db_table)
    style = STYLES.get(DecimalStyle(supplier.decimal_style)) or _document_style(document)
    seen = dict(
        PdfRow.objects.filter(job_id=context.job.id, material_id__isnull=False).values_list(
            "key", "number"
        )
    )

    def work(page: PdfPage) -> Done:
        found = page.found or {}
        rows, rejected = rows_of(
            page, found, supplier, style, _image_names(document, supplier, page)
        )
        for row in list(rows):
            if row.key in seen:
                rows.remove(row)
                rejected.append(_repeated(row, seen[row.key]))
            else:
                seen[row.key] = row.number
        failed = [each_ for each_ in rejected if each_.outcome == "f"]
        if failed:
            reason = failed[0].detail["reason"]
            context.warn(
                "records",
                f"Page {page.number}: {counted(len(failed), 'records')} not written: {reason}",
                f"page {page.number}",
            )

        def save() -> None:
            if rows or rejected:
                writer.stage(rows, rejected)
                writer.apply()

        return Done({"records": len(rows)}, made=bool(rows), lacking=bool(failed), save=save)

    each(
        context,
        document,
        "materials_extracted",
        work,
        fields=("found",),
        last=True,
        before_end=lambda: add_web_of_rows(context, PdfRow),
    )


def rows_of(
    page: PdfPage,
    found: Mapping[str, Any],
    supplier: Supplier,
    style: str | None,
    images: Mapping[int, tuple[str, Box]],
) -> tuple[list[write.Row], list[write.Rejected]]:
    """Return a page's records as rows for the catalogue, and those that make none. `images` gives
    the name and box of a record's picture by its index."""
    records = found.get("records", [])
    prices = [r["values"]["price"] for r in records if "price" in r["values"]]
    head_says = (found.get("head") or {}).get("defaults", {})
    currency = head_says.get("currency") or supplier.default_currency
    defaults = {"currency": currency} if currency else {}
    found_styles = {"price": decimal_style(prices) or style, "stock": style}
    styles = {target: said for target, said in found_styles.items() if said}
    rows: list[write.Row] = []
    rejected: list[write.Rejected] = []
    last: dict[str, write.Row] = {}
    for place, record in enumerate(records, start=1):
        values, boxes = dict(record["values"]), dict(record["boxes"])
        if not values.get("sku") and not values.get("key") and values.get("name"):
            parts = [values[part] for part in PARTS_OF_KEY if values.get(part)]
            values["key"] = " / ".join(" ".join(part.split()) for part in parts)
            boxes["key"] = boxes.get("name")
        picture = images.get(record["picture"]) if record["picture"] is not None else None
        if picture:
            values["images"], boxes["images"] = [picture[0]], picture[1]
        made = normalise_record(values, styles, defaults)
        number = page.number * 1000 + place
        if made.errors:
            first, *more = made.errors
            detail = first | {"record": record["values"], "more": more}
            rejected.append(write.Rejected(number, page.number, made.key, "f", detail))
            continue
        row = write.Row(
            number,
            page.number,
            made.key,
            made.vals,
            _provenance(made.provenance, boxes, page.number, record["confidence"]),
            {"warnings": made.warnings} if made.warnings else None,
        )
        if made.key in last:
            rejected.append(_repeated(row, last[made.key].number))
        else:
            last[made.key] = row
            rows.append(row)
    return rows, rejected


def _provenance(
    said: Mapping[str, Any], boxes: Mapping[str, Box | None], page: int, confidence: float
) -> dict[str, Any]:
    """Add to each value the box that it was read from; the page holds for all of them."""
    place: dict[str, Any] = {"page": page}
    if confidence < 1:
        place["confidence"] = round(confidence, 2)
    found: dict[str, Any] = {"row": place}
    for target, entry in said.items():
        box = boxes.get(target)
        if box is None:
            found[target] = entry
        elif isinstance(entry, list):
            found[target] = [item | {"box": box} for item in entry]
        else:
            found[target] = entry | {"box": box}
    return found


def _repeated(row: write.Row, first: int) -> write.Rejected:
    return write.Rejected(
        row.number,
        row.line,
        row.key,
        "s",
        {
            "reason": f"The key {row.key!r} stands on page {first // 1000} already; the first"
            " one counts.",
            "hint": "",
        },
    )


def _content(page: PdfPage) -> PageContent:
    return PageContent(
        number=page.number,
        width=page.width,
        height=page.height,
        text=page.text,
        words=page.words,
        tables=[
            Table(
                table["box"],
                [[Cell(**cell) if cell else None for cell in row] for row in table["rows"]],
            )
            for table in page.tables
        ],
        pictures=[image.box for image in _shown(page)],
        lines=page.lines,
    )


def _shown(page: PdfPage) -> list[PdfImage]:
    """Return the page's pictures that are no decoration, in the order of `PageContent`."""
    return list(PdfImage.objects.filter(page_id=page.pk, decoration=False).order_by("number"))


def _carried(context: JobContext, document: PdfDocument, number: int) -> Head | None:
    """Return the head that the page before left open; a failed page is looked past, so that it
    costs its own rows alone. A retried page finds the head in the document that it was retried
    from."""
    before = (
        PdfPage.objects.filter(number__lt=number)
        .exclude(state=PdfPage.State.FAILED)
        .order_by("-number")
    )
    found = before.filter(document=document).values_list("found", flat=True).first()
    if not found and context.job.parent_id:
        parent = before.filter(document__background_job_id=context.job.parent_id)
        found = parent.values_list("found", flat=True).first()
    head = (found or {}).get("head")
    return Head(**head) if head else None


def _image_names(
    document: PdfDocument, supplier: Supplier, page: PdfPage
) -> dict[int, tuple[str, Box]]:
    """Return name and box of the page's pictures by their index. The same file processed again
    names the pictures of its first run, so that equal products stay equal."""
    first = (
        PdfDocument.objects.filter(
            content_hash=document.content_hash, background_job__supplier=supplier
        )
        .order_by("pk")
        .values_list("pk", flat=True)[:1]
    )
    names = dict(
        PdfImage.objects.filter(page__document__in=first, page__number=page.number).values_list(
            "number", "file"
        )
    )
    return {
        index: (names.get(image.number, image.file), image.box)
        for index, image in enumerate(_shown(page))
    }


def _document_style(document: PdfDocument) -> str | None:
    """Return the decimal separator that all prices of the document together prove."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r->'values'->>'price' FROM pdf_pages p,"
            " jsonb_array_elements(p.found->'records') r"
            " WHERE p.document_id = %s AND r->'values' ? 'price' LIMIT %s",
            [document.pk, PRICES_MOST],
        )
        return decimal_style(price for (price,) in cursor.fetchall())
