"""The django-q2 task behind a ticket: it claims a job, gives it to a child of its own and keeps
the books until the attempt is closed.

The child does the work and nothing else; so a C call that holds the interpreter, a crash or an
out-of-memory kill in the work can stop neither the beats nor the closing of the attempt. The
nurse's session is its own; nothing here waits for the database without a deadline, and nothing
raises, because django-q2 would store each failure for ever.
"""

import logging
import os
import select
import time
from typing import Any

from django.conf import settings
from django.db import Error

from jobtracker import faults, lifecycle
from jobtracker.lifecycle import Claimed, Failure
from jobtracker.states import Outcome
from jobtracker.workers import block as blocks
from jobtracker.workers import processes, session
from jobtracker.workers.block import Block, Record, State
from jobtracker.workers.channel import Stop
from jobtracker.workers.child import Child
from jobtracker.workers.diary import Diary
from jobtracker.workers.ending import Ending, of_a_dead_child
from jobtracker.workers.reports import report_attempt
from jobtracker.workers.session import ask

CLAIM_ON_SECONDS = 2.0  # further jobs on one ticket: a quarter of the cost of a ticket each
TICK_MILLISECONDS = 100  # how late a cancel or a drain is seen
FLUSH_SECONDS = 0.5
RETRY_SECONDS = 0.5
DRAIN_SHARE = 0.75  # of the grace; in the rest the attempts are closed and the worker signs off
FAREWELL_SECONDS = 5.0  # for a child that has said how it ended to be gone
BEATS_PER_LEASE = 10
FENCE = 2 / 3  # of the lease without a confirmed beat, and the child is killed
REFUSALS = 3  # after which an ending that the database refuses is written without its details

logger = logging.getLogger(__name__)

_place: Record | None = None
_spare: Child | None = None  # forked ahead, waits for an attempt


def take_place(**_: Any) -> None:
    """django-q2's `post_spawn`: a worker process has started."""
    global _place
    _place = blocks.shared().enlist()
    _keep_spare()


def take_ticket(**_: Any) -> None:
    """django-q2's `pre_execute`: a ticket or a plain task begins."""
    if _place:
        _place.take_ticket()


def finish_ticket(**_: Any) -> None:
    """django-q2's `post_execute_in_worker`: it has ended, the worker is free."""
    if _place:
        _place.state = State.IDLE
        blocks.shared().ring()


def attend() -> None:
    """Work off ready jobs for two seconds at least one after another; return when none is left.
    Nothing is claimed before a child with a session waits for it."""
    global _spare
    block = blocks.shared()
    until = time.monotonic() + CLAIM_ON_SECONDS
    try:
        while not block.draining and time.monotonic() < until:
            child = _ready_spare()
            if child is None:
                time.sleep(RETRY_SECONDS)
                continue
            asked_at = time.monotonic()
            claimed = ask(
                lifecycle.claim,
                block.identity.instance,
                block.identity.host,
                os.getpid(),
                child.session,
            )
            if claimed is None:
                return
            _spare = None
            Attempt(claimed, asked_at, block, _place or block.enlist(), child).run()
    except Error as error:
        logger.warning("no job can be claimed: %s", error)
    except Exception:
        logger.exception("a nurse failed")
    finally:
        _keep_spare()


def _ready_spare() -> Child | None:
    """Return the spare, in place of one that has died; None where there is none with a session."""
    global _spare
    _keep_spare()
    if _spare and _spare.session is None:
        _spare.end()
        _spare = None
    return _spare


def _keep_spare() -> None:
    """Have a spare where there can be one: to close an attempt none is needed."""
    global _spare
    if _spare and not _spare.is_alive():
        _spare.end()
        _spare = None
    if _spare is None and not blocks.shared().draining:
        try:
            _spare = Child()
        except OSError as error:
            logger.warning("no process can be started for the next job: %s", error)


