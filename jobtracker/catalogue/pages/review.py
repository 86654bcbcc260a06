"""What a person should look at: materials that a source was not sure of, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from jobtracker.catalogue.filters import STATES
from jobtracker.catalogue.models import Material
from jobtracker.catalogue.pages.listing import CAP, Line, read
from jobtracker.catalogue.statements import NO_NAME

AROUND = 12  # lines of the list beside the open one

WHY = {
    "several candidates": "Its article code or EAN is also another material's.",
    "low confidence": "A source was not sure of what it read.",
    NO_NAME: "The feed that made it gives it no name.",
}


def said(material: Material) -> str:
    """Return why a person should look, as a sentence."""
    return WHY.get(material.review or "", material.review or "")


@dataclass(frozen=True)
class Desk:
    """The open material (None: nothing is left), some that come next, and how many there are,
    counted to `CAP` + 1. `before` and `after` are the neighbours' ids."""

    one: Material | None
    lines: list[Line]
    total: int
    before: int | None
    after: int | None


def desk(at: int | None = None) -> Desk:
    """Open the flagged material `at`, else the first one after it, else the first one."""
    flagged = Material.objects.filter(STATES["review"][1])
    rows = flagged.order_by("pk")
    one = (rows.filter(pk__gte=at).first() if at else None) or rows.first()
    if one is None:
        return Desk(None, [], 0, None, None)
    lines = read(rows.filter(pk__gte=one.pk)[:AROUND])
    before = flagged.filter(pk__lt=one.pk).order_by("-pk").values_list("pk", flat=True).first()
    after = lines[1].material.pk if len(lines) > 1 else None
    return Desk(lines[0].material, lines, flagged[: CAP + 1].count(), before, after)
