"""Imports and their rows to look at, mapping templates to edit."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest

from imports.mapping import Mapping, MappingError
from imports.models import DataImportJob, ImportRow, MappingTemplate
from jobtracker.catalogue.models import Supplier
from jobtracker.site import ReadOnlyAdmin, TableAdmin


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
        # Two who save at once follow each other, so that they get two numbers.
        Supplier.objects.select_for_update().get(pk=obj.supplier_id)
        versions = MappingTemplate.objects.filter(supplier=obj.supplier_id, name=obj.name)
        newest = versions.aggregate(number=Max("version"))["number"]
        obj.pk, obj.version = None, newest + 1
        obj.save(force_insert=True)
