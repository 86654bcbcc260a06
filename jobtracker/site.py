"""Our admin site, and how tables are shown on it: at any size, and with one audit log.

Django's admin counts, sorts and joins whole tables and keeps a log of its own; here it does
neither. Every app's `admin.py` builds on these classes.
"""

import json
from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.sites import UnfoldAdminSite

from jobtracker import audit
from jobtracker.models import User


class TrackerAdminSite(UnfoldAdminSite):
    """The one admin site. Its pages are staff pages; permissions decide the rest."""

    site_header = "jobtracker"
    site_title = "jobtracker"
    index_title = "Tables"
    enable_nav_sidebar = False


class StorableJSONField(forms.JSONField):
    """JSON that PostgreSQL takes: no NUL, no half of a surrogate pair."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        text = json.dumps(value, ensure_ascii=False)
        if r"\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("It holds a NUL or half a character, which cannot be stored.")

    def prepare_value(self, value: Any) -> Any:
        """Return the text to show; half a character, which no page can hold, stays escaped."""
        text = super().prepare_value(value)
        return text.encode(errors="backslashreplace").decode() if isinstance(text, str) else text


class TableAdmin(ModelAdmin):
    """A table of any size: nothing is counted, and nothing sorted that has no index.

    What is changed goes to our audit log, and the history of a row is what stands there about
    it under `subject`. Deleting is not offered: rows refer to each other's history.
    """

    actions: Any = None
    compressed_fields = True
    formfield_overrides = {models.JSONField: {"form_class": StorableJSONField}}
    list_disable_select_all = True
    list_per_page = 50
    ordering: Any = ("-pk",)
    paginator = InfinitePaginator
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: Any = ()

    @property
    def subject(self) -> str:
        """What the audit log calls a row of this table."""
        return str(self.opts.verbose_name)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> dict[str, Any]:
        """Return what a form changed, by field, for the audit log; of a password only that."""
        return {
            name: "changed"
            if "password" in name
            else [_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))]
            for name in form.changed_data
        }

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        audit.record(cast(User, request.user), "add", self.subject, [obj.pk], changed=message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        audit.record(cast(User, request.user), "change", self.subject, [obj.pk], changed=message)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Lead to the audit log of the row."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        about = urlencode({"subject": self.subject, "subject_id": unquote(object_id)})
        address = reverse("admin:jobtracker_auditentry_changelist")
        return HttpResponseRedirect(f"{address}?{about}")


class ReadOnlyAdmin(TableAdmin):
    """A table that only grows or that only machines write.

    `found_by` is an indexed column whose exact value the search box takes.
    """

    found_by = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [
            field.name
            for field in self.opts.concrete_fields
            if not isinstance(field, models.BinaryField)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)

    def get_search_fields(self, request: HttpRequest) -> Iterable[str]:
        return (self.found_by,) if self.found_by else self.search_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (search_term and self.found_by):
            return super().get_search_results(request, queryset, search_term)
        try:
            return queryset.filter(**{self.found_by: search_term.strip()}), False
        except (ValidationError, ValueError):
            return queryset.none(), False


def _plain(value: Any) -> Any:
    """Return a form's value as JSON can hold it."""
    if isinstance(value, QuerySet | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | bool | dict | None) else str(value)
