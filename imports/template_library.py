"""The library of mapping templates: each name of a supplier's with all its versions, which runs
obeyed it, and what people do to it.

A version is never written again: imports refer to the one that they used. What changes a mapping
adds a version; only a name and whether it is set aside belong to all versions at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.urls import reverse

from imports.mapping import Mapping
from imports.mapping_choice import lock_templates, shape_of_fields
from imports.models import DataImportJob, MappingTemplate
from imports.template_changes import Change, changes
from jobtracker import audit, schedules
from jobtracker.catalogue.models import Supplier
from jobtracker.models import JobCheckpoint, User
from jobtracker.monitor.words import counted
from jobtracker.states import JobType, StageState

SUBJECT = "mapping template"  # as the admin calls it
STATES = {
    "": ("In use", Q(retired_at__isnull=True)),
    "aside": ("Set aside", Q(retired_at__isnull=False)),
}


class Refused(ValueError):
    """What was asked for cannot be; the message is a sentence for a person."""


@dataclass(frozen=True)
class Use:
    """The imports that obeyed a template, `matched` of them without asking a person, and the feed
    of the last one: its type, "" where no run is kept, and how many fields it had, if known."""

    runs: int = 0
    matched: int = 0
    last_at: datetime | None = None
    kind: str = ""
    fields: int | None = None


@dataclass(frozen=True)
class Line:
    """A template as the list shows it, by its newest version."""

    template: MappingTemplate
    use: Use

    @property
    def url(self) -> str:
        return reverse("import-template", args=[self.template.pk])

    @property
    def shape(self) -> str:
        """ "XML, 14 fields, record /feed/item" """
        use, record = self.use, self.template.record_path
        if use.fields is None:
            fields = counted(len(self.template.mapping["fields"]), "mapped fields")
        else:
            fields = counted(use.fields, "fields")
        parts = [use.kind.upper(), fields, f"record {record}" if record else ""]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True)
class Version:
    """One version, how many runs obeyed it, and what it changed of the one before it; None for the
    first."""

    template: MappingTemplate
    runs: int
    changes: list[Change] | None


def newest(text: str = "", supplier: int | None = None) -> QuerySet[MappingTemplate]:
    """Return the newest version of each template whose name or supplier has the text, or of one
    supplier's."""
    rows = MappingTemplate.objects.order_by("supplier_id", "name", "-version")
    if supplier is not None:
        rows = rows.filter(supplier=supplier)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(supplier__name__icontains=text))
    each = rows.distinct("supplier_id", "name")
    found = MappingTemplate.objects.filter(pk__in=each.values("pk")).select_related("supplier")
    return found.order_by("supplier__name", "name")


def lines(templates: Sequence[MappingTemplate]) -> list[Line]:
    """Return the newest versions of some templates as lines, by one statement."""
    keys = {(each.supplier_id, each.name): each for each in templates}
    with connection.cursor() as cursor:
        cursor.execute(_USE, [[owner for owner, _ in keys], [name for _, name in keys]])
        found = {(owner, name): Use(*use) for owner, name, *use in cursor.fetchall()}
    return [Line(template, found[key]) for key, template in keys.items()]


# An answer to a mapping's question makes the mapping a person's: then no template was matched.
_USE = """
SELECT t.supplier_id, t.name, used.runs, used.matched, used.last_at,
    coalesce(last.import_type, ''), last.fields
FROM unnest(%s::bigint[], %s::text[]) AS t(supplier_id, name)
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, max(d.created_at) AS last_at,
        count(*) FILTER (WHERE NOT b.answer ?| ARRAY['mapping', 'currency']) AS matched,
        (array_agg(d.id ORDER BY d.id DESC))[1] AS last_id
    FROM mapping_templates v
    JOIN data_import_jobs d ON d.template_id = v.id
    JOIN background_jobs b ON b.id = d.background_job_id
    JOIN job_checkpoints c ON c.job_id = b.id AND c.stage = 'fields_mapped' AND c.state = 'done'
    WHERE v.supplier_id = t.supplier_id AND v.name = t.name
) used
LEFT JOIN LATERAL (
    SELECT d.import_type, jsonb_array_length(c.data->'survey'->'fields') AS fields
    FROM data_import_jobs d
    LEFT JOIN job_checkpoints c ON c.job_id = d.background_job_id AND c.stage = 'feed_parsed'
    WHERE d.id = used.last_id
) last ON true
"""


def newest_of(template: MappingTemplate) -> MappingTemplate:
    """Return the newest version of a template."""
    return _all(template).select_related("supplier").order_by("-version")[0]


def versions(template: MappingTemplate, limit: int) -> list[Version]:
    """Return the newest versions of a template, the newest first."""
    rows = list(_all(template).order_by("-version")[: limit + 1])
    runs = _runs(rows)
    older: list[MappingTemplate | None] = [*rows[1:], None]
    return [
        Version(row, runs.get(row.pk, 0), changes(before.mapping, row.mapping) if before else None)
        for row, before in zip(rows, older, strict=True)
    ][:limit]


def _runs(rows: Sequence[MappingTemplate]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.template_id, count(*) FROM data_import_jobs d JOIN job_checkpoints c"
            " ON c.job_id = d.background_job_id AND c.stage = 'fields_mapped' AND c.state = 'done'"
            " WHERE d.template_id = ANY(%s) GROUP BY d.template_id",
            [[row.pk for row in rows]],
        )
        return dict(cursor.fetchall())


