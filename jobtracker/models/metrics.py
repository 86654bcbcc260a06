from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobtracker.models.fields import created_now, one_of
from jobtracker.states import JobType


class JobMetricsHour(models.Model):
    """What ended in one hour of one type, kept when the jobs themselves are pruned. Written by
    `metrics` alone, a row for each type and hour, also where nothing ended."""

    hour = models.DateTimeField(help_text="Its beginning, UTC.")
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    started = models.PositiveIntegerField(default=0, help_text="Those of the ended that ever ran.")
    retries = models.PositiveIntegerField(default=0, help_text="Attempts that were to be retried.")
    crashes = models.PositiveIntegerField(default=0)
    hand_backs = models.PositiveIntegerField(
        default=0, help_text="Attempts that were handed back or lost."
    )
    items_done = models.PositiveBigIntegerField(default=0)
    items_failed = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(
        default=0, help_text="Seconds that the attempts of the completed jobs worked, summed."
    )
    waited = models.FloatField(
        default=0, help_text="Seconds of the started jobs before their first start, summed."
    )
    durations = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        blank=True,
        help_text="How many completed jobs took how long, by the buckets of `metrics.EDGES`."
        " Empty where none completed.",
    )
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    computed_at = created_now()

    class Meta:
        db_table = "job_metrics_hourly"
        verbose_name = "hour of a job type"
        verbose_name_plural = "hours of job types"
        ordering = ["-hour", "job_type"]
        constraints = [
            models.UniqueConstraint(fields=["hour", "job_type"], name="metrics_one_per_hour"),
            one_of("job_type", JobType, "metrics_job_type_known"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:00 {self.get_job_type_display()}"
