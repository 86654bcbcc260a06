"""The processes below `manage.py worker` that send what waits: one for each queue.

The main thread alone asks the database, over one session that also listens; threads do the work.
Killed in the middle, it loses nothing: what it had claimed is given back by its successor below
the same worker, or by the end of the lease.
"""

import logging
import select
import signal
import socket
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import FrameType

from django.conf import settings
from django.db import Error, connection

from jobtracker.outgoing import queue as queues
from jobtracker.outgoing.models import CHANNEL
from jobtracker.outgoing.queue import Outcome, Queue, Task
from jobtracker.workers import processes, session
from jobtracker.workers.block import Beating, Block
from jobtracker.workers.session import ask

POLL_SECONDS = 5.0  # at most between two looks, should an announcement be missed
AGAIN_SECONDS = 0.1  # where something is due, and somebody else has a lock on it
LOOK_SECONDS = 1.0  # between two ticks
AFTER_ERROR_SECONDS = 1.0
STOP_SECONDS = 2.0  # for what is under way to end

logger = logging.getLogger(__name__)


def run(queue: Queue, beating: Beating, block: Block) -> None:
    """Send until SIGTERM."""
    processes.set_name(beating.name.lower())
    session.use("sender")
    courier = Courier(queue, beating, block)
    signal.signal(signal.SIGTERM, courier.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    courier.run()


def send_calls(block: Block) -> None:
    """Be the process that delivers `webhook_calls`."""
    from jobtracker.webhooks.sender import Calls

    run(Calls(), Beating.SENDER, block)


def fetch_images(block: Block) -> None:
    """Be the process that fetches the pictures of materials."""
    from jobtracker.images.fetcher import Images

    run(Images(), Beating.FETCHER, block)


class Courier:
    """Claims rows of one queue, has them done by threads, and writes what came of them."""

    def __init__(self, queue: Queue, beating: Beating, block: Block) -> None:
        self._queue = queue
        self._beating = beating
        self._block = block
        self._worker = block.identity.instance
        self._threads = ThreadPoolExecutor(queue.slots, thread_name_prefix=queue.name)
        self._under_way: dict[Future[Outcome], Task] = {}
        self._ended: deque[Future[Outcome]] = deque()
        self._session: object = None
        self._stopping = False
        self._renew_at = 0.0
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)

    def stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._ring()

    def run(self) -> None:
        while not self._stopping:
            try:
                self._wait(self._turn())
            except Error as error:
                logger.warning("the %s cannot ask the database: %s", self._queue.name, error)
                time.sleep(AFTER_ERROR_SECONDS)
            except Exception:
                logger.exception("the sender of %s failed", self._queue.name)
                time.sleep(AFTER_ERROR_SECONDS)
        try:
            self._end()
        except Error as error:
            logger.warning("the %s under way could not be noted: %s", self._queue.name, error)

    def _turn(self) -> float:
        """Write what ended, begin what is due; return the seconds until there is more to do."""
        self._listen()
        self._settle()
        now = time.monotonic()
        if self._under_way and now >= self._renew_at:
            self._renew_at = now + settings.LEASE_SECONDS / 3
            ask(queues.renew, self._queue, self._worker)
        while len(self._under_way) < self._queue.slots:
            if (task := ask(queues.claim, self._queue, self._worker)) is None:
                due = ask(queues.next_due, self._queue, self._worker)
                return POLL_SECONDS if due is None else min(max(due, AGAIN_SECONDS), POLL_SECONDS)
            self._begin(task)
        return POLL_SECONDS

    def _begin(self, task: Task) -> None:
        future = self._threads.submit(queues.work, self._queue, task)
        self._under_way[future] = task
        future.add_done_callback(self._note_end)

    def _note_end(self, future: Future[Outcome]) -> None:
        """Runs in the thread that did the work."""
        self._ended.append(future)
        self._ring()

    def _settle(self) -> None:
        while self._ended:
            future = self._ended[0]
            task = self._under_way[future]
            if error := future.exception():
                logger.error("%s %s failed", self._queue.name, task.id, exc_info=error)
                outcome = Outcome(f"{type(error).__name__}: {error}", passing=True)
            else:
                outcome = future.result()
            # Raises where the database is away; then it is written as soon as it is back.
            ask(queues.settle, self._queue, self._worker, task, outcome)
            self._ended.popleft()
            del self._under_way[future]

    def _listen(self) -> None:
        """Listen, on each new session anew. What a predecessor of this worker held is given back
        then, and what was claimed by a question whose answer was lost."""
        ask(connection.ensure_connection)
        if connection.connection is not self._session:
            with connection.cursor() as cursor:
                ask(cursor.execute, f"LISTEN {CHANNEL}")
            connection.connection.add_notify_handler(lambda notice: self._ring())
            under_way = [task.host_id for task in self._under_way.values()]
            ask(queues.release, self._queue, self._worker, under_way)
            self._session = connection.connection

    def _wait(self, seconds: float) -> None:
        """Wait, less when something ends, is announced or is to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping:
            self._tick()
            line = [] if connection.connection is None else [connection.connection.fileno()]
            ready = select.select([self._wake, *line], [], [], min(left, LOOK_SECONDS))[0]
            with suppress(BlockingIOError):
                self._wake.recv(4096)
            if ready:
                return
        self._tick()

    def _tick(self) -> None:
        self._block.tick(self._beating)

    def _ring(self) -> None:
        with suppress(BlockingIOError):
            self._waker.send(b"!")

    def _end(self) -> None:
        """Give what is under way a moment, write what ended, and give the rest back."""
        until = time.monotonic() + STOP_SECONDS
        self._settle()
        while self._under_way and time.monotonic() < until:
            select.select([self._wake], [], [], until - time.monotonic())
            with suppress(BlockingIOError):
                self._wake.recv(4096)
            self._settle()
        ask(queues.release, self._queue, self._worker)
