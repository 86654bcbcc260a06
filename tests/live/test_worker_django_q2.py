"""What the worker relies on in django-q2, asserted for the pinned version: read this first when
the version changes."""

from importlib.metadata import version
from multiprocessing import Event, Value
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from django_q import signals
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.models import Task
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.signing import SignedPackage
from django_q.status import Stat
from django_q.worker import worker

from jobtracker.workers import nurse
from jobtracker.workers.broker import TicketBroker, _ticket


class Line:
    """Stands for a multiprocessing queue."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)

    def get(self) -> Any:
        return self.items.pop(0)

    def put(self, item: Any) -> None:
        self.items.append(item)


class Broker(TicketBroker):
    """Gives out what it is told to, and keeps what is acknowledged."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.acknowledged: list[Any] = []
        self.stats: list[str] = []

    def dequeue(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def acknowledge(self, task_id: Any) -> None:
        self.acknowledged.append(task_id)

    def set_stat(self, key: str, value: str, timeout: int) -> bool:
        self.stats.append(key)
        return True


def task(**values: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "id": uuid4().hex, "name": uuid4().hex, "func": print, "args": (), "kwargs": {},
        "started": now, "stopped": now, "success": True, "result": None, "ack_id": None,
    } | values  # fmt: skip


def test_it_is_the_version_that_was_read() -> None:
    assert version("django-q2") == "1.11.1"


def test_the_settings_arrive() -> None:
    assert Conf.BROKER_CLASS == "jobtracker.workers.broker.TicketBroker"
    assert Conf.ORM == "default"
    assert (Conf.TIMEOUT, Conf.MAX_RSS, Conf.RECYCLE, Conf.QUEUE_LIMIT) == (None, None, 0, 0)
    assert (Conf.SAVE_LIMIT, Conf.ACK_FAILURES, Conf.MAX_ATTEMPTS) == (-1, True, 1)
    assert not Conf.SCHEDULER
    assert Conf.DAEMONIZE_WORKERS


def test_the_pusher_passes_tickets_on_unpacked() -> None:
    line, stop = Line(), Event()
    stop.set()
    pusher(line, stop, Broker([_ticket()]))
    [passed] = line.items
    assert passed["func"] is nurse.attend
    assert passed["ack_id"] is None


def test_an_error_in_dequeue_costs_ten_seconds_and_the_pusher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("django_q.pusher.sleep", slept.append)
    pusher(Line(), Event(), Broker(RuntimeError("no database")))
    assert slept == [10]


@pytest.mark.django_db
def test_a_ticket_leaves_no_trace_and_only_real_ids_are_acknowledged() -> None:
    broker = Broker()
    monitor(Line(task(), task(ack_id=7), "STOP"), broker)
    assert broker.acknowledged == [7]
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_a_failure_is_always_stored_which_needs_the_start() -> None:
    failed = task(success=False, result="no", sync=True)
    monitor(Line(failed, "STOP"), Broker())
    assert Task.objects.get().started == failed["started"]


def test_signals_come_before_and_after_each_task_and_at_the_start() -> None:
    seen: list[str] = []

    def spawned(**_: Any) -> None:
        seen.append("spawned")

    def before(**_: Any) -> None:
        seen.append("before")

    def after(**_: Any) -> None:
        seen.append("after")

    signals.post_spawn.connect(spawned)
    signals.pre_execute.connect(before)
    signals.post_execute_in_worker.connect(after)
    try:
        run = task(func=lambda: seen.append("run"), sync=True)  # sync: leave sessions alone
        worker(Line(run, "STOP"), Line(), Value("f", -1), None)
    finally:
        signals.post_spawn.disconnect(spawned)
        signals.pre_execute.disconnect(before)
        signals.post_execute_in_worker.disconnect(after)
    assert seen == ["spawned", "before", "run", "after"]


def test_the_processes_are_started_with_the_functions_that_name_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(Sentinel, "spawn_process", lambda self, target, *_: started.append(target))
    sentinel = Sentinel(Event(), Event(), uuid4(), Broker(), start=False)
    sentinel.spawn_worker()
    sentinel.spawn_monitor()
    sentinel.spawn_pusher()
    assert started == [worker, monitor, pusher]


def test_the_sentinel_shows_itself_through_the_brokers_statistics() -> None:
    broker = Broker()
    sentinel = Sentinel(Event(), Event(), uuid4(), broker, start=False)
    Stat(sentinel).save()
    assert broker.stats == [Stat.get_key(sentinel.cluster_id)]


def test_packages_are_signed_pickles() -> None:
    package = SignedPackage.dumps(SimpleNamespace(a=1))
    assert SignedPackage.loads(package).a == 1
    with pytest.raises(Exception, match="Signature"):
        SignedPackage.loads(package[:-1] + ("a" if package[-1] != "a" else "b"))
