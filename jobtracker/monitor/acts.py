"""What people do to jobs and queues from the pages: one verb of the lifecycle each, by POST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobtracker import lifecycle, redirects
from jobtracker.access import operator_required
from jobtracker.images.fetcher import Images
from jobtracker.models import BackgroundJob, User
from jobtracker.models.jobs import MOST_AT_ONCE
from jobtracker.monitor import queries
from jobtracker.monitor.links import job_link
from jobtracker.monitor.words import counted
from jobtracker.outgoing import queue as queues
from jobtracker.outgoing.queue import Queue
from jobtracker.states import JobType, Priority
from jobtracker.webhooks.sender import Calls

REASON_LENGTH = 500


@operator_required()
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Cancel a pending job, or ask a running one to stop."""
    changed = lifecycle.cancel([job_id], _user(request))
    if changed.get(job_id) == "cancelled":
        return _back(request, "Cancelled; it did not run.")
    asked = f"Asked to stop; what has not stopped in {settings.GRACE_SECONDS:g} s is killed."
    return _back(request, asked if changed else "", "The job had already ended.")


@operator_required()
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Make a failed or cancelled job pending again."""
    changed = lifecycle.retry([job_id], _user(request))
    return _back(request, "Retried." if changed else "", _not_live(job_id))


@operator_required()
def retry_failed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Start a job of only the items of an ended job that failed."""
    try:
        created = lifecycle.retry_failed(job_id, _user(request))
    except BackgroundJob.DoesNotExist:
        return _back(request, "", "There is no such job; it may have been pruned.")
    except ValueError as error:
        return _back(request, "", str(error))
    link = job_link(created.job_id)
    if created.existing:
        return _back(request, "", format_html("They are being done again already: {}.", link))
    return _back(request, format_html("Started a job of them alone: {}.", link))


@operator_required()
def retry_calls(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Send a job's failed calls again, or `one` of them."""
    return _retry_outgoing(request, Calls, Calls.model.objects.filter(job=job_id))


@operator_required()
def retry_images(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Fetch the failed pictures of a job again, or `one` of them."""
    addressed = Images.model.objects.filter(job_id=job_id).exclude(host="")
    return _retry_outgoing(request, Images, addressed)


def _retry_outgoing(request: HttpRequest, queue: type[Queue], rows: QuerySet[Any]) -> HttpResponse:
    try:
        one = request.POST.get("one")
        rows = rows.filter(pk=one) if one else rows.filter(status="failed")
        changed = queues.retry(queue, rows, _user(request))
    except (ValueError, ValidationError):
        changed = []
    done = f"{counted(len(changed), f'{queue.noun}s')} again, at once." if changed else ""
    return _back(request, done, "Nothing was left to try again.")


@operator_required()
def retry_cause(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Retry every job that recently failed alike."""
    changed = lifecycle.retry(queries.failed_alike(fingerprint), _user(request))
    done = f"Retried {counted(len(changed), 'jobs')}." if changed else ""
    return _back(request, done, "Nothing was left to retry.")


@operator_required()
def prioritise(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Change the priority of a pending job."""
    wanted = {each.label: each for each in Priority}.get(request.POST.get("priority", ""))
    if wanted is None:
        return _back(request, "", "Choose a priority.")
    changed = lifecycle.prioritise([job_id], wanted, _user(request))
    refusal = "The job does not wait any more; its priority would change nothing."
    return _back(request, f"Priority: {wanted.label}." if changed else "", refusal)


@operator_required()
def mark_failed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: declare a live job failed."""
    reason = _reason(request.POST)
    changed = reason and lifecycle.mark_failed(job_id, reason, _user(request))
    return _back(request, "Marked failed." if changed else "", _refusal(reason))


@operator_required()
def mark_completed(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: declare a job that does not run completed."""
    reason = _reason(request.POST)
    changed = reason and lifecycle.mark_completed(job_id, reason, _user(request))
    return _back(request, "Marked completed." if changed else "", _refusal(reason))


@operator_required()
def run_again(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Repair by hand: run an ended job again from a stage."""
    reason = _reason(request.POST)
    stage = request.POST.get("stage", "")
    try:
        changed = reason and lifecycle.rerun_from(job_id, stage, _user(request), reason)
    except BackgroundJob.DoesNotExist:
        return _back(request, "", "There is no such job; it may have been pruned.")
    except ValueError as error:
        return _back(request, "", f"Not run again: {error}.")
    refusal = _not_live(job_id) if reason else _refusal(reason)
    return _back(request, "It runs again." if changed else "", refusal)


@operator_required()
def pause(request: HttpRequest, job_type: str) -> HttpResponse:
    """Start no job of a type until someone resumes it."""
    return _set_queue(request, job_type, "{} is paused; running jobs go on.", paused=True)


@operator_required()
def resume(request: HttpRequest, job_type: str) -> HttpResponse:
    """Let the jobs of a type start again."""
    return _set_queue(request, job_type, "{} goes on.", paused=False)


@operator_required()
def cap(request: HttpRequest, job_type: str) -> HttpResponse:
    """Limit how many jobs of a type run at once; empty: no limit."""
    given = request.POST.get("max_running", "").strip()
    if not given:
        return _set_queue(request, job_type, "{} has no cap any more.", max_running=None)
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= MOST_AT_ONCE):
        return _back(
            request, "", f"Give a number from 1 to {MOST_AT_ONCE:,}, or nothing for no cap."
        )
    said = f"{{}}: at most {counted(int(given), 'jobs')} at once."
    return _set_queue(request, job_type, said, max_running=int(given))


def _set_queue(
    request: HttpRequest, job_type: str, done: str, **values: bool | int | None
) -> HttpResponse:
    if job_type not in JobType.values:
        return _back(request, "", "There is no such type of jobs.")
    changed = lifecycle.set_queue(job_type, _user(request), **values)
    label = JobType(job_type).label
    return _back(request, done.format(label) if changed else "", "It was so already.")


def _back(request: HttpRequest, done: str | SafeString, refused: str = "") -> HttpResponse:
    """Say what happened and return to the page that asked."""
    if done:
        messages.success(request, done)
    else:
        messages.warning(request, refused)
    target = redirects.own(request, request.POST.get("next", ""), reverse("monitor"))
    return HttpResponseRedirect(target)


def _not_live(job_id: UUID) -> str:
    """Say why an ended job was not made live again."""
    if standing := lifecycle.standing_for(job_id):
        return format_html("Not retried: {} does the same already.", job_link(standing))
    return "The job's state does not allow it any more."


def _reason(form: Mapping[str, str]) -> str:
    return form.get("reason", "").replace("\x00", "").strip()[:REASON_LENGTH]


def _refusal(reason: str) -> str:
    return "The job's state does not allow it any more." if reason else "Say why: it is kept."


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
