from django.db import models

from jobtracker.models.fields import created_now


class Worker(models.Model):
    """A running `manage.py worker`.

    A process is the same one only if host, boot id, pid namespace, pid and start time all
    agree: containers share host names and boot ids, and pids are used again.
    """

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    boot_id = models.CharField(max_length=64)
    pid_namespace = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    start_ticks = models.BigIntegerField()
    slots = models.PositiveIntegerField()
    busy = models.PositiveIntegerField(default=0)
    draining = models.BooleanField(default=False)
    started_at = created_now()
    last_seen = created_now()

    class Meta:
        db_table = "workers"
        ordering = ["-last_seen"]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
