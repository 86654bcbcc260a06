"""Who may do what: three groups, made after every migration, and the guards of our views."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

VIEW = "jobtracker.view_backgroundjob"
OPERATE = "jobtracker.operate_jobs"

View = Callable[..., HttpResponseBase]


def roles() -> dict[str, set[tuple[str, str]]]:
    """Return the permissions of each group as (app label, codename) pairs.

    Viewers see every table; operators act on jobs, imports and suppliers as well;
    administrators have every permission.
    """
    from django.contrib.auth.models import Permission

    every = [
        (label, codename)
        for label, codename in Permission.objects.values_list("content_type__app_label", "codename")
    ]
    ours = {"jobtracker", "catalogue", "webhooks", "imports", "scraping", "pdfjobs"}
    private = {"view_user"}
    seen = [(a, c) for a, c in every if a in ours and c.startswith("view_") and c not in private]
    acts = {
        ("jobtracker", "operate_jobs"),
        ("jobtracker", "change_backgroundjob"),
        ("jobtracker", "change_jobqueue"),
        ("imports", "add_dataimportjob"),
        ("imports", "add_mappingtemplate"),
        ("imports", "change_mappingtemplate"),
        ("catalogue", "add_supplier"),
        ("catalogue", "change_supplier"),
    }
    return {
        "Viewers": set(seen),
        "Operators": {*seen, *acts},
        "Administrators": set(every),
    }


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
    from django.contrib.auth.management import create_permissions
    from django.apps import apps

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
    """Guard an action: as `staff_required`, and only by POST."""

    def guard(view: View) -> View:
        return staff_required(permission)(require_POST(view))

    return guard


class UserTimeZoneMiddleware:
    """Show times in the signed-in user's own time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = getattr(request.user, "time_zone", "")
        with timezone.override(ZoneInfo(zone) if zone else None):
            return self.get_response(request)
