from django.conf import settings
from django.db import models

from jobtracker.models.fields import created_now


class AuditEntry(models.Model):
    """One act of a person: who did what to which row, and why. The table only grows.

    `actor` has no database constraint: an entry outlives the account that made it, under
    `actor_name`.
    """

    at = created_now()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "audit_log"
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "subject_id"], name="audit_subject")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject} {self.subject_id}"
