"""What the page of a material shows: each value with its evidence, what its sources say beside
each other and which one decided, and what jobs and people did to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from jobtracker import pipelines
from jobtracker.catalogue.models import (
    Kind,
    Material,
    MaterialMerge,
    MaterialSource,
    MaterialVersion,
    Op,
)
from jobtracker.catalogue.normalise import TARGETS
from jobtracker.catalogue.pages.changes import Change, changes
from jobtracker.catalogue.pages.forms import LABELS
from jobtracker.catalogue.pages.listing import Line, picture_urls, read
from jobtracker.catalogue.people import SAYING, SUBJECT
from jobtracker.catalogue.provenance import ATTRIBUTE, expand, field_of, value_of
from jobtracker.catalogue.statements import REVIEW_BELOW
from jobtracker.images.queue import image_urls
from jobtracker.models import AuditEntry, BackgroundJob
from jobtracker.monitor.words import counted

HISTORY = 50
PICTURES = 24
CANDIDATES = 5
NOT_SHOWN = {"group"}
OTHER_LABELS = {"url": "URL"}  # of what no form corrects


@dataclass(frozen=True)
class Cell:
    """What one source says of one target. `wins`: it decided the material's value."""

    value: str
    raw: str
    method: str
    place: str
    confidence: float | None
    wins: bool
    box: str

    @property
    def unsure(self) -> bool:
        return self.confidence is not None and self.confidence < REVIEW_BELOW


@dataclass(frozen=True)
class Column:
    """A source of the material, best first; `url` leads to where its values stood."""

    source: MaterialSource
    job: BackgroundJob | None
    url: str

    @property
    def kind(self) -> str:
        return str(Kind(self.source.source.kind).label)

    @property
    def name(self) -> str:
        return self.source.source.name

    @property
    def corrects(self) -> bool:
        return self.source.source.kind == Kind.CORRECTION


@dataclass(frozen=True)
class Row:
    """A target: what each source says of it (None: nothing), and the cell that won."""

    target: str
    label: str
    cells: list[Cell | None]
    column: Column | None
    won: Cell | None

    @property
    def field(self) -> str:
        return field_of(self.target)


@dataclass(frozen=True)
class Event:
    """A line of the history."""

    at: datetime
    what: str
    who: str
    url: str
    changes: list[Change]


def columns(material: Material) -> list[Column]:
    """Return the material's sources in the order that decides: three statements, and what the
    pipelines ask for pages."""
    order = [*material.supplier.source_order]
    sources = list(material.sources.select_related("source"))
    sources.sort(key=lambda each: each.changed_at, reverse=True)
    sources.sort(key=lambda each: _place_of(each.source.kind, order))
    jobs = BackgroundJob.objects.in_bulk([each.job_id for each in sources if each.job_id])
    found = [(each, jobs.get(each.job_id) if each.job_id else None) for each in sources]
    return [Column(each, job, _page_of(each, job)) for each, job in found]


def _place_of(kind: str, order: list[str]) -> int:
    return order.index(kind) if kind in order else len(order)


def _page_of(said: MaterialSource, job: BackgroundJob | None) -> str:
    place = said.provenance.get("row", {})
    if link := web_address(place.get("url")):
        return link
    pipeline = pipelines.find(job.job_type) if job else None
    return pipeline.place_url(job.pk, place) if pipeline and job else ""


def web_address(url: Any) -> str:
    """Return `url` where a page may link to it, else nothing: a source can name any scheme."""
    named = url if isinstance(url, str) else ""
    return named if named.lower().startswith(("http://", "https://")) else ""


def rows(sources: list[Column]) -> list[Row]:
    """Return the targets that any source says something of, in the order of the form."""
    said = [_entries(column.source) for column in sources]
    winners: dict[str, int] = {}
    for number, entries in enumerate(said):
        for target in entries:
            winners.setdefault(field_of(target), number)
    found = {target for entries in said for target in entries}
    ordered = [target for target in (*LABELS, *TARGETS) if target in found]
    names = [*dict.fromkeys(ordered), *sorted(found - {*ordered})]
    return [_row(target, sources, said, winners[field_of(target)]) for target in names]


def _row(target: str, sources: list[Column], said: list[dict[str, Any]], winner: int) -> Row:
    cells = [
        _cell(target, column.source, entries[target], number == winner)
        if target in entries
        else None
        for number, (column, entries) in enumerate(zip(sources, said, strict=True))
    ]
    own = target.removeprefix(ATTRIBUTE)
    label = (LABELS | OTHER_LABELS).get(own) or own.replace("_", " ").capitalize()
    return Row(target, label, cells, sources[winner], cells[winner])


def _entries(said: MaterialSource) -> dict[str, Any]:
    found = expand(said.source_key, said.vals, said.provenance)
    return {target: entry for target, entry in found.items() if target not in NOT_SHOWN}


