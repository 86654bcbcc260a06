"""Every outgoing API call that is made for a job."""

from django.db import models
from django.db.models import Q

from jobtracker.models.fields import created_now, one_of, uuid7_key
from jobtracker.models.jobs import BackgroundJob
from jobtracker.states import JobType


class WebhookCall(models.Model):
    """One call and its answer; secrets are redacted and bodies bounded before they get here."""

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
    host = models.CharField(max_length=255)
    idempotency_key = models.UUIDField(unique=True)
    request_body = models.JSONField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.TextField(blank=True, default="")
    response_time_ms = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    retry_count = models.PositiveSmallIntegerField(default=0)
    next_retry_at = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    created_at = created_now()
    completed_at = models.DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True, default="")

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
            models.Index(
                fields=["next_retry_at"],
                name="call_due",
                condition=Q(status__in=["pending", "retrying"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.webhook_url}"
