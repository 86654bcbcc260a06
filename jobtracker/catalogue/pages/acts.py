"""What people do to materials from the pages: one verb of `people` or an undo each, by POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from jobtracker import redirects
from jobtracker.access import operator_required, staff_required
from jobtracker.catalogue import people, undo
from jobtracker.catalogue.pages.forms import CorrectionForm
from jobtracker.catalogue.pages.views import CHANGE, found, frame, review_page
from jobtracker.models import BackgroundJob, User
from jobtracker.monitor.words import counted

AT_ONCE = 5.0  # seconds that an undo goes on within one request
REASON = 500  # characters


@staff_required(CHANGE)
def edit(request: HttpRequest, material_id: str) -> HttpResponse:
    """Show the form of a correction, and take it."""
    one = found(material_id)
    form = CorrectionForm(one, request.POST if request.method == "POST" else None)
    reviewing = "review" in request.GET or "review" in request.POST
    if request.method != "POST" or not form.is_valid():
        if reviewing and request.headers.get("HX-Request"):
            return review_page(request, one.pk, form=form)
        context = {**frame(request, str(one)), "one": one, "form": form, "reviewing": reviewing}
        return render(request, "catalogue/edit.html", context, status=400 if form.is_bound else 200)
    if not form.values:
        return _back(request, one.pk, "Nothing was changed.")
    return _acted(
        request,
        one.pk,
        lambda user: people.correct(one.pk, form.values, form.provenance, user),
        "Corrected; later runs leave it so.",
    )


@operator_required(CHANGE)
def give_back(request: HttpRequest, material_id: str) -> HttpResponse:
    """Take the correction of a field back."""
    field = request.POST.get("field", "").replace("\x00", "")[:200]
    pk = int(material_id)
    done = "The sources decide again."
    return _acted(request, pk, lambda user: people.give_back(pk, field, user), done)


@operator_required(CHANGE)
def accept(request: HttpRequest, material_id: str) -> HttpResponse:
    """Say that a flagged material is right."""
    pk = int(material_id)
    return _acted(request, pk, lambda user: people.accept(pk, user), "Accepted.")


@operator_required(CHANGE)
def reject(request: HttpRequest, material_id: str) -> HttpResponse:
    """Say that a material is no product."""
    pk = int(material_id)
    done = "Rejected; no later run brings it back."
    return _acted(request, pk, lambda user: people.reject(pk, user), done)


@operator_required(CHANGE)
def restore(request: HttpRequest, material_id: str) -> HttpResponse:
    """Take a rejected material into the catalogue again."""
    pk = int(material_id)
    return _acted(request, pk, lambda user: people.restore(pk, user), "It is in the catalogue.")


@operator_required(CHANGE)
def merge(request: HttpRequest, material_id: str) -> HttpResponse:
    """Merge the material `other` into this one, or with `into` this one into the other."""
    pk, other = int(material_id), request.POST.get("other", "")
    if not (other.isascii() and other.isdigit() and len(other) < 18):
        return _back(request, pk, "", "Say which material is the same.")
    pair = (int(other), pk) if "into" in request.POST else (pk, int(other))
    done = "Merged; the page of the material that stays can undo it."
    return _acted(request, pk, lambda user: people.merge(*pair, user), done)


@operator_required(CHANGE)
def unmerge(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Make two materials of what a merge made one."""
    return _acted(
        request, None, lambda user: people.unmerge(merge_id, user), "Both are as they were."
    )


@staff_required(CHANGE)
def undo_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show what an undo of a job would do; do it, a few seconds a request."""
    job = BackgroundJob.objects.select_related("supplier").filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such job; it may have been pruned.")
    refusal = undo.refusal(job)
    context: dict[str, Any] = {**frame(request, f"Undo {job.filename or job.pk}"), "job": job}
    rest = 0
    if request.method == "POST" and not refusal:
        before = request.POST.get("before", "")
        if before.isascii() and before.isdigit() and len(before) < 19:
            rest = undo.undo_some(job, AT_ONCE, int(before))
        else:
            reason = request.POST.get("reason", "").replace("\x00", "").strip()[:REASON]
            if not reason:
                messages.warning(request, "Say why: it is kept.")
                return HttpResponseRedirect(reverse("job-undo", args=[job.pk]))
            undo.begin(job, cast(User, request.user), reason)
            rest = undo.undo_some(job, AT_ONCE)
        if not rest:
            left = undo.reach(job)
            said = counted(left.undone, "products")
            more = f" {left.later:,} were changed since and stay." if left.later else ""
            messages.success(request, f"Taken back: {said}.{more}")
            if request.headers.get("HX-Request"):
                return HttpResponse(headers={"HX-Redirect": reverse("job", args=[job.pk])})
            return HttpResponseRedirect(reverse("job", args=[job.pk]))
    context |= {"refusal": refusal, "reach": undo.reach(job), "rest": rest}
    part = "undo_part" if request.headers.get("HX-Request") else "undo"
    return render(request, f"catalogue/{part}.html", context)


def _acted(
    request: HttpRequest, pk: int | None, act: Callable[[User], Any], done: str
) -> HttpResponse:
    try:
        act(cast(User, request.user))
    except people.Refused as error:
        return _back(request, pk, "", str(error))
    return _back(request, pk, done)


def _back(request: HttpRequest, pk: int | None, done: str, refused: str = "") -> HttpResponse:
    """Say what happened: with the next one to review where a script asked from there, else on the
    page that the act came from."""
    if "review" in request.POST and request.headers.get("HX-Request"):
        return review_page(request, pk, done or refused)
    if done:
        messages.success(request, done)
    else:
        messages.warning(request, refused)
    page = reverse("material", args=[pk]) if pk else reverse("materials")
    return HttpResponseRedirect(redirects.own(request, request.POST.get("next", ""), page))
