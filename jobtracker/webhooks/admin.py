"""Outgoing calls, to look at: what was sent is a record."""

from django.contrib import admin

from jobtracker.site import ReadOnlyAdmin
from jobtracker.webhooks.models import WebhookCall


@admin.register(WebhookCall)
class WebhookCallAdmin(ReadOnlyAdmin):
    list_display = ("webhook_url", "job_type", "status", "response_status", "created_at")
    list_filter = ("status", "job_type")
    found_by = "job"
    search_help_text = "A job's id"
