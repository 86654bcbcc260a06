"""The crawl's queue: statements on `scraping_pages`, each a handful however many addresses.

An address becomes a row once, by its canonical form. From `pending` it is claimed (`fetching`) and
ends `completed`, `failed` or `skipped`, or goes back to `pending` with a time for the next try.
The caller owns the transaction and the fence.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection

from jobtracker.pipelines import Counts
from scraping.canonical import canonical
from scraping.models import ScrapingSession
from scraping.options import Options
from scraping.rules import skip_rule

REDIRECT = "redirects to "
REDIRECTS_MOST = 10
ADDRESS_BYTES = 2000  # what the unique index can hold, with room
ROWS_MOST = 100_000  # of one session, skipped ones included
EARLIER_MOST = 10  # sessions that are asked for a page's last state
TRIES = 3


@dataclass(frozen=True, slots=True)
class Earlier:
    """A page as the newest earlier crawl of the supplier left it."""

    session_id: UUID
    job_id: UUID
    url: str
    etag: str
    last_modified: str
    content_hash: str
    first_row: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class Page:
    """A claimed address."""

    id: int
    url: str
    canonical: str
    depth: int
    found_on: str
    attempts: int
    redirects: int
    earlier: Earlier | None = None


def clean(text: str) -> str:
    """Take out what PostgreSQL's texts cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def start_urls(session_id: UUID) -> list[str]:
    """Return the session's start addresses and where its first one was redirected to, which is
    its site as well."""
    first, given = ScrapingSession.objects.values_list(
        "source_url", "background_job__metadata__urls"
    ).get(pk=session_id)
    found = [first]
    while len(found) <= REDIRECTS_MOST:
        target = _redirected(session_id, canonical(found[-1]))
        if not target or target in found:
            break
        found.append(target)
    return list(dict.fromkeys([*found, *(given or [])]))


def add(session_id: UUID, found: Iterable[tuple[str, int, str]], options: Options) -> int:
    """Add addresses (url, depth, the page that names it); return how many are new and waiting.

    What a rule shuts out, or the limit of pages, becomes a skipped row that names the rule.
    """
    start = start_urls(session_id)
    rows: dict[str, tuple[str, str, int, str, str]] = {}
    for url, depth, found_on in found:
        identity = _identity(url)
        if identity not in rows:
            rule = skip_rule(url, depth, options, start)
            if len(url.encode("utf-8", "replace")) > ADDRESS_BYTES:
                rule = rule or f"address longer than {ADDRESS_BYTES:,} bytes"
            rows[identity] = (clean(url), identity, depth, clean(found_on), rule)
    return _insert(session_id, list(rows.values()), options.max_pages, 0)


def claim(session_id: UUID, claim: UUID, limit: int, earlier: Sequence[UUID] = ()) -> list[Page]:
    """Take up to `limit` due pages, shallow ones first; `earlier` are sessions to compare with."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [session_id, limit, claim])
        rows = sorted(cursor.fetchall(), key=lambda row: (row[3], row[0]))
    known = _earlier(earlier, [row[2] for row in rows]) if earlier and rows else {}
    return [Page(*[*row, known.get(row[2])]) for row in rows]


def reclaim(session_id: UUID) -> int:
    """Take back what a dead process, or one that stops, had claimed; return how many."""
    return _execute(
        "UPDATE scraping_pages SET status = 'pending', claim = NULL, claimed_at = NULL,"
        " updated_at = clock_timestamp() WHERE session_id = %s AND status = 'fetching'",
        [session_id],
    )


def skip_rest(session_id: UUID, rule: str) -> int:
    """Skip what was not fetched yet; return how many. No process may be crawling the session."""
    return _execute(
        "UPDATE scraping_pages SET status = 'skipped', skip_rule = %s, claim = NULL,"
        " claimed_at = NULL, next_attempt_at = NULL, updated_at = clock_timestamp()"
        " WHERE session_id = %s AND status IN ('pending', 'fetching')",
        [rule, session_id],
    )


def blame(page_id: int, reason: str, hint: str, *, at_once: bool) -> None:
    """Note that reading a page ended the process: failed `at_once` or at the last try."""
    _execute(
        "UPDATE scraping_pages SET attempts = attempts + 1, claim = NULL, claimed_at = NULL,"
        " error = %s, hint = %s, updated_at = clock_timestamp(),"
        " status = CASE WHEN %s OR attempts + 1 >= %s THEN 'failed' ELSE 'pending' END"
        " WHERE id = %s AND status IN ('fetching', 'pending')",
        [reason, hint, at_once, TRIES, page_id],
    )


def counts(session_id: UUID) -> Counts:
    """Count the session's pages by what became of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, count(*) FROM scraping_pages WHERE session_id = %s GROUP BY 1",
            [session_id],
        )
        found = dict(cursor.fetchall())
    return Counts(
        total=sum(found.values()),
        done=found.get("completed", 0),
        failed=found.get("failed", 0),
        skipped=found.get("skipped", 0),
    )


