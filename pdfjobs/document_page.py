"""What the pages about a document show: the grid of its pages, and one page with its records."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from jobtracker import pipelines
from jobtracker.catalogue.models import CatalogueSource, Kind, Material, MaterialSource
from jobtracker.catalogue.provenance import expand
from jobtracker.models import BackgroundJob
from jobtracker.states import JobType
from pdfjobs.models import PdfDocument, PdfImage, PdfPage, PdfRow
from pdfjobs.reading.model import Box

GRID = 60  # pages of one screen
State = PdfPage.State
STATES = {
    State.PENDING: ("pending", "circle"),
    State.DONE: ("completed", "check"),
    State.FAILED: ("failed", "x"),
    State.SKIPPED: ("cancelled", "ban"),
}
"""The state and the glyph of the look for each state of a page."""

OUTCOMES = {"c": "Created", "u": "Updated", "=": "Unchanged", "f": "Failed", "s": "Skipped"}
OUTCOME_STATES = {"f": "failed", "s": "cancelled"}
PICTURE = re.compile(r"pdf/([0-9a-f-]{36})/([\w-]+\.(?:webp|jpg|png))")
LAYERS = {"value": "Values", "picture": "Pictures", "table": "Tables"}


@dataclass(frozen=True)
class Leaf:
    """A page as the grid and its own page name it."""

    page: PdfPage

    @property
    def state(self) -> dict[str, str]:
        """What `state.html` takes."""
        word, icon = STATES[State(self.page.state)]
        return {"word": word, "icon": icon, "label": State(self.page.state).label}

    @property
    def url(self) -> str:
        return reverse("pdf-page", args=[self.page.document_id, self.page.number])

    @property
    def reached(self) -> str:
        """The last stage that is over for the page."""
        stages = pipelines.get(JobType.PDF).stages
        return next((stage.label for stage in stages if stage.name == self.page.stage), "")

    @property
    def thumbnail_url(self) -> str:
        return self._file(self.page.thumbnail)

    @property
    def picture_url(self) -> str:
        return self._file(self.page.picture)

    @property
    def shape(self) -> tuple[float, float]:
        """Width and height in points; A4 until the page was read."""
        return self.page.width or 595, self.page.height or 842

    def _file(self, name: str) -> str:
        """Return the address of a file; it changes with the page, so that it may be kept."""
        if not name:
            return ""
        url = reverse("pdf-file", args=[self.page.document_id, name.rpartition("/")[2]])
        return f"{url}?v={self.page.updated_at:%y%m%d%H%M%S%f}"


@dataclass(frozen=True)
class Mark:
    """A box on the page's picture; `name` ties it to the words about it."""

    layer: str
    name: str
    title: str
    box: Box

    @property
    def x(self) -> float:
        return self.box[0]

    @property
    def y(self) -> float:
        return self.box[1]

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class Value:
    """A field of a record: what was made of it, the raw text, and the mark where it stands."""

    label: str
    value: str
    raw: str
    mark: Mark | None

    @property
    def picture_url(self) -> str:
        """Return the address of the picture that the value names, where it names one."""
        named = PICTURE.fullmatch(self.value)
        return reverse("pdf-file", args=named.groups()) if named else ""


@dataclass
class Entry:
    """A record of a page with its outcome."""

    row: PdfRow
    title: str
    values: list[Value] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return OUTCOMES[self.row.outcome]

    @property
    def state(self) -> str:
        return OUTCOME_STATES.get(self.row.outcome, "completed")

    @property
    def remarks(self) -> list[dict[str, str]]:
        """What is to be said of it: each with reason, and column, raw and hint where known."""
        detail = self.row.detail or {}
        first = [detail] if detail.get("reason") else []
        return [*first, *detail.get("more", []), *detail.get("warnings", [])]


