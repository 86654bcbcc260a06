"""A crawl of a supplier's site, as the tracker and its pages see it."""

from django.db import models
from django.db.models import F, Q

from jobtracker.models import BackgroundJob
from jobtracker.models.fields import created_now, uuid7_key


class ScrapingSession(models.Model):
    """The detail row of a `web_scraping` job. Status and counters are written by the lifecycle,
    together with the job's."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        PROCESSING = "processing", "Processing"
        SCRAPING = "scraping", "Scraping"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = uuid7_key()
    background_job = models.OneToOneField(
        BackgroundJob, on_delete=models.CASCADE, related_name="scraping_session"
    )
    source_url = models.TextField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    total_pages = models.PositiveIntegerField(default=0)
    completed_pages = models.PositiveIntegerField(default=0)
    failed_pages = models.PositiveIntegerField(default=0)
    materials_processed = models.PositiveIntegerField(default=0)
    progress_percentage = models.PositiveSmallIntegerField(default=0)
    scraping_config = models.JSONField(default=dict, blank=True)
    created_at = created_now()
    updated_at = created_now()
    error_message = models.TextField(blank=True, default="")

    class Meta:
        db_table = "scraping_sessions"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="session_status_known",
                condition=Q(
                    status__in=[
                        "pending",
                        "processing",
                        "scraping",
                        "completed",
                        "failed",
                        "cancelled",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="session_progress_range", condition=Q(progress_percentage__lte=100)
            ),
            models.CheckConstraint(
                name="session_pages_add_up",
                condition=Q(total_pages__gte=F("completed_pages") + F("failed_pages")),
            ),
        ]

    def __str__(self) -> str:
        return self.source_url
