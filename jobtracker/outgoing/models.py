"""Where requests go that no job waits for, and the columns of a table of them.

A queue is a table of rows that wait to go out. Its work is given out by host: who holds a host
does one row of it at a time, so a host is never asked twice at once, one that is down or puts us
off rests as a whole, and no other waits for it.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobtracker.models.fields import created_now

WAITING = ("pending", "retrying")
CHANNEL = "outgoing"


class OutgoingHost(models.Model):
    """A host of one queue: its rest, and who is at it until when. Made by a trigger of the queue's
    table. A claim is the id of a worker; one that is not renewed in time is anybody's."""

    queue = models.CharField(max_length=20)
    host = models.CharField(max_length=255)
    not_before = models.DateTimeField(db_default=Now(), help_text="It rests until then.")
    failures = models.PositiveIntegerField(default=0, db_default=0, help_text="In a row.")
    claim = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    created_at = created_now()

    class Meta:
        db_table = "outgoing_hosts"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "host"], name="outgoing_host_once"),
        ]

    def __str__(self) -> str:
        return f"{self.host} ({self.queue})"


class Outgoing(models.Model):
    """A row that waits to go out, in a table with a trigger `note_outgoing_hosts`.

    `status` is `pending` until it was tried, `retrying` between two tries, and then one of the
    queue's own words, `failed` among them. `claim` stays behind where a process died at it, which
    then counts as a try.
    """

    host = models.CharField(max_length=255)
    status = models.CharField(max_length=8, default="pending")
    retry_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_retry_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    claim = models.UUIDField(null=True, blank=True)
    created_at = created_now()
    completed_at = models.DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True, default="", db_default="")

    class Meta:
        abstract = True


def due_index(name: str) -> models.Index:
    """Return the index that a queue's table needs: its waiting rows by host."""
    return models.Index(
        fields=["host", "next_retry_at", "id"], name=name, condition=Q(status__in=WAITING)
    )
