"""Documents, their pages and what was found on them, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from jobtracker.site import ReadOnlyAdmin
from pdfjobs.models import PdfChunk, PdfDocument, PdfEmbedding, PdfImage, PdfPage, PdfRow


@admin.register(PdfDocument)
class PdfDocumentAdmin(ReadOnlyAdmin):
    list_display = ("filename", "status", "total_pages", "failed_pages", "created_at")
    list_filter = ("status",)
    found_by = "background_job"
    search_help_text = "A job's id"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """All but the password: sealed, but nobody's to read."""
        return [name for name in super().get_fields(request, obj) if name != "sealed_password"]


@admin.register(PdfPage)
class PdfPageAdmin(ReadOnlyAdmin):
    list_display = ("number", "document_id", "kind", "state", "records", "seconds", "error")
    found_by = "document"
    search_help_text = "A document's id"


@admin.register(PdfImage)
class PdfImageAdmin(ReadOnlyAdmin):
    list_display = ("file", "page_id", "number", "width_px", "height_px", "decoration")
    found_by = "page"
    search_help_text = "A page's id"


@admin.register(PdfChunk)
class PdfChunkAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "page_id", "number")
    found_by = "page"
    search_help_text = "A page's id"


@admin.register(PdfEmbedding)
class PdfEmbeddingAdmin(ReadOnlyAdmin):
    list_display = ("content_hash", "provider", "version")
    found_by = "content_hash"
    search_help_text = "A text's hash"


@admin.register(PdfRow)
class PdfRowAdmin(ReadOnlyAdmin):
    list_display = ("number", "job_id", "line", "key", "outcome", "material_id")
    ordering = ("job_id", "number")
    found_by = "job_id"
    search_help_text = "A job's id"
