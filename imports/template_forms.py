"""The forms of a template: its mapping, shown as on the mapping page where its feed is known; its
name; a file that says a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingOf
from typing import Any

from django import forms

from imports.mapping import Mapping, MappingError
from imports.mapping_acts import acted
from imports.mapping_choice import mapping_in
from imports.mapping_lines import MappingPage
from imports.mapping_page import page_for, with_examples
from imports.models import DataImportJob, MappingTemplate
from imports.template_library import last_read
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob
from jobtracker.site import StorableJSONField
from jobtracker.sources import SUPPLIER_CHARS, supplier_name
from jobtracker.uploads import SourceRefused

FILE_BYTES = 1_000_000


def form_of(
    template: MappingTemplate, filled: MappingOf[str, str] | None = None
) -> MappingPage | None:
    """Return the form of the mapping page over what a template says, with the fields of the last
    feed that it was obeyed for; None where no such feed is known, or it lacks a field that the
    template names. `filled` is the form as a person left it."""
    last = last_read(template)
    if last is None:
        return None
    in_use = DataImportJob(field_mappings=template.mapping)
    page = page_for(in_use, BackgroundJob(pk=last.background_job_id), filled)
    if page is None or not _named(Mapping.from_json(template.mapping)) <= set(page.sources):
        return None
    if filled:
        page = acted(page, filled.get("act", ""), filled)
    return with_examples(page, [])


def _named(mapping: Mapping) -> set[str]:
    """Return all fields that a mapping names."""
    steps = (step for item in mapping.fields for step in item.steps)
    return {item.source for item in mapping.fields} | {
        each for step in steps for each in step.sources
    }


def text_of(template: MappingTemplate) -> str:
    """Return what a template says as text to edit, where its feed's fields are not known."""
    return json.dumps(template.mapping, ensure_ascii=False, indent=2)


def mapping_in_text(text: str) -> Mapping:
    """Read the text as a person left it. Raises `MappingError`."""
    return storable(mapping_in(text.encode(), "The mapping")[0])


def storable(mapping: Mapping) -> Mapping:
    """Return the mapping if the database can hold it. Raises `MappingError`."""
    try:
        StorableJSONField().validate(mapping.to_json())
    except forms.ValidationError as error:
        raise MappingError(error.messages[0]) from error
    return mapping


class NameForm(forms.Form):
    """A template's name."""

    name = forms.CharField(max_length=120, label="Name")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("A name is one line of readable characters.")
        return name


class FileForm(forms.Form):
    """A mapping from a file of the shape that `suggest_mapping` prints. Once valid, `mapping` is
    what it says, `sources` are all fields that it names, `record_path` is its record."""

    file = forms.FileField(
        label="File", widget=forms.FileInput(attrs={"accept": ".json,application/json"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES:
            raise forms.ValidationError(f"A mapping has at most {FILE_BYTES:,} bytes.")
        try:
            mapping, data = mapping_in(file.read(), file.name)
            self.mapping = storable(mapping)
        except MappingError as error:
            raise forms.ValidationError(str(error)) from error
        whole = data if isinstance(data, dict) else {"fields": data}
        self.sources = {each["source"] for each in whole["fields"]}
        record_path = whole.get("record_path")
        self.record_path = record_path if isinstance(record_path, str) else ""
        return file


class NewForm(NameForm, FileForm):
    """A new template: whose it is, its name, and the file that says it."""

    supplier = forms.CharField(
        max_length=SUPPLIER_CHARS,
        widget=forms.TextInput(attrs={"list": "jt-suppliers", "autocomplete": "off"}),
    )
    price_only = forms.BooleanField(required=False, label="For imports of prices and stock only")
    field_order = ("supplier", "name", "file", "price_only")

    @property
    def suppliers(self) -> list[str]:
        """Known names, for the suggestions below the field."""
        return list(Supplier.objects.values_list("name", flat=True).order_by("name")[:500])

    def clean_supplier(self) -> str:
        try:
            return supplier_name(self.cleaned_data["supplier"])
        except SourceRefused as error:
            raise forms.ValidationError(str(error)) from error
