"""Which addresses are fetched: those that a job's new or changed materials name."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now
from django.urls import reverse

from jobtracker.catalogue.models import RowOutcome
from jobtracker.context import JobContext
from jobtracker.images.models import ImageFetch, StoredImage

ROWS = 2000  # of one transaction
FRESH_DAYS = 7  # in which a picture is not asked for again
FAILED_DAYS = 1  # in which a failed one is left to a person
NO_ADDRESS = "It is no http or https address."


def add_of_rows(context: JobContext, rows_table: str, last: int) -> None:
    """Queue the pictures of the materials that the job's rows up to number `last` created or
    updated; what is no web address is noted as failed. `rows_table` is one that `catalogue.write`
    fills. Done again it changes nothing."""
    _add(context, rows_table, last, "url <> ''")


def add_web_of_rows(context: JobContext, rows: type[RowOutcome]) -> None:
    """Do the same with all rows of the job, where other pictures than those at web addresses are no
    fault: a site's page has some within itself, and those of a PDF are files of ours."""
    mine = rows._base_manager.filter(job_id=context.job.id)
    last = mine.aggregate(last=Max("number"))["last"] or 0
    _add(context, rows._meta.db_table, last, "url ~* '^https?://'")


def _add(context: JobContext, rows_table: str, last: int, wanted: str) -> None:
    for first in range(0, last, ROWS):
        with context.transaction(), connection.cursor() as cursor:
            cursor.execute(
                _ADD.format(rows=rows_table, wanted=wanted),
                {
                    "job": context.job.id,
                    "after": first,
                    "to": first + ROWS,
                    "fresh": FRESH_DAYS,
                    "left": FAILED_DAYS,
                    "no_address": NO_ADDRESS,
                },
            )


def fetch_again(images: Iterable[StoredImage]) -> None:
    """Queue the addresses of pictures whose files are lost. They are asked without what they said
    the last time, or they would answer that nothing has changed."""
    lost = ImageFetch.objects.filter(image__in=images, status=ImageFetch.Status.STORED)
    lost.update(
        status=ImageFetch.Status.PENDING,
        retry_count=0,
        next_retry_at=Now(),
        completed_at=None,
        etag="",
        last_modified="",
    )


def thumbnail_urls(material_ids: Iterable[int]) -> dict[int, str]:
    """Return the address of the thumbnail of each of these materials that has one, by its id: of
    its first picture that is stored. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [list(material_ids)])
        return {pk: reverse("image-thumbnail", args=[sha256]) for pk, sha256 in cursor.fetchall()}


def image_urls(material_id: int) -> list[tuple[str, str]]:
    """Return (thumbnail, picture) addresses of a material's stored pictures, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [[material_id]])
        return [
            (reverse("image-thumbnail", args=[each]), reverse("image", args=[each]))
            for (each,) in cursor.fetchall()
        ]


# An address without a scheme, as "//cdn.example/1.jpg", is meant as https.
_NAMED = """
jsonb_array_elements_text(
    CASE WHEN jsonb_typeof(m.images) = 'array' THEN m.images ELSE '[]' END)
    WITH ORDINALITY AS named(text, place)
"""
_URL = """CASE WHEN left(btrim(named.text), 2) = '//' THEN 'https:' || btrim(named.text)
    ELSE btrim(named.text) END"""
_HASH = "sha256(convert_to({url}, 'UTF8'))"

NAMED_HASHES = f"SELECT {_HASH.format(url=_URL)} AS hash FROM {{rows}} m, {_NAMED}"
"""The hashes of the addresses in the column `images` of `rows`."""

_OLD = """(
    f.status = 'stored' AND f.completed_at < now() - make_interval(days => %(fresh)s)
    OR f.status = 'failed' AND f.completed_at < now() - make_interval(days => %(left)s))"""

# Step by step, or the planner works each address out several times. In order of the addresses,
# so that two jobs that queue the same ones wait for each other, and never in a circle.
_ADD = f"""
WITH named AS MATERIALIZED (
    SELECT {_URL} AS url, m.supplier_id
    FROM {{rows}} r JOIN materials m ON m.id = r.material_id, {_NAMED}
    WHERE r.job_id = %(job)s::uuid AND r.number > %(after)s AND r.number <= %(to)s
        AND r.outcome IN ('c', 'u')),
once AS MATERIALIZED (
    SELECT url, {_HASH.format(url="url")} AS hash, min(supplier_id) AS supplier_id,
        left(lower(substring(url from '(?i)^https?://([^/?#\\s]+)')), 255) AS host
    FROM named WHERE {{wanted}} GROUP BY url)
INSERT INTO image_fetches (url, url_hash, host, supplier_id, job_id, status, error_message,
    next_retry_at, completed_at)
SELECT url, hash, coalesce(host, ''), supplier_id, %(job)s::uuid,
    CASE WHEN host IS NULL THEN 'failed' ELSE 'pending' END,
    CASE WHEN host IS NULL THEN %(no_address)s ELSE '' END,
    CASE WHEN host IS NOT NULL THEN now() END, CASE WHEN host IS NULL THEN now() END
FROM once LEFT JOIN LATERAL (
    SELECT true AS known FROM image_fetches f WHERE f.url_hash = hash AND NOT {_OLD} LIMIT 1
) f ON true WHERE f.known IS NULL ORDER BY url
ON CONFLICT (url_hash) DO UPDATE SET job_id = excluded.job_id,
    supplier_id = excluded.supplier_id, status = 'pending', retry_count = 0,
    next_retry_at = now(), completed_at = NULL
WHERE excluded.status = 'pending' AND {_OLD.replace("f.", "image_fetches.")}
"""

_STORED = f"""
FROM materials m, {_NAMED}, image_fetches f, stored_images s
WHERE f.url_hash = {_HASH.format(url=_URL)} AND s.id = f.image_id AND m.id = ANY(%s)
"""
_FIRST = f"SELECT DISTINCT ON (m.id) m.id, s.sha256 {_STORED} ORDER BY m.id, named.place"
_ALL = f"SELECT s.sha256 {_STORED} ORDER BY named.place"
