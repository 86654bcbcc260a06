"""Which template has nearly the shape of a feed that waits for its mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse

from imports.models import DataImportJob, MappingTemplate
from imports.template_library import newest
from jobtracker.models import BackgroundJob
from jobtracker.states import Waiting

LOOKED_AT = 10  # imports that wait, the newest first
COMPARED = 50  # templates of a supplier, the newest first
NEAR = 0.5  # of the fields of both, that they share


@dataclass(frozen=True)
class Near:
    """An import that waits for a mapping, and the template of its supplier that fits best: the
    feed's fields that are new to it, and those of its fields that the feed has no more."""

    source_name: str
    url: str
    template: MappingTemplate
    added: list[str]
    vanished: list[str]

    @property
    def template_url(self) -> str:
        return reverse("import-template", args=[self.template.pk])


def near_matches() -> list[Near]:
    """Return the imports that wait for a mapping and have a template nearly of their shape."""
    asked = (Waiting.MAPPING, Waiting.CURRENCY)
    jobs = BackgroundJob.objects.filter(waiting_for__in=asked, supplier__isnull=False)
    # Their ids first: few jobs wait, and many imports are kept.
    waiting = list(jobs.order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT])
    details = DataImportJob.objects.filter(background_job__in=waiting).order_by("-pk")
    found = []
    for detail in details.select_related("background_job"):
        supplier = detail.background_job.supplier_id
        in_use = newest(supplier=supplier).filter(retired_at__isnull=True)
        templates = list(in_use.order_by("-pk")[:COMPARED])
        if best := _nearest(_fields_of_import(detail), templates):
            template, added, vanished = best
            url = reverse("import-mapping", args=[detail.pk])
            found.append(Near(detail.source_name, url, template, added, vanished))
    return found


def _nearest(
    fields: set[str], templates: Sequence[MappingTemplate]
) -> tuple[MappingTemplate, list[str], list[str]] | None:
    """Return the template that shares most of its fields, with what is added and what vanished;
    None where none is near, or the nearest has them all: then its shape is not what is asked."""
    known = _fields_of_templates(templates)
    scored = [
        (len(fields & known[each.pk]) / len(fields | known[each.pk]), each)
        for each in templates
        if known[each.pk]
    ]
    share, best = max(scored, key=lambda pair: pair[0], default=(0, None))
    if best is None or not NEAR <= share < 1:
        return None
    return best, sorted(fields - known[best.pk]), sorted(known[best.pk] - fields)


def _fields_of_import(detail: DataImportJob) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT field->>'source' FROM job_checkpoints,"
            " jsonb_array_elements(data->'survey'->'fields') AS field"
            " WHERE job_id = %s AND stage = 'feed_parsed'",
            [detail.background_job_id],
        )
        return {source for (source,) in cursor.fetchall()}


def _fields_of_templates(templates: Sequence[MappingTemplate]) -> dict[int, set[str]]:
    """Return by template the fields of its last feed; where no run is kept, those it maps."""
    with connection.cursor() as cursor:
        cursor.execute(_FIELDS, [[each.pk for each in templates]])
        return {pk: set(fields or mapped) for pk, fields, mapped in cursor.fetchall()}


_FIELDS = """
SELECT t.id, last.fields,
    ARRAY(SELECT field->>'source' FROM jsonb_array_elements(t.mapping->'fields') AS field)
FROM mapping_templates t LEFT JOIN LATERAL (
    SELECT ARRAY(
        SELECT field->>'source' FROM jsonb_array_elements(c.data->'survey'->'fields') AS field
    ) AS fields
    FROM mapping_templates v
    JOIN data_import_jobs d ON d.template_id = v.id
    JOIN job_checkpoints c ON c.job_id = d.background_job_id AND c.stage = 'feed_parsed'
    WHERE v.supplier_id = t.supplier_id AND v.name = t.name
    ORDER BY d.id DESC LIMIT 1
) last ON true
WHERE t.id = ANY(%s)
"""
