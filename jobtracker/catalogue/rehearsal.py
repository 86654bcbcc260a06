"""A writer that writes what a run would write, and nothing that anyone else sees or waits for.

The tables of the catalogue and of outcomes are temporary tables of the same names, which stand
before the real ones: the writer's own statements do the work. Each batch first gets copies of the
materials that it may be about. So no lock is taken but those of a reader, and a run of the same
supplier meanwhile neither waits nor is waited for; what it commits shows from the next batch on.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from jobtracker.catalogue.models import CatalogueSource
from jobtracker.catalogue.statements import SUPPLIER
from jobtracker.catalogue.write import Rejected, Row, Seen, Writer

_CATALOGUE = ("materials", "material_sources", "material_versions")
_FIRST_ID = 2**62  # of what is made here: no copy has it


class Rehearsal(Writer):
    """`Writer` on copies. Make it in a transaction that is rolled back, one in each; it stands
    before another writer among the bases of a class that is to do the same for that one."""

    def __init__(self, job_id: UUID, source: CatalogueSource, rows_table: str) -> None:
        super().__init__(job_id, source, rows_table)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            (schema,) = cursor.fetchone()
            self._bring = _BRING.format(real=connection.ops.quote_name(schema))
            # In so many words: statements that are prepared for the real tables are read again.
            cursor.execute(
                "SELECT set_config('search_path', 'pg_temp, ' || current_setting('search_path'),"
                " true)"
            )
            for table in (*_CATALOGUE, rows_table):
                cursor.execute(
                    f"CREATE TEMPORARY TABLE {table} (LIKE {schema}.{table} INCLUDING ALL)"
                    " ON COMMIT DROP"
                )
            for table in _CATALOGUE:
                cursor.execute(f"ALTER TABLE {table} ALTER id RESTART WITH {_FIRST_ID}")

    def keep(self, seen: Sequence[Seen]) -> set[int]:
        """As `Writer` does, once the rows that it looks at are here."""
        self._copy(keys=[each.key for each in seen])
        return super().keep(seen)

    def stage(self, rows: Sequence[Row], rejected: Iterable[Rejected] = ()) -> None:
        """As `Writer` does, once the materials that the rows may be of are here."""
        self._copy(
            keys=[row.key for row in rows],
            skus=[row.values.get("sku", {}).get("fold") for row in rows],
            eans=[row.values.get("ean", {}).get("valid") for row in rows],
        )
        super().stage(rows, rejected)

    def end(self) -> None:
        """Have the names of the catalogue mean the real tables again; the outcomes stay here."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {', '.join(f'pg_temp.{name}' for name in _CATALOGUE)}")

    def _lock(self) -> None:
        """Nobody else writes these tables."""

    def _copy(
        self,
        keys: list[str],
        skus: Sequence[str | None] = (),
        eans: Sequence[str | None] = (),
    ) -> None:
        codes: dict[str, Any] = {"keys": keys, "skus": list(skus), "eans": list(eans)}
        with connection.cursor() as cursor:
            cursor.execute(self._bring, self._params | codes)


# A copy that is here already may have been written since, and stays.
_BRING = f"""
WITH meant AS (
    SELECT material_id AS id FROM {{real}}.material_sources
    WHERE source_key = ANY(%(keys)s::text[]) AND source_id IN (
        SELECT id FROM catalogue_sources
        WHERE supplier_id = %(supplier)s::bigint AND kind = %(kind)s)
    UNION
    SELECT id FROM {{real}}.materials
    WHERE supplier_id = {SUPPLIER} AND sku_folded = ANY(%(skus)s::text[])
    UNION
    SELECT id FROM {{real}}.materials
    WHERE supplier_id = {SUPPLIER} AND ean_valid = ANY(%(eans)s::text[])
),
brought AS (
    INSERT INTO materials SELECT m.* FROM {{real}}.materials m JOIN meant USING (id)
    ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO material_sources
SELECT ms.* FROM {{real}}.material_sources ms JOIN brought ON ms.material_id = brought.id
ON CONFLICT DO NOTHING
"""
