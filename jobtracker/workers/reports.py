"""Hands ended attempts and stalled jobs to error reporting, which must never disturb the books."""

import logging
from uuid import UUID

from jobtracker import lifecycle, reporting
from jobtracker.workers.session import ask

logger = logging.getLogger(__name__)


def report_attempt(token: UUID) -> None:
    """Report the end of an attempt where it was an error, and keep the event's id with it."""
    try:
        if event_id := ask(reporting.report_attempt, token):
            ask(lifecycle.note_sentry_event, token, event_id)
    except Exception:
        logger.exception("attempt %s could not be reported", token)


def report_stalled(job: UUID) -> None:
    """Report a job that has stopped advancing."""
    try:
        ask(reporting.report_stalled, job)
    except Exception:
        logger.exception("job %s could not be reported as stalled", job)
