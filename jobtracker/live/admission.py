"""Who may watch: asked when a socket opens, and again as long as it stays open."""

from collections.abc import Collection
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from jobtracker.access import VIEW
from jobtracker.live import FORBIDDEN, NOT_SIGNED_IN


class Ticket(NamedTuple):
    """By what right a socket is open. `password` stands for the user's password at log-in."""

    session_key: str
    user_id: int
    password: str


def refusals(tickets: Collection[Ticket]) -> dict[Ticket, int]:
    """Return the tickets that are not valid (any more), each with the code to close with.

    Two queries, whatever the number of tickets. A ticket is valid while its session lasts, its
    user is active staff with the permission to view jobs, and the password is the same.
    """
    sessions = set(
        Session.objects.filter(
            session_key__in={ticket.session_key for ticket in tickets}, expire_date__gt=Now()
        ).values_list("session_key", flat=True)
    )
    staff = get_user_model().objects.with_perm(
        VIEW, backend="django.contrib.auth.backends.ModelBackend"
    )
    passwords = {
        user.pk: user.get_session_auth_hash()
        for user in staff.filter(is_staff=True, pk__in={ticket.user_id for ticket in tickets})
    }

    def refusal(ticket: Ticket) -> int | None:
        if ticket.session_key not in sessions:
            return NOT_SIGNED_IN
        if ticket.user_id not in passwords:
            return FORBIDDEN
        return None if passwords[ticket.user_id] == ticket.password else NOT_SIGNED_IN

    return {ticket: code for ticket in tickets if (code := refusal(ticket))}
