"""Invents jobs, for development and benchmarks: many, of every type, state, supplier and error,
over a year, set-based. What they would have made does not exist."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Field

from jobtracker import pipelines
from jobtracker.catalogue.models import Supplier
from jobtracker.causes import fingerprint
from jobtracker.models import BackgroundJob, JobMetricsHour
from jobtracker.pipelines import Invented, Pipeline

BATCH = 50_000
YEAR = 365 * 24 * 3600
SUPPLIERS = [
    f"{first} {last}"
    for first in ("Northlight", "Alder", "Brightwater", "Cobalt", "Dunmore", "Elmstead")
    for last in ("Tiles", "Fabrics", "Flooring", "Stone", "Surfaces")
]


def seed(number: int, told: Callable[[int], None] = lambda done: None) -> None:
    """Make so many jobs, with attempts and detail rows, and forget what was rolled up before.
    `told` hears how many there are so far."""
    Supplier.objects.bulk_create([Supplier(name=name) for name in SUPPLIERS], ignore_conflicts=True)
    for done in range(0, number, BATCH):
        many = min(BATCH, number - done)
        with transaction.atomic():
            # The oldest first: what is inserted in the order of the indexes is inserted fast.
            _make(many, begins=1 - done / number, ends=1 - (done + many) / number)
        told(done + many)
    JobMetricsHour.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE background_jobs; ANALYZE job_attempts")


def _make(number: int, begins: float, ends: float) -> None:
    """Make jobs of a part of the year; the bounds are shares of it, counted back from now."""
    suppliers = list(Supplier.objects.filter(name__in=SUPPLIERS).values_list("pk", flat=True))
    invented = {p.job_type: p.invented for p in pipelines.registered() if p.invented}
    errors = [
        (kind, place, stage, message, fingerprint(kind, stage, message))
        for kind, each in invented.items()
        for place, (stage, message) in enumerate(each.errors)
    ]
    columns = _JOB | {
        "filename": _by_kind("s.kind", {kind: e.filename for kind, e in invented.items()}, "''")
    }
    for name in {name for each in invented.values() for name in each.job}:
        columns[name] = _by_kind(
            "s.kind", {kind: e.job[name] for kind, e in invented.items() if name in e.job}, "NULL"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            _DRAW.format(
                total=_by_kind("kind", {kind: e.total for kind, e in invented.items()}, "0")
            ),
            {
                "number": number,
                "begins": begins,
                "ends": ends,
                "year": YEAR,
                "suppliers": suppliers,
                "kinds": [*invented],
            },
        )
        cursor.execute(
            "CREATE TEMPORARY TABLE seed_errors ON COMMIT DROP AS SELECT * FROM unnest(%s::text[],"
            " %s::int[], %s::text[], %s::text[], %s::text[])"
            " AS e(kind, place, stage, message, cause)",
            [list(column) for column in zip(*errors, strict=True)],
        )
        defaults = _defaults(BackgroundJob, columns.keys())
        cursor.execute(
            _insert(BackgroundJob, columns | dict.fromkeys(defaults, "%s"), _FROM),
            [*defaults.values()],
        )
        cursor.execute(_ATTEMPTS)
        for pipeline in pipelines.registered():
            if pipeline.invented:
                _make_details(cursor, pipeline, pipeline.invented)
        cursor.execute("DROP TABLE seeds, seed_errors")


def _by_kind(kind: str, expressions: Mapping[str, str], otherwise: str) -> str:
    """Return the SQL that has the expression of the type in the column `kind`."""
    cases = " ".join(f"WHEN '{word}' THEN {value}" for word, value in expressions.items())
    return f"CASE {kind} {cases} ELSE {otherwise} END"


def _make_details(cursor: Any, pipeline: Pipeline, invented: Invented) -> None:
    model = pipeline.detail.model
    known = {"background_job_id": "b.id", "created_at": "b.created_at"}
    known |= dict(pipeline.detail.mirrors) | dict(invented.detail)
    defaults = _defaults(model, known.keys())
    cursor.execute(
        _insert(
            model,
            known | dict.fromkeys(defaults, "%s"),
            "seeds s JOIN background_jobs b USING (id) WHERE s.kind = %s",
        ),
        [*defaults.values(), pipeline.job_type],
    )


def _insert(model: Any, columns: dict[str, str], source: str) -> str:
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)})"
        f" SELECT {', '.join(columns.values())} FROM {source}"
    )


def _defaults(model: Any, known: Any) -> dict[str, Any]:
    """Return what Django would write to the columns that must have a value and are not known."""
    fields: list[Field[Any, Any]] = model._meta.concrete_fields
    return {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in fields
        if field.column not in known
        and not field.null
        and not field.primary_key
        and not field.has_db_default()
    }


# What is random is drawn once; the rest follows from it.
_DRAW = """
CREATE TEMPORARY TABLE seeds ON COMMIT DROP AS
SELECT uuidv7(made - clock_timestamp()) AS id, made, kind, what,
    (%(suppliers)s::bigint[])[1 + floor(random() * cardinality(%(suppliers)s::bigint[]))]
        AS supplier,
    CASE WHEN what = 'failed' THEN 1 + floor(random() * 3)::int ELSE 1 END
        AS tries,
    1 + floor(exp(random() * 6))::int AS waited,
    1 + exp(random() * 8) AS took,
    {total} AS total,
    CASE WHEN random() < 0.3 THEN random() * 0.2 ELSE 0 END AS bad,
    floor(random() * 15)::int AS place, random() AS luck
