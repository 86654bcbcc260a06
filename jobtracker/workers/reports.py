"""Hands ended attempts and stalled jobs to error reporting, which must never disturb the books.

Its client costs every process four megabytes and a fifth of a second to import, so it is imported
only where `SENTRY_DSN` is set.
"""

import logging
from uuid import UUID

from django.conf import settings

from jobtracker import lifecycle
from jobtracker.models import JobSchedule
from jobtracker.workers.session import ask

logger = logging.getLogger(__name__)


def report_attempt(token: UUID) -> None:
    """Report the end of an attempt where it was an error, and keep the event's id with it."""
    if not settings.SENTRY_DSN:
        return
    from jobtracker import reporting

    try:
        if event_id := ask(reporting.report_attempt, token):
            ask(lifecycle.note_sentry_event, token, event_id)
    except Exception:
        logger.exception("attempt %s could not be reported", token)


def report_stalled(job: UUID) -> None:
    """Report a job that has stopped advancing."""
    if not settings.SENTRY_DSN:
        return
    from jobtracker import reporting

    try:
        ask(reporting.report_stalled, job)
    except Exception:
        logger.exception("job %s could not be reported as stalled", job)


def report_paused(schedule: JobSchedule) -> None:
    """Report a schedule that paused itself."""
    if not settings.SENTRY_DSN:
        return
    from jobtracker import reporting

    try:
        reporting.report_paused(schedule)
    except Exception:
        logger.exception("schedule %s could not be reported as paused", schedule.pk)


def flush() -> None:
    """Wait, but not long, until what this process has reported is sent."""
    if not settings.SENTRY_DSN:
        return
    from jobtracker import reporting

    reporting.flush()
