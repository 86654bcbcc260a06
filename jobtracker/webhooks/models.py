"""Every outgoing API call that is made for a job."""

from django.db import models
from django.db.models import Q

from jobtracker.models.fields import one_of, uuid7_key
from jobtracker.models.jobs import BackgroundJob
from jobtracker.outgoing.models import Outgoing, due_index
from jobtracker.states import JobType


class WebhookCall(Outgoing):
    """One call and its answer; secrets are redacted and bodies bounded before they get here.

    `host` has the port where the address names one. The key stays the same over all tries.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCESS = "success", "Success"
        FAILED = "failed", "Failed"
        RETRYING = "retrying", "Retrying"

    id = uuid7_key()
    job = models.ForeignKey(BackgroundJob, on_delete=models.CASCADE, related_name="calls")
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    webhook_url = models.TextField()
    method = models.CharField(max_length=7, default="POST")
    idempotency_key = models.UUIDField(unique=True)
    items = models.PositiveIntegerField(default=0, help_text="How many products it carries.")
    request_body = models.JSONField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.TextField(blank=True, default="")
    response_time_ms = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)

    class Meta:
        db_table = "webhook_calls"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="call_status_known",
                condition=Q(status__in=["pending", "success", "failed", "retrying"]),
            ),
            one_of("job_type", JobType, "call_job_type_known"),
        ]
        indexes = [
            due_index("call_due_by_host"),
            models.Index(fields=["host"], name="call_by_host"),
            models.Index(
                fields=["completed_at"],
                name="call_with_body",
                condition=Q(status="success", request_body__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.webhook_url}"
