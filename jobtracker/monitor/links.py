"""Links to jobs within sentences."""

from collections.abc import Iterable
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def job_link(job_id: UUID) -> SafeString:
    """Return "job 1a2b", which leads to its page."""
    return format_html('<a href="{}">job {}</a>', reverse("job", args=[job_id]), str(job_id)[-4:])


def job_links(job_ids: Iterable[UUID]) -> SafeString:
    """Return the links of several jobs, each once."""
    return format_html_join(", ", "{}", ((job_link(each),) for each in dict.fromkeys(job_ids)))
