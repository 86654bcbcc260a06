"""The form of a correction: the material's values as text, and what was changed of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from jobtracker.catalogue.models import Material
from jobtracker.catalogue.normalise import normalise_record, settle
from jobtracker.catalogue.provenance import ATTRIBUTE, field_of, target_of

LABELS = {
    "name": "Name",
    "brand": "Brand",
    "category": "Category",
    "sku": "SKU",
    "ean": "EAN",
    "size": "Size as written",
    "width": "Width in mm",
    "height": "Height in mm",
    "thickness": "Thickness in mm",
    "finish": "Finish",
    "colour": "Colour",
    "price": "Price",
    "currency": "Currency",
    "unit": "Unit of the price",
    "stock": "Stock",
    "description": "Description",
    "images": "Pictures",
}
HINTS = {
    "category": "as Floors > Tiles",
    "currency": "as EUR",
    "images": "an address a line",
}
_NUMBERS = {"width", "height", "thickness", "price", "stock"}
_LONG = {"description", "images"}
_PLAIN = re.compile(r"\d+(\.\d+)?")
_LONGEST = 20_000
_ATTRIBUTES = 60


class CorrectionForm(forms.Form):
    """A field for each value and each attribute of a material, empty where there is none.

    What was shown goes along with the form, so that only what the person changed becomes a
    correction, whatever a run changes meanwhile. Fields that belong together, as a price and its
    currency, are corrected together.
    """

    def __init__(self, material: Material, data: Mapping[str, str] | None = None) -> None:
        super().__init__(data, initial=_texts(material), auto_id="id_c_%s")
        self._material = material
        for name, text in self.initial.items():
            long = name in _LONG or len(text) > 120
            self.fields[name] = forms.CharField(
                required=False,
                max_length=_LONGEST,
                label=LABELS.get(name) or name.removeprefix(ATTRIBUTE),
                help_text=HINTS.get(name, ""),
                show_hidden_initial=True,
                widget=forms.Textarea(attrs={"rows": 4}) if long else forms.TextInput(),
            )

    def clean(self) -> dict[str, Any]:
        """Read what changed; see `values` and `provenance`."""
        cleaned = super().clean() or self.cleaned_data
        self.values: dict[str, Any] = {}
        self.provenance: dict[str, dict[str, str]] = {}
        for field in dict.fromkeys(map(field_of, self.changed_data)):
            texts = {name: cleaned[name] for name in cleaned if field_of(name) == field}
            if self._wrong(texts):
                continue
            if any(texts.values()):
                self._read(field, texts)
            else:
                self._set(field, None)
                self.provenance[target_of(field)] = {"raw": ""}
        return cleaned

    def _wrong(self, texts: Mapping[str, str]) -> bool:
        """Say what cannot be read of a group of fields."""
        for name in texts.keys() & _NUMBERS:
            if texts[name] and not _PLAIN.fullmatch(texts[name]):
                self.add_error(name, "Write a number with a point, as 1234.5.")
        if texts.get("currency") and not settle(texts["currency"], None):
            self.add_error("currency", f"{texts['currency']} is no currency; write a code as EUR.")
        if "price" in texts and any(texts.values()) and not texts["price"]:
            self.add_error("price", "A currency or a unit needs a price.")
        return bool(set(texts) & set(self.errors))

    def _read(self, field: str, texts: Mapping[str, str]) -> None:
        given: dict[str, Any] = {name: text for name, text in texts.items() if text}
        if "images" in given:
            given["images"] = given["images"].split()
        found = normalise_record(
            {"key": str(self._material.pk), **given}, {"price": ".", "stock": "."}
        )
        for error in found.errors:
            self.add_error(error["field"], f"{error['reason']}. {error['hint']}".strip())
        held = found.vals.get("attributes", {}) if field.startswith(ATTRIBUTE) else found.vals
        self._set(field, held.get(field.removeprefix(ATTRIBUTE)))
        self.provenance |= {target_of(name): {"raw": texts[name]} for name in given}

    def _set(self, field: str, value: Any) -> None:
        if field.startswith(ATTRIBUTE):
            self.values.setdefault("attributes", {})[field.removeprefix(ATTRIBUTE)] = value
        else:
            self.values[field] = value


def _texts(material: Material) -> dict[str, str]:
    """Return the material's values as one types them, by target."""
    one = material
    values: dict[str, Any] = {name: getattr(one, name, None) for name in LABELS}
    values |= {
        "size": one.size_text,
        "width": one.width_mm,
        "height": one.height_mm,
        "thickness": one.thickness_mm,
        "category": " > ".join(map(str, one.category or [])),
        "images": "\n".join(map(str, one.images or [])),
    }
    texts = {
        name: "" if value is None else f"{value:f}" if name in _NUMBERS else str(value)
        for name, value in values.items()
    }
    plain = {
        ATTRIBUTE + name: str(value)
        for name, value in sorted((one.attributes or {}).items())
        if not isinstance(value, dict | list)
    }
    return texts | dict([*plain.items()][:_ATTRIBUTES])
