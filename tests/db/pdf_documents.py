"""Documents as a job leaves them behind, made without a job's work."""

import io

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobtracker import lifecycle, uploads
from jobtracker.catalogue.models import CatalogueSource, Material, MaterialSource, Supplier
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType
from pdfjobs.models import PdfDocument, PdfImage, PdfPage, PdfRow

WIDTH, HEIGHT = 595, 842
NAME_BOX, PRICE_BOX = [60, 120, 260, 140], [420, 120, 500, 140]


def picture(width: int, height: int) -> ContentFile:
    """A white page with grey lines of text and a picture on it."""
    drawn = Image.new("RGB", (width, height), "white")
    for line in range(8, height // 10, 2):
        drawn.paste("#9ca3af", (width // 10, line * 10, width * 8 // 10, line * 10 + 4))
    drawn.paste("#a16207", (width // 10, height // 2, width // 2, height * 8 // 10))
    kept = io.BytesIO()
    drawn.save(kept, "PNG")
    return ContentFile(kept.getvalue())


def make_document(
    filename: str = "tiles.pdf", supplier: Supplier | None = None, pages: int = 1
) -> PdfDocument:
    """Make a document of so many pages that are done; the first is drawn and has two records, one
    of which failed."""
    supplier = supplier or Supplier.objects.get_or_create(name="Acme")[0]
    stored = uploads.store_upload(SimpleUploadedFile(filename, b"%PDF-1.7\n%%EOF\n"))
    made = lifecycle.create(
        JobType.PDF,
        filename=filename,
        supplier_id=supplier.pk,
        detail={
            "filename": filename,
            "source_file": stored.name,
            "content_hash": stored.sha256,
            "bytes": stored.bytes,
        },
    )
    document = PdfDocument.objects.get(background_job_id=made.job_id)
    PdfPage.objects.bulk_create(
        PdfPage(
            document=document,
            number=number,
            kind="table",
            state="done",
            width=WIDTH,
            height=HEIGHT,
            text=f"Text of page {number}",
        )
        for number in range(1, pages + 1)
    )
    if pages:
        _fill_first(document, supplier)
    return document


def set_job(document: PdfDocument, **values: object) -> BackgroundJob:
    """Put a document's job into a state by hand."""
    BackgroundJob.objects.filter(pk=document.background_job_id).update(**values)
    return BackgroundJob.objects.get(pk=document.background_job_id)


def _fill_first(document: PdfDocument, supplier: Supplier) -> None:
    files = {}
    for name, size in {"p1.png": (WIDTH, HEIGHT), "t1.png": (WIDTH // 3, HEIGHT // 3)}.items():
        files[name] = default_storage.save(f"pdf/{document.pk}/{name}", picture(*size))
    page = PdfPage.objects.get(document=document, number=1)
    page.picture, page.thumbnail, page.records = files["p1.png"], files["t1.png"], 2
    page.tables = [
        {
            "box": [50, 100, 540, 200],
            "rows": [
                [{"text": "Slate 60", "box": NAME_BOX}, {"text": "24,50 €", "box": PRICE_BOX}]
            ],
        }
    ]
    page.warnings = ["Two readers disagree about the page's text."]
    page.save()
    PdfImage.objects.create(
        page=page,
        number=1,
        box=[60, 421, 297, 674],
        file="i1-1.png",
        width_px=600,
        height_px=640,
        phash="0f" * 8,
    )
    source = CatalogueSource.objects.create(supplier=supplier, kind="pdf", name=document.filename)
    material = Material.objects.create(supplier=supplier, name="Slate 60")
    MaterialSource.objects.create(
        source=source,
        source_key="NL-1",
        material=material,
        job_id=document.background_job_id,
        row_number=1001,
        content_hash=b"h",
        vals={
            "name": "Slate 60",
            "sku": {"raw": "NL-1", "fold": "NL1"},
            "price": {"amount": "24.50", "currency": "EUR", "unit": "m2"},
            "size": {"text": "60x60", "w": "600", "h": "600"},
            "colour": "grey",
        },
        provenance={
            "row": {"page": 1},
            "name": {"raw": "Slate 60", "box": NAME_BOX},
            "price": {"raw": "24,50 €", "box": PRICE_BOX},
        },
    )
    PdfRow.objects.create(
        job_id=document.background_job_id,
        number=1001,
        line=1,
        key="NL-1",
        outcome="c",
        material_id=material.pk,
    )
    PdfRow.objects.create(
        job_id=document.background_job_id,
        number=1002,
        line=1,
        outcome="f",
        detail={
            "column": "price",
            "raw": "on demand",
            "reason": "no number in it",
            "hint": "Correct the price",
        },
    )
