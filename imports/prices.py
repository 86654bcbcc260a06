"""Price-only imports: new prices and stock for known products, and nothing else."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from operator import add
from typing import Any
from uuid import UUID

from django.db import connection

from imports.mapping import Mapping, MappingError
from jobtracker.catalogue.models import CatalogueSource, Kind
from jobtracker.catalogue.statements import SUPPLIER
from jobtracker.catalogue.write import Outcome, Rejected, Row, Seen, Writer
from jobtracker.context import JobContext

_FINDS = ("key", "sku", "ean", "group", "variant", "name", "skip")
_SETS = ("price", "currency", "unit", "stock")
_PRICE_PARTS = {"price": "amount", "currency": "currency", "unit": "unit"}


def is_price_only(context: JobContext) -> bool:
    """Whether a person said so, or the feed itself does."""
    said = context.job.metadata.get("price_only")
    return bool(said or context.data("feed_parsed").get("price_only"))


def price_fields(mapping: Mapping) -> Mapping:
    """Return what a price-only run uses of a mapping: what tells products apart (a name does where
    nothing else is mapped), prices and stock. Raises `MappingError` without either of these."""
    kept = replace(
        mapping,
        fields=tuple(each for each in mapping.fields if each.target in _FINDS + _SETS),
        defaults={key: mapping.defaults[key] for key in _SETS if key in mapping.defaults},
    )
    if not (kept.has("price") or kept.has("stock")):
        raise MappingError("No field is mapped to price or stock.")
    return kept


class PriceWriter(Writer):
    """Writes a price-only feed's batches as `Writer` does, each row into the supplier's feed that
    spoke last about the product: it is the one whose price shows, and writing to another would
    let that one's other values win. Products are found by source key, else folded SKU, else valid
    EAN; rows that find none or several fail."""

    def __init__(self, job_id: UUID, source: CatalogueSource, rows_table: str) -> None:
        super().__init__(job_id, source, rows_table)
        self._feed = source.name

    def keep(self, seen: Sequence[Seen]) -> set[int]:
        """Keep nothing: the price that a product shows may since be another's."""
        return set()

    def stage(self, rows: Sequence[Row], rejected: Iterable[Rejected] = ()) -> None:
        """Keep the batch: what it becomes depends on rows that only `apply` may read."""
        self._batch = rows
        self._no_rows = list(rejected)

    def apply(self) -> Outcome:
        """Find the products and write the batch, all under the supplier's lock, so that what is
        written is built on what the last writer left."""
        by_source: dict[int, list[Row]] = {}
        self._lock()
        with connection.cursor() as cursor:
            cursor.execute(_FIND, self._params | _codes(self._batch))
            for row, (hits, source, *held) in zip(self._batch, cursor.fetchall(), strict=True):
                new = _priced(row, self._feed, *held) if hits == 1 else _not_found(row, hits)
                if isinstance(new, Row):
                    by_source.setdefault(source, []).append(new)
                else:
                    self._no_rows.append(new)
        super().stage((), self._no_rows)
        outcome = super().apply()
        for source, rows in by_source.items():
            self._params["source"] = source
            super().stage(rows)
            outcome = Outcome(*map(add, astuple(outcome), astuple(super().apply())))
        return outcome


