"""The process behind `manage.py worker`: it starts the others, watches them and replaces them.

It has no database session and no thread, so it can always fork and always judge. Everything below
it dies with it. django-q2 cannot be trusted to survive the death of one of its own processes (a
killed worker or monitor takes a queue's lock along), so the whole cluster is replaced then; the
attempts that ran in it are handed back and go on at their last commit.
"""

import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from types import FrameType

from django.conf import settings

from jobtracker.outgoing import process as outgoing
from jobtracker.workers import block as blocks
from jobtracker.workers import cluster, lifeline, processes
from jobtracker.workers.block import Beating, Block

LOOK_SECONDS = 0.2  # between two looks at the others
FROZEN_SECONDS = 2.0  # a ticket may lie so long beside a free worker
SILENT_SECONDS = {Beating.PUSHER: 8.0, Beating.SENTINEL: 8.0}
LIFELINE_SILENT_SECONDS = 15.0
COURIERS = {Beating.SENDER: outgoing.send_calls, Beating.FETCHER: outgoing.fetch_images}
COURIER_SILENT_SECONDS = 30.0
SETTLED_SECONDS = 60.0  # a cluster that lived so long was no false start
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
STOP_SECONDS = 1.0  # for django-q2 to store the results of plain tasks
LIFELINE_STOP_SECONDS = 3.0
KILL_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Supervisor:
    """`run()` returns once it was told to stop and nothing below it is left."""

    def __init__(self) -> None:
        self._block = Block(settings.WORKERS)
        self._cluster = 0  # pid; 0 while there is none
        self._lifeline = 0
        self._couriers = dict.fromkeys(COURIERS, 0)
        self._couriers_at = 0.0
        self._stopping = False
        self._started_at = 0.0
        self._start_at = 0.0
        self._taken_before = 0
        self._false_starts = 0
        self._lifeline_at = 0.0
        self._frozen_since: float | None = None
        self._looked_at = 0.0
        self._wake, self._waker = socket.socketpair()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then drain."""
        processes.set_name("supervisor")
        processes.adopt_orphans()
        processes.die_with_parent()
        blocks.install(self._block)
        self._catch_signals()
        logger.info(
            "worker %s starts with %d slots", self._block.identity.instance, settings.WORKERS
        )
        while not self._stopping:
            self._look()
            self._sleep(LOOK_SECONDS)
        self._drain()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at > FROZEN_SECONDS:
            # Stopped or starved itself, so the others' silence meanwhile says nothing.
            for process in Beating:
                self._block.tick(process)
        self._looked_at = now
        self._reap()
        self._kill_strangers()
        if self._lifeline and self._block.silent_for(Beating.LIFELINE) > LIFELINE_SILENT_SECONDS:
            logger.error("the lifeline is silent; it is replaced")
            processes.kill(self._lifeline)
        if not self._lifeline and now >= self._lifeline_at:
            self._lifeline_at = now + 1.0
            self._block.tick(Beating.LIFELINE)
            self._lifeline = self._fork(lifeline.run)
        self._look_after_couriers(now)
        if self._started_at and (reason := self._trouble(now)):
            self._replace_cluster(reason, now)
        if not self._started_at and now >= self._start_at:
            self._start_cluster(now)

    def _look_after_couriers(self, now: float) -> None:
        for beating, pid in self._couriers.items():
            if pid and self._block.silent_for(beating) > COURIER_SILENT_SECONDS:
                logger.error("the %s is silent; it is replaced", beating.name.lower())
                processes.kill(pid)
        if now >= self._couriers_at:
            self._couriers_at = now + 1.0
            for beating in [each for each, pid in self._couriers.items() if not pid]:
                self._block.tick(beating)
                self._couriers[beating] = self._fork(COURIERS[beating])

    def _trouble(self, now: float) -> str:
        """Return why the cluster must be replaced, or an empty string."""
        if not self._cluster:
            return "its main process or its sentinel died"
        if self._block.monitor_died:
            return "its monitor died"
        for process, limit in SILENT_SECONDS.items():
            if self._block.silent_for(process) > limit:
                return f"its {process.name.lower()} is silent"
        if not (self._block.under_way and self._block.idle()):
            self._frozen_since = None
        elif self._frozen_since is None:
            self._frozen_since = now
        elif now - self._frozen_since > FROZEN_SECONDS:
            return "a ticket lies beside a free worker"
        return ""

    def _replace_cluster(self, reason: str, now: float) -> None:
        worked = self._block.taken > self._taken_before
        if worked or now - self._started_at > SETTLED_SECONDS:
            self._false_starts = 0
        delay = BACK_OFF_SECONDS[min(self._false_starts, len(BACK_OFF_SECONDS) - 1)]
        self._false_starts += 1
        logger.error("the cluster is replaced in %.1f s: %s", delay, reason)
        self._kill_all(but=(self._lifeline, *self._couriers.values()))
        self._cluster = 0
        self._started_at = 0.0
        self._start_at = now + delay

    def _start_cluster(self, now: float) -> None:
        self._block.begin_cluster()
        self._taken_before = self._block.taken
        self._frozen_since = None
        self._started_at = now
        self._cluster = self._fork(cluster.run)

    def _drain(self) -> None:
        """1. No more tickets; attempts go back at their next safe point, or are killed after
        the grace. What is being sent ends meanwhile. 2. One second for django-q2 to end by
        itself, which it does not always. 3. The lifeline takes back what is left and signs off.
        4. Nothing may remain."""
        self._block.drain()
        for pid in filter(None, self._couriers.values()):
            os.kill(pid, signal.SIGTERM)
        self._wait(settings.GRACE_SECONDS + 2.0, lambda: not (self._cluster and self._block.busy()))
        if self._cluster:
            os.kill(self._cluster, signal.SIGTERM)
            self._wait(STOP_SECONDS, lambda: not self._cluster)
        self._wait(outgoing.STOP_SECONDS, lambda: not any(self._couriers.values()))
        self._kill_all(but=(self._lifeline,))
        if self._lifeline:
            os.kill(self._lifeline, signal.SIGTERM)
            self._wait(LIFELINE_STOP_SECONDS, lambda: not self._lifeline)
        self._kill_all()
        logger.info("worker %s has stopped", self._block.identity.instance)

    def _wait(self, seconds: float, done: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until:
            self._sleep(0.05)
            self._reap()

    def _kill_all(self, but: Collection[int] = ()) -> None:
        """Kill everything below this process, except `but`, until nothing is left."""
        until = time.monotonic() + KILL_SECONDS
        while doomed := [p for p in processes.descendants(os.getpid()) if p not in but]:
            for pid in doomed:
                processes.kill(pid)
            self._reap()
            if time.monotonic() > until:
                logger.error("processes %s do not die", doomed)
                return
            time.sleep(0.005)

    def _kill_strangers(self) -> None:
        """Kill what was left to this process by a parent that died: nobody waits for it."""
        for pid in processes.children(os.getpid()):
            if pid not in (self._cluster, self._lifeline, *self._couriers.values()):
                processes.kill(pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._cluster:
                self._cluster = 0
            elif pid == self._lifeline:
                self._lifeline = 0
            for beating, courier in self._couriers.items():
                if pid == courier:
                    self._couriers[beating] = 0

    def _fork(self, target: Callable[[Block], None]) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        if pid := os.fork():
            return pid
        try:
            # Of their own group, so that a terminal's Ctrl-C reaches the supervisor alone.
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            target(self._block)
            os._exit(0)
        except BaseException:
            logger.exception("%s failed", target.__module__)
            os._exit(1)

    def _catch_signals(self) -> None:
        for end in (self._wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        # A handler that does nothing: only then is the wake-up descriptor written.
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _sleep(self, seconds: float) -> None:
        """Sleep, less when a signal comes."""
        if select.select([self._wake], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self._wake.recv(4096)