def next_due(session_id: UUID) -> float | None:
    """Return the seconds until a waiting page is due (0 or less: now), None where none waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(coalesce(next_attempt_at, clock_timestamp()))"
            " - clock_timestamp())::float FROM scraping_pages"
            " WHERE session_id = %s AND status = 'pending'",
            [session_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def earlier_sessions(session: ScrapingSession) -> list[UUID]:
    """Return the newest completed crawls of the same supplier that made products of a page in
    the same way."""
    config = session.scraping_config
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id FROM scraping_sessions s JOIN background_jobs b"
            " ON b.id = s.background_job_id WHERE b.status = 'completed' AND s.id <> %s"
            " AND b.supplier_id = (SELECT supplier_id FROM background_jobs WHERE id = %s)"
            " AND NOT EXISTS (SELECT FROM background_jobs u WHERE u.supplier_id = b.supplier_id"
            " AND (u.result#>>'{undone,at}')::timestamptz > b.created_at)"
            " AND coalesce(s.scraping_config->'categories', '[]') = %s::jsonb"
            " AND coalesce(s.scraping_config->>'model', 'rules') = %s"
            " ORDER BY s.id DESC LIMIT %s",
            [
                session.pk,
                session.background_job_id,
                json.dumps(config.get("categories", [])),
                config.get("model", "rules"),
                EARLIER_MOST,
            ],
        )
        return [row[0] for row in cursor.fetchall()]


def settle(claim: UUID, outcomes: Sequence[dict[str, Any]]) -> int:
    """Write what became of claimed pages; return how many were still this claim's.

    An outcome has the keys of `_SETTLE`'s record; `delay` is the seconds until the next try of
    a page that goes back to `pending`.
    """
    return _execute(_SETTLE, [json.dumps(outcomes), claim])


def redirect(session_id: UUID, page: Page, target: str, options: Options) -> tuple[str, str]:
    """Decide what a redirected page becomes, and have its target as a row of its own.

    Returns its status (`skipped`, `failed`, or `pending` where the target is the same page under
    another spelling) and the rule or reason. The caller has not settled the page yet; the target
    does not count against the limit, since the page gives up its own place.
    """
    identity = _identity(target)
    if page.redirects >= REDIRECTS_MOST:
        return "failed", f"It was redirected more than {REDIRECTS_MOST} times in a row."
    if target == page.url:
        return "failed", "The page redirects to itself."
    if identity == page.canonical:
        _execute(
            "UPDATE scraping_pages SET url = %s, redirects = redirects + 1 WHERE id = %s",
            [clean(target), page.id],
        )
        return "pending", ""
    following: str | None = target
    for _ in range(REDIRECTS_MOST):
        following = _redirected(session_id, _identity(following or ""))
        if not following:
            break
        if _identity(following) == page.canonical:
            return "failed", f"The page redirects in a circle, by way of {target}."
    start = start_urls(session_id)
    # The target keeps the depth: of a start address each step to the page itself is followed.
    rule = "" if page.depth == 0 else skip_rule(target, page.depth, options, start)
    row = (clean(target), identity, page.depth, clean(page.url), rule)
    _insert(session_id, [row], options.max_pages + 1, page.redirects + 1)
    return "skipped", f"{REDIRECT}{clean(target)}"


def links_of(pages: Sequence[Earlier]) -> dict[str, list[str]]:
    """Return the addresses that earlier crawls found on pages, by page."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT found_on, array_agg(url ORDER BY id) FROM scraping_pages"
            " WHERE session_id = ANY(%s) AND found_on = ANY(%s) GROUP BY 1",
            [[page.session_id for page in pages], [page.url for page in pages]],
        )
        return dict(cursor.fetchall())


def carry(job_id: UUID, first_row: int, page: Earlier) -> int:
    """Take an unchanged page's materials over as unchanged rows from `first_row` on; return
    how many there are. A page has the numbers of all its earlier rows."""
    if not page.rows or page.first_row is None:
        return 0
    return _execute(
        "INSERT INTO scraping_rows (job_id, number, line, key, outcome, material_id, detail)"
        " SELECT %s, r.number - %s + %s, r.line, r.key,"
        " CASE WHEN r.outcome IN ('c', 'u') THEN '=' ELSE r.outcome END, r.material_id, r.detail"
        " FROM scraping_rows r WHERE r.job_id = %s AND r.number >= %s AND r.number < %s",
        [
            job_id,
            page.first_row,
            first_row,
            page.job_id,
            page.first_row,
            page.first_row + page.rows,
        ],
    )


# Where an address is looked for in a session, the session's id is hidden in a subquery: by
# statistics older than the session the planner takes it for one without pages, and reads them all.
_REDIRECT = """
SELECT skip_rule FROM scraping_pages
WHERE session_id = (SELECT %s::uuid) AND canonical_url = %s
"""

_CLAIM = """
WITH picked AS MATERIALIZED (
    SELECT id FROM scraping_pages WHERE session_id = %s AND status = 'pending'
    AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
    ORDER BY depth, id LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE scraping_pages p SET status = 'fetching', claim = %s, claimed_at = clock_timestamp(),
    next_attempt_at = NULL
FROM picked WHERE p.id = picked.id
RETURNING p.id, p.url, p.canonical_url, p.depth, p.found_on, p.attempts, p.redirects
"""