def _cell(target: str, said: MaterialSource, entry: Any, wins: bool) -> Cell:
    value = value_of(target, said.source_key, said.vals)
    words = "" if value is None else str(value)
    if isinstance(value, list):
        words = counted(len(value), "pictures") if value else ""
    if isinstance(entry, list):  # of pictures the first one's place is shown
        raw = " ".join(str(one.get("raw")) for one in entry)
        entry = {**(entry[0] if entry else {}), "raw": raw}
    raw = entry.get("raw")
    written = "" if raw is None else str(raw)
    return Cell(
        words,
        written if written != words else "",
        str(entry.get("method") or ""),
        _place(entry),
        entry.get("confidence"),
        wins,
        _box(entry.get("box")),
    )


def _place(entry: Mapping[str, Any]) -> str:
    """Return where a value stood, as words."""
    known = (("file", "{}"), ("page", "page {}"), ("line", "line {}"), ("url", "{}"))
    return ", ".join(said.format(entry[name]) for name, said in known if entry.get(name))


def _box(box: Any) -> str:
    """Return a box in points as words."""
    if not (isinstance(box, list) and len(box) == 4):
        return ""
    return "box {:.0f}, {:.0f} to {:.0f}, {:.0f}".format(*box)


@dataclass(frozen=True)
class Pictures:
    """A material's pictures: those that are here as (small, large) addresses of ours, and what
    names the others, as (name, address to link to or "")."""

    here: list[tuple[str, str]]
    named: list[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.here or self.named)


def pictures(material: Material) -> Pictures:
    """Return the pictures that pipelines hold, those that were fetched, and all other names."""
    names = [str(image) for image in material.images or []][:PICTURES]
    held = picture_urls(names)
    here = [(url, url) for url in held.values()]
    here += image_urls(material.pk)[:PICTURES] if names else []
    return Pictures(here, [(name, web_address(name)) for name in names if name not in held])


def candidates(material: Material) -> list[Line]:
    """Return other materials of the supplier with the same SKU or EAN."""
    same = Q(pk=None)
    if material.sku_folded:
        same |= Q(sku_folded=material.sku_folded)
    if material.ean_valid:
        same |= Q(ean_valid=material.ean_valid)
    others = Material.objects.filter(same, supplier=material.supplier_id, withdrawn=False)
    return read(others.exclude(pk=material.pk).order_by("pk")[:CANDIDATES])


def merges(material: Material) -> tuple[MaterialMerge | None, list[MaterialMerge]]:
    """Return the merge that took this material away, and those that brought others to it."""
    standing = MaterialMerge.objects.filter(undone_at__isnull=True)
    found = standing.filter(Q(kept_id=material.pk) | Q(merged_id=material.pk)).order_by("-pk")
    into = next((each for each in found if each.merged_id == material.pk), None)
    return into, [each for each in found if each.kept_id == material.pk]


def history(material: Material) -> list[Event]:
    """Return what jobs and people did, newest first: three statements."""
    versions = list(
        MaterialVersion.objects.filter(material_id=material.pk).order_by("-pk")[:HISTORY]
    )
    jobs = BackgroundJob.objects.in_bulk([each.job_id for each in versions if each.job_id])
    acts = list(
        AuditEntry.objects.filter(subject=SUBJECT, subject_id=str(material.pk)).order_by("-pk")[
            :HISTORY
        ]
    )
    events = [
        *_versions(material, versions, jobs, [act for act in acts if act.action in SAYING]),
        *(
            Event(act.at, act.action.capitalize(), act.actor_name, "", [])
            for act in acts
            if act.action not in SAYING
        ),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:HISTORY]


def _versions(
    material: Material,
    versions: list[MaterialVersion],
    jobs: Mapping[UUID, BackgroundJob],
    acts: list[AuditEntry],
) -> Iterator[Event]:
    """Yield the versions as lines. One without a job is what a person said, and stands beside its
    line in the audit log."""
    sayings = iter(acts)
    for version, changed in changes(material, versions):
        if version.job_id is None:
            act = next(sayings, None)
            what, who = (act.action.capitalize(), act.actor_name) if act else ("Correct", "")
            yield Event(version.at, what, who, "", changed)
        elif job := jobs.get(version.job_id):
            who = f"{job.get_job_type_display()}: {job.filename}"
            link = reverse("job", args=[job.pk])
            yield Event(version.at, _WHAT[Op(version.op)], who, link, changed)
        else:
            who = "a job that is no longer kept"
            yield Event(version.at, _WHAT[Op(version.op)], who, "", changed)


_WHAT = {
    Op.CREATED: "Created",
    Op.ATTACHED: "Found by another source",
    Op.UPDATED: "Updated",
    Op.UNDONE: "Taken back",
}
