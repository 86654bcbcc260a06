from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jobtracker.catalogue.models import Supplier
from jobtracker.models.fields import created_now, one_of, uuid7_key
from jobtracker.states import LIVE, JobType, Priority, StageState, Status, Waiting

MOST_AT_ONCE = 10_000  # the largest cap of a type


class BackgroundJob(models.Model):
    """A job: what it is, where it stands, who holds it and what it left behind.

    `status` and what goes with it are written by `lifecycle` alone. No index touches
    `last_heartbeat`, `advanced_at`, `progress`, `updated_at`, `stalled_at` or a counter: those
    change all the time, and without an index each change stays a heap-only update.
    """

    id = uuid7_key()
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    progress = models.PositiveSmallIntegerField(default=0)
    current_stage = models.CharField(max_length=60, blank=True, default="")
    last_heartbeat = models.DateTimeField(null=True, blank=True)
    document_id = models.UUIDField(null=True, blank=True)
    filename = models.CharField(max_length=500, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = created_now()
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    updated_at = created_now()
    error = models.TextField(blank=True, default="")
    error_fingerprint = models.CharField(max_length=32, blank=True, default="")

    supplier = models.ForeignKey(
        Supplier, null=True, blank=True, on_delete=models.PROTECT, db_index=False
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    run_after = models.DateTimeField(null=True, blank=True, help_text="Empty: ready now.")
    waiting_for = models.CharField(max_length=12, choices=Waiting.choices, null=True, blank=True)
    question = models.JSONField(default=dict, blank=True)
    answer = models.JSONField(default=dict, blank=True)
    unique_key = models.CharField(max_length=200, null=True, blank=True)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    retry_count = models.PositiveSmallIntegerField(default=0)
    crash_count = models.PositiveSmallIntegerField(default=0)
    hand_back_count = models.PositiveSmallIntegerField(
        default=0, help_text="Hand-backs in a row without progress."
    )
    attempt_token = models.UUIDField(null=True, blank=True, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    stage_done = models.PositiveIntegerField(default=0)
    stage_total = models.PositiveIntegerField(null=True, blank=True)
    expected_at = models.DateTimeField(
        null=True, blank=True, help_text="When it should be done, at the rate of the last minute."
    )
    total_items = models.PositiveIntegerField(default=0)
    done_items = models.PositiveIntegerField(default=0)
    failed_items = models.PositiveIntegerField(default=0)
    skipped_items = models.PositiveIntegerField(default=0)
    result = models.JSONField(
        default=dict, blank=True, help_text="What it made: materials, created, updated, unchanged."
    )
    warnings = models.JSONField(default=list, blank=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    advanced_at = models.DateTimeField(null=True, blank=True)
    stalled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "background_jobs"
        ordering = ["-id"]
        permissions = [("operate_jobs", "Can cancel, retry, answer and repair jobs")]
        constraints = [
            one_of("job_type", JobType, "job_type_known"),
            one_of("status", Status, "job_status_known"),
            one_of("priority", Priority, "job_priority_known"),
            models.CheckConstraint(
                name="job_waiting_for_known",
                condition=Q(waiting_for__isnull=True) | Q(waiting_for__in=Waiting.values),
            ),
            models.CheckConstraint(
                name="job_progress_range", condition=Q(progress__gte=0, progress__lte=100)
            ),
            models.CheckConstraint(
                name="job_full_progress_only_completed",
                condition=Q(progress__lt=100) | Q(status=Status.COMPLETED),
            ),
            models.CheckConstraint(
                name="job_completed_at_exactly",
                condition=Q(status=Status.COMPLETED, completed_at__isnull=False)
                | (~Q(status=Status.COMPLETED) & Q(completed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_failed_at_exactly",
                condition=Q(status=Status.FAILED, failed_at__isnull=False)
                | (~Q(status=Status.FAILED) & Q(failed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_cancelled_at_exactly",
                condition=Q(status=Status.CANCELLED, cancelled_at__isnull=False)
                | (~Q(status=Status.CANCELLED) & Q(cancelled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_held_exactly_while_processing",
                condition=Q(
                    status=Status.PROCESSING,
                    attempt_token__isnull=False,
                    last_heartbeat__isnull=False,
                )
                | (~Q(status=Status.PROCESSING) & Q(attempt_token__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_waits_only_while_pending",
                condition=Q(status=Status.PENDING)
                | Q(run_after__isnull=True, waiting_for__isnull=True),
            ),
            models.CheckConstraint(
                name="job_items_add_up",
                condition=Q(
                    total_items__gte=F("done_items") + F("failed_items") + F("skipped_items")
                ),
            ),
            models.UniqueConstraint(
                name="job_unique_key", fields=["unique_key"], condition=Q(status__in=LIVE)
            ),
        ]
        indexes = [
            models.Index(
                F("job_type"),
                F("priority").desc(),
                F("id"),
                name="job_ready",
                condition=Q(
                    status=Status.PENDING, run_after__isnull=True, waiting_for__isnull=True
                ),
            ),
            models.Index(
                fields=["job_type"], name="job_processing", condition=Q(status=Status.PROCESSING)
            ),
            models.Index(
                fields=["run_after"],
                name="job_due",
                condition=Q(status=Status.PENDING, run_after__isnull=False),
            ),
            models.Index(
                fields=["waiting_for"], name="job_waiting", condition=Q(waiting_for__isnull=False)
            ),
            models.Index(fields=["status", "id"], name="job_by_status"),
            models.Index(fields=["job_type", "status", "id"], name="job_by_type"),
            models.Index(fields=["supplier", "id"], name="job_by_supplier"),
            models.Index(
                fields=["completed_at"],
                name="job_by_completed",
                condition=Q(status=Status.COMPLETED),
            ),
            models.Index(
                fields=["failed_at", "error_fingerprint"],
                name="job_by_failed",
                condition=Q(status=Status.FAILED),
            ),
            models.Index(
                fields=["cancelled_at"],
                name="job_by_cancelled",
                condition=Q(status=Status.CANCELLED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_job_type_display()} {self.filename or self.id}"


class JobCheckpoint(models.Model):
    """What a stage has finished, committed together with the items that it covers."""

    job = models.ForeignKey(
        BackgroundJob, on_delete=models.CASCADE, related_name="checkpoints", db_index=False
    )
    stage = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=StageState.choices)
    attempt = models.PositiveIntegerField()
    items = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    data = models.JSONField(default=dict, blank=True)
    updated_at = created_now()

    class Meta:
        db_table = "job_checkpoints"
        constraints = [
            models.UniqueConstraint(fields=["job", "stage"], name="checkpoint_one_per_stage"),
            one_of("state", StageState, "checkpoint_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.state}"


class JobEvent(models.Model):
    """A line of a job's log. `data` marks stage starts and ends for the waterfall."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    job = models.ForeignKey(
        BackgroundJob, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    attempt = models.PositiveIntegerField(null=True, blank=True)
    at = created_now()
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    stage = models.CharField(max_length=60, blank=True, default="")
    message = models.TextField()
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "job_events"
        indexes = [models.Index(fields=["job", "id"], name="event_by_job")]

    def __str__(self) -> str:
        return self.message


class JobQueue(models.Model):
    """What the claim obeys for a type: paused, and how many may run at once over all hosts."""

    job_type = models.CharField(max_length=20, primary_key=True, choices=JobType.choices)
    paused = models.BooleanField(default=False)
    max_running = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")

    class Meta:
        db_table = "job_queues"
        verbose_name = "queue"
        ordering = ["job_type"]
        constraints = [one_of("job_type", JobType, "queue_job_type_known")]

    def __str__(self) -> str:
        return self.get_job_type_display()
