"""The list of materials: one page of rows by keyset, and the facets beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet
from django.urls import reverse

from jobtracker import pipelines
from jobtracker.catalogue.filters import STATES, Filter
from jobtracker.catalogue.models import Kind, Material, Supplier
from jobtracker.images.queue import thumbnail_urls
from jobtracker.monitor.words import capped

PAGE = 50
CAP = 10_000
VALUES = 8  # of a facet
COUNTED = ("pk", "supplier_id", "category", "colour", "finish", "width_mm", "height_mm")
WIDE = ("description", "attributes", "images")  # what no row shows


@dataclass(frozen=True)
class State:
    """A material's state as `state.html` draws it."""

    word: str
    label: str
    icon: str


def state_of(material: Material) -> State:
    """Return the state to show: that it is out counts more than that somebody should look."""
    if material.withdrawn:
        return State("cancelled", "Taken out", "ban")
    if material.review is not None:
        return State("person", "To review", "hand")
    if not material.active:
        return State("pending", "Inactive", "circle")
    return State("completed", "Active", "check")


@dataclass(frozen=True)
class Line:
    """A material as a row of a list; `picture` is an address of ours, or ""."""

    material: Material
    picture: str = ""

    @property
    def state(self) -> State:
        return state_of(self.material)

    @property
    def url(self) -> str:
        return reverse("material", args=[self.material.pk])

    @property
    def title(self) -> str:
        return str(self.material)

    @property
    def said(self) -> str:
        """What tells it from others, in one line."""
        one = self.material
        return " · ".join(filter(None, (one.sku, one.brand, one.supplier.name)))

    @property
    def traits(self) -> str:
        one = self.material
        return " · ".join(filter(None, (one.size_text, one.finish, one.colour)))

    @property
    def category(self) -> str:
        return " > ".join(map(str, self.material.category or []))

    @property
    def price(self) -> str:
        one = self.material
        if one.price is None:
            return ""
        unit = f" / {one.unit}" if one.unit else ""
        return f"{one.price:f} {one.currency or ''}".strip() + unit


def read(materials: QuerySet[Material]) -> list[Line]:
    """Return materials as lines, with the pictures that are known here: those that a pipeline
    holds, else the thumbnails of those that were fetched. Two statements."""
    rows: list[Any] = list(
        materials.select_related("supplier").defer(*WIDE).annotate(image=F("images__0"))
    )
    held = picture_urls(str(row.image) for row in rows if row.image)
    fetched = thumbnail_urls([row.pk for row in rows if row.image and str(row.image) not in held])
    return [Line(row, held.get(str(row.image)) or fetched.get(row.pk, "")) for row in rows]


def picture_urls(images: Iterable[str]) -> dict[str, str]:
    """Return the addresses here of those pictures that some pipeline holds."""
    wanted = set(images)
    found: dict[str, str] = {}
    for pipeline in pipelines.registered():
        found |= pipeline.picture_urls(wanted)
    return found


@dataclass(frozen=True)
class Page:
    """Up to `PAGE` lines, newest first; `older` and `newer` are the ids to go on from."""

    lines: list[Line]
    exact: int = 0
    older: int | None = None
    newer: int | None = None

    @property
    def pictured(self) -> bool:
        return any(line.picture for line in self.lines)