def imports(template: MappingTemplate) -> QuerySet[DataImportJob]:
    """Return the imports that obeyed any version of a template, the newest first."""
    obeyed = Q(
        background_job__checkpoints__stage="fields_mapped",
        background_job__checkpoints__state=StageState.DONE,
    )
    mine = DataImportJob.objects.filter(obeyed, template__in=_all(template).values("pk"))
    return mine.order_by("-pk")


def fields_of(template: MappingTemplate) -> list[str]:
    """Return all fields of the feeds that a version is for; none where no kept run tells them."""
    last = imports(template).values("background_job")[:1]
    parsed = JobCheckpoint.objects.filter(job__in=last, stage="feed_parsed").first()
    survey = parsed.data.get("survey", {}) if parsed else {}
    names = [each["source"] for each in survey.get("fields", [])]
    shapes = {shape_of_fields(names, price_only=only) for only in (False, True)}
    return names if template.shape in shapes else []


def as_json(template: MappingTemplate) -> dict[str, Any]:
    """Return a version in the shape that `--mapping FILE.json` takes, with the fields of its feeds
    that are left out, as far as they are known: a template is made from all of them."""
    mapped = {field["source"] for field in template.mapping["fields"]}
    left_out = [
        {"source": source, "target": None, "transform": None}
        for source in fields_of(template)
        if source not in mapped
    ]
    fields = [*template.mapping["fields"], *left_out]
    return {"record_path": template.record_path, **template.mapping, "fields": fields}


def add(
    supplier: Supplier, name: str, mapping: Mapping, *, shape: str, record_path: str, user: User
) -> MappingTemplate:
    """Make a new template. Raises `Refused` where the supplier has one of that name."""
    with transaction.atomic():
        lock_templates(supplier.pk)
        _check_free(supplier.pk, name)
        made = MappingTemplate.objects.create(
            supplier=supplier,
            name=name,
            shape=shape,
            record_path=record_path,
            mapping=mapping.to_json(),
        )
        audit.record(user, "add", SUBJECT, [made.pk], name=name)
    return made


def add_version(
    base: MappingTemplate, mapping: Mapping, user: User, *, after: int | None = None
) -> MappingTemplate | None:
    """Add a version with this mapping for feeds of the shape that `base`, one of the versions, is
    for; set aside if the newest one is. None where the newest says the same already. Raises
    `MappingError` for a field that such feeds have not, and `Refused` where `after` is not the
    newest version's number any more."""
    if known := fields_of(base):
        mapping = Mapping.from_json(mapping.to_json(), known)
    with transaction.atomic():
        base = _held(base)
        last = newest_of(base)
        if after is not None and last.version != after:
            raise Refused(
                f"Someone has saved version {last.version} meanwhile; nothing was saved. Look at it"
                " first, then change it."
            )
        said = mapping.to_json()
        if (last.mapping, last.shape) == (said, base.shape):
            return None
        made = MappingTemplate.objects.create(
            supplier_id=last.supplier_id,
            name=last.name,
            version=last.version + 1,
            shape=base.shape,
            record_path=base.record_path,
            mapping=said,
            retired_at=last.retired_at,
        )
        audit.record(user, "change", SUBJECT, [made.pk], name=made.name, version=made.version)
    return made


def rename(template: MappingTemplate, name: str, user: User) -> None:
    """Give all versions another name, also in the schedules that name the template. Raises
    `Refused` where the supplier has a template of that name."""
    with transaction.atomic():
        template = _held(template)
        _check_free(template.supplier_id, name)
        _all(template).update(name=name)
        names = (template.name, name)
        schedules.follow_rename(JobType.IMPORT, template.supplier_id, "template", names, user)
        audit.record(user, "rename", SUBJECT, [template.pk], name=list(names))


def set_aside(template: MappingTemplate, user: User) -> bool:
    """Let no later run obey any version; returns whether one was in use."""
    return _retire(template, user, "set aside", Now())


def take_back(template: MappingTemplate, user: User) -> bool:
    """Let runs obey the template again; returns whether it was set aside."""
    return _retire(template, user, "take back", None)


def _retire(template: MappingTemplate, user: User, act: str, retired_at: Now | None) -> bool:
    with transaction.atomic():
        template = _held(template)
        rows = _all(template).filter(retired_at__isnull=retired_at is not None)
        changed = rows.update(retired_at=retired_at)
        if changed:
            audit.record(user, act, SUBJECT, [template.pk], name=template.name)
    return bool(changed)


def _all(template: MappingTemplate) -> QuerySet[MappingTemplate]:
    """Return all versions of a template, whatever its name is by now."""
    name = Subquery(MappingTemplate.objects.filter(pk=template.pk).values("name"))
    return MappingTemplate.objects.filter(supplier=template.supplier_id, name=name).order_by()


def _held(template: MappingTemplate) -> MappingTemplate:
    """Return a template as it is, and stays while the caller's transaction changes it: it may have
    another name by now."""
    lock_templates(template.supplier_id)
    return MappingTemplate.objects.get(pk=template.pk)


def _check_free(supplier_id: int, name: str) -> None:
    if MappingTemplate.objects.filter(supplier=supplier_id, name=name).exists():
        raise Refused(f"There is a template {name!r} of this supplier already.")
