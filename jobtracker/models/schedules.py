from django.conf import settings
from django.db import models
from django.db.models import Q

from jobtracker.catalogue.models import Supplier
from jobtracker.models.fields import created_now, one_of
from jobtracker.states import JobType, Priority


class JobSchedule(models.Model):
    """A job that starts again and again: when, as cron and time zone, and what, as the pipeline's
    own form took it. Written by `schedules` alone.

    `settled` says that the end of `last_job` has been counted. `paused_because` is written where
    a schedule paused itself; one that a person paused has none.
    """

    class Run(models.TextChoices):
        """Why the last job started."""

        PLAN = "plan", "By plan"
        HAND = "hand", "By hand"

    name = models.CharField(max_length=120, unique=True)
    job_type = models.CharField(max_length=20, choices=JobType.choices)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, db_index=False)
    cron = models.CharField(max_length=120, help_text="Five fields: minute hour day month weekday.")
    time_zone = models.CharField(max_length=64, default="UTC")
    spec = models.JSONField(default=dict, blank=True, help_text="What the job is started with.")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    paused = models.BooleanField(default=False)
    paused_because = models.CharField(max_length=300, blank=True, default="")
    next_run_at = models.DateTimeField(null=True, blank=True, help_text="Empty while paused.")
    last_job = models.ForeignKey(
        "jobtracker.BackgroundJob",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    last_run = models.CharField(max_length=4, choices=Run.choices, blank=True, default="")
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_note = models.CharField(
        max_length=300, blank=True, default="", help_text="Why the last due run started no job."
    )
    last_error = models.TextField(blank=True, default="")
    settled = models.BooleanField(default=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = created_now()
    updated_at = created_now()

    class Meta:
        db_table = "job_schedules"
        verbose_name = "schedule"
        ordering = ["name"]
        constraints = [
            one_of("job_type", JobType, "schedule_job_type_known"),
            one_of("priority", Priority, "schedule_priority_known"),
            models.CheckConstraint(
                name="schedule_next_run_unless_paused",
                condition=Q(paused=True, next_run_at__isnull=True)
                | Q(paused=False, next_run_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(paused=False)),
        ]

    def __str__(self) -> str:
        return self.name
