"""What became of a crawl, counted from its rows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet

from jobtracker import causes
from jobtracker.monitor.words import counted
from jobtracker.pipelines import Counts
from scraping.models import ScrapingPage, ScrapingRow

Status = ScrapingPage.Status
COVERED = (
    *("name", "sku", "ean", "price", "brand", "category", "size", "colour", "finish"),
    *("description", "images", "stock"),
)
"""The fields whose share among a session's products is kept."""

_PAGES = """
SELECT p.status, count(*), count(*) FILTER (WHERE p.unchanged)
FROM scraping_pages p JOIN scraping_sessions s ON s.id = p.session_id
WHERE s.background_job_id = %s GROUP BY p.status
"""

# A product that several pages show is one material; new if any of them created it.
_MATERIALS = """
SELECT count(*) FILTER (WHERE made), count(*) FILTER (WHERE changed AND NOT made), count(*)
FROM (SELECT bool_or(outcome = 'c') AS made, bool_or(outcome = 'u') AS changed
      FROM scraping_rows WHERE job_id = %s AND material_id IS NOT NULL
      GROUP BY material_id) met
"""

_COVERAGE = f"""
SELECT count(*), {", ".join(f"count(ms.vals->'{name}')" for name in COVERED)}
FROM material_sources ms JOIN catalogue_sources cs ON cs.id = ms.source_id
WHERE cs.kind = 'site' AND ms.material_id IN
    (SELECT material_id FROM scraping_rows WHERE job_id = %s AND material_id IS NOT NULL)
"""


def recount(job_id: UUID) -> Counts:
    """Count the pages by what became of them, and the materials that their products led to."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGES, [job_id])
        pages: dict[str, int] = {}
        unchanged_pages = 0
        for status, number, same in cursor.fetchall():
            pages[status] = number
            unchanged_pages += same
        cursor.execute(_MATERIALS, [job_id])
        created, updated, met = cursor.fetchone() or (0, 0, 0)
    done, failed = pages.get(Status.COMPLETED, 0), pages.get(Status.FAILED, 0)
    skipped = pages.get(Status.SKIPPED, 0)
    result: dict[str, Any] = {
        "materials": met,
        "created": created,
        "updated": updated,
        "unchanged": met - created - updated,
    }
    if unchanged_pages:
        result["unchanged_pages"] = unchanged_pages
    if done and not result["materials"]:
        result["note"] = _no_materials(job_id, done)
    elif done and unchanged_pages == done:
        result["note"] = (
            "The page has not changed since the last crawl."
            if done == 1
            else f"None of the {done:,} pages has changed since the last crawl."
        )
    elif skipped and not done and not failed:
        result["note"] = (
            f"{counted(skipped, 'pages')} found and skipped:"
            f" {_causes(pages_of(job_id), Status.SKIPPED)}"
        )
    if failed:
        result["cause"] = _causes(pages_of(job_id), Status.FAILED)
    return Counts(sum(pages.values()), done, failed, skipped, result)


def coverage(job_id: UUID) -> dict[str, float]:
    """Return for each field the share, from 0 to 1, of the job's products of which the site says
    it; nothing where there is no product."""
    with connection.cursor() as cursor:
        cursor.execute(_COVERAGE, [job_id])
        total, *numbers = cursor.fetchone() or (0,)
    if not total:
        return {}
    return {name: round(n / total, 3) for name, n in zip(COVERED, numbers, strict=True)}


def failures(job_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Return the first failed pages, then the first products that make no material."""
    pages = pages_of(job_id).filter(status=Status.FAILED).order_by("pk")[:limit]
    found: list[dict[str, Any]] = [
        {
            "where": page.url,
            "url": page.url,
            "http_status": page.http_status,
            "reason": page.error,
            "hint": page.hint,
        }
        for page in pages
    ]
    rows = ScrapingRow.objects.filter(job_id=job_id, outcome="f").order_by("number")
    return found + [_failed_row(row) for row in rows[: limit - len(found)]]


def pages_of(job_id: UUID) -> QuerySet[ScrapingPage]:
    """Return the pages of a job's session."""
    return ScrapingPage.objects.filter(session__background_job_id=job_id)


def queue_again(pages: QuerySet[ScrapingPage]) -> int:
    """Queue pages anew, as if they had never been fetched; returns how many."""
    return pages.update(
        status=Status.PENDING, skip_rule="", http_status=None, content_type="", bytes=0, etag="",
        last_modified="", content_hash="", unchanged=False, fetch_ms=None, attempts=0,
        redirects=0, next_attempt_at=None, claim=None, claimed_at=None, materials_found=0,
        first_row=None, rows=0, notes=[], error="", hint="",
    )  # fmt: skip


def queue_again_if_all_failed(session_id: UUID) -> None:
    """Queue the failed pages of a crawl that ended with nothing read and is run again."""
    pages = ScrapingPage.objects.filter(session_id=session_id)
    if not pages.exclude(status__in=(Status.FAILED, Status.SKIPPED)).exists():
        queue_again(pages.filter(status=Status.FAILED))


def nothing_read(session_id: UUID) -> str:
    """Say why a crawl read no page at all."""
    pages = ScrapingPage.objects.filter(session_id=session_id)
    for status, word in ((Status.FAILED, "failed"), (Status.SKIPPED, "was skipped")):
        if number := pages.filter(status=status).count():
            which = "The only page" if number == 1 else f"Every one of {number:,} pages"
            return f"{which} {word}: {_causes(pages, status)}"
    return "No page was found to read."


def _causes(pages: QuerySet[ScrapingPage], status: Status) -> str:
    """Name the reasons of the failed or skipped ones of `pages`."""
    column = "skip_rule" if status == Status.SKIPPED else "error"
    reasons = pages.filter(status=status).values_list(column).annotate(number=Count("pk"))
    return causes.told(reasons.order_by("-number", column)[: causes.MESSAGES])


def _no_materials(job_id: UUID, done: int) -> str:
    """Say why pages that were read gave no material."""
    rows = ScrapingRow.objects.filter(job_id=job_id).order_by()
    if rejected := rows.filter(outcome__in="fs").count():
        detail: Mapping[str, Any] = (
            rows.filter(outcome__in="fs").values_list("detail", flat=True)[0] or {}
        )
        return (
            f"{counted(done, 'pages')} read; of {counted(rejected, 'products')} none could be kept:"
            f" {detail.get('reason', 'no reason given')}"
        )
    return f"{counted(done, 'pages')} read, none with structured product data."


def _failed_row(row: ScrapingRow) -> dict[str, Any]:
    detail = row.detail or {}
    told = {name: detail.get(name, "") for name in ("url", "field", "raw", "reason", "hint")}
    where = " ".join(part for part in (told["url"], row.key or "") if part)
    return {"where": where, "number": row.number, "key": row.key} | told
