"""The catalogue as lines for other programs: ndjson, one JSON array, or CSV.

Every line says where its values came from. The sources of a material are laid over each other in
the supplier's order, as the writer did, so a field's provenance is that of the source that won it.
Rows stream from a server-side cursor: a million materials need no more memory than one.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from jobtracker.catalogue.models import Kind, Material, Supplier
from jobtracker.catalogue.provenance import expand
from jobtracker.catalogue.statements import COLUMNS

Line = dict[str, Any]

PAGE = 500

_NAMES = [column.name for column in COLUMNS]
_JSON = {column.name for column in COLUMNS if column.type == "jsonb"}

_SOURCES = """
SELECT jsonb_agg(jsonb_build_object(
        'kind', cs.kind, 'key', ms.source_key, 'job', ms.job_id, 'vals', ms.vals,
        'provenance', ms.provenance)
    ORDER BY array_position(ARRAY(SELECT jsonb_array_elements_text(s.source_order)), cs.kind::text),
        ms.changed_at DESC)
FROM material_sources ms
JOIN catalogue_sources cs ON cs.id = ms.source_id
JOIN suppliers s ON s.id = cs.supplier_id
WHERE ms.material_id = m.id
"""

_NO_SOURCE: Line = {"kind": None, "key": None, "job": None, "provenance": {}}


def lines(supplier: Supplier | None = None, materials: QuerySet | None = None) -> Iterator[Line]:
    """The materials by id, as the lines of `materials export`: all, or those of a supplier, or
    those whose ids `materials` (a queryset of one column) selects."""
    chosen = Material.objects.order_by()
    if supplier is not None:
        chosen = chosen.filter(supplier=supplier)
    if materials is not None:
        chosen = chosen.filter(pk__in=materials)
    try:
        where, params = chosen.values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django sees that no row can match
        return
    query = f"""
        SELECT s.name, m.active, m.changed_at, ({_SOURCES}), {", ".join(f"m.{n}" for n in _NAMES)}
        FROM materials m JOIN suppliers s ON s.id = m.supplier_id
        WHERE m.id IN ({where}) ORDER BY m.id
    """
    # Inside a transaction, or the cursor would be kept by copying its whole result first.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(query, params)
        for name, active, changed_at, sources, *values in cursor:
            columns = {
                column: json.loads(value) if column in _JSON and value is not None else value
                for column, value in zip(_NAMES, values, strict=True)
            }
            yield _line(name, active, changed_at.isoformat(), json.loads(sources or "[]"), columns)


def lines_by_pages(materials: QuerySet[Material]) -> Iterator[Line]:
    """The materials that a query finds, by id, read some at a time: between two of them no
    transaction is open, so a slow reader holds nothing up, and sees what changed meanwhile."""
    last = 0
    while ids := list(
        materials.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:PAGE]
    ):
        yield from lines(materials=Material.objects.filter(pk__in=ids).values("pk"))
        last = ids[-1]


def _line(supplier: str, active: bool, changed_at: str, sources: list[Line], columns: Line) -> Line:
    main = min(sources, key=lambda s: s["kind"] == Kind.CORRECTION, default=_NO_SOURCE)
    place = main["provenance"].get("row", {})
    provenance = _provenance(sources)
    return {
        "supplier": supplier,
        "key": main["key"],
        "name": columns["name"],
        "brand": columns["brand"],
        "category": columns["category"] or [],
        "sku": columns["sku"],
        "ean": columns["ean"],
        "size": {
            "raw": columns["size_text"],
            "width_mm": _number(columns["width_mm"]),
            "height_mm": _number(columns["height_mm"]),
            "thickness_mm": _number(columns["thickness_mm"]),
        },
        "finish": columns["finish"],
        "colour": columns["colour"],
        "price": None if columns["price"] is None else format(columns["price"], "f"),
        "currency": columns["currency"],
        "unit": columns["unit"],
        "stock": _number(columns["stock"]),
        "description": columns["description"],
        "images": columns["images"] or [],
        "attributes": columns["attributes"] or {},
        "active": active,
        "source_job": main["job"],
        "source": {"kind": main["kind"]} | {k: place.get(k) for k in ("page", "url", "line")},
        "provenance": provenance,
        "confidence": place.get("confidence", _lowest_confidence(provenance)),
        "updated_at": changed_at,
    }


def _provenance(sources: list[Line]) -> Line:
    """What each field's winning source says about it."""
    merged: Line = {}
    for source in reversed(sources):
        merged |= expand(source["key"], source["vals"], source["provenance"])
    return dict(sorted(merged.items()))


def _lowest_confidence(provenance: Line) -> float | None:
    given = [entry for entry in provenance.values() if isinstance(entry, dict)]
    return min((e["confidence"] for e in given if "confidence" in e), default=None)


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def to_ndjson(items: Iterable[Line]) -> Iterator[str]:
    """One JSON object a line."""
    for item in items:
        yield json.dumps(item, ensure_ascii=False) + "\n"


def to_json(items: Iterable[Line]) -> Iterator[str]:
    """One JSON array, in pieces."""
    start = "[\n"
    for item in items:
        yield start + json.dumps(item, ensure_ascii=False)
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"


def to_csv(items: Iterable[Line]) -> Iterator[str]:
    """A table with a head: lists joined, attributes as JSON, provenance left out."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    for item in items:
        writer.writerow([_cell(value) for value in _flat(item)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


FORMATS = {"csv": to_csv, "json": to_json, "ndjson": to_ndjson}

_CSV_COLUMNS = (
    *("supplier", "key", "name", "brand", "category", "sku", "ean"),
    *("size", "width_mm", "height_mm", "thickness_mm", "finish", "colour"),
    *("price", "currency", "unit", "stock", "description", "images", "attributes", "active"),
    *("source_job", "source_kind", "source_page", "source_url", "source_line"),
    *("confidence", "updated_at"),
)


def _flat(item: Line) -> Iterator[Any]:
    size, source = item["size"], item["source"]
    flat = item | {
        "category": " > ".join(item["category"]),
        "size": size["raw"],
        "images": " ".join(item["images"]),
        "attributes": json.dumps(item["attributes"], ensure_ascii=False),
        "active": str(item["active"]).lower(),
    }
    flat |= {key: size[key] for key in ("width_mm", "height_mm", "thickness_mm")}
    flat |= {f"source_{key}": value for key, value in source.items()}
    return (flat[column] for column in _CSV_COLUMNS)


def _cell(value: Any) -> Any:
    return formula_safe(value) if isinstance(value, str) else value


def formula_safe(text: str) -> str:
    """The text as a cell that no spreadsheet program runs as a formula; numbers stay as they are.

    The starts are those of OWASP's page on CSV injection.
    """
    if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")):
        try:
            float(text)
        except ValueError:
            return f"'{text}"
    return text
