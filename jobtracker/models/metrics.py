from django.contrib.postgres.fields import ArrayField
from django.db import models

from jobtracker.models.fields import one_of
from jobtracker.states import JobType


class JobMetricsHour(models.Model):
    """What ended in one hour of one type, kept when the jobs themselves are pruned."""

    hour = models.DateTimeField(help_text="Its beginning, UTC.")
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0, help_text="Attempts that were to be retried.")
    crashes = models.PositiveIntegerField(default=0)
    hand_backs = models.PositiveIntegerField(default=0)
    items_done = models.PositiveBigIntegerField(default=0)
    items_failed = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0, help_text="From the first start to the end, summed.")
    waited = models.FloatField(default=0, help_text="Seconds before the first start, summed.")
    durations = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        help_text="How many of the ended jobs took how long: buckets of a doubling from 0.1 s.",
    )
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)

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
