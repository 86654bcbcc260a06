"""The hosts that deliveries and pictures go to and come from, to look at."""

from django.contrib import admin

from jobtracker.outgoing.models import OutgoingHost
from jobtracker.site import ReadOnlyAdmin


@admin.register(OutgoingHost)
class OutgoingHostAdmin(ReadOnlyAdmin):
    list_display = ("host", "queue", "failures", "not_before", "claimed_until")
    list_filter = ("queue",)
    found_by = "host"
    search_help_text = "A host, as shop.example:8443"
