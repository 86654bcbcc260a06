"""Crawls, to look at: the lifecycle writes them together with their jobs."""

from django.contrib import admin

from jobtracker.site import ReadOnlyAdmin
from scraping.models import ScrapingPage, ScrapingRow, ScrapingSession


@admin.register(ScrapingSession)
class ScrapingSessionAdmin(ReadOnlyAdmin):
    list_display = ("source_url", "status", "total_pages", "completed_pages", "created_at")
    list_filter = ("status",)
    found_by = "background_job"
    search_help_text = "A job's id"


@admin.register(ScrapingPage)
class ScrapingPageAdmin(ReadOnlyAdmin):
    list_display = ("url", "status", "http_status", "depth", "materials_found", "session_id")
    found_by = "session"
    search_help_text = "A session's id"


@admin.register(ScrapingRow)
class ScrapingRowAdmin(ReadOnlyAdmin):
    list_display = ("number", "job_id", "key", "outcome", "material_id")
    ordering = ("job_id", "number")
    found_by = "job_id"
    search_help_text = "A job's id"
