"""The attempt's own process: cut off from everything its nurse owns, it runs the pipeline.

It may die at any moment and harm nobody: its database session, its process group and its ends of
the pipes are its own, and whatever else it inherited is shut off first.

It is forked ahead of its job and waits for it, with its session open: a fork and a session are most
of what a job would else wait for. The claim puts that session on record. It runs one attempt and
ends; while it waits, it also ends when its session does.
"""

import gc
import logging
import multiprocessing
import os
import pickle
import resource
import select
import signal
import sys
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.db import Error, connection, connections

from jobtracker import context, faults, lifecycle
from jobtracker.lifecycle import Claimed, Session
from jobtracker.workers import processes, reports, session
from jobtracker.workers.channel import Channel, Inbox, Word

OOM_SCORE = 500  # the kernel takes the work before the books
ADDRESS_SPACE = 8 << 30  # bytes; a runaway gets a MemoryError before the machine swaps
SESSION_SECONDS = 5.0  # for a new child to have its session; longer than a connection may take
PATIENCE = 1 / 2  # of the lease without a confirmed beat, and the attempt stops by itself

logger = logging.getLogger(__name__)

_inherited: list[object] = []


class Child:
    """The nurse's side of a forked child: `inbox` brings its messages, `pidfd` its death."""

    def __init__(self) -> None:
        # Nothing may be left in buffers that the child would write a second time.
        sys.stdout.flush()
        sys.stderr.flush()
        self.word = Word(confirmed_at=0.0)
        # A file and not the pipe, which holds so much only: the nurse must never wait for a child.
        self._order = os.memfd_create("jt-order")
        signals, self._signals = os.pipe()
        pipe, messages = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            for descriptor in (self._order, signals, self._signals, pipe, messages):
                os.close(descriptor)
            raise
        if self.pid == 0:
            _main(self._order, signals, messages, self.word)
        os.close(signals)
        os.close(messages)
        self.pidfd = os.pidfd_open(self.pid)
        self.inbox = Inbox(pipe)

    @cached_property
    def session(self) -> Session | None:
        """Its database session, waited for; None where it dies without one."""
        select.select([self.inbox.pipe], [], [], SESSION_SECONDS)
        for message in self.inbox.read():
            pid, start = message["session"]
            return Session(pid, datetime.fromisoformat(start))
        return None

    def is_alive(self) -> bool:
        return not select.select([self.pidfd], [], [], 0)[0]

    def run(self, claimed: Claimed, confirmed_at: float) -> None:
        """Let it run this attempt; once only. A dead child is found out by its pidfd."""
        self.word.confirmed_at = confirmed_at
        with os.fdopen(self._order, "wb", closefd=False) as file:
            pickle.dump(claimed, file)
        with suppress(BrokenPipeError):
            os.write(self._signals, b"!")

    def end(self) -> int:
        """Kill its whole group and return its wait status."""
        # Before the wait: until then nobody else can be given this pid.
        processes.kill_group(self.pid)
        processes.kill(self.pid)
        _, status = os.waitpid(self.pid, 0)
        for descriptor in (self.pidfd, self.inbox.pipe, self._order, self._signals):
            os.close(descriptor)
        return status


def _main(order: int, signals: int, pipe: int, word: Word) -> NoReturn:
    """Wait for the attempt, run it and end the process; the caller is the child of a fork."""
    code = 1
    try:
        _isolate(order, signals, pipe)
        channel = Channel(pipe, word, settings.LEASE_SECONDS * PATIENCE)
        told = lifecycle.own_session()
        channel.send({"session": [told.pid, told.backend_start.isoformat()]})
        if claimed := _await_attempt(order, signals):
            context.run(claimed, channel)
            faults.point("finish.told")
        code = 0
    except Error as error:
        logger.warning("a process that would wait for a job has no session: %s", error)
    except BaseException:
        logger.exception("an attempt ended without a result")
    finally:
        # No atexit, which belongs to django-q2; so what is buffered must be written here.
        sys.stdout.flush()
        sys.stderr.flush()
        reports.flush()
        os._exit(code)


def _await_attempt(order: int, signals: int) -> Claimed | None:
    """Return the attempt to run; None when the nurse wants none any more, or the session ended.
    One that ends as the attempt comes is left for another."""
    line = connection.connection
    ready = select.select([signals, line], [], [])[0]
    if signals not in ready or not os.read(signals, 1):
        return None
    processes.set_name("child")
    with os.fdopen(order, "rb") as file:
        file.seek(0)
        claimed: Claimed = pickle.load(file)
    if line in ready:
        connection.close()
    return claimed


def _isolate(*pipes: int) -> None:
    # What was inherited stays to the end: going through it again and again would cost time, and
    # memory, since pages that are looked at so are shared no longer.
    gc.freeze()
    processes.set_name("spare")
    os.setpgid(0, 0)
    _reset_signals()
    _leave_sessions()
    _shut_descriptors(pipes)
    session.use("attempt")
    # A worker of django-q2 is a daemon, and those may start no processes.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(ADDRESS_SPACE, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _reset_signals() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _leave_sessions() -> None:
    """Forget the nurse's sessions without closing them: a close would end them for the nurse
    too, and so would the last reference's end."""
    for wrapper in connections.all(initialized_only=True):
        _inherited.append(wrapper.connection)
        wrapper.connection = None


def _shut_descriptors(kept: tuple[int, ...]) -> None:
    """Point every inherited descriptor but the standard ones and those at /dev/null."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    # The listing's own descriptor is among them, and closed by now: that does no harm.
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in (*kept, nowhere):
            os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)
