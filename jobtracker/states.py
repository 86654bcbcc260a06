"""The words of a job's life: statuses, outcomes and what a pipeline may raise.

    pending -> processing -> completed
       ^           |-------> failed      (attempts used up, or an error that no retry mends)
       |           |-------> cancelled
       +-----------+  retry with back-off, recovery, hand-back on shutdown, waiting for a person
    pending -> cancelled
    failed | cancelled -> pending        (an operator's retry)
    failed | cancelled | pending -> completed, pending | processing -> failed   (repair by hand)

`lifecycle` holds the statements that walk these arrows; nobody else writes `status`.
"""

from typing import Any

from django.db.models import IntegerChoices, TextChoices


class JobType(TextChoices):
    """The three pipelines. The values are stored in `background_jobs.job_type`."""

    PDF = "pdf_processing", "PDF"
    SCRAPING = "web_scraping", "Scraping"
    IMPORT = "xml_import", "Import"


class Status(TextChoices):
    """Where a job stands. Terminal: completed, failed, cancelled."""

    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


LIVE = (Status.PENDING, Status.PROCESSING)
TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Waiting(TextChoices):
    """Why a pending job waits for a person; the claim passes over it until someone answers."""

    MAPPING = "mapping", "Mapping"
    PASSWORD = "password", "Password"
    THRESHOLD = "threshold", "Threshold"
    DUPLICATE = "duplicate", "Duplicate"
    CURRENCY = "currency", "Currency"
    BUDGET = "budget", "Budget"
    PAUSED = "paused", "Paused"


class Outcome(TextChoices):
    """How an attempt ended. `waiting` ended to ask a person; only `retryable` counts a retry."""

    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    RETRYABLE = "retryable", "Will be retried"
    CRASHED = "crashed", "Crashed"
    HANDED_BACK = "handed_back", "Handed back"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Lost"
    WAITING = "waiting", "Waiting for a person"


class Priority(IntegerChoices):
    LOW = 0, "low"
    NORMAL = 1, "normal"
    HIGH = 2, "high"
    CRITICAL = 3, "critical"


class StageState(TextChoices):
    """State of a checkpoint. `running` carries the position inside a stage; the others end it."""

    RUNNING = "running", "Running"
    DONE = "done", "Done"
    EMPTY = "empty", "Empty"
    DEGRADED = "degraded", "Degraded"


class JobError(Exception):
    """Base of everything that ends an attempt on purpose."""


class Retryable(JobError):
    """A passing trouble; the job is tried again after a back-off."""


class Permanent(JobError):
    """Trouble that no retry mends; the message tells a person what to do."""


class Cancelled(JobError):
    """Someone cancelled the job; the attempt stops at its next safe point."""


class HandBack(JobError):
    """The worker is shutting down; the job goes back and resumes elsewhere."""


class LeaseLost(JobError):
    """Another process may own the job now; this one must write nothing more about it."""


class WaitForPerson(JobError):
    """The stage needs an answer from a person before it can go on."""

    def __init__(self, reason: Waiting, question: dict[str, Any]) -> None:
        super().__init__(reason)
        self.reason = Waiting(reason)
        self.question = question
