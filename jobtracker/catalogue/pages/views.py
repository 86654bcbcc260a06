"""The pages of the materials: the list, one material, what to review, likely doubles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from jobtracker.access import staff_required
from jobtracker.catalogue import export
from jobtracker.catalogue.filters import Filter
from jobtracker.catalogue.models import Kind, Material, MaterialVersion
from jobtracker.catalogue.pages import detail, listing
from jobtracker.catalogue.pages import doubles as likely
from jobtracker.catalogue.pages import review as reviewing
from jobtracker.catalogue.pages.forms import CorrectionForm
from jobtracker.monitor.words import capped

SEE = "catalogue.view_material"
CHANGE = "catalogue.change_material"
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "ndjson": "text/plain"}
PIECE = 64 * 1024  # characters that are sent at once


@staff_required(SEE)
def materials(request: HttpRequest) -> HttpResponse:
    """Show the materials that the address asks for, a page at a time."""
    wanted = Filter.from_query(request.GET)
    page = listing.page(wanted, number(request, "older"), number(request, "newer"))
    total, facets = listing.facets(wanted)
    context = {
        **frame(request, "Materials"),
        "wanted": wanted,
        "page": page,
        "facets": facets,
        "narrowed": [facet for facet in facets if facet.chosen],
        "tabs": listing.tabs(wanted, total),
        "total": total,
        "said": capped(total, listing.CAP),
        "many": total > listing.CAP,
        "cap": listing.CAP,
        "hidden": {name: text for name, text in wanted.chosen.items() if name != "q"},
        "older_query": wanted.query(older=str(page.older)) if page.older else "",
        "newer_query": wanted.query(newer=str(page.newer)) if page.newer else "",
        "here": wanted.query(),
        "formats": [(name, wanted.query(format=name)) for name in export.FORMATS],
    }
    return render(request, "catalogue/materials.html", context)


@staff_required(SEE)
def material(request: HttpRequest, material_id: str) -> HttpResponse:
    """Show one material."""
    one = found(material_id)
    into, brought = detail.merges(one)
    context = {
        **frame(request, str(one)),
        **shown(one),
        "into": into,
        "merges": brought,
        "history": detail.history(one),
        "candidates": detail.candidates(one) if one.review is not None else [],
    }
    return render(request, "catalogue/material.html", context)


@staff_required(SEE)
def review(request: HttpRequest) -> HttpResponse:
    """Show the flagged material `at`, and those after it."""
    return review_page(request, number(request, "at"))


def review_page(
    request: HttpRequest, at: int | None, done: str = "", form: CorrectionForm | None = None
) -> HttpResponse:
    """Return the review list, opened at a material; only its part to a script that asks. `done`
    says what was just done."""
    desk = reviewing.desk(at)
    context = {**frame(request, "To review"), "desk": desk, "done": done, "form": form}
    if desk.one:
        context |= {
            **shown(desk.one),
            "why": reviewing.said(desk.one),
            "candidates": detail.candidates(desk.one),
            "number_said": capped(desk.total, listing.CAP),
        }
    part = "desk" if request.headers.get("HX-Request") else "review"
    return render(request, f"catalogue/{part}.html", context)


@staff_required(SEE)
def doubles(request: HttpRequest) -> HttpResponse:
    """Show groups of materials that are likely one."""
    by = request.GET.get("by", "")
    by = by if by in likely.BY else next(iter(likely.BY))
    after = request.GET.get("after", "").replace("\x00", "")[:1000]
    groups, following = likely.groups(by, after)
    context = {
        **frame(request, "Likely doubles"),
        "by": by,
        "kinds": likely.BY.items(),
        "groups": groups,
        "following": following,
        "after": after,
    }
    return render(request, "catalogue/doubles.html", context)


@staff_required(SEE)
def export_found(request: HttpRequest) -> HttpResponseBase:
    """Hand out the materials that the address asks for as a file, as fast as they are taken."""
    kind = request.GET.get("format", "csv")
    if kind not in export.FORMATS:
        return HttpResponseBadRequest(f"Choose a format: {', '.join(export.FORMATS)}.")
    lines = export.lines_by_pages(Filter.from_query(request.GET).rows())
    name = f"materials-{timezone.localdate():%Y-%m-%d}.{kind}"
    return StreamingHttpResponse(
        _streamed(_pieces(export.FORMATS[kind](lines))),
        content_type=TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _pieces(texts: Iterator[str]) -> Iterator[str]:
    """Join short texts to pieces that are worth a turn of the event loop."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


async def _streamed(pieces: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece


def frame(request: HttpRequest, title: str) -> dict[str, Any]:
    """Return what all pages of materials show around their own part."""
    return {
        **admin.site.each_context(request),
        "title": title,
        "tab_title": title,
        "may_change": request.user.has_perm(CHANGE),
    }


def shown(one: Material) -> dict[str, Any]:
    """Return what a material's values are and where they come from."""
    columns = detail.columns(one)
    return {
        "one": one,
        "state": listing.state_of(one),
        "columns": columns,
        "rows": detail.rows(columns),
        "pictures": detail.pictures(one),
        "order": [Kind(kind).label for kind in one.supplier.source_order],
    }


def found(material_id: str | int) -> Material:
    """Return a material with its supplier, or 404 with the reason."""
    one = Material.objects.select_related("supplier").filter(pk=material_id).first()
    if one is None:
        known = MaterialVersion.objects.filter(material_id=material_id).exists()
        why = "The job that made it was undone." if known else "There is no such material."
        raise Http404(why)
    return one


def number(request: HttpRequest, name: str) -> int | None:
    """Return a number of the address, None where it is none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
