"""What waits goes out by host: one at a time each, none held up by another, nothing lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from hypothesis import given
from hypothesis import strategies as st

from jobtracker.models import AuditEntry
from jobtracker.outgoing import queue as queues
from jobtracker.outgoing.models import OutgoingHost
from jobtracker.outgoing.queue import Outcome, Queue
from jobtracker.webhooks.calls import call
from jobtracker.webhooks.models import WebhookCall
from tests.db.jobs import Elsewhere, make_job
from tests.db.outgoing import SENDER, let_time_pass, make_calls, once, send_all

pytestmark = pytest.mark.django_db

OTHER = uuid4()


class Scripted(Queue):
    """Answers in turn as a test says; the last outcome stays."""

    name = "calls"
    noun = "call"
    model = WebhookCall
    columns = ("webhook_url",)
    slots = 2
    tries = 3
    done = "success"

    def __init__(self, *outcomes: Outcome) -> None:
        self.left = list(outcomes or [Outcome()])
        self.lost: list[object] = []

    def work(self, task):
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def failed(self, task):
        self.lost.append(task.id)


PASSING = Outcome("It is away.", passing=True)
FINAL = Outcome("It says no.")


def row(pk):
    return WebhookCall.objects.get(pk=pk)


def wait_of(pk) -> float:
    """Return the seconds until the next try of a row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM next_retry_at - statement_timestamp())::float"
            " FROM webhook_calls WHERE id = %s",
            [pk],
        )
        return cursor.fetchone()[0]


def test_a_row_makes_its_host_known_and_goes_out_once():
    [pk] = make_calls(1, "https://shop.example:8443/in")
    assert OutgoingHost.objects.get().host == "shop.example:8443"
    queue = Scripted()
    assert send_all(queue) == 1
    done = row(pk)
    assert (done.status, done.retry_count, done.claim, done.next_retry_at) == (
        "success", 0, None, None,
    )  # fmt: skip
    assert done.completed_at
    assert queues.claim(queue, SENDER) is None


def test_a_host_is_asked_one_at_a_time_and_others_meanwhile():
    near, _ = make_calls(2, "https://near.example/")
    [far] = make_calls(1, "https://far.example/")
    queue = Scripted()
    first, second = queues.claim(queue, SENDER), queues.claim(queue, SENDER)
    assert first
    assert second
    assert {first.id, second.id} == {near, far}
    assert queues.claim(queue, OTHER) is None


def test_what_passes_is_tried_again_later_and_then_given_up():
    [pk] = make_calls()
    queue = Scripted(PASSING)
    assert send_all(queue) == 1
    assert (row(pk).status, row(pk).retry_count, row(pk).error_message) == (
        "retrying", 1, "It is away.",
    )  # fmt: skip
    assert 7 <= wait_of(pk) <= 13
    let_time_pass(queue)
    assert send_all(queue) == 1
    assert 22 <= wait_of(pk) <= 38
    let_time_pass(queue)
    assert queue.lost == []
    assert send_all(queue) == 1
    given_up = row(pk)
    assert (given_up.status, given_up.retry_count, given_up.next_retry_at) == ("failed", 2, None)
    assert queue.lost == [pk]


def test_what_is_final_is_not_tried_again_and_holds_up_nothing():
    bad, good = make_calls(2)
    queue = Scripted(FINAL, Outcome())
    assert send_all(queue) == 2
    assert (row(bad).status, row(bad).error_message) == ("failed", "It says no.")
    assert row(good).status == "success"


def test_a_host_that_is_down_rests_longer_each_time_and_no_other_waits():
    make_calls(50, "https://down.example/")
    queue = Scripted(PASSING)
    rests = []
    for _ in range(10):
        assert once(queue)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM not_before - statement_timestamp())::float"
                " FROM outgoing_hosts"
            )
            rests.append(round(cursor.fetchone()[0]))
        assert queues.claim(queue, OTHER) is None
        OutgoingHost.objects.update(not_before=Now())
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    # Of fifty calls the outage cost ten a try, and none of them two.
    assert WebhookCall.objects.filter(retry_count=1).count() == 10
    OutgoingHost.objects.update(not_before=Now() + timedelta(hours=1))
    [up] = make_calls(1, "https://up.example/")
    queue.left = [Outcome()]
    assert send_all(queue) == 1
    assert row(up).status == "success"


def test_a_host_that_puts_us_off_is_left_alone_as_a_whole():
    first, second = make_calls(2)
    queue = Scripted(Outcome("Slower.", passing=True, retry_after=600.0), Outcome())
    assert send_all(queue) == 1
    assert wait_of(first) >= 599
    assert row(second).status == "pending"
    due = queues.next_due(queue, SENDER)
    assert due
    assert 598 <= due <= 600
    let_time_pass(queue)
    assert send_all(queue) == 2


def test_nothing_waits_and_what_waits_is_said():
    queue = Scripted()
    assert queues.next_due(queue, SENDER) is None
    make_calls()
    due = queues.next_due(queue, SENDER)
    assert due is not None
    assert due <= 0
    queues.claim(queue, SENDER)
    assert queues.next_due(queue, SENDER) is None  # it hears of that itself
    other = queues.next_due(queue, OTHER)
    assert other
    assert other > 1  # the end of the lease


