"""Forgets the hosts that nothing was sent to for long, and of which no row of their queue speaks.

A queue's trigger makes a host when a row for it is added, and takes one that is there for granted.
So a writer that has added a row and not committed it yet is waited for: while the queue's table is
locked against writers, what is committed is all there is.
"""

from collections import Counter
from datetime import timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobtracker.images.models import ImageFetch
from jobtracker.metrics import short_transaction
from jobtracker.outgoing.models import Outgoing, OutgoingHost
from jobtracker.retention.rows import Bit, delete, rows_of
from jobtracker.webhooks.models import WebhookCall

DAYS = 30  # without a request
QUEUES: dict[str, type[Outgoing]] = {"calls": WebhookCall, "images": ImageFetch}


def unused(queue: str) -> QuerySet[OutgoingHost]:
    """Return the hosts of a queue that it has no row of any more."""
    rows = QUEUES[queue]._base_manager.filter(host=OuterRef("host"))
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    long_ago = Now() - timedelta(days=DAYS)
    hosts = OutgoingHost.objects.filter(free, queue=queue, not_before__lt=long_ago)
    return hosts.filter(~Exists(rows)).order_by()


def remove(queue: str, most: int) -> Bit:
    """Remove some of them."""
    table = QUEUES[queue]._meta.db_table
    if not unused(queue).exists():
        return Bit()
    with short_transaction(alone=False), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        keys = list(unused(queue).values_list("pk", flat=True)[: rows_of(most)])
        number = delete(OutgoingHost, keys)
    return Bit(Counter({"outgoing_hosts": number}), more=number == rows_of(most))
