"""What of a job goes on after it: its deliveries and its pictures, for any page about a job."""

from typing import Any

from django import template

from jobtracker.images.panel import panel as images_panel
from jobtracker.models import BackgroundJob
from jobtracker.webhooks.panel import panel as calls_panel

register = template.Library()


@register.inclusion_tag("webhooks/section.html")
def deliveries(job: BackgroundJob, oob: bool = False) -> dict[str, Any]:
    """Show the job's calls in a section of their own, hidden where there are none."""
    return {"job": job, "calls": calls_panel(job.pk), "oob": oob}


@register.inclusion_tag("images/section.html")
def pictures(job: BackgroundJob, oob: bool = False) -> dict[str, Any]:
    """Show the pictures that the job asked for, hidden where it asked for none."""
    return {"job": job, "pictures": images_panel(job.pk), "oob": oob}
