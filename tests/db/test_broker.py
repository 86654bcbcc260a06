"""Tickets: how many the pusher gives out, what wakes it, and that nothing makes it raise."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from jobtracker import lifecycle
from jobtracker.workers import block as blocks
from jobtracker.workers import nurse
from jobtracker.workers.block import Beating, Block
from jobtracker.workers.broker import TicketBroker

from .jobs import Elsewhere, claim, make_job, pipeline_in_place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]


@pytest.fixture(autouse=True)
def _pipeline() -> Iterator[None]:
    with pipeline_in_place():
        yield


@pytest.fixture
def block() -> Iterator[Block]:
    """A block with two idle workers, as the pusher of a registered worker sees it."""
    block = Block(slots=2)
    for _ in range(2):
        block.enlist()
    block.mark_registered()
    blocks.install(block)
    yield block
    blocks.install(None)


@pytest.fixture
def broker(block: Block) -> TicketBroker:
    broker = TicketBroker()
    broker.dequeue()  # is rung awake by the registration; from here on it listens
    return broker


def end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def tickets(broker: TicketBroker) -> int:
    packages = broker.dequeue()
    assert all(acknowledgement is None for acknowledgement, _ in packages)
    return len(packages)


def test_a_ticket_is_a_signed_task_that_is_never_acknowledged(
    block: Block, broker: TicketBroker
) -> None:
    make_job()
    [(acknowledgement, package)] = broker.dequeue()
    task = SignedPackage.loads(package)
    assert acknowledgement is None
    assert task["func"] is nurse.attend
    assert task["started"]
    assert block.under_way == 1


def test_there_are_no_more_tickets_than_jobs_or_free_workers(
    block: Block, broker: TicketBroker
) -> None:
    make_job()
    assert tickets(broker) == 1
    for _ in range(3):
        make_job()
    assert tickets(broker) == 1  # one is under way, two workers are free
    block.ring()
    assert tickets(broker) == 0
    block.records[0].take_ticket()
    block.records[1].take_ticket()
    block.ring()
    assert tickets(broker) == 0


@pytest.mark.parametrize("why", ["draining", "unregistered", "paused"])
def test_there_is_no_ticket_while_nothing_may_start(
    block: Block, broker: TicketBroker, why: str
) -> None:
    make_job()
    if why == "draining":
        block.drain()
    elif why == "paused":
        lifecycle.set_queue("xml_import", None, paused=True)
    else:
        fresh = Block(slots=2)
        fresh.enlist()
        fresh.ring()
        blocks.install(fresh)
    assert tickets(broker) == 0


def test_a_new_job_wakes_the_waiting_pusher(
    broker: TicketBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a poll nothing but the notification can end the wait.
    monkeypatch.setattr("jobtracker.workers.broker.POLL_SECONDS", 600.0)
    maker = Elsewhere(make_job)
    assert broker.dequeue() == []
    maker.result()
    assert tickets(broker) == 1


def test_a_cancel_of_a_job_that_runs_here_is_passed_on(block: Block, broker: TicketBroker) -> None:
    here, elsewhere = make_job(), make_job()
    for _ in range(2):
        claimed = claim()
        if claimed.job_id == here.id:
            block.records[0].hold(claimed.job_id, claimed.token)
    for record in block.records[:2]:
        record.take_ticket()
    broker.dequeue()
    lifecycle.cancel([elsewhere.id], None)
    broker.dequeue()
    assert block.cancel_epoch == 0
    lifecycle.cancel([here.id], None)
    broker.dequeue()
    assert block.cancel_epoch == 1


def test_plain_tasks_pass_and_are_locked(block: Block, broker: TicketBroker) -> None:
    for _ in range(3):
        async_task("math.sqrt", 4)
    packages = broker.dequeue()
    assert [key for key, _ in packages] == list(
        OrmQ.objects.order_by("id").values_list("id", flat=True)[:2]
    )
    assert block.under_way == 2
    block.records[0].take_ticket()
    block.ring()
    assert broker.dequeue() == []


def test_a_lost_session_is_replaced_and_never_raises(block: Block, broker: TicketBroker) -> None:
    make_job()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    Elsewhere(lambda: end_session(pid)).result()
    block.ring()
    assert broker.dequeue() == []
    block.ring()
    assert tickets(broker) == 1
    assert block.silent_for(Beating.PUSHER) < 60


def test_making_a_broker_opens_no_session(block: Block) -> None:
    connection.close()
    TicketBroker().ping()
    assert connection.connection is None


def test_the_sentinels_statistics_are_its_sign_of_life(block: Block) -> None:
    before = block.silent_for(Beating.SENTINEL)
    TicketBroker().set_stat("key", "value", 3)
    assert block.silent_for(Beating.SENTINEL) < before


def test_outside_a_worker_it_is_the_orm_broker(queues: None) -> None:
    assert blocks.current() is None
    assert TicketBroker().dequeue() == []
    async_task("math.sqrt", 4)
    [(key, _)] = TicketBroker().dequeue()
    assert key == OrmQ.objects.get().pk
