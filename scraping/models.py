"""A crawl of a supplier's site, as the tracker and its pages see it."""

from django.db import models
from django.db.models import F, Q

from jobtracker.catalogue.models import RowOutcome
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

    class Wish(models.TextChoices):
        """What a person asks of the running crawl; the crawl clears it as it obeys."""

        NONE = "", "None"
        PAUSE = "pause", "Pause"
        STOP = "stop", "Stop"

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
    wish = models.CharField(max_length=5, choices=Wish, blank=True, default=Wish.NONE)
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


class ScrapingPage(models.Model):
    """One address of a crawl: the crawl's queue, and what became of it.

    `canonical_url` is its identity within the session. `claim` names the crawl process that
    fetches it; a claim of a dead process is taken back. `content_hash` is of the body as it came,
    `redirects` how many redirects in a row led here. Its products are the job's `ScrapingRow`s
    `first_row` to `first_row + rows - 1`.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        FETCHING = "fetching", "Fetching"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    session = models.ForeignKey(
        ScrapingSession, on_delete=models.CASCADE, related_name="pages", db_index=False
    )
    url = models.TextField()
    canonical_url = models.TextField()
    depth = models.PositiveSmallIntegerField(default=0)
    found_on = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    skip_rule = models.TextField(blank=True, default="")
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=120, blank=True, default="")
    bytes = models.PositiveIntegerField(default=0)
    etag = models.TextField(blank=True, default="")
    last_modified = models.CharField(max_length=80, blank=True, default="")
    content_hash = models.CharField(max_length=64, blank=True, default="")
    unchanged = models.BooleanField(default=False)
    fetch_ms = models.PositiveIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    redirects = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    materials_found = models.PositiveIntegerField(default=0)
    first_row = models.PositiveIntegerField(null=True, blank=True)
    rows = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list, blank=True, help_text="What the extraction remarked.")
    error = models.TextField(blank=True, default="")
    hint = models.TextField(blank=True, default="")
    updated_at = created_now()

    class Meta:
        db_table = "scraping_pages"
        ordering = ["session", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "canonical_url"], name="scraping_pages_one_an_address"
            ),
            models.CheckConstraint(
                name="scraping_page_status_known",
                condition=Q(status__in=["pending", "fetching", "completed", "failed", "skipped"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["session", "depth", "id"],
                condition=Q(status="pending"),
                name="scraping_pages_queue",
            ),
            models.Index(
                fields=["session"], condition=Q(status="fetching"), name="scraping_pages_fetching"
            ),
            models.Index(fields=["session", "status", "id"], name="scraping_pages_listed"),
        ]

    def __str__(self) -> str:
        return self.url


class ScrapingRow(RowOutcome):
    """What became of one product of one page. `number` rises with the order of the flushes."""

    class Meta(RowOutcome.Meta):
        db_table = "scraping_rows"
