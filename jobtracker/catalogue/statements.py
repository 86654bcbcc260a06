"""The statements of one batch, built once from one list of columns.

Some things here are for the planner. It knows nothing about fresh temporary tables: `LATERAL
(... LIMIT 1)` says that a look-up finds one row, and `LIMIT {BATCH}` how many rows a batch has.
Without them it reads the whole catalogue for each batch. And it knows nothing about a new supplier
or source: where it sees the id, and statistics without it, it takes it for one that has no rows,
and finds each code by reading all that there are by now. `SUPPLIER` and `SOURCE` hide the id.
"""

from typing import NamedTuple

BATCH = 1000
"""Rows of one batch, and at most; fewer cost more per row, more hold locks and memory longer."""

REVIEW_BELOW = 0.8
"""What a source is less sure of than this, a person should see."""

NO_NAME = "no name"
"""Why a person should look at a material that a feed made without a name."""

SUPPLIER = "(SELECT %(supplier)s::bigint)"
SOURCE = "(SELECT %(source)s::bigint)"


class Column(NamedTuple):
    """A column of `materials` and where `vals` holds it: a field, or a part of a group."""

    name: str
    type: str
    field: str
    part: str = ""

    @property
    def value(self) -> str:
        """The column's value as SQL, from a record `r` with a column a field."""
        if not self.part:
            return f"r.{self.field}"
        text = f"r.{self.field}->>'{self.part}'"
        return text if self.type == "text" else f"({text})::{self.type}"


COLUMNS = (
    Column("name", "text", "name"),
    Column("brand", "text", "brand"),
    Column("category", "jsonb", "category"),
    Column("sku", "text", "sku", "raw"),
    Column("sku_folded", "text", "sku", "fold"),
    Column("ean", "text", "ean", "raw"),
    Column("ean_valid", "text", "ean", "valid"),
    Column("size_text", "text", "size", "text"),
    Column("width_mm", "numeric", "size", "w"),
    Column("height_mm", "numeric", "size", "h"),
    Column("thickness_mm", "numeric", "size", "t"),
    Column("finish", "text", "finish"),
    Column("colour", "text", "colour"),
    Column("price", "numeric", "price", "amount"),
    Column("currency", "text", "price", "currency"),
    Column("unit", "text", "price", "unit"),
    Column("stock", "numeric", "stock"),
    Column("description", "text", "description"),
    Column("images", "jsonb", "images"),
    Column("attributes", "jsonb", "attributes"),
)

FIELDS = {column.field: "jsonb" if column.part else column.type for column in COLUMNS}
"""The fields of `vals` with the SQL type each is read as."""


def _columns(prefix: str = "") -> str:
    return ", ".join(prefix + column.name for column in COLUMNS)


def _changed(name: str) -> str:
    return (
        f"CASE WHEN old.{name} IS DISTINCT FROM new.{name}"
        f" THEN jsonb_build_object('{name}', old.{name}) ELSE '{{}}' END"
    )


# The transaction's own now() is older than the lock: the changes of two writers who waited for each
# other would be dated the wrong way round, and the older source would win.
_NOW = "statement_timestamp()"
_NAMES = _columns()
_VALUES = ", ".join(f"{column.value} AS {column.name}" for column in COLUMNS)
_RECORD = ", ".join(f"{field} {kind}" for field, kind in FIELDS.items())
_UNSURE = f"$.*.confidence ? (@ < {REVIEW_BELOW})"
_OLD = " || ".join(_changed(name) for name in (*(c.name for c in COLUMNS), "active"))

SESSION = """
SET jit = off;
SET plan_cache_mode = force_custom_plan;
SET enable_seqscan = off;
SET random_page_cost = 1.1;
SET work_mem = '16MB';
CREATE TEMPORARY TABLE IF NOT EXISTS stage (
    number int, line int, key text, sku_folded text, ean_valid text, hash bytea,
    vals jsonb, provenance jsonb, detail jsonb, fingerprint bytea
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS decisions (
    number int, line int, key text, hash bytea, detail jsonb, op text, material_id bigint,
    review text
) ON COMMIT DELETE ROWS;
"""

