"""Who may do what: three groups, made after every migration, and the guards of our views."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

VIEW = "jobtracker.view_backgroundjob"
OPERATE = "jobtracker.operate_jobs"

OURS = {
    "jobtracker",
    "catalogue",
    "outgoing",
    "webhooks",
    "images",
    "imports",
    "scraping",
    "pdfjobs",
}
PRIVATE = {("jobtracker", "view_user")}
ACTS = {
    ("jobtracker", "operate_jobs"),
    ("jobtracker", "change_backgroundjob"),
    ("jobtracker", "change_jobqueue"),
    ("jobtracker", "add_jobschedule"),
    ("jobtracker", "change_jobschedule"),
    ("jobtracker", "delete_jobschedule"),
    ("imports", "add_dataimportjob"),
    ("imports", "change_mappingtemplate"),
    ("imports", "delete_feedlogin"),
    ("pdfjobs", "add_pdfdocument"),
    ("scraping", "add_scrapingsession"),
    ("catalogue", "add_supplier"),
    ("catalogue", "change_supplier"),
    ("catalogue", "change_material"),
}

View = Callable[..., HttpResponseBase]


def roles() -> dict[str, set[tuple[str, str]]]:
    """Return the permissions of each group as (app label, codename) pairs.

    Viewers see our tables but for the accounts; operators also act on jobs, imports and
    suppliers; administrators have every permission. A group alone opens nothing: the admin
    site, and so every page, also asks for staff status (`is_staff`).
    """
    from django.contrib.auth.models import Permission

    every = set(Permission.objects.values_list("content_type__app_label", "codename"))
    seen = {pair for pair in every if pair[0] in OURS and pair[1].startswith("view_")} - PRIVATE
    return {"Viewers": seen, "Operators": seen | ACTS, "Administrators": every}


def sync_roles() -> None:
    """Make the three groups hold exactly the permissions of `roles()`. Safe to repeat."""
    from django.contrib.auth.models import Group, Permission

    ids = {
        (label, codename): pk
        for label, codename, pk in Permission.objects.values_list(
            "content_type__app_label", "codename", "pk"
        )
    }
    for name, pairs in roles().items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([ids[pair] for pair in pairs])


def sync_roles_after_migrate(**kwargs: Any) -> None:
    """Run `sync_roles` once permissions exist: they do not inside a migration."""
    from django.apps import apps
    from django.contrib.auth.management import create_permissions

    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0, using=kwargs.get("using", "default"))
    sync_roles()


def staff_required(permission: str = VIEW) -> Callable[[View], View]:
    """Guard a page: log in, be staff, hold the permission; else the log-in page or 403."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not (user.is_active and user.is_staff and user.has_perm(permission)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return login_required(guarded, login_url="admin:login")

    return guard


def operator_required(permission: str = OPERATE) -> Callable[[View], View]:
    """Guard an action: as `staff_required`, and only by POST. Whoever comes by GET, as after a
    log-in in between, is led to the page that the action belongs to."""

    def guard(view: View) -> View:
        act = require_POST(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method != "GET":
                return act(request, *args, **kwargs)
            messages.warning(request, "Nothing was done. Ask for it again on this page.")
            return HttpResponseRedirect(_page_above(request.path))

        return staff_required(permission)(guarded)

    return guard


def _page_above(path: str) -> str:
    """Return the nearest address above an action's that is a page, by its name: what the admin
    catches of all other addresses has none."""
    while path := path.rpartition("/")[0]:
        try:
            if resolve(path).url_name:
                return path
        except Resolver404:
            continue
    return reverse("monitor")


class UserTimeZoneMiddleware:
    """Show times in the signed-in user's own time zone.

    Health is asked for when the database, and so the session, may be away: it has no times.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/health/"):
            return self.get_response(request)
        zone = getattr(request.user, "time_zone", "")
        with timezone.override(ZoneInfo(zone) if zone else None):
            return self.get_response(request)


LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


class OneAddressMiddleware:
    """Send a browser that came by another name of this machine to `PUBLIC_URL`: the sockets
    answer to that origin alone, so a page under another one would never be live."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name, _, port = urlsplit(settings.PUBLIC_URL).netloc.rpartition(":")
        asked, _, asked_port = request.get_host().rpartition(":")
        other_name = asked != name and asked_port == port and {asked, name} <= LOOPBACK
        if other_name and request.method == "GET" and not request.path.startswith("/health/"):
            return HttpResponseRedirect(settings.PUBLIC_URL + request.get_full_path())
        return self.get_response(request)
