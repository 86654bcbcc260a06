"""The shared block: tickets, records and wake-ups, across real forks."""

import os
import select
from collections.abc import Callable
from uuid import uuid4

import pytest

from jobtracker.workers.block import RECORDS_PER_SLOT, Beating, Block, State


@pytest.fixture
def block() -> Block:
    return Block(slots=2)


def in_a_child(act: Callable[[], object]) -> int:
    """Run `act` in a forked process and return its pid once it is gone; fail where it failed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return pid


def test_what_a_child_writes_its_parent_reads(block: Block) -> None:
    job, token = uuid4(), uuid4()

    def work() -> None:
        record = block.enlist()
        record.take_ticket()
        record.hold(job, token)

    pid = in_a_child(work)
    [record] = [r for r in block.records if r.state is not State.FREE]
    assert (record.pid, record.state, record.job, record.token) == (pid, State.BUSY, job, token)
    assert not record.is_alive()


def test_only_living_workers_are_idle_or_busy(block: Block) -> None:
    block.enlist()
    in_a_child(block.enlist)
    assert (block.idle(), block.busy()) == (1, 0)
    block.records[0].take_ticket()
    assert (block.idle(), block.busy()) == (0, 1)


def test_tickets_are_under_way_until_a_worker_takes_them(block: Block) -> None:
    record = block.enlist()
    block.give(3)
    assert block.under_way == 3
    record.take_ticket()
    assert block.under_way == 2


def test_a_dead_workers_tickets_stay_counted_when_its_record_is_used_again(block: Block) -> None:
    block.give(2)
    in_a_child(lambda: block.enlist().take_ticket())
    block.enlist()
    assert [r.taken for r in block.records[:2]] == [1, 0]
    assert block.under_way == 1


def test_a_record_is_not_used_again_before_its_attempt_was_taken_back(block: Block) -> None:
    in_a_child(lambda: block.enlist().hold(uuid4(), uuid4()))
    assert block.enlist() is block.records[1]
    block.records[0].release()
    assert block.enlist() is block.records[0]


def test_a_worker_without_a_record_is_told_so(block: Block) -> None:
    for _ in range(2 * RECORDS_PER_SLOT):
        block.enlist()
    with pytest.raises(RuntimeError, match="no free record"):
        block.enlist()


def test_a_killed_holder_of_the_lock_blocks_nobody(block: Block) -> None:
    def die_inside() -> None:
        with block._locked():
            os._exit(0)

    in_a_child(die_inside)
    assert block.enlist().pid == os.getpid()


def test_a_new_cluster_starts_with_no_ticket_and_no_monitor(block: Block) -> None:
    block.give(2)
    block.enlist().take_ticket()
    block.count_monitor()
    assert not block.monitor_died
    block.count_monitor()
    assert block.monitor_died
    block.begin_cluster()
    assert (block.under_way, block.taken, block.monitor_died) == (0, 1, False)


def test_a_process_is_silent_since_its_last_tick(block: Block) -> None:
    assert block.silent_for(Beating.PUSHER) > 1  # never
    in_a_child(lambda: block.tick(Beating.PUSHER))
    assert block.silent_for(Beating.PUSHER) < block.silent_for(Beating.SENTINEL)


def test_rings_from_any_process_wake_once(block: Block) -> None:
    block.ring()
    in_a_child(block.ring)
    assert select.select([block.bell], [], [], 0)[0]
    block.silence()
    assert not select.select([block.bell], [], [], 0)[0]
    block.silence()  # nothing rang, which is no error


def test_drain_cancel_and_registration_reach_all(block: Block) -> None:
    assert (block.draining, block.registered, block.cancel_epoch) == (False, False, 0)
    in_a_child(block.drain)
    in_a_child(block.mark_registered)
    in_a_child(block.announce_cancel)
    assert (block.draining, block.registered, block.cancel_epoch) == (True, True, 1)
    assert select.select([block.bell], [], [], 0)[0]
