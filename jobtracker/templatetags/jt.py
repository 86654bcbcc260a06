"""What our templates need beyond Django's own tags: icons and grouped numbers."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of the sprite. It only decorates: the word stands beside it."""
    return format_html(
        '<svg class="jt-i" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("jobtracker/icons.svg"),
        name,
    )


@register.inclusion_tag("jobtracker/asking.html", takes_context=True)
def asking(context: template.Context) -> dict[str, Any]:
    """Show the notice about the reader's own jobs that wait for an answer; a page about one of
    them says it itself."""
    from jobtracker.monitor import notice

    job = context.get("job")
    return notice.context(context["request"], job.pk if job else None)


@register.simple_tag
def grace() -> int:
    """Return after how many seconds a process that was asked to stop is killed."""
    return settings.GRACE_SECONDS


@register.filter
def grouped(number: int) -> str:
    """Write 1204 as "1,204"."""
    return f"{number:,}"


@register.filter
def exact(moment: datetime | None) -> str:
    """Write a moment in the viewer's time zone, to the second."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z") if moment else ""
