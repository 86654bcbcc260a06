"""Imports and their rows to look at, mapping templates to edit."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from imports.mapping import Mapping, MappingError
from imports.mapping_choice import lock_templates
from imports.models import DataImportJob, FeedLogin, ImportRow, MappingTemplate
from imports.template_library import newest_of
from jobtracker.sealed import seal
from jobtracker.site import ReadOnlyAdmin, TableAdmin

HOST = re.compile(r"[a-z0-9\u00a1-\uffff]([a-z0-9.\u00a1-\uffff-]*[a-z0-9])?(:\d{1,5})?")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@admin.register(DataImportJob)
class DataImportAdmin(ReadOnlyAdmin):
    list_display = ("source_name", "import_type", "status", "total_products", "created_at")
    list_filter = ("import_type", "status")
    found_by = "background_job"
    search_help_text = "A job's id"


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyAdmin):
    list_display = ("number", "job_id", "line", "key", "outcome", "material_id")
    list_filter = ("outcome",)
    ordering = ("job_id", "number")
    found_by = "job"
    search_help_text = "A job's id"


class LoginForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A log-in whose secret can be set, and is never shown."""

    password = forms.CharField(
        required=False,
        strip=False,
        label="Password, token or value of the header",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted and never shown; leave it empty to keep the one that is known.",
    )

    class Meta:
        model = FeedLogin
        fields = ("supplier", "host", "kind", "name", "host_key")

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"].strip().lower()
        if not HOST.fullmatch(host):
            raise forms.ValidationError("That is no host name, or host name and port.")
        return host

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("password") and not self.instance.sealed_secret:
            self.add_error("password", "A log-in needs a secret.")
        if cleaned.get("kind") != FeedLogin.Kind.BEARER and not cleaned.get("name"):
            self.add_error("name", "Give the user, or the name of the header.")
        if cleaned.get("kind") == FeedLogin.Kind.HEADER and not TOKEN.fullmatch(
            cleaned.get("name", "")
        ):
            self.add_error("name", "That is no name of a header.")
        if any(ord(each) < 32 for each in cleaned.get("password") or ""):
            self.add_error("password", "A secret holds no line breaks or control characters.")
        return cleaned


@admin.register(FeedLogin)
class FeedLoginAdmin(TableAdmin):
    """Log-ins of suppliers' hosts, for feeds."""

    form = LoginForm
    list_display = ("host", "supplier", "kind", "name", "changed_at")
    list_select_related = ("supplier",)
    search_fields = ("^host",)
    autocomplete_fields = ("supplier",)
    fields = ("supplier", "host", "kind", "name", "password", "host_key")

    def save_model(self, request: HttpRequest, obj: FeedLogin, form: Any, change: bool) -> None:
        if secret := form.cleaned_data["password"]:
            obj.sealed_secret = seal(secret)
        super().save_model(request, obj, form, change)


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A mapping that a run can obey."""

    class Meta:
        model = MappingTemplate
        fields = ("record_path", "mapping")

    def clean_mapping(self) -> dict[str, Any]:
        try:
            return Mapping.from_json(self.cleaned_data["mapping"]).to_json()
        except MappingError as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(MappingTemplate)
class TemplateAdmin(TableAdmin):
    """Confirmed mappings. They come from the mapping page, which knows the feed's fields."""

    form = TemplateForm
    list_display = ("__str__", "supplier", "created_at")
    list_select_related = ("supplier",)
    search_fields = ("^name",)
    readonly_fields = ("supplier", "name", "version", "shape", "created_at")
    fields = ("supplier", "name", "version", "shape", "record_path", "mapping", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: MappingTemplate, form: Any, change: bool
    ) -> None:
        """Keep a change as a new version: imports refer to the one that they used."""
        if not form.changed_data:
            return
        lock_templates(obj.supplier_id)
        newest = newest_of(MappingTemplate.objects.get(pk=obj.pk))
        obj.pk, obj.name, obj.version = None, newest.name, newest.version + 1
        obj.retired_at = newest.retired_at
        obj.save(force_insert=True)
