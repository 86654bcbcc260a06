"""The forms of a template: its mapping, shown as on the mapping page where its feed is known; its
name; a file that says a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms

from imports.mapping import Mapping, MappingError
from imports.mapping_acts import acted
from imports.mapping_choice import mapping_in
from imports.mapping_lines import MappingPage
from imports.mapping_page import page_for, with_examples
from imports.models import DataImportJob, MappingTemplate
from imports.template_library import imports
from jobtracker.hub.forms import SupplierField
from jobtracker.models import BackgroundJob
from jobtracker.site import StorableJSONField

FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class TemplateForm:
    """The form of the mapping page over a template. `feed` is the import whose feed has the fields:
    the form's lines are numbered by them, so that it is posted with its name."""

    feed: UUID
    page: MappingPage


def form_of(
    template: MappingTemplate, filled: MappingOf[str, str] | None = None
) -> TemplateForm | None:
    """Return the form with the fields of the last feed that the template was obeyed for, or of the
    one that `filled`, the form as a person left it, was made of. None where that is not kept, or
    lacks a field that the template names."""
    found = imports(template)
    if filled is not None:
        feed = _uuid(filled.get("feed", ""))
        found = found.filter(pk=feed) if feed else found.none()
    last = found.first()
    if last is None:
        return None
    in_use = DataImportJob(field_mappings=template.mapping)
    page = page_for(in_use, BackgroundJob(pk=last.background_job_id), filled)
    if page is None or not _named(Mapping.from_json(template.mapping)) <= set(page.sources):
        return None
    if filled is not None:
        page = acted(page, filled.get("act", ""), filled)
    return TemplateForm(last.pk, with_examples(page, []))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


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
    mapping, data = mapping_in(text.encode(errors="replace"), "The mapping")
    _check_storable(data)
    return mapping


def _check_storable(data: Any) -> None:
    """Raise `MappingError` for what the database cannot hold."""
    try:
        StorableJSONField().validate(data)
    except forms.ValidationError as error:
        raise MappingError(error.messages[0]) from error


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
            self.mapping, data = mapping_in(file.read(), file.name)
            _check_storable(data)
        except MappingError as error:
            raise forms.ValidationError(str(error)) from error
        whole = data if isinstance(data, dict) else {"fields": data}
        self.sources = {each["source"] for each in whole["fields"]}
        record_path = whole.get("record_path")
        self.record_path = record_path if isinstance(record_path, str) else ""
        return file


class NewForm(NameForm, FileForm):
    """A new template: whose it is, its name, and the file that says it."""

    supplier = SupplierField()
    price_only = forms.BooleanField(required=False, label="For imports of prices and stock only")
    field_order = ("supplier", "name", "file", "price_only")
