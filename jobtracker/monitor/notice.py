"""The notice on every page of ours: which of the reader's own jobs wait for an answer."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from jobtracker.monitor import queries
from jobtracker.monitor.words import capped
from jobtracker.states import Waiting
from jobtracker.why_waiting import NEEDS

SHOWN = 3


def context(request: HttpRequest, but: UUID | None) -> dict[str, Any]:
    """Return the context of `asking.html`, by one statement, for a page about the job `but`: that
    page says itself what it waits for."""
    found = queries.asking(request.user.pk, but) if request.user.pk else []
    return {
        "asking": [(row, NEEDS[Waiting(str(row.job.waiting_for))]) for row in found[:SHOWN]],
        "number": capped(len(found), queries.ASKING) if found else "",
        "more": len(found) > SHOWN,
        "but": but,
    }