def test_what_a_killed_process_had_begun_is_tried_again_and_counts_as_a_try():
    [pk] = make_calls()
    queue = Scripted()
    assert queues.claim(queue, SENDER)
    assert queues.claim(queue, OTHER) is None
    assert queues.release(queue, SENDER) == 1  # its successor
    assert send_all(queue) == 1
    assert (row(pk).status, row(pk).retry_count) == ("success", 1)


def test_a_lease_that_ends_gives_the_host_to_anybody_and_the_late_one_writes_nothing():
    [pk] = make_calls()
    queue = Scripted()
    late = queues.claim(queue, SENDER)
    assert late
    OutgoingHost.objects.update(claimed_until=Now() - timedelta(seconds=1))
    now = queues.claim(queue, OTHER)
    assert now
    assert now.id == pk
    assert not queues.settle(queue, SENDER, late, FINAL)
    assert queue.lost == []
    assert row(pk).status == "pending"
    assert queues.settle(queue, OTHER, now, Outcome())
    assert row(pk).status == "success"


def test_a_lease_is_kept_as_long_as_its_holder_says_so():
    make_calls()
    queue = Scripted()
    queues.claim(queue, SENDER)
    OutgoingHost.objects.update(claimed_until=Now() - timedelta(seconds=1))
    assert queues.renew(queue, SENDER) == 1
    assert queues.claim(queue, OTHER) is None


def test_a_row_that_ends_every_process_is_given_up():
    [pk] = make_calls()
    queue = Scripted()
    for _ in range(1 + queue.tries):
        task = queues.claim(queue, SENDER)
        queues.release(queue, SENDER)
    assert task
    queues.claim(queue, SENDER)
    outcome = queues.work(queue, task)
    assert queues.settle(queue, SENDER, task, outcome)
    assert row(pk).status == "failed"
    assert "ended in the middle of it" in row(pk).error_message


def test_a_person_lets_what_failed_and_what_waits_go_at_once():
    failed, waiting, under_way = make_calls(3)
    queue = Scripted(FINAL, PASSING)
    send_all(queue)
    WebhookCall.objects.filter(pk=under_way).update(claim=OTHER)
    keys = dict(WebhookCall.objects.values_list("pk", "idempotency_key"))
    assert set(queues.retry(Scripted, WebhookCall.objects.all(), None)) == {failed, waiting}
    WebhookCall.objects.filter(pk=under_way).update(claim=None)
    queue.left = [Outcome()]
    assert send_all(queue) == 3
    assert (row(failed).status, row(failed).retry_count) == ("success", 0)
    assert dict(WebhookCall.objects.values_list("pk", "idempotency_key")) == keys
    entries = AuditEntry.objects.filter(action="retry", subject="call")
    assert {entry.subject_id for entry in entries} == {str(failed), str(waiting)}


@given(st.integers(0, 100))
def test_waits_grow_and_stay_bounded(retries):
    low, high = 1 - queues.JITTER, 1 + queues.JITTER
    least = min(queues.FIRST_SECONDS * 3.0**retries, queues.LONGEST_SECONDS)
    assert low * least <= queues.delay(retries) <= high * queues.LONGEST_SECONDS


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_never_ask_one_host_twice(queues_of_types):
    make_calls(5)
    queue = Scripted()
    with transaction.atomic():
        mine = queues.claim(queue, SENDER)
        assert mine
        assert Elsewhere(lambda: queues.claim(queue, OTHER)).result() is None
    assert Elsewhere(lambda: queues.claim(queue, OTHER)).result() is None
    assert queues.settle(queue, SENDER, mine, Outcome())
    assert Elsewhere(lambda: queues.claim(queue, OTHER)).result()


@pytest.mark.django_db(transaction=True)
def test_a_row_that_comes_wakes_the_senders(queues_of_types):
    connection.ensure_connection()
    heard = []
    with connection.cursor() as cursor:
        cursor.execute("LISTEN outgoing")
        connection.connection.add_notify_handler(lambda notice: heard.append(notice.payload))
        make_calls(3)
        cursor.execute("SELECT 1")
        cursor.execute("UNLISTEN outgoing")
    assert heard == ["calls"]


@pytest.fixture
def queues_of_types(queues):
    """The rows of the job types (see conftest), under a name that leaves `queues` to the module."""
    return queues


def test_a_claim_whose_answer_was_lost_is_given_back_and_no_other():
    make_calls(1, "https://near.example/")
    make_calls(1, "https://far.example/")
    queue = Scripted()
    kept, lost = queues.claim(queue, SENDER), queues.claim(queue, SENDER)
    assert kept
    assert lost
    assert queues.release(queue, SENDER, [kept.host_id]) == 1
    again = queues.claim(queue, SENDER)
    assert again
    assert again.id == lost.id


def test_a_claim_reads_a_row_of_a_host_however_many_wait():
    job = make_job()
    for host in ("near.example", "far.example"):
        made = [call(job.pk, job.job_type, f"https://{host}/", {}, 1) for _ in range(1000)]
        WebhookCall.objects.bulk_create(made)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhook_calls")
        statement = queues._CLAIM.format(table="webhook_calls", columns="")
        asked = {"queue": "calls", "worker": SENDER, "lease": 45}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", asked)
        [plan] = cursor.fetchone()[0]
    read = [
        node["Actual Rows"] * node["Actual Loops"]
        for node in nodes(plan["Plan"])
        if node.get("Relation Name") == "webhook_calls" and "Scan" in node["Node Type"]
    ]
    assert read
    assert sum(read) <= 4  # one for each host, the row, and the row again to be written


def nodes(plan):
    """Yield a plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
