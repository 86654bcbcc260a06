"""What the forms of several pages share."""

from typing import Any

from django import forms

from jobtracker.catalogue.models import Supplier
from jobtracker.catalogue.normalise import is_code
from jobtracker.sources import SUPPLIER_CHARS, supplier_name
from jobtracker.uploads import SourceRefused

SUGGESTED = 500


class FilesInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Uploaded files as a list: any number of them, at least one where the field is required."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files and self.required:
            files = [None]
        return [super(FilesField, self).clean(file, initial) for file in files]


class CurrencyField(forms.CharField):
    """A currency as its ISO 4217 code; may stay empty."""

    def __init__(self, help_text: str) -> None:
        super().__init__(
            required=False,
            max_length=3,
            label="Currency",
            widget=forms.TextInput(attrs={"placeholder": "EUR", "autocomplete": "off"}),
            help_text=help_text,
        )

    def to_python(self, value: Any) -> str:
        code = str(super().to_python(value)).upper()
        if code and not is_code(code):
            raise forms.ValidationError(f"{code} is no ISO 4217 currency code.")
        return code


class SupplierField(forms.CharField):
    """The name of a supplier, who may be new; `suggested` are known ones, for a datalist whose id
    is `suggestions`."""

    def __init__(self, suggestions: str = "jt-suppliers") -> None:
        attrs = {"list": suggestions, "autocomplete": "off"}
        super().__init__(max_length=SUPPLIER_CHARS, widget=forms.TextInput(attrs=attrs))

    def clean(self, value: Any) -> str:
        try:
            return supplier_name(super().clean(value))
        except SourceRefused as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def suggested(self) -> list[str]:
        return list(Supplier.objects.values_list("name", flat=True).order_by("name")[:SUGGESTED])
