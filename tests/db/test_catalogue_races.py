"""Two writers at once, and a writer that dies: nothing doubled, nothing half-written."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from jobtracker.catalogue import statements
from jobtracker.catalogue.models import Material, MaterialSource, MaterialVersion
from jobtracker.catalogue.write import Outcome, Row, Writer, in_transaction
from tests.db.catalogue_feed import CREATE_ROWS_TABLE, ROWS_TABLE, outcomes, row, source, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def rows_table():
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROWS_TABLE)
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {ROWS_TABLE}")


def rows(count=20):
    return [row(number, sku=f"AR-{number}") for number in range(1, count + 1)]


def written_elsewhere(*args) -> Outcome:
    """`write` on a connection of this thread's own."""
    try:
        return write(*args)
    finally:
        connection.close()


def wait_for_the_lock(other: Future) -> None:
    """Return once another session waits for the supplier's lock; fail if it does anything else."""
    waits: list[tuple[str]] = []
    with connection.cursor() as cursor:
        while not waits and not other.done():
            # Inside a transaction the view would stay as it was first read.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT wait_event FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            waits = cursor.fetchall()
    assert waits == [("advisory",)]


def test_two_jobs_with_the_same_new_products_make_each_once():
    one, two = source(name="one"), source(name="two")
    writer = Writer(uuid4(), one, ROWS_TABLE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            writer.stage(rows())
            assert writer.apply() == Outcome(created=20)
            second = pool.submit(written_elsewhere, rows(), two)
            wait_for_the_lock(second)
        assert second.result() == Outcome(unchanged=20)
    assert Material.objects.count() == 20
    assert MaterialSource.objects.count() == 40


def test_the_same_feed_twice_at_once_makes_each_product_once():
    feed = source()
    writer = Writer(uuid4(), feed, ROWS_TABLE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            writer.stage(rows())
            writer.apply()
            second = pool.submit(written_elsewhere, rows(), feed)
            wait_for_the_lock(second)
        assert second.result() == Outcome(unchanged=20)
    assert Material.objects.count() == MaterialVersion.objects.count() == 20


def test_the_source_that_was_written_last_is_the_newer_one_whenever_its_transaction_began():
    one, two = source(name="one"), source(name="two")
    for each in (one, two):
        write([row(1, sku="A")], each)
    writer = Writer(uuid4(), one, ROWS_TABLE)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        writer.stage([row(1, sku="A", finish="matt")])
        pool.submit(written_elsewhere, [row(1, sku="A", finish="gloss")], two).result()
        writer.apply()
    in_order = MaterialSource.objects.order_by("changed_at")
    assert list(in_order.values_list("source__name", flat=True)) == ["two", "one"]
    assert Material.objects.get().changed_at == in_order[1].changed_at


def test_suppliers_do_not_wait_for_each_other():
    writer = Writer(uuid4(), source(), ROWS_TABLE)
    other = source(supplier="Mosshult")
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        writer.stage(rows())
        writer.apply()
        assert pool.submit(written_elsewhere, rows(), other).result() == Outcome(created=20)


def test_staging_waits_for_nobody():
    feed = source()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.LOCK, {"supplier": feed.supplier_id})

        def staged_elsewhere() -> bool:
            try:
                writer = Writer(uuid4(), feed, ROWS_TABLE)
                with transaction.atomic():
                    writer.stage(rows())
                return True
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(staged_elsewhere).result()


def test_a_batch_that_is_not_given_its_lock_in_time_is_run_again():
    feed = source()
    tried_again = Event()

    def hasty() -> int:
        writer = Writer(uuid4(), feed, ROWS_TABLE)
        tries = 0

        def batch() -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '20ms'")
            else:
                tried_again.set()
            writer.stage(rows())
            writer.apply()

        try:
            in_transaction(batch)
        finally:
            connection.close()
        return tries

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statements.LOCK, {"supplier": feed.supplier_id})
            waiting = pool.submit(hasty)
            assert tried_again.wait(10)
        assert waiting.result() == 2
    assert Material.objects.count() == len(rows())


def test_a_batch_with_any_other_error_is_not_run_again():
    tries = []

    def batch() -> None:
        tries.append(1)
        raise DatabaseError("no cause")

    with pytest.raises(DatabaseError, match="no cause"):
        in_transaction(batch)
    assert len(tries) == 1


def write_and_be_killed(writer: Writer, batch: list[Row]) -> None:
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        writer.stage(batch)
        assert writer.apply() == Outcome(created=len(batch))
        pool.submit(killed_backend, connection.connection.info.backend_pid).result()


def killed_backend(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()


def test_a_writer_that_dies_before_its_commit_leaves_its_last_batch_out():
    feed, job = source(), uuid4()
    assert write(rows(10), feed, job) == Outcome(created=10)
    later = [row(number, sku=f"AR-{number}") for number in range(11, 21)]
    with pytest.raises(OperationalError):
        write_and_be_killed(Writer(job, feed, ROWS_TABLE), later)
    connection.close()
    counted = (Material, MaterialSource, MaterialVersion)
    assert [model.objects.count() for model in counted] == [10, 10, 10]
    assert len(outcomes(job)) == 10
    assert write(later, feed, job) == Outcome(created=10)
    assert [model.objects.count() for model in counted] == [20, 20, 20]
    assert [number for number, _, _ in outcomes(job)] == list(range(1, 21))
