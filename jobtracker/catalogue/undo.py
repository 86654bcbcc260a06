"""Takes back what a job wrote to the catalogue.

A source row goes back to what it was before the job, if the job was the last to write it: rows
that a later run changed stay. Materials then follow from their sources, so a correction or another
source's later value goes on winning. A material that only the job had spoken of is removed; where
a person has corrected or rejected it, it stays, inactive, and its next import finds it again.

Done in batches, each a transaction, newest version first: whoever stops in between goes on later,
and finds what is done already done.
"""

import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from jobtracker import audit
from jobtracker.catalogue import coverage, people, statements
from jobtracker.catalogue.models import MaterialVersion
from jobtracker.catalogue.statements import BATCH
from jobtracker.catalogue.write import in_transaction
from jobtracker.models import BackgroundJob, User
from jobtracker.states import TERMINAL


@dataclass(frozen=True)
class Reach:
    """How many materials an undo of a job concerns, each counted once: `created` ones go,
    `updated` ones get their former values or are active again, `unchanged` ones stay as they are
    and lose only what the job's source says of them. `later` were changed since and stay; `undone`
    are taken back already."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    later: int = 0
    undone: int = 0

    @property
    def total(self) -> int:
        """How many materials are left to undo."""
        return self.created + self.updated + self.unchanged


def refusal(job: BackgroundJob) -> str:
    """Return why a job cannot be undone now, "" where it can."""
    if job.status not in TERMINAL:
        return "The job has not ended; cancel it first, or it would write on."
    days = settings.UNDO_DAYS
    if days and job.started_at and job.started_at < timezone.now() - timedelta(days=days):
        return f"The job ran more than {days} days ago; what it replaced is not kept any longer."
    if not MaterialVersion.objects.filter(job_id=job.pk).exists():
        return "The job changed nothing in the catalogue."
    return ""


def reach(job: BackgroundJob) -> Reach:
    """Count what an undo of the job would do."""
    with connection.cursor() as cursor:
        cursor.execute(_REACH, {"job": job.pk})
        return Reach(**Counter(dict(cursor.fetchall())))


def undo_some(job: BackgroundJob, seconds: float, before: int = 0) -> int:
    """Take batches back, newest first, for so many seconds. Returns the version to go on before,
    0 once all is done. `before` is where an earlier call stopped."""
    until = time.monotonic() + seconds
    suppliers = _suppliers(job)
    while True:
        before = in_transaction(lambda: _batch(job, suppliers, before))  # noqa: B023
        if not before:
            for supplier in suppliers:
                coverage.count_after_undo(supplier)
            return 0
        if time.monotonic() >= until:
            return before


def begin(job: BackgroundJob, actor: User | None, reason: str = "") -> Reach:
    """Note in the audit log, and on the job, that its work is being taken back; returns how much
    that is. From now on no later run takes the job's source for unchanged since."""

    def noted() -> Reach:
        found = reach(job)
        at = timezone.now().isoformat()
        by = actor.get_username() if actor else "command line"
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE background_jobs SET result = result || %s::jsonb,"
                " updated_at = clock_timestamp() WHERE id = %s",
                [json.dumps({"undone": {"at": at, "by": by}}), job.pk],
            )
        audit.record(actor, "undo", "job", [job.pk], reason, **vars(found))
        return found

    return in_transaction(noted)


def _suppliers(job: BackgroundJob) -> list[int]:
    """Return whose materials the job wrote; a job's own supplier may have been edited since."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT supplier_id FROM catalogue_sources WHERE id IN"
            " (SELECT source_id FROM material_versions WHERE job_id = %s) ORDER BY 1",
            [job.pk],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _batch(job: BackgroundJob, suppliers: list[int], before: int) -> int:
    """Take the batch of versions before one back, in the caller's transaction:

    1. the suppliers' locks, so that no other writer is between the steps;
    2. source rows to what they were: `_RESTORE`;
    3. materials that nobody speaks of any more away, the others from their sources;
    4. a version for each row that changed.
    """
    with connection.cursor() as cursor:
        # As the writer's session: the planner knows nothing of what a batch holds.
        cursor.execute(
            "SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off;"
            " SET LOCAL random_page_cost = 1.1"
        )
        for supplier in suppliers:
            cursor.execute(statements.LOCK, {"supplier": supplier})
        cursor.execute(_RESTORE, {"job": job.pk, "before": before or 2**62})
        first, found = cursor.fetchone()
        rows: list[dict[str, Any]] = json.loads(found)
        actives: dict[int, bool | None] = {row["material"]: None for row in rows}
        actives |= {row["material"]: row["active"] for row in rows if row["active"] is not None}
        cursor.execute(_REMOVE, [list(actives)])
        for (pk,) in cursor.fetchall():
            del actives[pk]
        old = people.resolve(actives)
        for row in rows:
            row["old"] = old.get(row["material"])
        cursor.execute(_NOTE, {"job": job.pk, "rows": json.dumps(rows)})
    return first or 0


_LAST_WRITTEN = """
SELECT * FROM material_sources
WHERE source_id = n.source_id AND source_key = n.source_key AND job_id = n.job_id
    AND row_number = n.row_number AND content_hash = n.new_hash LIMIT 1