def page(wanted: Filter, older: int | None = None, newer: int | None = None) -> Page:
    """Return the lines before the id `older`, after the id `newer`, or the newest, below those
    whose SKU or EAN is just what was searched for."""
    exact = wanted.exact
    rows = wanted.rows().exclude(pk__in=exact) if exact else wanted.rows()
    if newer:
        found = read(rows.filter(pk__gt=newer).order_by("pk")[: PAGE + 1])
        if len(found) <= PAGE:
            return page(wanted)
        found = found[:PAGE][::-1]
        return Page(found, older=found[-1].material.pk, newer=found[0].material.pk)
    if older:
        rows = rows.filter(pk__lt=older)
    found = read(rows.order_by("-pk")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    first = read(Material.objects.filter(pk__in=exact).order_by("-pk")) if exact else []
    return Page(
        found if older else first + found,
        exact=0 if older else len(first),
        older=found[-1].material.pk if more else None,
        newer=found[0].material.pk if older and found else None,
    )


@dataclass(frozen=True)
class Facet:
    """A way to narrow the list: `values` are (text, address, how many); `chosen` is what it is
    narrowed to, and `clear` the address without."""

    name: str
    label: str
    values: list[tuple[str, str, str]]
    chosen: str
    clear: str


LABELS = {
    "supplier": "Supplier",
    "category": "Category",
    "colour": "Colour",
    "finish": "Finish",
    "size": "Size in mm",
    "kind": "Source",
}


def facets(wanted: Filter) -> tuple[int, list[Facet]]:
    """Return how many materials match, counted to `CAP` + 1, and the facets; above the cap these
    are counted among the newest. One statement."""
    found = wanted.rows().order_by("-pk").values_list(*COUNTED)[: CAP + 1]
    sql, params = found.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_FACETS.format(found=sql, step=len(wanted.path), values=VALUES), params)
        counted = cursor.fetchall()
    total = sum(number for name, _, number in counted if name == "all")
    suppliers = Supplier.objects.in_bulk(
        [int(value) for name, value, _ in counted if name == "supplier"]
    )
    values: dict[str, list[tuple[str, str, str]]] = {name: [] for name in LABELS}
    for name, value, number in counted:
        if name == "all" or value is None:
            continue
        text = suppliers[int(value)].name if name == "supplier" else str(value)
        chosen = " > ".join([*wanted.path, text]) if name == "category" else text
        address = wanted.query(**{name: chosen})
        values[name].append((_said(name, text), address, capped(number, CAP)))
    return total, [
        Facet(
            name,
            label,
            [] if wanted.chosen.get(name) and name != "category" else values[name],
            _said(name, wanted.chosen.get(name, "")),
            wanted.query(**{name: ""}),
        )
        for name, label in LABELS.items()
    ]


def _said(name: str, text: str) -> str:
    """Return a facet's value as words."""
    if name == "kind" and text in Kind.values:
        return str(Kind(text).label)
    return text.replace("x", " × ") if name == "size" else text


def tabs(wanted: Filter, total: int) -> list[tuple[str, str, bool, str]]:
    """Return the states as (label, address, whether it is this one, how many). Under other filters
    only the open one is counted: each count would cost as much as the list."""
    known = {"": "All"} | {word: label for word, (label, _) in STATES.items()}
    narrowed = set(wanted.chosen) - {"state"}
    numbers = {word: _count(word) for word in known if word != wanted.state and not narrowed}
    numbers[wanted.state] = total
    return [
        (
            label,
            wanted.query(state=word),
            wanted.state == word,
            capped(numbers[word], CAP) if word in numbers else "",
        )
        for word, label in known.items()
    ]


def _count(state: str) -> int:
    return Filter(state=state).rows()[: CAP + 1].count()


_FACETS = """
WITH found AS MATERIALIZED (
    SELECT id, supplier_id, category->>{step} AS category, colour, finish,
        trim_scale(width_mm)::text || 'x' || trim_scale(height_mm)::text AS size
    FROM ({found}) wanted(id, supplier_id, category, colour, finish, width_mm, height_mm)
),
counted AS (
    SELECT CASE grouping(supplier_id, category, colour, finish, size)
            WHEN 15 THEN 'supplier' WHEN 23 THEN 'category' WHEN 27 THEN 'colour'
            WHEN 29 THEN 'finish' WHEN 30 THEN 'size' ELSE 'all' END AS name,
        coalesce(supplier_id::text, category, colour, finish, size) AS value, count(*) AS number
    FROM found
    GROUP BY GROUPING SETS ((supplier_id), (category), (colour), (finish), (size), ())
    UNION ALL
    SELECT 'kind', kind, count(*) FROM (
        SELECT DISTINCT found.id, cs.kind
        FROM found CROSS JOIN LATERAL (
            SELECT source_id FROM material_sources WHERE material_id = found.id OFFSET 0
        ) ms JOIN catalogue_sources cs ON cs.id = ms.source_id
    ) said GROUP BY kind
)
SELECT name, value, number FROM (
    SELECT *, row_number() OVER (PARTITION BY name ORDER BY number DESC, value) AS place
    FROM counted WHERE value IS NOT NULL OR name = 'all'
) ranked WHERE place <= {values} ORDER BY name, place
"""
