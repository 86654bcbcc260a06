"""Made products, and the short way to write them: what the catalogue's tests share."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from jobtracker.catalogue.models import CatalogueSource, Kind, Supplier
from jobtracker.catalogue.write import Outcome, Rejected, Row, Writer

ROWS_TABLE = "outcome_rows"

CREATE_ROWS_TABLE = f"""
CREATE TABLE {ROWS_TABLE} (
    job_id uuid, number int, line int, key text, outcome char(1), material_id bigint, detail jsonb,
    PRIMARY KEY (job_id, number))
"""


def source(kind: str = Kind.FEED, name: str = "", supplier: str = "Lindvall Tiles") -> Any:
    """A supplier's source of this kind, made at first use."""
    owner, _ = Supplier.objects.get_or_create(name=supplier)
    return CatalogueSource.objects.get_or_create(supplier=owner, kind=kind, name=name or kind)[0]


def row(number: int, key: str = "", sku: str = "", ean: str = "", **values: Any) -> Row:
    """A row with a name; `sku` is taken as folded already, `ean` as valid."""
    values = {"name": f"Tile {number}"} | values
    if sku:
        values["sku"] = {"raw": sku, "fold": sku.replace("-", "")}
    if ean:
        values["ean"] = {"raw": ean, "valid": ean}
    return Row(number, number + 1, key or f"k{number}", values, {"row": {"line": number + 1}})


def price(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def write(
    rows: Sequence[Row],
    into: CatalogueSource | None = None,
    job: UUID | None = None,
    rejected: Sequence[Rejected] = (),
) -> Outcome:
    """Write one batch in one transaction."""
    writer = Writer(job or uuid4(), into or source(), ROWS_TABLE)
    with transaction.atomic():
        writer.stage(rows, rejected)
        return writer.apply()


def outcomes(job: UUID) -> list[tuple[int, str, Any]]:
    """The job's rows as (number, outcome, detail), by number."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, outcome, detail->>'reason', detail->>'review' FROM {ROWS_TABLE}"
            " WHERE job_id = %s ORDER BY number",
            [job],
        )
        return [(number, outcome, reason or review) for number, outcome, reason, review in cursor]
