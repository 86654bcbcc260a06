"""Rows that age by themselves, whatever becomes of jobs."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now
from django_q.conf import Conf
from django_q.models import OrmQ, Task

from jobtracker.catalogue.models import MaterialVersion
from jobtracker.metrics import short_transaction
from jobtracker.models import AttemptSession
from jobtracker.retention.rows import Bit, delete, rows_of
from jobtracker.webhooks.models import WebhookCall

SESSION_MINUTES = 1  # after its attempt's end nobody asks for a session any more
LEFTOVER_DAYS = 7  # of the queue's plain tasks, once taken


@dataclass(frozen=True)
class Expiry:
    """Rows of a table that have had their time."""

    model: type[Model]
    over: Q

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    def rows(self) -> QuerySet[Any]:
        return self.model._base_manager.filter(self.over).order_by()

    def remove(self, most: int) -> Bit:
        with short_transaction(alone=False):
            keys = list(self.rows().values_list("pk", flat=True)[: rows_of(most)])
            number = delete(self.model, keys)
        return Bit(Counter({self.name: number}), more=number == rows_of(most))


@dataclass(frozen=True)
class Bodies:
    """What was sent and answered in calls that were delivered; the calls stay without."""

    name: str = "webhook_calls bodies"

    def rows(self) -> QuerySet[WebhookCall]:
        if not (days := settings.RETENTION_DAYS_BODIES):
            return WebhookCall.objects.none()
        return WebhookCall.objects.filter(
            status=WebhookCall.Status.SUCCESS,
            request_body__isnull=False,
            completed_at__lt=Now() - timedelta(days=days),
        ).order_by()

    def remove(self, most: int) -> Bit:
        with short_transaction(alone=False):
            rows = self.rows().order_by("completed_at").select_for_update(skip_locked=True)
            keys = list(rows.values_list("pk", flat=True)[: rows_of(most)])
            calls = WebhookCall.objects.filter(pk__in=keys)
            number = calls.update(request_body=None, response_body="")
        return Bit(Counter({self.name: number}), more=number == rows_of(most))


def expiries() -> list[Expiry | Bodies]:
    """Return what is over: sessions of finished attempts, log-ins, tasks of the queue library that
    were taken and never acknowledged, and the results that it keeps of failed ones; bodies."""
    week_old = Now() + timedelta(seconds=Conf.RETRY) - timedelta(days=LEFTOVER_DAYS)
    minute_ago = Now() - timedelta(minutes=SESSION_MINUTES)
    found: list[Expiry | Bodies] = [
        Bodies(),
        Expiry(AttemptSession, Q(attempt__finished_at__lt=minute_ago)),
        Expiry(Session, Q(expire_date__lt=Now())),
        # A task that is taken is dated as far ahead as it would be given out again.
        Expiry(OrmQ, Q(lock__gt=Now(), lock__lt=week_old)),
    ]
    if days := settings.RETENTION_DAYS_FAILED:
        found.append(Expiry(Task, Q(stopped__lt=Now() - timedelta(days=days))))
    return found


def old_versions() -> QuerySet[MaterialVersion]:
    """Return what undo does not reach back to any more."""
    if not settings.UNDO_DAYS:
        return MaterialVersion.objects.none()
    return MaterialVersion.objects.filter(at__lt=Now() - timedelta(days=settings.UNDO_DAYS))


def remove_versions(most: int) -> Bit:
    """Remove some of the old versions. Ids rise with time, so only the first ones are asked."""
    with short_transaction(alone=False):
        first = MaterialVersion.objects.order_by("pk").values_list("pk", flat=True)
        old = old_versions().filter(pk__in=list(first[: rows_of(most)]))
        number = delete(MaterialVersion, list(old.values_list("pk", flat=True)))
    return Bit(Counter({"material_versions": number}), more=number == rows_of(most))
