"""What people are told while the database is away, or when a page asks too much of it: a sentence
with a way on, under 503, never a bare 500."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.defaults import server_error
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from jobtracker import redirects, sessions
from jobtracker.context import session_is_lost

RETRY_SECONDS = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trouble:
    """Why a request cannot be answered. `passes`: it is worth asking again just so."""

    title: str
    sentence: str
    passes: bool


AWAY = Trouble(
    "The database is away",
    "It does not answer, perhaps because it is being restarted. Running jobs are not lost: they"
    " go on by themselves.",
    passes=True,
)
SLOW = Trouble(
    "This took too long",
    "The page asked more of the database than it could answer in time, and was given up so that"
    " it does not hold up the others. Ask for less: fewer filters over old jobs, a shorter"
    " search, one type at a time.",
    passes=False,
)
BUSY = Trouble(
    "Somebody else is at it",
    "What the page needs was being changed by another for too long.",
    passes=True,
)


class DatabaseMiddleware:
    """Opens the request's session, with the time-outs of what is asked for, before anything else
    needs it: what fails here or in a view is answered by a page that says so.

    It stands within those that add headers, and before those that ask the database. Health, which
    has to answer without one, goes past it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/health/"):
            return self.get_response(request)
        with sessions.using(role(request)):
            try:
                connection.ensure_connection()
                _ = request.user.is_authenticated  # who asks is read from the database
            except Error as error:
                if trouble := trouble_of(error):
                    return answer(request, trouble, error, begun=False)
                raise
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer what a view could not."""
        trouble = trouble_of(error)
        return answer(request, trouble, error) if trouble else None


def role(request: HttpRequest) -> str:
    """Return which kind of session answers the request."""
    looks = request.method in ("GET", "HEAD") and request.path.startswith(reverse("monitor"))
    return "monitor" if looks else "web"


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Return what the database's error means to who asked, None for a fault of ours."""
    if not isinstance(error, Error):
        return None
    match error.__cause__:
        case QueryCanceled():
            return SLOW
        case LockNotAvailable() | DeadlockDetected():
            return BUSY
    return AWAY if session_is_lost(error) else None


def answer(
    request: HttpRequest, trouble: Trouble, error: BaseException, *, begun: bool = True
) -> HttpResponse:
    """Say what is wrong and how to go on. `begun`: what was asked for may have been done."""
    logger.warning("%s %s was not answered: %s", request.method, request.path, error)
    looks = request.method in ("GET", "HEAD")
    back = request.get_full_path()
    sentence = trouble.sentence
    if not looks:
        back = redirects.own(request, request.headers.get("Referer", ""), reverse("monitor"))
        sentence += (
            " It is not certain whether what you asked for was done: look before you ask again."
            if begun
            else " Nothing was done: ask again."
        )
    if request.accepts("text/html"):
        context = {
            "trouble": trouble,
            "sentence": sentence,
            "back": back,
            "monitor": reverse("monitor"),
            "retries": looks and trouble.passes,
            "seconds": RETRY_SECONDS,
        }
        # Without the request: what it adds to a page comes from the database.
        response = HttpResponse(render_to_string("jobtracker/outage.html", context), status=503)
    else:
        response = JsonResponse({"error": trouble.title, "detail": sentence}, status=503)
    response["Cache-Control"] = "no-store"
    if trouble.passes:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def failed(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside of any view: as above, or as any fault of ours."""
    error = sys.exc_info()[1]
    if error and (trouble := trouble_of(error)):
        return answer(request, trouble, error)
    return server_error(request)