LOCK = "SELECT pg_advisory_xact_lock(8021, %(supplier)s::int)"
"""One writer a supplier. A statement of its own: IDENTIFY must see what the last holder wrote."""

IDENTIFY = f"""
WITH decided AS (
    INSERT INTO decisions
    SELECT number, line, key, hash, detail,
        CASE WHEN known_hash = hash AND gone IS NULL THEN '='
             WHEN known > 0 THEN 'u'
             WHEN candidate > 0 AND nth = 1 THEN 'a'
             ELSE 'c' END,
        CASE WHEN known > 0 THEN known
             WHEN candidate > 0 AND nth = 1 THEN candidate
             ELSE nextval('materials_id_seq') END,
        CASE WHEN known > 0 OR candidate > 0 AND nth = 1 THEN NULL
             WHEN hits > 0 OR same_sku > 1 OR same_ean > 1 THEN 'several candidates' END
    FROM (
        SELECT g.*, ms.material_id AS known, ms.content_hash AS known_hash,
            inactive.id AS gone, one.id AS candidate,
            coalesce(cardinality(by_sku.ids), 0) + coalesce(cardinality(by_ean.ids), 0) AS hits,
            row_number() OVER (PARTITION BY one.id ORDER BY g.number) AS nth,
            count(g.sku_folded) FILTER (WHERE ms.material_id IS NULL)
                OVER (PARTITION BY g.sku_folded) AS same_sku,
            count(g.ean_valid) FILTER (WHERE ms.material_id IS NULL)
                OVER (PARTITION BY g.ean_valid) AS same_ean
        FROM (SELECT number, line, key, sku_folded, ean_valid, hash, detail
              FROM stage LIMIT {BATCH}) g
        LEFT JOIN LATERAL (
            SELECT material_id, content_hash FROM material_sources
            WHERE source_id = {SOURCE} AND source_key = g.key LIMIT 1
        ) ms ON true
        LEFT JOIN LATERAL (
            SELECT id FROM materials
            WHERE id = ms.material_id AND NOT active AND NOT withdrawn LIMIT 1
        ) inactive ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(id) AS ids FROM (
                SELECT id FROM materials
                WHERE supplier_id = {SUPPLIER} AND sku_folded = g.sku_folded
                    AND NOT withdrawn AND ms.material_id IS NULL
                LIMIT 2) two
        ) by_sku ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(id) AS ids FROM (
                SELECT id FROM materials
                WHERE supplier_id = {SUPPLIER} AND ean_valid = g.ean_valid
                    AND NOT withdrawn AND ms.material_id IS NULL AND by_sku.ids IS NULL
                LIMIT 2) two
        ) by_ean ON true
        LEFT JOIN LATERAL (
            SELECT single.id FROM (
                SELECT CASE WHEN cardinality(by_sku.ids) = 1 THEN by_sku.ids[1]
                            WHEN cardinality(by_ean.ids) = 1 THEN by_ean.ids[1] END AS id) single
            WHERE single.id IS NOT NULL AND NOT EXISTS (
                SELECT FROM material_sources taken
                WHERE taken.material_id = single.id AND taken.source_id = {SOURCE})
            LIMIT 1
        ) one ON true
    ) seen
    RETURNING op
)
SELECT count(*) FILTER (WHERE op <> '=') FROM decided
"""
"""Say for each staged row whether it is new, known, changed, or another source's material.

The same folded SKU or EAN under a second key of one source is a product of its own, flagged.
Withdrawn materials stay with the rows that they have, and get no others.
"""