_EARLIER = """
SELECT DISTINCT ON (p.canonical_url) p.canonical_url, p.session_id, s.background_job_id, p.url,
    p.etag, p.last_modified, p.content_hash, p.first_row, p.rows
FROM scraping_pages p JOIN scraping_sessions s ON s.id = p.session_id
WHERE p.session_id = ANY((SELECT %s::uuid[])::uuid[]) AND p.canonical_url = ANY(%s)
    AND p.status = 'completed'
    -- whose materials are all still there
    AND NOT EXISTS (SELECT FROM scraping_rows r WHERE r.job_id = s.background_job_id
        AND r.number >= p.first_row AND r.number < p.first_row + p.rows
        AND r.outcome IN ('c', 'u', '=')
        AND NOT EXISTS (SELECT FROM materials m WHERE m.id = r.material_id))
ORDER BY p.canonical_url, p.session_id DESC
"""

_SETTLE = """
UPDATE scraping_pages p SET status = r.status, skip_rule = r.rule, http_status = r.http_status,
    content_type = r.content_type, bytes = r.bytes, etag = r.etag,
    last_modified = r.last_modified, content_hash = r.content_hash, unchanged = r.unchanged,
    fetch_ms = r.fetch_ms, attempts = p.attempts + 1, materials_found = r.materials,
    first_row = r.first_row, rows = r.rows, notes = r.notes, error = r.error, hint = r.hint,
    next_attempt_at = clock_timestamp() + make_interval(secs => r.delay),
    claim = NULL, claimed_at = NULL, updated_at = clock_timestamp()
FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, status text, rule text, http_status int,
    content_type text, bytes int, etag text, last_modified text, content_hash text,
    unchanged boolean, fetch_ms int, materials int, first_row int, rows int, notes jsonb,
    error text, hint text, delay float)
WHERE p.id = r.id AND p.claim = %s AND p.status = 'fetching'
"""

_INSERT = """
WITH found AS MATERIALIZED (
    SELECT f.* FROM unnest(%(urls)s::text[], %(identities)s::text[], %(depths)s::int[],
        %(found_on)s::text[], %(rules)s::text[])
        WITH ORDINALITY AS f(url, identity, depth, found_on, rule, place)
    LEFT JOIN LATERAL (SELECT true AS known FROM scraping_pages
        WHERE session_id = (SELECT %(session)s::uuid) AND canonical_url = f.identity LIMIT 1
    ) p ON true WHERE p.known IS NULL),
kept AS (
    SELECT count(*) AS every, count(*) FILTER (WHERE status <> 'skipped') AS taken
    FROM scraping_pages WHERE session_id = %(session)s AND EXISTS (SELECT FROM found)),
judged AS (
    SELECT f.*, CASE WHEN f.rule = '' AND k.taken + row_number() OVER (
        PARTITION BY f.rule = '' ORDER BY f.place) > %(limit)s
        THEN %(limit_rule)s ELSE f.rule END AS verdict
    FROM found f, kept k WHERE k.every < %(most)s)
INSERT INTO scraping_pages (session_id, url, canonical_url, depth, found_on, status, skip_rule,
    redirects, content_type, bytes, etag, last_modified, content_hash, unchanged, attempts,
    materials_found, rows, notes, error, hint)
SELECT %(session)s, url, identity, depth, found_on,
    CASE WHEN verdict = '' THEN 'pending' ELSE 'skipped' END, verdict, %(redirects)s,
    '', 0, '', '', '', false, 0, 0, 0, '[]', '', ''
FROM judged ORDER BY place
ON CONFLICT (session_id, canonical_url) DO NOTHING RETURNING status
"""


def _insert(
    session_id: UUID, rows: list[tuple[str, str, int, str, str]], limit: int, redirects: int
) -> int:
    if not rows:
        return 0
    urls, identities, depths, found_on, rules = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "session": session_id,
                "urls": list(urls),
                "identities": list(identities),
                "depths": list(depths),
                "found_on": list(found_on),
                "rules": list(rules),
                "limit": limit,
                "limit_rule": f"page limit of {limit:,}",
                "most": ROWS_MOST,
                "redirects": redirects,
            },
        )
        return sum(status == "pending" for (status,) in cursor.fetchall())


def _identity(url: str) -> str:
    identity = clean(canonical(url))
    raw = identity.encode()
    return identity if len(raw) <= ADDRESS_BYTES else f"sha256:{sha256(raw).hexdigest()}"


def _redirected(session_id: UUID, identity: str) -> str:
    """Return where a page of the session was redirected to, "" for nowhere."""
    with connection.cursor() as cursor:
        cursor.execute(_REDIRECT, [session_id, identity])
        row = cursor.fetchone()
    rule = row[0] if row else ""
    return rule.removeprefix(REDIRECT) if rule.startswith(REDIRECT) else ""


def _earlier(sessions: Sequence[UUID], identities: list[str]) -> dict[str, Earlier]:
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [list(sessions), identities])
        return {row[0]: Earlier(*row[1:]) for row in cursor.fetchall()}


def _execute(statement: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)
