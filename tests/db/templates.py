"""Mapping templates for tests: made as a person makes them, their addresses and their forms."""

import json

from django.urls import reverse

from imports.models import DataImportJob, MappingTemplate
from jobtracker import lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.models import BackgroundJob, JobCheckpoint
from jobtracker.states import Waiting
from tests.db.import_runs import (
    imported,
    without_currency,
    work_off,
    xml_feed,
)
from tests.db.jobs import make_job

FIELDS = [
    {"source": "sku", "target": "sku", "transform": None},
    {"source": "name", "target": "name", "transform": None},
    {"source": "price", "target": "price", "transform": None},
]
MAPPING = {"fields": FIELDS, "defaults": {"currency": "EUR"}}


def make(supplier: Supplier, name: str = "tiles.xml", **values) -> MappingTemplate:
    values = {"shape": "s", "mapping": MAPPING, "record_path": "/catalog/product"} | values
    return MappingTemplate.objects.create(supplier=supplier, name=name, **values)


def address(template: MappingTemplate, page: str = "") -> str:
    name = f"import-template-{page}" if page else "import-template"
    return reverse(name, args=[template.pk])


def text_of(response) -> str:
    return response.content.decode()


def said(client, answer) -> str:
    """What the page says to which an act leads."""
    page = client.get(answer["Location"])
    return " ".join(str(message) for message in page.context["messages"])


def run_of(
    template: MappingTemplate, fields: list[str], answer: dict | None = None
) -> DataImportJob:
    """An import that obeyed a template, of a feed with these fields."""
    job = make_job(supplier_id=template.supplier_id)
    BackgroundJob.objects.filter(pk=job.pk).update(answer=answer or {})
    survey = {"count": 1, "unusable": [], "fields": [surveyed(name) for name in fields]}
    parsed = {"survey": survey}
    for stage, data in (("feed_parsed", parsed), ("fields_mapped", {"by": "template"})):
        JobCheckpoint.objects.create(job=job, stage=stage, state="done", attempt=1, data=data)
    DataImportJob.objects.filter(background_job=job).update(template=template)
    return DataImportJob.objects.get(background_job=job)


def surveyed(name: str) -> dict:
    return {
        "source": name, "coverage": 1.0, "distinct": 1, "counted": 1,
        "samples": [f"some {name}"], "repeated": False, "max_length": 9,
    }  # fmt: skip


def confirmed(tmp_path, name: str = "tiles.xml") -> MappingTemplate:
    """A template as a person makes one: by confirming what a feed's mapping is."""
    job = imported(xml_feed(tmp_path / name, without_currency()), "--supplier", "N")
    assert job.waiting_for == Waiting.CURRENCY
    reply = {**job.question["mapping"], "defaults": {"currency": "EUR"}, "remember": True}
    assert lifecycle.answer(job.pk, Waiting.CURRENCY, reply, None)
    work_off()
    return MappingTemplate.objects.get()


def edited(template: MappingTemplate, *fields: dict, **changed: str) -> dict[str, str]:
    """The form of a template whose feed is not known, with these fields instead of its own."""
    mapping = {**template.mapping, "fields": fields or template.mapping["fields"]}
    return {"after": str(template.version), "save": "1", "text": json.dumps(mapping)} | changed


def form_of(client, template: MappingTemplate, **changed: str) -> dict[str, str]:
    """The form of a template whose feed is known, as its page gives it, with changes."""
    form = client.get(address(template, "edit")).context["form"]
    kept = {"after": str(template.version), "save": "1", "feed": str(form.feed)}
    return kept | form.page.form | changed
