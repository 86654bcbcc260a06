"""The pages of crawls: start and check, the sessions, one session and what is done to it."""

from collections.abc import Callable
from time import monotonic
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from jobtracker.access import operator_required, staff_required
from jobtracker.hub import views as hub
from jobtracker.models import User
from jobtracker.monitor.job import JobPage
from jobtracker.states import LIVE, Waiting
from jobtracker.uploads import SourceRefused
from scraping import live, session_page, wishes
from scraping import start as starting
from scraping.forms import StartForm
from scraping.models import ScrapingSession

ADD = "scraping.add_scrapingsession"
SESSIONS = 25


@staff_required()
def scraper(request: HttpRequest) -> HttpResponse:
    """Show the start form and the newest sessions, or those before the job `older`."""
    return _page(request, StartForm())


def _page(
    request: HttpRequest, form: StartForm, check: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    jobs = live.crawls().order_by("-pk")
    older = _uuid(request.GET.get("older", ""))
    if older:
        jobs = jobs.filter(pk__lt=older)
    lines = live.read(jobs[: SESSIONS + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Scraper",
        "tab_title": "Scraper",
        "form": form,
        "check": check,
        "sessions": lines[:SESSIONS],
        "older": lines[SESSIONS - 1].job.pk if len(lines) > SESSIONS else None,
        "older_page": older,
    }
    return render(request, "scraping/scraper.html", context, status=status)


@operator_required(ADD)
def start(request: HttpRequest) -> HttpResponse:
    """Start a crawl from the form."""
    form = StartForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    common: dict[str, Any] = {
        "supplier": form.cleaned_data["supplier"],
        "options": form.options(),
        "created_by": cast(User, request.user),
    }
    try:
        sites = starting.by_site(form.cleaned_data["urls"])
        created = starting.start_crawls([starting.Request(urls, **common) for urls in sites])
    except SourceRefused as error:
        form.add_error("urls", str(error))
        return _page(request, form, status=400)
    hub.tell_started(request, created, "sessions")
    if len(created) > 1:
        return HttpResponseRedirect(reverse("scraper"))
    found = ScrapingSession.objects.get(background_job_id=created[0].job_id)
    return HttpResponseRedirect(reverse("scraping-session", args=[found.pk]))


@operator_required(ADD)
def check(request: HttpRequest) -> HttpResponse:
    """Look at the site as a crawl would begin: a part for the page, else the whole page."""
    form = StartForm(request.POST)
    # What is checked need not be anyone's yet.
    form.fields["supplier"].required = False
    found = _checked(form) if form.is_valid() else {"errors": _wrong(form)}
    if request.headers.get("HX-Request"):
        return render(request, "scraping/check.html", {"check": found})
    return _page(request, form, found)


def _checked(form: StartForm) -> dict[str, Any]:
    from scraping.preview import check_site  # httpx: 8 MB that most pages never need

    begun = monotonic()
    try:
        found = check_site(form.cleaned_data["urls"][0], form.options())
    except SourceRefused as error:
        return {"errors": [("", str(error))]}
    cards = [session_page.card(line) for line in found["page"].get("products", [])[:3]]
    return found | {"cards": cards, "seconds": round(monotonic() - begun, 1)}


def _wrong(form: StartForm) -> list[tuple[str, str]]:
    """Return what is wrong, each with the label of its field."""
    return [
        (str(form[name].label), str(text))
        for name, errors in form.errors.items()
        for text in errors
    ]


@staff_required()
def session(request: HttpRequest, pk: str) -> HttpResponse:
    """Show a session: where it stands, its pages, its failures and what it found."""
    return render(request, "scraping/session.html", _session_context(request, pk))


@staff_required()
def parts(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the parts of the session's page that change with it, afresh."""
    context = {**_session_context(request, pk), "oob": True}
    return render(request, "scraping/parts.html", context)


def _session_context(request: HttpRequest, pk: str) -> dict[str, Any]:
    found = get_object_or_404(ScrapingSession, pk=pk)
    page = JobPage.of(found.background_job_id)
    if page is None:
        raise Http404
    job = page.job
    over = job.status not in LIVE
    paused = job.waiting_for == Waiting.PAUSED
    return {
        **admin.site.each_context(request),
        **session_page.overview(found, request.GET),
        "title": found.source_url,
        "tab_title": f"{page.row.state.label}: {page.row.name}",
        "found": found,
        "link": session_page.web_address(found.source_url),
        "facts": session_page.session_facts(found.scraping_config),
        "page": page,
        "answered_here": True,
        "job": job,
        "row": page.row,
        "queued": max(0, job.total_items - page.row.moved),
        "wish": found.get_wish_display() if found.wish and not over else "",
        "pausable": not over
        and not job.waiting_for
        and not found.wish
        and not job.cancel_requested_at,
        "paused": paused,
        "stoppable": not over and found.wish != wishes.Wish.STOP and not job.cancel_requested_at,
        "failed_retryable": over and job.failed_items > 0,
    }


@operator_required()
def pause(request: HttpRequest, pk: str) -> HttpResponse:
    """Let the crawl finish what it fetches, and hold no slot until someone lets it go on."""
    return _acted(request, pk, wishes.pause, "It pauses after the pages that are being fetched.")


@operator_required()
def resume(request: HttpRequest, pk: str) -> HttpResponse:
    """Let a paused crawl go on."""
    return _acted(request, pk, wishes.resume, "It goes on.")


@operator_required()
def stop(request: HttpRequest, pk: str) -> HttpResponse:
    """End the crawl with what it has: pages that were not fetched are skipped."""
    return _acted(request, pk, wishes.stop, "It stops; what was not fetched is skipped.")


def _acted(
    request: HttpRequest, pk: str, act: Callable[[ScrapingSession, User], Any], done: str
) -> HttpResponse:
    found = get_object_or_404(ScrapingSession, pk=pk)
    if act(found, cast(User, request.user)):
        messages.success(request, done)
    else:
        messages.warning(request, "The session's state does not allow it any more.")
    return HttpResponseRedirect(reverse("scraping-session", args=[found.pk]))


@operator_required()
def retry_failed(request: HttpRequest, pk: str) -> HttpResponse:
    """Read the failed pages again, or those of one cause, with the session's own options, as a
    session of its own."""
    found = get_object_or_404(ScrapingSession, pk=pk)
    try:
        created = starting.retry_failed(
            found, cast(User, request.user), request.POST.get("cause", "").replace("\x00", "")
        )
    except SourceRefused as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(reverse("scraping-session", args=[found.pk]))
    again = ScrapingSession.objects.get(background_job_id=created.job_id)
    return HttpResponseRedirect(reverse("scraping-session", args=[again.pk]))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
