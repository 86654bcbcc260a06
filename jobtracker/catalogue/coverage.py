"""How much of a supplier's materials has what people look for, day by day.

Counted as a run ends that changed something, by one statement over the supplier's own materials;
the last such run of a day (UTC) counts. The pages read these rows only: no list counts materials.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import Error, connection

logger = logging.getLogger(__name__)


def count_after_run(job_id: UUID, supplier_id: int) -> None:
    """Count a supplier's materials after the run of a job, if that changed any."""
    with _told(supplier_id):
        with connection.cursor() as cursor:
            cursor.execute(_CHANGED, {"supplier": supplier_id, "job": job_id})
            (changed,) = cursor.fetchone()
        if changed:
            count(supplier_id, job_id)


def count_after_undo(supplier_id: int) -> None:
    """Count a supplier's materials after some were taken back."""
    with _told(supplier_id):
        count(supplier_id)


@contextmanager
def _told(supplier_id: int) -> Iterator[None]:
    """Log it where the figures cannot be had: the work that they tell of is done."""
    try:
        yield
    except Error:
        logger.exception("the coverage of supplier %s could not be counted", supplier_id)


def count(supplier_id: int, job_id: UUID | None = None) -> None:
    """Count a supplier's materials as they are now, after the run of a job if there was one."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"supplier": supplier_id, "job": job_id})


_CHANGED = """
SELECT EXISTS (SELECT FROM material_versions WHERE job_id = %(job)s)
    OR NOT EXISTS (SELECT FROM supplier_coverage WHERE supplier_id = %(supplier)s)
"""

_COUNT = """
INSERT INTO supplier_coverage
    (supplier_id, day, job_id, active, inactive, price, picture, ean, size, colour)
SELECT %(supplier)s, (now() AT TIME ZONE 'UTC')::date, %(job)s,
    count(*) FILTER (WHERE active),
    count(*) FILTER (WHERE NOT active),
    count(*) FILTER (WHERE active AND price IS NOT NULL),
    count(*) FILTER (WHERE active AND images <> '[]'),
    count(*) FILTER (WHERE active AND ean IS NOT NULL),
    count(*) FILTER (WHERE active AND (size_text IS NOT NULL OR width_mm IS NOT NULL)),
    count(*) FILTER (WHERE active AND colour IS NOT NULL)
FROM materials
WHERE supplier_id = %(supplier)s AND NOT withdrawn
ON CONFLICT (supplier_id, day) DO UPDATE SET
    (at, job_id, active, inactive, price, picture, ean, size, colour) = (now(), excluded.job_id,
    excluded.active, excluded.inactive, excluded.price, excluded.picture, excluded.ean,
    excluded.size, excluded.colour)
"""