def held_values(supplier_id: int, rows: Sequence[Row]) -> list[dict[str, Any] | None]:
    """Return the values that show of the product that each row is for, None where it finds none
    or several. Takes no lock."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"supplier": supplier_id} | _codes(rows))
        return [
            json.loads(stored_values) if hits == 1 else None
            for hits, _, _, stored_values, _ in cursor.fetchall()
        ]


def _codes(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "feed": Kind.FEED,
        "keys": [row.key for row in rows],
        "skus": [row.values.get("sku", {}).get("fold") for row in rows],
        "eans": [row.values.get("ean", {}).get("valid") for row in rows],
    }


def _priced(
    row: Row, feed: str, key: str, stored_values: str, stored_provenance: str
) -> Row | Rejected:
    """Return the product's row as its feed gave it, with the new price and stock. A part of the
    price that the row leaves out stays, but for the currency: it never was that amount's. What is
    new names the price `feed` as the file that it stood in."""
    values, provenance = json.loads(stored_values), json.loads(stored_provenance)
    found: dict[str, Any] = {}
    if price := row.values.get("price"):
        if "currency" not in price:
            hint = "State the currency of prices that name none."
            return _failed(row, "currency", "", "unknown currency", hint)
        values["price"] = values.get("price", {}) | price
        found |= {name: price[part] for name, part in _PRICE_PARTS.items() if part in price}
    if stock := row.values.get("stock"):
        values["stock"] = found["stock"] = stock
    if word := row.values.get("attributes", {}).get("availability"):
        found["stock"] = word
        values["attributes"] = values.get("attributes", {}) | {"availability": word}
    place = {"file": feed, "line": row.line}
    for target, value in found.items():
        provenance[target] = row.provenance.get(target, {"raw": value}) | place
    return replace(row, key=key, values=values, provenance=provenance, fingerprint=None)


def _not_found(row: Row, hits: int) -> Rejected:
    if hits:
        reason = "several products of this supplier have this key, article code or EAN"
        return _failed(row, "key", row.key, reason, "Map a field that tells them apart as the key.")
    reason = "no product of this supplier has this key, article code or EAN"
    return _failed(row, "key", row.key, reason, "Import the supplier's whole feed first.")


def _failed(row: Row, field: str, raw: str, reason: str, hint: str) -> Rejected:
    remark = {"column": "", "field": field, "raw": raw, "reason": reason, "hint": hint}
    return Rejected(row.number, row.line, row.key, "f", remark)


_BY_CODE = f"""
SELECT array_agg(id) AS ids FROM (
    SELECT id FROM materials m
    WHERE supplier_id = {SUPPLIER} AND active AND {{column}} = g.{{code}} AND {{unless}} IS NULL
        AND EXISTS (
            SELECT FROM material_sources ms JOIN catalogue_sources cs ON cs.id = ms.source_id
            WHERE ms.material_id = m.id AND cs.kind = %(feed)s)
    LIMIT 2) two
"""

_FIND = f"""
SELECT coalesce(cardinality(found.ids), 0), held.source_id, held.source_key, held.vals::text,
    held.provenance::text
FROM unnest(%(keys)s::text[], %(skus)s::text[], %(eans)s::text[])
    WITH ORDINALITY g(key, sku, ean, number)
LEFT JOIN LATERAL (
    SELECT array_agg(id) AS ids FROM (
        SELECT DISTINCT m.id
        FROM catalogue_sources cs
        JOIN material_sources ms ON ms.source_id = cs.id AND ms.source_key = g.key
        JOIN materials m ON m.id = ms.material_id AND m.active
        WHERE cs.supplier_id = %(supplier)s::bigint AND cs.kind = %(feed)s
        LIMIT 2) two
) by_key ON true
LEFT JOIN LATERAL (
    {_BY_CODE.format(column="sku_folded", code="sku", unless="by_key.ids")}
) by_sku ON true
LEFT JOIN LATERAL (
    {_BY_CODE.format(column="ean_valid", code="ean", unless="coalesce(by_key.ids, by_sku.ids)")}
) by_ean ON true
CROSS JOIN LATERAL (SELECT coalesce(by_key.ids, by_sku.ids, by_ean.ids) AS ids) found
LEFT JOIN LATERAL (
    SELECT ms.source_id, ms.source_key, ms.vals, ms.provenance
    FROM material_sources ms JOIN catalogue_sources cs ON cs.id = ms.source_id
    WHERE cardinality(found.ids) = 1 AND ms.material_id = found.ids[1] AND cs.kind = %(feed)s
    ORDER BY ms.changed_at DESC, ms.source_id DESC
    LIMIT 1
) held ON true
ORDER BY g.number
"""