def apply(rows_table: str) -> str:
    """Resolve and write the rows that are not unchanged, with their versions and outcomes.

    A material is updated when its resolved values changed; a source's change that a better source
    outranks counts as unchanged, and has its version all the same. What a source is not sure of is
    flagged for review as often as it changes the material; what a feed makes without a name, until
    it has one.
    """
    return f"""
WITH d AS MATERIALIZED (SELECT * FROM decisions WHERE op <> '=' LIMIT {BATCH}),
staged AS (SELECT number, vals, provenance, fingerprint FROM stage LIMIT {BATCH}),
resolved AS MATERIALIZED (
    SELECT d.number, d.material_id, d.op,
        coalesce(d.review, CASE WHEN jsonb_path_exists(s.provenance, '{_UNSURE}')
            THEN 'low confidence'
            WHEN d.op = 'c' AND NOT s.vals ? 'name' AND %(kind)s::text = 'feed'
            THEN '{NO_NAME}' END) AS review,
        CASE WHEN coalesce(o.others, 0) = 0 THEN s.vals
        ELSE o.worse || s.vals || o.better || jsonb_build_object('attributes', nullif(
            jsonb_strip_nulls(o.worse_attributes || coalesce(s.vals->'attributes', '{{}}')
                || o.better_attributes), '{{}}')) END AS vals
    FROM d JOIN staged s USING (number)
    LEFT JOIN LATERAL (
        SELECT count(*) AS others,
            jsonb_merge(vals ORDER BY rank DESC, changed_at) FILTER (WHERE rank >= mine) AS worse,
            jsonb_merge(vals ORDER BY rank DESC, changed_at) FILTER (WHERE rank < mine) AS better,
            jsonb_merge(vals->'attributes' ORDER BY rank DESC, changed_at)
                FILTER (WHERE rank >= mine) AS worse_attributes,
            jsonb_merge(vals->'attributes' ORDER BY rank DESC, changed_at)
                FILTER (WHERE rank < mine) AS better_attributes
        FROM (
            SELECT ms.vals, ms.changed_at,
                coalesce(array_position(%(order)s::text[], cs.kind::text), 99) AS rank,
                coalesce(array_position(%(order)s::text[], %(kind)s::text), 99) AS mine
            FROM material_sources ms JOIN catalogue_sources cs ON cs.id = ms.source_id
            WHERE ms.material_id = d.material_id AND ms.source_id <> %(source)s::bigint
                AND d.op <> 'c'
        ) ranked
    ) o ON true
),
fields AS MATERIALIZED (
    SELECT number, material_id, op, review, {_VALUES}
    FROM (SELECT * FROM resolved LIMIT {BATCH}) resolved,
        jsonb_to_record(resolved.vals) r({_RECORD})
),
created AS (
    INSERT INTO materials (id, supplier_id, {_NAMES}, review)
    SELECT material_id, %(supplier)s::bigint, {_NAMES}, review FROM fields WHERE op = 'c'
),
updated AS (
    UPDATE materials m SET ({_NAMES}, active, review, changed_at)
        = ROW({_columns("f.")}, NOT m.withdrawn, coalesce(f.review, CASE
            WHEN f.name IS NULL OR m.review <> '{NO_NAME}' THEN m.review END), {_NOW})
    FROM fields f
    WHERE m.id = f.material_id AND f.op <> 'c'
        AND ({_columns("m.")}, m.active) IS DISTINCT FROM ({_columns("f.")}, NOT m.withdrawn)
    RETURNING m.id, {_OLD} AS old
),
written AS (
    INSERT INTO material_sources
        (source_id, source_key, material_id, job_id, row_number, content_hash, fingerprint, vals,
         provenance)
    SELECT %(source)s::bigint, d.key, d.material_id, %(job)s::uuid, d.number, d.hash,
        s.fingerprint || d.hash, s.vals, s.provenance
    FROM d JOIN staged s USING (number)
    ON CONFLICT (source_id, source_key) DO UPDATE SET
        job_id = excluded.job_id, row_number = excluded.row_number,
        content_hash = excluded.content_hash, fingerprint = excluded.fingerprint,
        vals = excluded.vals, provenance = excluded.provenance, changed_at = {_NOW}
    RETURNING new.row_number AS number,
        CASE WHEN old.vals IS NOT NULL THEN (
            SELECT jsonb_object_agg(field, old.vals->field)
            FROM (SELECT jsonb_object_keys(old.vals || new.vals) AS field) fields
            WHERE old.vals->field IS DISTINCT FROM new.vals->field) END AS old_source,
        old.provenance AS old_provenance, old.content_hash AS old_hash, old.job_id AS old_job,
        old.row_number AS old_row, old.changed_at AS old_changed_at
),
outcomes AS MATERIALIZED (
    SELECT d.number, d.line, d.key, d.hash, d.detail, d.op, d.material_id, f.review, u.old,
        CASE WHEN d.op = 'c' THEN 'c' WHEN u.id IS NOT NULL THEN 'u' ELSE '=' END AS outcome
    FROM d JOIN (SELECT number, review FROM fields LIMIT {BATCH}) f USING (number)
    LEFT JOIN (SELECT * FROM updated LIMIT {BATCH}) u ON u.id = d.material_id
),
versions AS (
    INSERT INTO material_versions
        (material_id, job_id, row_number, op, source_id, source_key, old, old_source,
         old_provenance, old_hash, old_job, old_row, old_changed_at, new_hash)
    SELECT o.material_id, %(job)s::uuid, o.number, o.op, %(source)s::bigint, o.key, o.old,
        w.old_source, w.old_provenance, w.old_hash, w.old_job, w.old_row, w.old_changed_at, o.hash
    FROM (SELECT * FROM outcomes LIMIT {BATCH}) o
    JOIN (SELECT * FROM written LIMIT {BATCH}) w USING (number)
),
reported AS (
    INSERT INTO {rows_table} (job_id, number, line, key, outcome, material_id, detail)
    SELECT %(job)s::uuid, number, line, key, outcome, material_id,
        CASE WHEN review IS NULL THEN detail
        ELSE coalesce(detail, '{{}}') || jsonb_build_object('review', review) END
    FROM outcomes
)
SELECT count(*) FILTER (WHERE outcome = 'c'), count(*) FILTER (WHERE outcome = 'u'),
    count(*) FILTER (WHERE outcome = '='), count(review)
FROM outcomes
"""


