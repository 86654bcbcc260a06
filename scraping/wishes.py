"""What persons ask of a crawl that may be running: pause, go on, stop.

A wish stands in the session until the crawl's own process reads it, within a second or so; that
process obeys at its next safe point, so nothing that was fetched is lost.
"""

from uuid import UUID

from django.db import transaction

from jobtracker import audit, lifecycle
from jobtracker.context import JobContext
from jobtracker.models import User
from jobtracker.states import LIVE, Waiting
from scraping.models import ScrapingSession

Wish = ScrapingSession.Wish


def pause(session: ScrapingSession, user: User | None) -> bool:
    """Ask the crawl to wait until it is resumed; False where its job has ended or waits."""
    return _ask(session, Wish.PAUSE, user)


def stop(session: ScrapingSession, user: User | None) -> bool:
    """Ask the crawl to end with what it has: the pages left are skipped and the job completes.
    False where its job has ended."""
    with transaction.atomic():
        asked = _ask(session, Wish.STOP, user)
        if asked:
            lifecycle.answer(session.background_job_id, Waiting.PAUSED, {}, user)
    return asked


def resume(session: ScrapingSession, user: User | None) -> bool:
    """Let a paused crawl go on, or take back the wish to pause before it was obeyed."""
    with transaction.atomic():
        unheard = ScrapingSession.objects.filter(pk=session.pk, wish=Wish.PAUSE).update(
            wish=Wish.NONE
        )
        answered = lifecycle.answer(session.background_job_id, Waiting.PAUSED, {}, user)
    return bool(unheard) or answered


class Stopped(Exception):
    """A person asked the crawl to end with what it has."""


def heed(context: JobContext, session_id: UUID) -> None:
    """Obey what was asked: ends the attempt for a pause, raises `Stopped` for a stop. Cheap enough
    to be called every second."""
    wish = ScrapingSession.objects.values_list("wish", flat=True).get(pk=session_id)
    if wish == Wish.STOP:
        raise Stopped
    if wish == Wish.PAUSE:
        with context.transaction():
            ScrapingSession.objects.filter(pk=session_id, wish=wish).update(wish=Wish.NONE)
        context.wait_for(
            Waiting.PAUSED,
            {"message": "The crawl is paused. Resume it to fetch the pages that are left."},
        )


def _ask(session: ScrapingSession, wish: Wish, user: User | None) -> bool:
    live = ScrapingSession.objects.filter(pk=session.pk, background_job__status__in=LIVE)
    if wish == Wish.PAUSE:
        live = live.filter(background_job__waiting_for=None)
    with transaction.atomic():
        # By key: an update through a join would have to lock the job's row as well.
        asked = live.exists() and bool(
            ScrapingSession.objects.filter(pk=session.pk).update(wish=wish)
        )
        if asked:
            audit.record(user, str(wish), "job", [session.background_job_id])
    return asked
