"""The pages of the suppliers: the list, and one supplier with its defaults, runs and materials."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode

from jobtracker import audit
from jobtracker.access import operator_required, staff_required
from jobtracker.catalogue import coverage
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob, User
from jobtracker.monitor import rows
from jobtracker.suppliers import charts, listing, sections
from jobtracker.suppliers.forms import SupplierForm

SEE = "catalogue.view_supplier"
CHANGE = "catalogue.change_supplier"
SUBJECT = "supplier"  # as the admin calls it
PAGE = 50
RUNS = 10
TEXT_CHARS = 120


@staff_required(SEE)
def suppliers(request: HttpRequest) -> HttpResponse:
    """Show the suppliers, a page at a time."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:TEXT_CHARS]
    page = Paginator(listing.found(text), PAGE).get_page(request.GET.get("page"))
    context = {
        **_frame(request, "Suppliers"),
        "page": page,
        "lines": listing.lines(list(page.object_list)),
        "text": text,
        "query": urlencode({"q": text} if text else {}),
        "shares": [charts.LABELS[name] for name in listing.SHARES],
    }
    return render(request, "suppliers/suppliers.html", context)


@staff_required(SEE)
def supplier(request: HttpRequest, supplier_id: str) -> HttpResponse:
    """Show one supplier, and take its defaults."""
    found = _found(supplier_id)
    if request.method != "POST":
        return _page(request, found, SupplierForm(found))
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    form = SupplierForm(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        changed = _change(found, form.columns(), cast(User, request.user))
    except IntegrityError:
        form.add_error("name", "Someone has just made a supplier of that name.")
        return _page(request, found, form)
    if changed:
        messages.success(request, "Saved; it counts from the next run on.")
    else:
        messages.info(request, "Nothing was changed.")
    return HttpResponseRedirect(reverse("supplier", args=[found.pk]))


@operator_required(CHANGE)
def count(request: HttpRequest, supplier_id: str) -> HttpResponse:
    """Count a supplier's materials as they are now."""
    found = _found(supplier_id)
    coverage.count(found.pk)
    messages.success(request, "Counted.")
    return HttpResponseRedirect(reverse("supplier", args=[found.pk]))


def _change(found: Supplier, columns: dict[str, Any], user: User) -> bool:
    """Write what differs; returns whether anything did. Raises `IntegrityError` for a name that
    is taken."""
    with transaction.atomic():
        one = Supplier.objects.select_for_update(no_key=True).get(pk=found.pk)
        before = {name: getattr(one, name) for name in columns}
        changed = {
            name: [before[name], value] for name, value in columns.items() if before[name] != value
        }
        if changed:
            Supplier.objects.filter(pk=one.pk).update(**{name: columns[name] for name in changed})
            audit.record(user, "change", SUBJECT, [one.pk], changed=changed)
    return bool(changed)


def _page(request: HttpRequest, found: Supplier, form: SupplierForm) -> HttpResponse:
    jobs = BackgroundJob.objects.filter(supplier=found.pk).order_by("-pk")
    shown = charts.points(list(found.coverage.order_by("-day")[: charts.LONGEST.days]))
    history = rows.read(jobs[: RUNS + 1])
    context = {
        **_frame(request, found.name),
        "found": found,
        "form": form,
        "may_change": request.user.has_perm(CHANGE),
        "figures": shown[-1].row if shown else None,
        "charts": charts.draw(shown),
        "points": shown[::-1],
        "known_jobs": _known([point.row.job_id for point in shown]),
        "labels": charts.LABELS.values(),
        "base": charts.BOTTOM,
        "history": history[:RUNS],
        "more_runs": len(history) > RUNS,
        "runs_url": f"{reverse('monitor')}?{urlencode({'supplier': found.name})}",
        "all_url": listing.materials_url(found),
        "active_url": listing.materials_url(found, "active"),
        "inactive_url": listing.materials_url(found, "inactive"),
        "sections": [
            render_to_string(each.template, each.context(found, request), request)
            for each in sections.registered()
        ],
    }
    status = 400 if form.is_bound else 200
    return render(request, "suppliers/supplier.html", context, status=status)


def _known(jobs: list[UUID | None]) -> set[UUID]:
    """Return those of the jobs that are kept still."""
    named = [each for each in jobs if each]
    return set(BackgroundJob.objects.filter(pk__in=named).values_list("pk", flat=True))


def _frame(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "tab_title": title}


def _found(supplier_id: str) -> Supplier:
    found = Supplier.objects.filter(pk=supplier_id).first()
    if found is None:
        raise Http404("There is no such supplier.")
    return found
