"""Products that a source gave before and gives no more: made inactive, where a person chose so.

Only a whole feed that was read to its end can say what is missing, and only of its own source: a
product that another source speaks of stays, and so does one whose row failed. Of two joined files
the first says what there is. Nothing is removed; the product is active again as soon as a feed has
it, or the job is undone.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from imports.models import ImportRow
from jobtracker.catalogue import people, statements
from jobtracker.catalogue.models import CatalogueSource, MaterialVersion, Op
from jobtracker.catalogue.statements import BATCH
from jobtracker.monitor.words import counted

ABOUT = "missing"
SHARE = 0.1  # of the source's known products; beyond it a person decides
SAMPLES = 10


WORDS = {
    "title": "Many products are missing from the feed",
    "compared": "the feed's rows are imported; nothing became inactive yet",
    "go_on": "Make them inactive",
    "stop": "Leave them active",
}


@dataclass(frozen=True)
class Missing:
    """How many active products of the source the feed does not have, and how many it has."""

    gone: int
    known: int
    samples: list[dict[str, Any]]

    @property
    def many(self) -> bool:
        """Whether a person must decide."""
        return self.gone > SHARE * (self.gone + self.known)

    @property
    def text(self) -> str:
        return (
            f"{counted(self.gone, 'products')} of {self.gone + self.known:,} that this source gave"
            " before are not in the feed."
        )

    def question(self) -> dict[str, Any]:
        """Return what is asked."""
        return {
            "about": ABOUT,
            "message": f"{self.text} Its rows are imported; are these to become inactive?",
            "concerns": [{"kind": ABOUT, "text": self.text, "samples": self.samples}],
        }


def untold(job_id: UUID) -> str:
    """Return why the rows of a job do not tell what is missing, "" where they do."""
    rows = ImportRow.objects.filter(job_id=job_id)
    if not rows.filter(outcome__in=["c", "u", "="]).exists():
        return "No row of the feed became a product, so nothing is taken for missing."
    failed = rows.filter(outcome="f", key="")
    nameless = failed.exclude(detail__has_key="only_in").count()
    if nameless:
        return (
            f"{counted(nameless, 'rows')} failed without a key and may be of any product, so"
            " nothing is taken for missing."
        )
    return ""


def look_for(job_id: UUID, source: CatalogueSource) -> Missing:
    """Find what is missing, and keep it for `deactivate_some` in a table of this session."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"job": job_id, "source": source.pk})
        cursor.execute("SELECT count(*) FROM missing_items")
        (gone,) = cursor.fetchone()
        cursor.execute(
            "SELECT source_key, name FROM missing_items JOIN materials USING (id)"
            " ORDER BY id LIMIT %s",
            [SAMPLES],
        )
        samples = [{"key": key, "old": name} for key, name in cursor.fetchall()]
    known = ImportRow.objects.filter(job_id=job_id, outcome__in=["u", "="]).count()
    return Missing(gone, known, samples)


def deactivate_some(job_id: UUID, source: CatalogueSource, after: int) -> tuple[int, int]:
    """Make up to `BATCH` of the missing products inactive, in the caller's transaction. Returns the
    material to go on after, 0 once all is done, and how many there were.

    1. the supplier's lock, so that no other writer is between the steps;
    2. those that still are active and of nobody else's source;
    3. the materials by `RESOLVE`, and a version for each that the undo knows.
    """
    params = {"source": source.pk, "after": after, "supplier": source.supplier_id}
    with connection.cursor() as cursor:
        cursor.execute(statements.LOCK, params)
        cursor.execute(_PAGE, params)
        page = cursor.fetchall()
    keys = {pk: key for pk, key, alone in page if alone}
    changed = people.resolve(dict.fromkeys(keys, False))
    MaterialVersion.objects.bulk_create(
        MaterialVersion(
            material_id=pk,
            job_id=job_id,
            op=Op.UPDATED,
            source_id=source.pk,
            source_key=keys[pk],
            old=old,
        )
        for pk, old in changed.items()
    )
    return page[-1][0] if page else 0, len(changed)


_ALONE = """
m.active AND NOT m.withdrawn AND NOT EXISTS (
    SELECT FROM material_sources other JOIN catalogue_sources cs ON cs.id = other.source_id
    WHERE other.material_id = m.id AND other.source_id <> %(source)s::bigint
        AND cs.kind <> 'correction' AND other.content_hash <> '')
"""

# Hash joins serve here, which the writer's session allows.
_FIND = f"""
DROP TABLE IF EXISTS missing_items;
CREATE TEMPORARY TABLE missing_items AS
SELECT m.id, ms.source_key
FROM material_sources ms JOIN materials m ON m.id = ms.material_id
WHERE ms.source_id = %(source)s::bigint AND {_ALONE}
    AND NOT EXISTS (
        SELECT FROM import_rows r WHERE r.job_id = %(job)s::uuid AND r.key = ms.source_key
            AND NOT coalesce(r.detail ? 'only_in', false));
CREATE INDEX ON missing_items (id);
ANALYZE missing_items
"""

_PAGE = f"""
SELECT t.id, t.source_key, ({_ALONE}) AND ms.id IS NOT NULL
FROM (SELECT * FROM missing_items WHERE id > %(after)s ORDER BY id LIMIT {BATCH}) t
JOIN materials m ON m.id = t.id
LEFT JOIN material_sources ms ON ms.source_id = %(source)s::bigint
    AND ms.source_key = t.source_key AND ms.material_id = t.id
ORDER BY t.id
"""
