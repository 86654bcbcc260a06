"""The one write path into the catalogue.

Every pipeline brings its rows here: feeds, pages, PDF tables, a person's corrections. A batch
costs a handful of statements however many rows it has, and is safe beside any other writer.

The caller owns the transaction and the fence, and this is the order of one batch:

    with transaction.atomic():
        writer.keep(seen)       # 0. where records have fingerprints: what need not be read
        writer.stage(rows)      # 1. COPY into a temporary table: slow, and locks nothing
        fence                   # 2. the job is still ours, and stays so until the commit
        writer.apply()          # 3. the supplier's lock, then the set-based statements
        checkpoint              # 4. commits with what it covers

The lock (3) is what keeps two jobs with the same new products from creating them twice: a SKU may
repeat, so no unique constraint can. A batch that ends in `OperationalError` (deadlock,
serialisation, lock time-out) or `IntegrityError` (a source row written by a transaction without
the lock) was rolled back as a whole; `in_transaction` opens the transaction and runs such a batch
again in a new one. A dry run is the same code on copies: see `rehearsal`.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from jobtracker.catalogue import statements
from jobtracker.catalogue.models import CatalogueSource
from jobtracker.catalogue.provenance import compact
from jobtracker.catalogue.statements import BATCH

T = TypeVar("T")

_TRIES = 5
_PASSING = {"40P01", "40001", "23505", "55P03"}


@dataclass(slots=True)
class Row:
    """One product as one source gives it, normalised.

    `number` counts the source's records, from 1 and rising; with the job it names the row for ever.
    `values` has the fields of `statements.FIELDS` that the source gives: no None, decimals as
    strings, `price` {amount, currency, unit}, `sku` {raw, fold}, `ean` {raw, valid}, `size` {text,
    w, h, t} in millimetres, `category` and `images` lists, `attributes` an object. `ean.valid` is
    left out for numbers with a wrong check digit or of a shop's own (prefix 2). `provenance` has an
    object for each field with something to say (raw, page, box, url, method, line, confidence) and
    one named `row` that holds for all of them. `detail` goes to the row's outcome, for warnings.
    Strings hold no NUL and no lone surrogates. `fingerprint` is that of the record it was read
    from, None where the next run is to read it again.
    """

    number: int
    line: int | None
    key: str
    values: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] | None = None
    fingerprint: bytes | None = None


class Seen(NamedTuple):
    """A record that is not read yet: where it stands, its key and its fingerprint."""

    number: int
    line: int | None
    key: str
    fingerprint: bytes


@dataclass(slots=True)
class Rejected:
    """A record that makes no material: `outcome` is `f` (failed) or `s` (skipped)."""

    number: int
    line: int | None
    key: str
    outcome: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of one batch's rows; `review` counts created ones that a person should see."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    review: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Change:
    """A row and what it does to its material; `old` is None where the material is new or the same.

    Keys are columns of `materials`; `new` has those that changed, or all that are known.
    """

    number: int
    line: int | None
    key: str
    old: dict[str, Any] | None
    new: dict[str, Any]


def in_transaction(batch: Callable[[], T]) -> T:
    """Run `batch` in a transaction and return what it returns; one that lost against another
    writer is run again, in a new transaction, a few times."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                return batch()
        except DatabaseError as error:
            if not left or not _is_passing(error):
                raise
    raise AssertionError("unreachable")


