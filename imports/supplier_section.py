"""What imports add to a supplier's page: its mapping templates, and its log-ins at hosts of feeds.
A log-in's secret is never read for a page."""

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from imports import template_library as library
from imports.models import FeedLogin
from jobtracker import audit, redirects
from jobtracker.access import operator_required
from jobtracker.catalogue.models import Supplier
from jobtracker.models import User

SUBJECT = "feed login"  # as the admin calls it
SHOWN = 10  # templates; the library has the others


def context(supplier: Supplier, request: HttpRequest) -> dict[str, Any]:
    """Return the context of `imports/supplier.html`."""
    in_use_first = F("retired_at").desc(nulls_first=True)
    templates = library.newest(supplier=supplier.pk).order_by(in_use_first, "-pk")
    logins = FeedLogin.objects.filter(supplier=supplier).defer("sealed_secret").order_by("host")
    return {
        "supplier": supplier,
        "templates": library.lines(list(templates[:SHOWN])),
        "template_count": templates.count(),
        "logins": logins,
        "may_add_login": request.user.has_perm("imports.add_feedlogin"),
        "may_change_login": request.user.has_perm("imports.change_feedlogin"),
        "may_delete_login": request.user.has_perm("imports.delete_feedlogin"),
    }


@operator_required("imports.delete_feedlogin")
def delete_login(request: HttpRequest, login_id: str) -> HttpResponse:
    """Take a log-in away, with its secret."""
    found = FeedLogin.objects.defer("sealed_secret").filter(pk=login_id).first()
    back = reverse("suppliers")
    if found is None:
        messages.warning(request, "Someone else had deleted it.")
    else:
        back = reverse("supplier", args=[found.supplier_id])
        with transaction.atomic():
            told = {"supplier": found.supplier.name, "host": found.host, "kind": found.kind}
            audit.record(cast(User, request.user), "delete", SUBJECT, [found.pk], **told)
            found.delete()
        messages.success(request, f"Deleted the log-in for {found.host}.")
    return HttpResponseRedirect(redirects.own(request, request.POST.get("next", ""), back))