"""
"""The source row as the version `n` left it; none where anything wrote it since."""

# Both group the job's versions in one pass. The planner knows nothing of a job that ended just now,
# and would join two sets of its rows by comparing each with each.
_REACH = f"""
WITH n AS MATERIALIZED (
    SELECT source_id, source_key, job_id,
        (array_agg(op ORDER BY id DESC))[1] AS newest,
        (array_agg(op ORDER BY id) FILTER (WHERE op <> 'x'))[1] AS oldest,
        (array_agg(row_number ORDER BY id DESC))[1] AS row_number,
        (array_agg(new_hash ORDER BY id DESC))[1] AS new_hash,
        (array_agg(material_id ORDER BY id DESC))[1] AS material_id,
        ((array_agg(old ORDER BY id DESC))[1]->>'active')::boolean AS was_active,
        bool_or(old IS NOT NULL) AS changed
    FROM material_versions WHERE job_id = %(job)s::uuid GROUP BY 1, 2, 3
)
SELECT ('{{created,updated,unchanged,later,undone}}'::text[])[foremost], count(*) FROM (
    SELECT min(CASE WHEN newest = 'x' THEN 5
                    WHEN ms.id IS NULL AND alone.id IS NULL THEN 4
                    WHEN oldest = 'c' THEN 1 WHEN changed THEN 2 ELSE 3 END) AS foremost
    FROM n LEFT JOIN LATERAL ({_LAST_WRITTEN}) ms ON true
    LEFT JOIN LATERAL (
        SELECT id FROM materials
        WHERE n.new_hash IS NULL AND id = n.material_id AND active <> n.was_active LIMIT 1
    ) alone ON true
    GROUP BY coalesce(ms.material_id, n.material_id)
) materials
GROUP BY 1
"""

_RESTORE = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM material_versions
    WHERE job_id = %(job)s::uuid AND id < %(before)s AND op <> 'x' ORDER BY id DESC LIMIT {BATCH}
),
n AS MATERIALIZED (
    SELECT source_id, source_key, job_id,
        (array_agg(row_number ORDER BY id DESC))[1] AS row_number,
        (array_agg(new_hash ORDER BY id DESC))[1] AS new_hash,
        (array_agg(op ORDER BY id))[1] AS op,
        jsonb_merge(old_source ORDER BY id DESC) AS old_source,
        (jsonb_merge(old ORDER BY id DESC)->>'active')::boolean AS active,
        (array_agg(old_provenance ORDER BY id))[1] AS old_provenance,
        (array_agg(old_hash ORDER BY id))[1] AS old_hash,
        (array_agg(old_job ORDER BY id))[1] AS old_job,
        (array_agg(old_row ORDER BY id))[1] AS old_row,
        (array_agg(old_changed_at ORDER BY id))[1] AS old_changed_at
    FROM page GROUP BY 1, 2, 3
),
mine AS MATERIALIZED (
    SELECT ms.id, ms.material_id, ms.vals, n.*,
        n.op = 'c' AND (
            (SELECT withdrawn FROM materials WHERE id = ms.material_id)
            OR EXISTS (
                SELECT FROM material_sources other
                JOIN catalogue_sources cs ON cs.id = other.source_id
                WHERE other.material_id = ms.material_id AND cs.kind = 'correction')) AS judged
    FROM n CROSS JOIN LATERAL ({_LAST_WRITTEN}) ms
),
gone AS (
    DELETE FROM material_sources ms USING (SELECT * FROM mine LIMIT {BATCH}) m
    WHERE ms.id = m.id AND m.op <> 'u' AND NOT m.judged
),
emptied AS (
    UPDATE material_sources ms SET vals = '{{}}', provenance = '{{}}', content_hash = ''
    FROM (SELECT * FROM mine LIMIT {BATCH}) m WHERE ms.id = m.id AND m.judged
),
restored AS (
    UPDATE material_sources ms SET vals = jsonb_strip_nulls(ms.vals || m.old_source),
        provenance = m.old_provenance, content_hash = m.old_hash, job_id = m.old_job,
        row_number = m.old_row, changed_at = m.old_changed_at
    FROM (SELECT * FROM mine LIMIT {BATCH}) m WHERE ms.id = m.id AND m.op = 'u'
),
taken AS (
    SELECT material_id AS material, source_id AS source, source_key AS key, row_number AS number,
        active, CASE WHEN op = 'u' THEN (
            SELECT jsonb_object_agg(field, vals->field)
            FROM jsonb_object_keys(old_source) AS field) END AS old_source
    FROM mine
    UNION ALL
    SELECT p.material_id, p.source_id, p.source_key, p.row_number, m.active IS FALSE, NULL
    FROM page p CROSS JOIN LATERAL (
        SELECT active FROM materials
        WHERE p.new_hash IS NULL AND id = p.material_id
            AND active <> (p.old->>'active')::boolean LIMIT 1
    ) m
)
SELECT (SELECT min(id) FROM page), coalesce((SELECT jsonb_agg(taken) FROM taken), '[]')::text
"""

_REMOVE = """
DELETE FROM materials m WHERE id = ANY(%s) AND NOT withdrawn
    AND NOT EXISTS (SELECT FROM material_sources WHERE material_id = m.id)
    AND NOT EXISTS (SELECT FROM material_merges WHERE kept_id = m.id AND undone_at IS NULL)
    AND NOT EXISTS (SELECT FROM material_merges WHERE merged_id = m.id AND undone_at IS NULL)
RETURNING id
"""

_NOTE = """
INSERT INTO material_versions
    (material_id, job_id, row_number, op, source_id, source_key, old, old_source)
SELECT material, %(job)s::uuid, number, 'x', source, key, old, old_source
FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS r(material bigint, number int, source bigint, key text, old jsonb, old_source jsonb)
"""