RESOLVE = f"""
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(actives)s::boolean[]) AS asked(id, active)
    LIMIT {BATCH}
),
resolved AS MATERIALIZED (
    SELECT m.id, m.active AS was_active, m.withdrawn, asked.active, s.sources,
        s.vals || jsonb_build_object('attributes', nullif(jsonb_strip_nulls(s.attributes), '{{}}'))
            AS vals
    FROM asked CROSS JOIN LATERAL (SELECT * FROM materials WHERE id = asked.id LIMIT 1) m
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE kind <> 'correction' AND content_hash <> '') AS sources,
            jsonb_merge(vals ORDER BY rank DESC, changed_at) AS vals,
            jsonb_merge(vals->'attributes' ORDER BY rank DESC, changed_at) AS attributes
        FROM (
            SELECT ms.vals, ms.changed_at, ms.content_hash, cs.kind,
                coalesce(array_position(
                    ARRAY(SELECT jsonb_array_elements_text(su.source_order)), cs.kind::text), 99
                ) AS rank
            FROM material_sources ms
            JOIN catalogue_sources cs ON cs.id = ms.source_id
            JOIN suppliers su ON su.id = cs.supplier_id
            WHERE ms.material_id = m.id
        ) ranked
    ) s
),
fields AS MATERIALIZED (
    SELECT id, sources > 0 AS spoken_of,
        sources > 0 AND NOT withdrawn AND coalesce(resolved.active, was_active) AS active, {_VALUES}
    FROM (SELECT * FROM resolved LIMIT {BATCH}) resolved,
        jsonb_to_record(resolved.vals) r({_RECORD})
),
updated AS (
    UPDATE materials m SET ({_NAMES}, active, changed_at) = ROW({_columns("f.")}, f.active, {_NOW})
    FROM fields f
    WHERE m.id = f.id AND f.spoken_of
        AND ({_columns("m.")}, m.active) IS DISTINCT FROM ({_columns("f.")}, f.active)
    RETURNING m.id, {_OLD} AS old
),
left_alone AS (
    UPDATE materials m SET active = false, changed_at = {_NOW}
    FROM fields f WHERE m.id = f.id AND NOT f.spoken_of AND m.active
    RETURNING m.id, jsonb_build_object('active', true) AS old
)
SELECT id, old::text FROM updated UNION ALL SELECT id, old::text FROM left_alone
"""
"""Work materials out again from what their sources say; return what changed, with former values.

For the few acts that change source rows outside of a batch. `actives` says which materials are to
be active or not (NULL: as they are). One that no source speaks of any more, corrections aside,
keeps its values and becomes inactive.
"""