def _is_passing(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in _PASSING


class Writer:
    """Writes one source's rows for one job, batch by batch.

    `rows_table` is the caller's table of outcomes: job_id uuid, number int, line int, key text,
    outcome (c created, u updated, = unchanged, f failed, s skipped), material_id bigint, detail
    jsonb. Make the writer outside a transaction, once: it sets up the database session.
    """

    def __init__(self, job_id: UUID, source: CatalogueSource, rows_table: str) -> None:
        self._job_id = job_id
        table = sql.Identifier(rows_table).as_string()
        self._apply = statements.apply(table)
        self._report_unchanged = statements.report_unchanged(table)
        self._keep = statements.keep(table)
        self._sample = statements.sample(table)
        self._copy_rejected = (
            f"COPY {table} (job_id, number, line, key, outcome, detail) FROM STDIN"
        )
        self._params: dict[str, Any] = {
            "job": job_id,
            "source": source.pk,
            "supplier": source.supplier_id,
            "kind": source.kind,
            "order": source.supplier.source_order,
        }
        self._rejected: list[Rejected] = []
        self._staged = 0
        self._kept = 0
        with connection.cursor() as cursor:
            cursor.execute(statements.SESSION)

    def keep(self, seen: Sequence[Seen]) -> set[int]:
        """Report as unchanged those records of the batch that the source gave just so the last
        time; return their numbers. What is left is to be read and staged.

        No lock: another job of the source may write a kept row meanwhile, and wins as if it came
        later.
        """
        kept = _numbers(self._keep, seen, self._params)
        self._kept = len(kept)
        return kept

    def stage(self, rows: Sequence[Row], rejected: Iterable[Rejected] = ()) -> None:
        """Bring a batch to the database; of rows with the same key the last one counts.

        At most `BATCH` rows, inside the transaction that `apply` ends.
        """
        if len(rows) > BATCH:
            raise ValueError(f"a batch has at most {BATCH} rows, not {len(rows)}")
        last = {row.key: row for row in rows}
        self._rejected = list(rejected)
        if len(last) < len(rows):
            self._rejected += [
                _repeated(row, last[row.key]) for row in rows if last[row.key] is not row
            ]
        self._staged = len(last)
        with connection.wrap_database_errors, _cursor() as cursor:
            # Several batches of one transaction: a rehearsal.
            if cursor.execute("SELECT EXISTS (SELECT FROM stage)").fetchone() == (True,):
                cursor.execute("TRUNCATE stage, decisions")
            with cursor.copy("COPY stage FROM STDIN (FORMAT binary)") as copy:
                copy.write(_binary(last.values()))

    def apply(self) -> Outcome:
        """Write the staged batch; the supplier's other writers wait until the commit."""
        outcome = Outcome()
        with connection.wrap_database_errors, _cursor() as cursor:
            if self._staged:
                changed = self._identify(cursor)
                if changed:
                    cursor.execute(self._apply, self._params, prepare=True)
                    counts = cursor.fetchone()
                    assert counts is not None
                    outcome = Outcome(*counts)
                if changed < self._staged:
                    cursor.execute(self._report_unchanged, self._params, prepare=True)
                    outcome.unchanged += self._staged - changed
            if self._rejected:
                with cursor.copy(self._copy_rejected) as copy:
                    for item in self._rejected:
                        copy.write_row(
                            (
                                self._job_id,
                                item.number,
                                item.line,
                                item.key,
                                item.outcome,
                                _json(item.detail),
                            )
                        )
                outcome.failed = sum(item.outcome == "f" for item in self._rejected)
                outcome.skipped = len(self._rejected) - outcome.failed
        outcome.unchanged += self._kept
        self._kept = 0
        return outcome

    def sample(self, outcome: str, limit: int) -> list[Change]:
        """The job's first rows with this outcome, for a preview; decimals exact."""
        params: dict[str, Any] = {"job": self._job_id, "outcome": outcome, "limit": limit}
        with connection.cursor() as cursor:
            cursor.execute(self._sample, params)
            return [_change(*record) for record in cursor.fetchall()]

    def _lock(self) -> None:
        """Be the supplier's only writer until the commit."""
        with connection.cursor() as cursor:
            cursor.execute(statements.LOCK, self._params)

    def _identify(self, cursor: psycopg.Cursor) -> int:
        """Take the lock and decide what each staged row is; return how many are not unchanged."""
        self._lock()
        cursor.execute(statements.IDENTIFY, self._params, prepare=True)
        answer = cursor.fetchone()
        assert answer is not None
        return int(answer[0])


def seen_before(source: CatalogueSource, seen: Sequence[Seen]) -> set[int]:
    """Return the numbers of those records that a source gave just so the last time."""
    return _numbers(statements.SEEN, seen, {"source": source.pk})


def _numbers(statement: str, seen: Sequence[Seen], params: dict[str, Any]) -> set[int]:
    columns = {name: [getattr(each, name) for each in seen] for name in Seen._fields}
    with connection.wrap_database_errors, _cursor() as cursor:
        found = cursor.execute(statement, params | columns, prepare=True)
        return {number for (number,) in found}


def _cursor() -> psycopg.Cursor:
    """A cursor below Django's, which neither prepares statements nor copies in binary."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


_json = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_START = struct.Struct(">hii").pack
_INT = struct.Struct(">ii").pack
_LENGTH = struct.Struct(">i").pack


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    raw = value.encode()
    return _LENGTH(len(raw)) + raw


def _jsonb(raw: bytes) -> bytes:
    return _LENGTH(len(raw) + 1) + b"\x01" + raw


def _binary(rows: Iterable[Row]) -> bytearray:
    """The rows as PostgreSQL's binary COPY format, in the order of the stage's columns.

    Half the cost of text on both sides: JSON needs no second escaping.
    """
    data = bytearray(_HEADER)
    for row in rows:
        values = row.values
        encoded = _json(values).encode()
        digest = hashlib.blake2b(encoded, digest_size=16).digest()
        for part in (
            _START(10, 4, row.number),
            _NULL if row.line is None else _INT(4, row.line),
            _text(row.key),
            _text(values.get("sku", _NOTHING).get("fold")),
            _text(values.get("ean", _NOTHING).get("valid")),
            _LENGTH(16),
            digest,
            _jsonb(encoded),
            _jsonb(_json(compact(row.key, values, row.provenance)).encode()),
            _NULL if row.detail is None else _jsonb(_json(row.detail).encode()),
            _NULL if row.fingerprint is None else _LENGTH(16) + row.fingerprint,
        ):
            data += part
    data += _END
    return data


_NOTHING: dict[str, str] = {}


def _change(number: int, line: int | None, key: str, old: str | None, new: str | None) -> Change:
    before = json.loads(old, parse_float=Decimal) if old else None
    after = json.loads(new, parse_float=Decimal) if new else {}
    if before is not None:
        after = {name: after.get(name) for name in before}
    return Change(number, line, key, before, after)


def _repeated(row: Row, last: Row) -> Rejected:
    place = f"line {last.line}" if last.line else f"record {last.number}"
    return Rejected(
        row.number,
        row.line,
        row.key,
        "s",
        {
            "reason": f"The key {row.key!r} comes again in {place}; the last one counts",
            "hint": "Choose a column whose values differ from row to row as the key.",
        },
    )
