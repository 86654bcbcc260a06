"""Crawls, to look at: the lifecycle writes them together with their jobs."""

from django.contrib import admin

from jobtracker.site import ReadOnlyAdmin
from scraping.models import ScrapingSession


@admin.register(ScrapingSession)
class ScrapingSessionAdmin(ReadOnlyAdmin):
    list_display = ("source_url", "status", "total_pages", "completed_pages", "created_at")
    list_filter = ("status",)
    found_by = "background_job"
    search_help_text = "A job's id"