# The stored fingerprint carries the content hash that it led to: whoever changes the row's values
# and their hash has the record read again.
_SEEN = """
FROM unnest(%(number)b::int[], %(line)b::int[], %(key)b::text[], %(fingerprint)b::bytea[])
    g(number, line, key, fingerprint)
CROSS JOIN LATERAL (
    SELECT material_id FROM material_sources
    WHERE source_id = %(source)s::bigint AND source_key = g.key
        AND fingerprint = g.fingerprint || content_hash
    LIMIT 1
) ms
"""

SEEN = f"SELECT g.number {_SEEN}"
"""Find the records that the source row was made of."""


def keep(rows_table: str) -> str:
    """Write the outcomes of the records that the source row was made of, if its material lives."""
    return f"""
INSERT INTO {rows_table} (job_id, number, line, key, outcome, material_id)
SELECT %(job)s::uuid, g.number, g.line, g.key, '=', ms.material_id {_SEEN}
WHERE NOT EXISTS (
    SELECT FROM materials WHERE id = ms.material_id AND NOT active AND NOT withdrawn)
RETURNING number
"""


def report_unchanged(rows_table: str) -> str:
    """Write the outcomes of the rows whose source row has the same content already, and note what
    they were read from, so that the next run need not read them."""
    return f"""
WITH noted AS (
    UPDATE material_sources ms SET fingerprint = s.fingerprint || d.hash
    FROM decisions d JOIN (SELECT number, fingerprint FROM stage LIMIT {BATCH}) s USING (number)
    WHERE d.op = '=' AND ms.source_id = %(source)s::bigint AND ms.source_key = d.key
        AND ms.fingerprint IS DISTINCT FROM s.fingerprint || d.hash
)
INSERT INTO {rows_table} (job_id, number, line, key, outcome, material_id, detail)
SELECT %(job)s::uuid, number, line, key, '=', material_id, detail FROM decisions WHERE op = '='
"""


def sample(rows_table: str) -> str:
    """A job's first rows with one outcome: what the material was, where it changed, and is now."""
    return f"""
SELECT r.number, r.line, r.key, v.old::text, jsonb_strip_nulls(to_jsonb(n))::text
FROM (
    SELECT * FROM {rows_table} WHERE job_id = %(job)s::uuid AND outcome = %(outcome)s
    ORDER BY number LIMIT %(limit)s
) r
LEFT JOIN material_versions v ON v.material_id = r.material_id AND v.job_id = r.job_id
    AND v.row_number = r.number
LEFT JOIN LATERAL (
    SELECT {_NAMES}, active FROM materials WHERE id = r.material_id LIMIT 1
) n ON true
ORDER BY r.number
"""