def grid(document: PdfDocument, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one screen of a document's pages: those in the state `pages`, from number `from`."""
    counts = dict(document.pages.order_by().values_list("state").annotate(Count("pk")))
    chosen = query.get("pages", "")
    if chosen not in State.values:
        chosen = "all"
    pages = _light(document.pages.order_by("number"))
    if chosen != "all":
        pages = pages.filter(state=chosen)
    start = query.get("from", "")
    first = min(int(start), 2**31 - 1) if start.isascii() and start.isdigit() else 0
    shown = list(pages.filter(number__gte=first)[: GRID + 1])
    earlier = list(
        pages.filter(number__lt=first).order_by("-number").values_list("number", flat=True)[:GRID]
    )
    return {
        "leaves": [Leaf(page) for page in shown[:GRID]],
        "chosen": chosen,
        "first": first,
        "page_filters": [
            (state.value, state.label, *STATES[state], counts[state])
            for state in (State.FAILED, State.PENDING, State.DONE, State.SKIPPED)
            if counts.get(state)
        ],
        "pages_total": sum(counts.values()),
        "pages_failed": counts.get(State.FAILED, 0),
        "next_from": shown[GRID].number if len(shown) > GRID else None,
        "back_from": earlier[-1] if earlier else None,
    }


def _light(pages: QuerySet[PdfPage]) -> QuerySet[PdfPage]:
    """Leave out what only the page's own page shows."""
    return pages.defer("text", "words", "tables", "tiles")


def kin(job: BackgroundJob) -> dict[str, list[PdfDocument]]:
    """Return the document that this job repeats pages of, and those of jobs that repeat its own."""
    documents = PdfDocument.objects.order_by("-id").select_related("background_job")
    return {
        "earlier": list(documents.filter(background_job_id=job.parent_id)),
        "later": list(documents.filter(background_job__parent_id=job.pk)[:5]),
    }


def page_view(document: PdfDocument, page: PdfPage) -> dict[str, Any]:
    """Return everything of one page: its records, its boxes, its neighbours."""
    marks: list[Mark] = []
    entries = records(document, page, marks)
    images = list(PdfImage.objects.filter(page=page).order_by("number"))
    marks += [
        Mark("picture", f"i{image.number}", _said(image), image.box)
        for image in images
        if _is_box(image.box)
    ]
    marks += [
        Mark("table", f"t{number}", f"Table {number}", table["box"])
        for number, table in enumerate(page.tables, start=1)
        if _is_box(table.get("box"))
    ]
    numbers = document.pages.order_by("number").values_list("number", flat=True)
    layers = [
        (layer, label, number)
        for layer, label in LAYERS.items()
        if (number := sum(mark.layer == layer for mark in marks))
    ]
    return {
        "leaf": Leaf(page),
        "entries": entries,
        # The small ones last, or the large ones would lie over them.
        "marks": sorted(marks, key=lambda mark: -mark.width * mark.height),
        "layers": layers,
        "tables": [_cells(table) for table in page.tables],
        "previous": numbers.filter(number__lt=page.number).last(),
        "next": numbers.filter(number__gt=page.number).first(),
    }


def records(document: PdfDocument, page: PdfPage, marks: list[Mark]) -> list[Entry]:
    """Return the page's records with their values; their boxes on this page go to `marks`."""
    job = document.background_job
    rows = list(PdfRow.objects.filter(job_id=job.pk, line=page.number).order_by("number"))
    ids = {row.material_id for row in rows if row.material_id}
    source = CatalogueSource.objects.filter(
        supplier=job.supplier, kind=Kind.PDF, name=document.filename
    ).first()
    said = {
        each.material_id: each
        for each in MaterialSource.objects.filter(source=source, material_id__in=ids)
    }
    names = dict(Material.objects.filter(pk__in=ids).values_list("pk", "name"))
    entries = []
    for row in rows:
        title = names.get(row.material_id or 0) or row.key or f"Record {row.number % 1000}"
        entry = Entry(row, title)
        if found := said.get(row.material_id or 0):
            entry.values = list(_values(found, page.number, row.number % 1000, marks))
        entries.append(entry)
    return entries


def _values(said: MaterialSource, page: int, place: int, marks: list[Mark]) -> Iterator[Value]:
    """Yield the fields of one source row, in the order in which they stand in it."""
    for target, entry in expand(said.source_key, said.vals, said.provenance).items():
        for number, one in enumerate(entry if isinstance(entry, list) else [entry]):
            label = target.removeprefix("attribute.").replace("_", " ").capitalize()
            value = _normal(target, said, number)
            mark = None
            if _is_box(one.get("box")) and one.get("page", page) == page:
                name = f"r{place}-{target.replace('.', '-').replace(' ', '-')}-{number}"
                mark = Mark("value", name, f"{label}: {value}", one["box"])
                marks.append(mark)
            raw = one.get("raw")
            yield Value(label, value, "" if raw is None else str(raw), mark)


def _normal(target: str, said: MaterialSource, number: int) -> str:
    """Return what was made of a target's raw text, as words."""
    vals = said.vals
    price, size = vals.get("price", {}), vals.get("size", {})
    match target:
        case "key":
            return said.source_key
        case "price":
            words = (price.get("amount", ""), price.get("currency", ""), price.get("unit", ""))
            return " ".join(filter(None, words))
        case "currency" | "unit" if price.get(target):
            return str(price[target])
        case "size":
            sides = [size[side] for side in "wht" if size.get(side)]
            return f"{' × '.join(sides)} mm" if sides else size.get("text", "")
        case "width" | "height" | "thickness" if size.get(target[0]):
            return f"{size[target[0]]} mm"
        case "sku" | "ean":
            return str(vals.get(target, {}).get("raw", ""))
        case "images":
            return str(vals["images"][number])
    found = vals.get(target)
    if found is None:
        found = vals.get("attributes", {}).get(target.removeprefix("attribute."), "")
    return " > ".join(map(str, found)) if isinstance(found, list) else str(found)


def _is_box(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 4


def _said(image: PdfImage) -> str:
    kind = "Decoration" if image.decoration else "Picture"
    return f"{kind} {image.number}, {image.width_px} × {image.height_px} px"


def _cells(table: Mapping[str, Any]) -> list[list[str]]:
    """Return a table's rows as texts."""
    return [
        [(cell.get("text", "") if isinstance(cell, dict) else cell) or "" for cell in row]
        for row in table.get("rows", [])
    ]


def failed_numbers(document: PdfDocument) -> list[int]:
    """Return the numbers of the pages that failed."""
    failed = document.pages.filter(state=State.FAILED).order_by("number")
    return list(failed.values_list("number", flat=True))
