"""Reports failed jobs and killed attempts to Sentry, from rows, so that whoever closes an attempt
(its nurse or the lifeline) can report it, long after the process that failed is gone.

Events leave through the SDK's background thread and its bounded queue: a slow or dead receiver
delays nobody. None is sent without `SENTRY_DSN`.
"""

import os
import re
from typing import Any, cast
from uuid import UUID

import sentry_sdk
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn, Dsn

from jobtracker import __version__
from jobtracker.causes import fingerprint
from jobtracker.models import BackgroundJob, JobAttempt, JobSchedule
from jobtracker.redaction import scrub
from jobtracker.states import Outcome, Status

QUEUED_EVENTS = 100
EXIT_SECONDS = 2.0
MESSAGE_CHARS = 2_000
TRACEBACK_CHARS = 16_000
FRAMES = 50

KILLED = (Outcome.CRASHED, Outcome.LOST)

_FRAME = re.compile(
    r'^[ |]*File "(?P<path>[^"\n]+)", line (?P<line>\d+), in (?P<function>.+)\n'
    r'(?:(?![ |]*File ")[ |]*(?P<code>\S.*)\n)?',
    re.MULTILINE,
)

_options: dict[str, Any] = {}
_owner = 0


def init(dsn: str, *, release: str, environment: str, transport: Transport | None = None) -> None:
    """Start reporting in this process and those that it forks. Raises `BadDsn`."""
    _options.update(
        dsn=dsn,
        release=release,
        environment=environment,
        transport=transport,
        transport_queue_size=QUEUED_EVENTS,
        shutdown_timeout=EXIT_SECONDS,
        before_send=_scrubbed,
        event_scrubber=EventScrubber(denylist=[*DEFAULT_DENYLIST, "dsn"], recursive=True),
        send_default_pii=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        # The defaults would report what is logged about a failure beside the failure itself.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=lambda pending, timeout: None)],
    )
    _begin()


def init_from_settings() -> None:
    """Start reporting to `SENTRY_DSN`, which must be set."""
    environment = "development" if settings.DEBUG else "production"
    try:
        init(settings.SENTRY_DSN, release=f"jobtracker@{__version__}", environment=environment)
    except BadDsn as error:
        raise ImproperlyConfigured(f"SENTRY_DSN cannot be read: {error}.") from None


def flush(timeout: float = EXIT_SECONDS) -> None:
    """Wait until queued events are sent, at most `timeout` seconds. For processes that end by
    `os._exit`, which skips the SDK's own farewell."""
    if _owner == os.getpid():
        sentry_sdk.flush(timeout)


def report_attempt(token: UUID) -> str | None:
    """Report how the attempt of `token` ended and return the event's id.

    Returns None where reporting is off, where this attempt was reported already, and where its
    end is no error: only failures of jobs and attempts that were killed are; a retry, a
    cancellation or a hand-back is not.
    """
    if not _options:
        return None
    attempt = JobAttempt.objects.select_related("job__supplier").get(token=token)
    is_error = attempt.outcome in KILLED or attempt.job.status == Status.FAILED
    if not is_error or attempt.sentry_event_id:
        return None
    return send(attempt_event(attempt))


def report_stalled(job_id: UUID) -> str | None:
    """Report a job that beats but no longer advances; returns the event's id, or None where
    reporting is off."""
    if not _options:
        return None
    job = BackgroundJob.objects.select_related("supplier").get(pk=job_id)
    return send(stalled_event(job))


def report_paused(schedule: JobSchedule) -> str | None:
    """Report a schedule that paused itself; returns the event's id, or None where reporting is
    off."""
    return send(paused_event(schedule)) if _options else None


def send(event: dict[str, Any]) -> str | None:
    """Queue an event and return its id; None if the SDK dropped it.

    A fork inherits its parent's queue with what is still in it, and sending from that would send
    those events twice. So each process that reports gets a client of its own.
    """
    if _owner != os.getpid():
        _begin()
    return sentry_sdk.capture_event(cast(Event, event))


def attempt_event(attempt: JobAttempt) -> dict[str, Any]:
    """Return the event that reports an ended attempt."""
    error_type = attempt.error_type or Outcome(attempt.outcome or Outcome.LOST).label
    message = attempt.error or "Its process was lost without a word."
    event = _event(attempt.job, attempt.stage, error_type, message, level="error")
    event["exception"]["values"][0]["mechanism"] = {
        "type": "attempt",
        "handled": attempt.outcome not in KILLED,
    }
    if frames := frames_of(attempt.traceback):
        event["exception"]["values"][0]["stacktrace"] = {"frames": frames}
    event["contexts"]["attempt"] = {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "host": attempt.host,
        "pid": attempt.pid,
        "claimed_at": str(attempt.claimed_at),
        "finished_at": str(attempt.finished_at),
    }
    if attempt.traceback:
        event["extra"] = {"traceback": attempt.traceback[-TRACEBACK_CHARS:]}
    return event