class Attempt:
    """One attempt, seen from outside: `run()` returns when it is closed in the database."""

    def __init__(
        self, claimed: Claimed, asked_at: float, block: Block, place: Record, child: Child
    ) -> None:
        self._claimed = claimed
        self._child = child
        self._block = block
        self._place = place
        # A beat counts from before the question: the answer may have lain somewhere.
        self._confirmed_at = asked_at
        self._diary = Diary()
        self._lease = float(settings.LEASE_SECONDS)
        self._epoch = block.cancel_epoch
        self._beat_at = asked_at + self._lease / BEATS_PER_LEASE
        self._flush_at = asked_at + FLUSH_SECONDS  # a short job is written once
        self._kill_at = float("inf")
        self._stopped: Ending | None = None
        self._lost = False

    def run(self) -> None:
        self._place.hold(self._claimed.job_id, self._claimed.token)
        try:
            ending = self._attend_child()
        except Exception:
            logger.exception("attempt %s: the nurse failed", self._claimed.token)
            ending = Ending.handed_back("the nurse failed")
        self._place.child = 0
        _keep_spare()  # which gets its session while this attempt is closed
        if not self._lost:
            self._close(ending)
        faults.point("finish.closed")
        self._place.hold(None, None)

    def _attend_child(self) -> Ending:
        """1. Give the attempt to the child that waits.
        2. Loop over the child's pidfd, its pipe and the clock until the child is dead.
        3. Read what it left, kill its group, classify."""
        child = self._child
        try:
            memory_kills = processes.out_of_memory_kills()
            faults.point("fork.held")
            self._place.child = child.pid
            child.run(self._claimed, self._confirmed_at)
            faults.point("fork.forked")
            self._watch(child)
            # What the child has started itself may hold the pipe open, so no end is awaited.
            self._diary.note(child.inbox.read())
        finally:
            status = child.end()
        if self._diary.ending:
            return self._diary.ending
        out_of_memory = processes.out_of_memory_kills() > memory_kills
        return of_a_dead_child(status, stopped=self._stopped, out_of_memory=out_of_memory)

    def _watch(self, child: Child) -> None:
        inbox = child.inbox
        poll = select.poll()
        poll.register(child.pidfd, select.POLLIN)
        poll.register(inbox.pipe, select.POLLIN)
        listening = True
        while child.pidfd not in {fd for fd, _ in poll.poll(TICK_MILLISECONDS)}:
            self._diary.note(inbox.read())
            if listening and inbox.closed:  # a dying child may take a while after that
                poll.unregister(inbox.pipe)
                listening = False
            if self._diary.ending:
                self._kill_at = min(self._kill_at, time.monotonic() + FAREWELL_SECONDS)
            self._keep_lease(child)
            self._flush()
            if self._block.draining:
                shut_down = Ending.handed_back("the worker shut down")
                self._stop(child, Stop.DRAIN, shut_down, settings.GRACE_SECONDS * DRAIN_SHARE)
            if self._lost or time.monotonic() > self._kill_at:
                processes.kill_group(child.pid)

    def _keep_lease(self, child: Child) -> None:
        now = time.monotonic()
        if now >= self._beat_at or self._block.cancel_epoch != self._epoch:
            self._epoch = self._block.cancel_epoch
            try:
                beat = ask(lifecycle.beat, self._claimed.token)
            except Error as error:
                logger.warning("attempt %s: no beat: %s", self._claimed.token, error)
                self._beat_at = time.monotonic() + RETRY_SECONDS
            else:
                self._lost = not beat.alive
                child.word.confirmed_at = self._confirmed_at = now
                self._beat_at = now + self._lease / BEATS_PER_LEASE
                if beat.cancel_requested:
                    cancelled = Ending(Outcome.CANCELLED, Failure(""))
                    self._stop(child, Stop.CANCEL, cancelled, settings.GRACE_SECONDS)
        if time.monotonic() - self._confirmed_at > self._lease * FENCE:
            self._stopped = Ending.handed_back("no beat was confirmed in time")
            self._kill_at = 0.0

    def _flush(self) -> None:
        now = time.monotonic()
        if now < self._flush_at or not self._diary.unwritten:
            return
        self._flush_at = now + FLUSH_SECONDS
        try:
            self._lost = self._lost or not self._write_diary()
        except Error as error:
            logger.warning("attempt %s: nothing can be written: %s", self._claimed.token, error)

    def _write_diary(self) -> bool:
        """Write what is new in the diary; False when the job is another's now. What the database
        refuses (and is not merely away) is dropped, or it would be refused for ever."""
        report = self._diary.report()
        try:
            alive = ask(lifecycle.flush, self._claimed.token, report)
        except Error as error:
            if not session.is_passing(error):
                self._diary.forget(report)
            raise
        self._diary.forget(report)
        return alive

    def _stop(self, child: Child, stop: Stop, ending: Ending, grace: float) -> None:
        if child.word.stop is Stop.NO:
            child.word.stop = stop
            self._stopped = ending
            self._kill_at = time.monotonic() + grace

    def _close(self, ending: Ending) -> None:
        """Close the attempt by its token, however long the database is away.

        1. Write the rest of the diary. 2. Write the ending. 3. Where the database refuses it
        (and is not merely away), write that the attempt crashed. 4. Report what went wrong.
        """
        token = self._claimed.token
        pause, refused = 0.1, 0
        while True:
            try:
                faults.point("finish.exited")
                if self._diary.unwritten:
                    self._write_diary()
                faults.point("finish.flushed")
                status = ask(ending.write, token)
                break
            except Exception as error:
                logger.warning("attempt %s cannot be closed yet: %s", token, error)
                if not session.is_passing(error):
                    refused += 1
                if refused == REFUSALS:
                    ending = Ending.crashed(f"Its end could not be written: {error}")
                elif refused > 2 * REFUSALS:
                    return  # the lease gives the job back
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
        if status and ending.outcome is not Outcome.COMPLETED:
            report_attempt(token)
