"""The rows of an import as its pages list them: failures first, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count

from imports.models import ImportRow
from jobtracker.catalogue.models import Material
from jobtracker.catalogue.pages.changes import Change, changes_of_rows

PAGE = 50
RAW_SHOWN = 60  # characters of a raw value in a sentence
FILTERS = {"f": "Failed", "s": "Skipped", "c": "Created", "u": "Updated", "=": "Unchanged"}
STATES = {"f": "failed", "s": "cancelled", "c": "completed", "u": "completed", "=": "pending"}


@dataclass(frozen=True)
class Line:
    """A row as words, with its material, if that is still there, and what it changed of it."""

    row: ImportRow
    material: Material | None
    changes: list[Change]

    @property
    def outcome(self) -> str:
        return FILTERS[self.row.outcome]

    @property
    def state(self) -> str:
        """The state whose colour and glyph the outcome takes."""
        return STATES[self.row.outcome]

    @property
    def remarks(self) -> list[dict[str, str]]:
        """What is to be said of the row: each with reason, and column, raw and hint where known."""
        detail = self.row.detail or {}
        first = [detail] if detail.get("reason") else []
        return [*first, *detail.get("more", []), *detail.get("warnings", [])]

    @property
    def record(self) -> str:
        detail: dict[str, str] = self.row.detail or {}
        return detail.get("record", "")


def failed_rows(job_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Return a job's first failed rows: number, line, key, column, field, raw, reason, hint, and
    `where`, which says the place in words."""
    found = []
    for row in ImportRow.objects.filter(job_id=job_id, outcome="f").order_by("number")[:limit]:
        detail = row.detail or {}
        told = {name: detail.get(name, "") for name in ("column", "field", "raw", "reason", "hint")}
        where = f"line {row.line:,}"
        if told["column"]:
            where += f', {told["column"]} "{told["raw"][:RAW_SHOWN]}"'
        found.append(
            {"where": where, "number": row.number, "line": row.line, "key": row.key} | told
        )
    return found


def repairs(job_id: UUID, limit: int = 10) -> list[dict[str, Any]]:
    """Return what failed in a job's rows by what repairs it, the commonest first: column, reason,
    hint, a value as written and in how many `rows`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT detail->>'column', detail->>'reason', detail->>'hint', min(detail->>'raw'),"
            " count(*) FROM import_rows WHERE job_id = %s AND outcome = 'f'"
            " GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2 LIMIT %s",
            [job_id, limit],
        )
        names = ("column", "reason", "hint", "raw", "rows")
        return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]


def page_of_rows(job_id: UUID, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one page of a job's rows: those of the outcome `rows`, after number `after`.

    Without a choice the failed ones are shown, else the skipped, else all.
    """
    found = dict(
        ImportRow.objects.filter(job_id=job_id)
        .order_by()
        .values_list("outcome")
        .annotate(Count("pk"))
    )
    chosen = query.get("rows", "")
    if chosen not in (*FILTERS, "all"):
        chosen = next((code for code in "fs" if found.get(code)), "all")
    rows = ImportRow.objects.filter(job_id=job_id).order_by("number")
    if chosen != "all":
        rows = rows.filter(outcome=chosen)
    after = query.get("after", "")
    if after.isascii() and after.isdigit():
        rows = rows.filter(number__gt=min(int(after), 2**31 - 1))
    shown = list(rows[: PAGE + 1])
    shown, more = shown[:PAGE], shown[PAGE:]
    materials = Material.objects.in_bulk([row.material_id for row in shown if row.material_id])
    changed = changes_of_rows(job_id, materials.values())
    lines = [
        Line(row, materials.get(row.material_id or 0), changed.get(row.number, [])) for row in shown
    ]
    return {
        "row_filters": [
            (code, label, found[code]) for code, label in FILTERS.items() if found.get(code)
        ],
        "rows_total": sum(found.values()),
        "chosen": chosen,
        "lines": lines,
        "any_material": any(line.material for line in lines),
        "any_remark": any(line.remarks for line in lines),
        "found_failed": found.get("f", 0),
        "repairs": repairs(job_id) if chosen == "f" else [],
        "next_after": shown[-1].number if more else None,
    }


def remarks(job_id: UUID, limit: int = 20) -> list[tuple[str, int]]:
    """Return what was remarked in a job's rows, the commonest first: column and reason, and in
    how many rows. Counted from the rows, so that it is the same however often the job resumed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT concat_ws(': ', nullif(w->>'column', ''), w->>'reason') AS remark, count(*)"
            " FROM import_rows r, jsonb_array_elements(r.detail->'warnings') w"
            " WHERE r.job_id = %s GROUP BY remark ORDER BY count(*) DESC, remark LIMIT %s",
            [job_id, limit],
        )
        return list(cursor.fetchall())
