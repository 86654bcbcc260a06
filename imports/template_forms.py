"""The forms of a template: its mapping field by field, its name, and a file that says it."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from django import forms

from imports.mapping import Mapping, MappingError
from imports.mapping_choice import mapping_in
from imports.mapping_lines import LABELS, SPECIAL
from imports.models import MappingTemplate
from jobtracker.catalogue.models import Supplier
from jobtracker.site import StorableJSONField
from jobtracker.sources import SUPPLIER_CHARS, supplier_name
from jobtracker.uploads import SourceRefused

SAMPLES = 2
SAMPLE_CHARS = 40
LEFT_OUT = 150  # fields of the feed that are shown though nothing is made of them
EMPTY = 2  # lines for fields that are not shown
FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Line:
    """A field of the feed: what it feeds ("" for nothing), and how, as one types it."""

    index: int
    source: str
    target: str = ""
    how: str = ""
    samples: str = ""


class MappingForm:
    """A template's mapping as lines to edit. `posted` is the form as a person sent it."""

    def __init__(
        self,
        template: MappingTemplate,
        feed_fields: Sequence[MappingOf[str, Any]],
        posted: MappingOf[str, str] | None = None,
    ) -> None:
        samples = {each["source"]: _samples(each) for each in feed_fields}
        if posted is None:
            rows = _rows(template, list(samples))
            defaults = template.mapping.get("defaults", {})
            self.defaults = "\n".join(f"{name}: {value}" for name, value in defaults.items())
        else:
            rows = _posted_rows(posted)
            self.defaults = posted.get("defaults", "")
        self.lines = [
            Line(index, source, target, how, samples.get(source, ""))
            for index, (source, target, how) in enumerate(rows)
        ]
        self.hidden = max(0, len(samples) - len({source for source, *_ in rows} & samples.keys()))

    @property
    def targets(self) -> list[tuple[str, str]]:
        """What a field can feed, with its label."""
        return list((LABELS | SPECIAL).items())

    def mapping(self) -> Mapping:
        """Return the mapping that the lines say. Raises `MappingError`."""
        fields = [
            {"source": line.source, "target": line.target, "transform": _transform(line)}
            for line in self.lines
            if line.source and line.target
        ]
        for line in self.lines:
            if line.target and not line.source:
                raise MappingError(f"Say which field feeds {line.target}.")
        return storable(Mapping.from_json({"fields": fields, "defaults": _defaults(self.defaults)}))


def _rows(template: MappingTemplate, known: Sequence[str]) -> list[tuple[str, str, str]]:
    mapped = [
        (each["source"], each["target"], _how(each.get("transform")))
        for each in template.mapping["fields"]
    ]
    taken = {source for source, *_ in mapped}
    left_out = [(source, "", "") for source in known if source not in taken]
    return [*mapped, *left_out[:LEFT_OUT], *[("", "", "")] * EMPTY]


def _posted_rows(posted: MappingOf[str, str]) -> list[tuple[str, str, str]]:
    rows = []
    for index in takewhile(lambda number: f"source-{number}" in posted, count()):
        target, how = (posted.get(f"{name}-{index}", "").strip() for name in ("target", "how"))
        rows.append((posted[f"source-{index}"], target, how))
    return rows


def _samples(field: MappingOf[str, Any]) -> str:
    return " · ".join(text[:SAMPLE_CHARS] for text in field.get("samples", [])[:SAMPLES])


def _how(transform: Any) -> str:
    if transform is None or isinstance(transform, str):
        return transform or ""
    return json.dumps(transform, ensure_ascii=False)


def _transform(line: Line) -> Any:
    if not line.how.startswith(("[", "{")):
        return line.how or None
    try:
        return json.loads(line.how)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MappingError(f'How "{line.source}" is read is not JSON: {error}.') from error


def _defaults(text: str) -> dict[str, str]:
    """Read lines as "currency: EUR". Raises `MappingError`."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon:
            raise MappingError(f'Write a default as "currency: EUR", not as "{line[:60]}".')
        if name in found:
            raise MappingError(f"There are two defaults for {name}.")
        found[name] = value.strip()
    return found


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