FROM (
    SELECT clock_timestamp() - make_interval(secs => CASE WHEN live THEN random() * 3600
            ELSE 7200 + (%(ends)s + random() * (%(begins)s - %(ends)s)) * (%(year)s - 7200) END)
            AS made,
        CASE WHEN live THEN (ARRAY['pending', 'pending', 'later', 'mapping', 'processing'])
                [1 + floor(random() * 5)]
            WHEN fate < 0.90 THEN 'completed' WHEN fate < 0.97 THEN 'failed'
            ELSE 'cancelled' END AS what,
        (%(kinds)s::text[])[1 + floor(random() * cardinality(%(kinds)s::text[]))] AS kind
    FROM (SELECT random() AS fate, random() < 0.002 AS live
          FROM generate_series(1, %(number)s)) drawn
) born
ORDER BY made
"""
_STATUS = "CASE s.what WHEN 'later' THEN 'pending' WHEN 'mapping' THEN 'pending' ELSE s.what END"
_ENDED_AT = "s.made + make_interval(secs => s.waited + s.took)"
_DONE = "CASE WHEN s.what = 'completed' THEN 1 WHEN s.what = 'pending' THEN 0 ELSE s.luck END"
_JOB = {
    "id": "s.id",
    "job_type": "s.kind",
    "status": _STATUS,
    "supplier_id": "s.supplier",
    "priority": "CASE WHEN s.luck < 0.8 THEN 1 ELSE mod(floor(s.luck * 20)::int, 4) END",
    "created_at": "s.made",
    "started_at": "CASE WHEN s.what NOT IN ('pending', 'later') AND NOT (s.what = 'cancelled'"
    " AND s.luck < 0.3) THEN s.made + make_interval(secs => s.waited) END",
    "completed_at": f"CASE s.what WHEN 'completed' THEN {_ENDED_AT} END",
    "failed_at": f"CASE s.what WHEN 'failed' THEN {_ENDED_AT} END",
    "cancelled_at": f"CASE s.what WHEN 'cancelled' THEN {_ENDED_AT} END",
    "updated_at": f"least({_ENDED_AT}, clock_timestamp())",
    "progress": f"CASE WHEN s.what = 'completed' THEN 100 ELSE floor({_DONE} * 99) END",
    "run_after": "CASE s.what WHEN 'later' THEN clock_timestamp() + s.luck * interval '7 days' END",
    "waiting_for": "CASE s.what WHEN 'mapping' THEN 'mapping' END",
    "attempt_token": "CASE s.what WHEN 'processing' THEN gen_random_uuid() END",
    "last_heartbeat": "CASE WHEN s.what NOT IN ('pending', 'later') THEN clock_timestamp() END",
    "retry_count": "CASE WHEN s.what = 'failed' THEN s.tries - 1 ELSE 0 END",
    "current_stage": "CASE WHEN s.what IN ('failed', 'processing') THEN e.stage ELSE '' END",
    "error": "CASE s.what WHEN 'failed' THEN e.message ELSE '' END",
    "error_fingerprint": "CASE s.what WHEN 'failed' THEN e.cause ELSE '' END",
    "total_items": "s.total",
    "done_items": f"floor(s.total * (1 - s.bad) * {_DONE})",
    "failed_items": "CASE s.what WHEN 'completed' THEN s.total - floor(s.total * (1 - s.bad))"
    " ELSE 0 END",
    "result": "CASE s.what WHEN 'completed' THEN jsonb_build_object('materials',"
    " floor(s.total * (1 - s.bad)), 'updated', floor(s.total * (1 - s.bad))) ELSE '{}' END",
}
_FROM = """
seeds s JOIN seed_errors e ON e.kind = s.kind
    AND e.place = mod(s.place, (SELECT count(*)::int FROM seed_errors o WHERE o.kind = s.kind))
"""
_ATTEMPTS = """
INSERT INTO job_attempts (job_id, number, token, worker, host, pid, claimed_at, started_at,
    finished_at, outcome, stage, error, error_type, traceback, sentry_event_id)
SELECT b.id, n, CASE WHEN b.status = 'processing' THEN b.attempt_token ELSE gen_random_uuid() END,
    '00000000-0000-7000-8000-000000000000', 'seed', 1, b.started_at, b.started_at,
    CASE WHEN b.status <> 'processing' THEN coalesce(b.completed_at, b.failed_at, b.cancelled_at,
        b.started_at + interval '1 second') END,
    CASE WHEN b.status = 'processing' THEN NULL WHEN n < s.tries THEN 'retryable'
        WHEN b.status = 'pending' THEN 'waiting' ELSE b.status END,
    b.current_stage, b.error, CASE b.error WHEN '' THEN '' ELSE 'Permanent' END, '', ''
FROM seeds s JOIN background_jobs b USING (id) CROSS JOIN LATERAL generate_series(1, s.tries) n
WHERE b.started_at IS NOT NULL
"""