def stalled_event(job: BackgroundJob) -> dict[str, Any]:
    """Return the event that reports a job without progress."""
    message = f"The job is alive but has not advanced since {job.advanced_at}."
    return _event(job, job.current_stage, "Stalled", message, level="warning")


def paused_event(schedule: JobSchedule) -> dict[str, Any]:
    """Return the event that reports a schedule that paused itself."""
    message = f"{schedule.name}: {schedule.paused_because}"
    return {
        "level": "error",
        "logger": "jobtracker",
        "transaction": f"{schedule.job_type}.schedule",
        "fingerprint": ["schedule paused", str(schedule.pk)],
        "tags": {
            "schedule": schedule.name[:200],
            "job_type": schedule.job_type,
            "supplier": schedule.supplier.name,
        },
        "exception": {"values": [{"type": "SchedulePaused", "value": message[:MESSAGE_CHARS]}]},
        "contexts": {
            "schedule": {
                "page": f"{settings.PUBLIC_URL}/admin/schedules/{schedule.pk}",
                "failures": schedule.failures,
                "last_error": schedule.last_error[:MESSAGE_CHARS],
            }
        },
    }


def undelivered_event(job: BackgroundJob, host: str, message: str) -> dict[str, Any]:
    """Return the event that reports calls of a job that a host did not take."""
    event = _event(job, "", "Undelivered", message, level="error")
    event["tags"]["host"] = host
    return event


def frames_of(traceback: str) -> list[dict[str, Any]]:
    """Return the stack frames that a formatted traceback names, outermost first.

    Of a chain only the last exception's, the one whose message is reported.
    """
    last = traceback.rpartition("Traceback (most recent call last):")[2]
    root = str(settings.BASE_DIR)
    return [
        {
            "abs_path": frame["path"],
            "filename": frame["path"].removeprefix(f"{root}/"),
            "lineno": int(frame["line"]),
            "function": frame["function"],
            "context_line": frame["code"] or "",
            "in_app": frame["path"].startswith(root) and "site-packages" not in frame["path"],
        }
        for frame in _FRAME.finditer(last)
    ][-FRAMES:]


def event_url(event_id: str) -> str | None:
    """Return the page of an event: a search for it in its project, None where reporting is off.

    A DSN names no organisation. sentry.io redirects to the reader's own; on a self-hosted
    server it is assumed to keep the name that the installation gives it, "sentry".
    """
    if not settings.SENTRY_DSN:
        return None
    dsn = Dsn(settings.SENTRY_DSN)
    search = f"issues/?project={dsn.project_id}&query={event_id}"
    if dsn.host == "sentry.io" or dsn.host.endswith(".sentry.io"):
        return f"https://sentry.io/orgredirect/organizations/:orgslug/{search}"
    return f"{dsn.scheme}://{dsn.netloc}{dsn.path}organizations/sentry/{search}"


def _event(
    job: BackgroundJob, stage: str, error_type: str, message: str, level: str
) -> dict[str, Any]:
    tags = {
        "job": str(job.pk),
        "job_type": job.job_type,
        "stage": stage,
        "supplier": job.supplier.name if job.supplier else "",
        "error_type": error_type,
    }
    return {
        "level": level,
        "logger": "jobtracker",
        "transaction": f"{job.job_type}.{stage}",
        "fingerprint": [fingerprint(job.job_type, stage, message)],
        "tags": {key: value for key, value in tags.items() if value},
        "exception": {"values": [{"type": error_type, "value": message[:MESSAGE_CHARS]}]},
        "contexts": {
            "job": {
                "page": f"{settings.PUBLIC_URL}/admin/async-queue-monitor/jobs/{job.pk}",
                "filename": job.filename,
                "status": job.status,
                "progress": job.progress,
                "total": job.total_items,
                "done": job.done_items,
                "failed": job.failed_items,
                "skipped": job.skipped_items,
                "retries": job.retry_count,
                "crashes": job.crash_count,
            }
        },
    }


def _begin() -> None:
    global _owner
    sentry_sdk.init(**_options)
    _owner = os.getpid()


def _scrubbed(event: Event, hint: Hint) -> Event:
    return scrub(event)
