"""Recovery: what the lifeline takes back, from whom, and when it keeps still."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from jobtracker import lifecycle
from jobtracker.context import session_is_lost
from jobtracker.lifecycle import Claimed
from jobtracker.models import BackgroundJob, JobAttempt, Worker
from jobtracker.workers.block import Block, Identity
from jobtracker.workers.lifeline import LEADER_LOCK, Lifeline
from tests.fixtures.worker_host import database_url

from .jobs import make_job, pipeline_in_place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]

DEAD_TICKS = 1  # no process that a test can see started one tick after boot


@pytest.fixture(autouse=True)
def _pipeline() -> Iterator[None]:
    with pipeline_in_place():
        yield


@pytest.fixture
def block() -> Block:
    return Block(slots=2)


@pytest.fixture
def lifeline(block: Block) -> Iterator[Lifeline]:
    """A lifeline whose session is a lease old: it may rescue."""
    lifeline = Lifeline(block)
    lifeline.round()
    lifeline._quiet_until = 0.0
    lifeline._due.clear()
    # A lock that is not released within this is busy, as in the lifeline's own sessions.
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 200")
    yield lifeline
    connection.close()


def run_job(worker: UUID, claimed_ago: float = 0, beat_ago: float = 0) -> Claimed:
    """Claim a new job for `worker`, with its claim and beat so many seconds ago."""
    job = make_job()
    claimed = lifecycle.claim(worker, "host", 1)
    assert claimed
    assert claimed.job_id == job.id
    JobAttempt.objects.filter(token=claimed.token).update(
        claimed_at=Now() - timedelta(seconds=claimed_ago)
    )
    BackgroundJob.objects.filter(pk=job.id).update(
        last_heartbeat=Now() - timedelta(seconds=beat_ago)
    )
    return claimed


def outcome(claimed: Claimed) -> str | None:
    return JobAttempt.objects.get(token=claimed.token).outcome


def status(claimed: Claimed) -> str:
    return BackgroundJob.objects.get(pk=claimed.job_id).status


def register(who: Identity) -> Worker:
    return Worker.objects.create(
        id=who.instance,
        host=who.host,
        boot_id=who.boot_id,
        pid_namespace=who.pid_namespace,
        pid=who.pid,
        start_ticks=who.start_ticks,
        slots=1,
    )


NOTE_SESSION = (
    "INSERT INTO job_attempt_sessions (token, pid, backend_start)"
    " SELECT %s, pid, backend_start FROM pg_stat_get_activity(pg_backend_pid())"
)
FENCE = "SELECT FROM job_attempts WHERE token = %s AND finished_at IS NULL FOR SHARE"


@contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    """A session in autocommit, which may be dead at the end."""
    session = psycopg.connect(database_url(), autocommit=True)
    try:
        yield session
    finally:
        session.close()


# --- its own host ---


def test_it_registers_the_worker_before_anything_is_claimed(block: Block) -> None:
    assert not block.registered
    Lifeline(block).round()
    mine = Worker.objects.get(pk=block.identity.instance)
    assert (mine.slots, mine.pid, mine.draining) == (2, block.identity.pid, False)
    assert block.registered


def test_it_shows_load_and_drain(block: Block, lifeline: Lifeline) -> None:
    block.enlist().take_ticket()
    block.drain()
    lifeline.round()
    mine = Worker.objects.get(pk=block.identity.instance)
    assert (mine.busy, mine.draining) == (1, True)


def test_a_dead_nurses_attempt_comes_back_at_once(block: Block, lifeline: Lifeline) -> None:
    claimed = run_job(block.identity.instance)
    living = run_job(block.identity.instance)
    nurse = block.enlist()
    nurse.hold(living.job_id, living.token)
    dead = block.records[1]
    dead.occupy(2**22 + 1)  # beyond every pid
    dead.hold(claimed.job_id, claimed.token)
    lifeline.round()
    assert (outcome(claimed), status(claimed)) == ("handed_back", "pending")
    assert outcome(living) is None
    assert dead.token is None


def test_an_attempt_that_no_nurse_holds_comes_back_after_a_while(
    block: Block, lifeline: Lifeline
) -> None:
    old = run_job(block.identity.instance, claimed_ago=60)
    just_claimed = run_job(block.identity.instance)
    elsewhere = run_job(uuid4(), claimed_ago=60)
    lifeline.round()
    assert [outcome(c) for c in (old, just_claimed, elsewhere)] == ["handed_back", None, None]


def test_a_dead_predecessors_attempts_come_back(block: Block, lifeline: Lifeline) -> None:
    dead = replace(block.identity, instance=uuid4(), start_ticks=DEAD_TICKS)
    register(dead)
    claimed = run_job(dead.instance)
    lifeline.round()
    assert outcome(claimed) == "handed_back"
    assert not Worker.objects.filter(pk=dead.instance).exists()


@pytest.mark.parametrize(
    "difference",
    [{}, {"boot_id": "other"}, {"pid_namespace": "pid:[1]"}, {"host": "other"}],
    ids=["alive", "boot", "container", "host"],
)
def test_another_worker_is_left_alone_unless_it_surely_is_dead(
    block: Block, lifeline: Lifeline, difference: dict[str, str]
) -> None:
    ticks = DEAD_TICKS if difference else block.identity.start_ticks
    other = replace(block.identity, instance=uuid4(), start_ticks=ticks, **difference)
    register(other)
    claimed = run_job(other.instance)
    lifeline.round()
    assert outcome(claimed) is None
    assert Worker.objects.filter(pk=other.instance).exists()


def test_it_signs_off_with_nothing_left_open(block: Block, lifeline: Lifeline) -> None:
    claimed = run_job(block.identity.instance)
    lifeline.stop(15, None)
    lifeline.run()
    assert outcome(claimed) == "handed_back"
    assert not Worker.objects.exists()


# --- all hosts ---


def test_what_has_not_beaten_for_a_lease_is_taken_back(lifeline: Lifeline) -> None:
    late = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS + 1)
    alive = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS - 2)
    lifeline.round()
    assert (outcome(late), status(late)) == ("lost", "pending")
    assert outcome(alive) is None


def test_with_a_new_session_it_keeps_still_for_a_lease(lifeline: Lifeline) -> None:
    late = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS + 1)
    connection.close()
    lifeline.round()
    assert outcome(late) is None
    lifeline._quiet_until = 0.0
    lifeline._due.clear()
    lifeline.round()
    assert outcome(late) == "lost"


def test_only_one_lifeline_leads(lifeline: Lifeline) -> None:
    late = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS + 1)
    lifeline._leads = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
    with another_session() as leader:
        leader.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])
        lifeline.round()
        assert outcome(late) is None
    lifeline._due.clear()
    lifeline.round()
    assert outcome(late) == "lost"


def test_a_frozen_transaction_is_ended_and_delays_nobody(lifeline: Lifeline) -> None:
    frozen = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS + 1)
    other = run_job(uuid4(), beat_ago=settings.LEASE_SECONDS + 1)
    mine = connection.connection
    with another_session() as holder:
        holder.execute(NOTE_SESSION, [frozen.token])
        holder.execute("BEGIN")
        holder.execute(FENCE, [frozen.token])
        lifeline.round()
        assert [outcome(c) for c in (frozen, other)] == ["lost", "lost"]
        with pytest.raises(psycopg.OperationalError):
            holder.execute("COMMIT")
    assert connection.connection is mine  # a lock time-out costs no session


def test_due_jobs_become_ready(lifeline: Lifeline) -> None:
    due = make_job(run_after=timezone.now() - timedelta(hours=1))
    later = make_job(run_after=timezone.now() + timedelta(hours=1))
    lifeline.round()
    ready = BackgroundJob.objects.filter(run_after=None).values_list("id", flat=True)
    assert list(ready) == [due.id]
    assert BackgroundJob.objects.get(pk=later.id).run_after


def test_a_job_that_beats_without_advancing_is_marked_once(lifeline: Lifeline) -> None:
    claimed = run_job(uuid4())
    long_ago = Now() - timedelta(seconds=settings.STALL_SECONDS["xml_import"] + 1)
    BackgroundJob.objects.filter(pk=claimed.job_id).update(advanced_at=long_ago)
    lifeline.round()
    assert BackgroundJob.objects.get(pk=claimed.job_id).stalled_at
    assert status(claimed) == "processing"


def test_a_host_that_was_never_seen_again_leaves_the_list(block: Block, lifeline: Lifeline) -> None:
    gone = register(replace(block.identity, instance=uuid4(), host="gone"))
    Worker.objects.filter(pk=gone.pk).update(last_seen=Now() - timedelta(days=1))
    lifeline.round()
    assert list(Worker.objects.values_list("id", flat=True)) == [block.identity.instance]


def test_a_leader_that_falls_silent_lets_another_lead(lifeline: Lifeline) -> None:
    """As that of a frozen host does; it leads again when its turn comes."""
    with connection.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = 50")
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])  # waits until it is free
        with pytest.raises(OperationalError) as lost:
            lifeline.round()
        assert session_is_lost(lost.value)
        lifeline.round()
        assert not lifeline._leads
    lifeline._due.clear()
    lifeline.round()
    assert lifeline._leads
