"""The form of what a supplier's files leave unsaid."""

import re
from typing import Any

from django import forms

from jobtracker.catalogue.models import DecimalStyle, Kind, Supplier, WhenMissing
from jobtracker.hub.forms import CurrencyField
from jobtracker.sources import SUPPLIER_CHARS, supplier_name
from jobtracker.uploads import SourceRefused

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,6})?")
PLACES = ("First", "Second", "Third", "Last")
DEFAULTS = ("default_currency", "decimal_style", "language", "when_missing")


class SupplierForm(forms.Form):
    """A supplier's name and defaults; `supplier` is the one that is changed."""

    name = forms.CharField(
        max_length=SUPPLIER_CHARS, help_text="imports that name the supplier need the new one"
    )
    default_currency = CurrencyField("of prices that name none")
    decimal_style = forms.ChoiceField(
        required=False, choices=DecimalStyle.choices, help_text="where a file leaves it open"
    )
    language = forms.CharField(
        required=False,
        max_length=10,
        help_text="as el or pt-BR",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    when_missing = forms.ChoiceField(
        label="Products that a whole feed has no more", choices=WhenMissing.choices
    )

    def __init__(self, supplier: Supplier, data: Any = None) -> None:
        initial = {name: getattr(supplier, name) for name in ("name", *DEFAULTS)}
        initial |= {f"order_{n}": kind for n, kind in enumerate(supplier.source_order)}
        super().__init__(data, initial=initial)
        self._supplier = supplier
        for number, place in enumerate(PLACES):
            self.fields[f"order_{number}"] = forms.ChoiceField(choices=Kind.choices, label=place)

    @property
    def defaults(self) -> list[Any]:
        """The fields beside the name and the order."""
        return [self[name] for name in DEFAULTS]

    @property
    def order(self) -> list[Any]:
        """The fields that say which kind of source wins, best first."""
        return [self[f"order_{number}"] for number in range(len(PLACES))]

    def clean_name(self) -> str:
        try:
            name = supplier_name(self.cleaned_data["name"])
        except SourceRefused as error:
            raise forms.ValidationError(str(error)) from error
        if Supplier.objects.filter(name=name).exclude(pk=self._supplier.pk).exists():
            raise forms.ValidationError(f"There is a supplier {name} already.")
        return name

    def clean_language(self) -> str:
        code = str(self.cleaned_data["language"])
        if code and not LANGUAGE.fullmatch(code):
            raise forms.ValidationError(f"{code} is no language code, such as el or pt-BR.")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        order = [cleaned.get(f"order_{number}") for number in range(len(PLACES))]
        if None not in order and len(set(order)) < len(order):
            self.add_error("order_0", "Give each kind of source one place.")
        return cleaned

    def columns(self) -> dict[str, Any]:
        """Return what the valid form says, by column."""
        data = self.cleaned_data
        order = [data[f"order_{number}"] for number in range(len(PLACES))]
        return {name: data[name] for name in ("name", *DEFAULTS)} | {"source_order": order}
