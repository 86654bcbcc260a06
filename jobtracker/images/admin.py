"""The pictures of materials and where they came from, to look at."""

from django.contrib import admin

from jobtracker.images.models import ImageFetch, StoredImage
from jobtracker.site import ReadOnlyAdmin


@admin.register(ImageFetch)
class ImageFetchAdmin(ReadOnlyAdmin):
    list_display = ("url", "status", "response_status", "retry_count", "error_message")
    list_filter = ("status",)
    list_select_related = ()
    found_by = "job_id"
    search_help_text = "The id of the job that asked for it"


@admin.register(StoredImage)
class StoredImageAdmin(ReadOnlyAdmin):
    list_display = ("sha256", "content_type", "bytes", "width_px", "height_px", "created_at")
    found_by = "sha256"
    search_help_text = "A picture's SHA-256"
