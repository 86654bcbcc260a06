"""Suppliers to edit; the catalogue itself to look at, because `write.py` is its only writer."""

from typing import Any

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminTextInputWidget

from jobtracker.catalogue.models import (
    CatalogueSource,
    Kind,
    Material,
    MaterialMerge,
    MaterialSource,
    MaterialVersion,
    Supplier,
    SupplierCoverage,
)
from jobtracker.catalogue.normalise import is_code
from jobtracker.site import ReadOnlyAdmin, TableAdmin


class SupplierForm(forms.ModelForm):
    """A supplier, with what the tables can hold said in words."""

    class Meta:
        model = Supplier
        fields = (
            "name",
            "default_currency",
            "decimal_style",
            "language",
            "when_missing",
            "source_order",
        )
        widgets = {"name": UnfoldAdminTextInputWidget()}

    def clean_default_currency(self) -> str:
        code = str(self.cleaned_data["default_currency"]).strip().upper()
        if code and not is_code(code):
            raise forms.ValidationError(f"{code} is no ISO 4217 currency code.")
        return code

    def clean_source_order(self) -> list[str]:
        order: Any = self.cleaned_data["source_order"]
        if not isinstance(order, list) or sorted(map(str, order)) != sorted(Kind.values):
            raise forms.ValidationError(f"List each of these once: {', '.join(Kind.values)}.")
        return order


@admin.register(Supplier)
class SupplierAdmin(TableAdmin):
    form = SupplierForm
    list_display = ("name", "default_currency", "decimal_style", "language")
    search_fields = ("name",)
    ordering = ("name",)


@admin.register(CatalogueSource)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "supplier")
    list_filter = ("kind",)
    list_select_related = ("supplier",)


@admin.register(SupplierCoverage)
class SupplierCoverageAdmin(ReadOnlyAdmin):
    list_display = ("day", "supplier", "active", "inactive", "price", "picture", "at")
    list_select_related = ("supplier",)
    found_by = "supplier"
    search_help_text = "A supplier's id"


@admin.register(Material)
class MaterialAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "supplier", "sku", "price", "currency", "active", "changed_at")
    list_filter = ("active",)
    list_select_related = ("supplier",)
    found_by = "id"
    search_help_text = "A material's id"


@admin.register(MaterialSource)
class MaterialSourceAdmin(ReadOnlyAdmin):
    list_display = ("source_key", "source", "material", "job_id", "changed_at")
    list_select_related = ("source", "material")
    found_by = "material"
    search_help_text = "A material's id"


@admin.register(MaterialVersion)
class MaterialVersionAdmin(ReadOnlyAdmin):
    list_display = ("source_key", "op", "material_id", "job_id", "at")
    found_by = "material_id"
    search_help_text = "A material's id"


@admin.register(MaterialMerge)
class MaterialMergeAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "at", "undone_at")
    found_by = "kept_id"
    search_help_text = "The id of the material that stayed"
