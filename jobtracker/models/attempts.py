from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobtracker.models.fields import created_now
from jobtracker.models.jobs import BackgroundJob
from jobtracker.states import Outcome

TROUBLE = (Outcome.RETRYABLE, Outcome.CRASHED, Outcome.HANDED_BACK, Outcome.LOST)


class JobAttempt(models.Model):
    """One try at a job, by one process. Its `token` is the fence: once `finished_at` is set,
    nothing that carries the token can be committed any more."""

    job = models.ForeignKey(
        BackgroundJob, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.PositiveIntegerField()
    token = models.UUIDField(unique=True, editable=False)
    worker = models.UUIDField()
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    claimed_at = created_now()
    started_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, null=True, blank=True)
    stage = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=200, blank=True)
    traceback = models.TextField(blank=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    sentry_event_id = models.CharField(max_length=32, blank=True)

    class Meta:
        db_table = "job_attempts"
        ordering = ["job", "number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(finished_at__isnull=True), name="attempt_one_open"
            ),
            models.CheckConstraint(
                name="attempt_outcome_when_finished",
                condition=Q(finished_at__isnull=True, outcome__isnull=True)
                | Q(finished_at__isnull=False, outcome__isnull=False),
            ),
            models.CheckConstraint(
                name="attempt_outcome_known",
                condition=Q(outcome__isnull=True) | Q(outcome__in=Outcome.values),
            ),
            models.CheckConstraint(name="attempt_number_from_1", condition=Q(number__gte=1)),
        ]
        indexes = [
            models.Index(
                fields=["finished_at"],
                name="attempt_by_trouble",
                condition=Q(outcome__in=TROUBLE),
            )
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"


class AttemptSession(models.Model):
    """A database session that an attempt opened, so that a frozen one can be ended.

    Backend pids are used again; `backend_start` tells the same session from a later one. It is
    a table of its own so that recording a session never waits for the attempt's row.
    """

    attempt = models.ForeignKey(
        JobAttempt,
        to_field="token",
        db_column="token",
        on_delete=models.CASCADE,
        related_name="sessions",
    )
    pid = models.PositiveIntegerField()
    backend_start = models.DateTimeField()

    class Meta:
        db_table = "job_attempt_sessions"

    def __str__(self) -> str:
        return f"session {self.pid}"
