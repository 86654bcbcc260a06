"""The memory that all processes of one `manage.py worker` share.

It is the only thing that supervisor, cluster, nurses and lifeline have in common while the
database is away. Each word has one writer at a time (records are handed out under a lock), so
plain 64-bit stores are enough. It dies with its processes: what must outlive them is a row.
"""

import fcntl
import mmap
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID, uuid4

from jobtracker.workers import processes

WORD_BYTES = 8
HEADER_WORDS = 16
RECORD_WORDS = 16
RECORDS_PER_SLOT = 8  # a dead worker keeps its record until the lifeline took its attempt back
_NANOSECONDS = 10**9
_LOW = 2**64 - 1


class State(IntEnum):
    """What a worker does; FREE means that nobody uses the record."""

    FREE = 0
    IDLE = 1
    BUSY = 2


class Beating(IntEnum):
    """Processes that show by a tick (word of the header) that they still turn."""

    PUSHER = 8
    SENTINEL = 9
    LIFELINE = 10
    SENDER = 11
    FETCHER = 12


class _Head(IntEnum):
    DRAINING = 0
    REGISTERED = 1
    GIVEN = 2
    MONITORS = 3
    CANCEL_EPOCH = 4


class _Field(IntEnum):
    PID = 0
    START = 1
    STATE = 2
    TAKEN = 3
    CHILD = 4
    JOB = 5  # two words
    TOKEN = 7  # two words


@dataclass(frozen=True)
class Identity:
    """What makes this worker this worker (`workers` has the same columns)."""

    instance: UUID
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int

    @classmethod
    def of_this_process(cls) -> "Identity":
        """Return a new identity for a supervisor that starts now."""
        pid = os.getpid()
        return cls(
            instance=uuid4(),
            host=socket.gethostname(),
            boot_id=processes.boot_id(),
            pid_namespace=processes.pid_namespace(),
            pid=pid,
            start_ticks=processes.start_ticks(pid),
        )


class Record:
    """A worker's place in the block. Written by that worker alone."""

    def __init__(self, words: memoryview) -> None:
        self._words = words

    @property
    def pid(self) -> int:
        return self._words[_Field.PID]

    @property
    def state(self) -> State:
        return State(self._words[_Field.STATE])

    @state.setter
    def state(self, state: State) -> None:
        self._words[_Field.STATE] = state

    @property
    def taken(self) -> int:
        """Tickets taken from this record's queue, by all its owners so far."""
        return self._words[_Field.TAKEN]

    @property
    def child(self) -> int:
        """Pid of the attempt child, 0 without one."""
        return self._words[_Field.CHILD]

    @child.setter
    def child(self, pid: int) -> None:
        self._words[_Field.CHILD] = pid

    @property
    def job(self) -> UUID | None:
        return self._uuid(_Field.JOB)

    @property
    def token(self) -> UUID | None:
        return self._uuid(_Field.TOKEN)

    def is_alive(self) -> bool:
        return processes.is_alive(self.pid, self._words[_Field.START])

    def take_ticket(self) -> None:
        self._words[_Field.TAKEN] += 1
        self.state = State.BUSY

    def hold(self, job: UUID | None, token: UUID | None) -> None:
        """Note the attempt that this worker holds; None, None once it is closed."""
        for place, value in ((_Field.JOB, job), (_Field.TOKEN, token)):
            number = value.int if value else 0
            self._words[place], self._words[place + 1] = number >> 64, number & _LOW

    def occupy(self, pid: int) -> None:
        """Start a new owner here; the count of tickets goes on, so that the sum stays true."""
        self.hold(None, None)
        self.child = 0
        self._words[_Field.PID] = pid
        self._words[_Field.START] = processes.start_ticks(pid)
        self.state = State.IDLE

    def release(self) -> None:
        self.hold(None, None)
        self.child = 0
        self.state = State.FREE

    def _uuid(self, place: int) -> UUID | None:
        number = self._words[place] << 64 | self._words[place + 1]
        return UUID(int=number) if number else None


class Block:
    """Header and records of one worker host with `slots` places to work."""

    def __init__(self, slots: int, identity: Identity | None = None) -> None:
        self.slots = slots
        self.identity = identity or Identity.of_this_process()
        count = slots * RECORDS_PER_SLOT
        size = (HEADER_WORDS + count * RECORD_WORDS) * WORD_BYTES
        # A memory file and not an anonymous map, because POSIX locks need a file: the kernel
        # frees them when their holder is killed, which a semaphore would not survive.
        self._file = os.memfd_create("jt-block")
        os.ftruncate(self._file, size)
        self._words = memoryview(mmap.mmap(self._file, size)).cast("Q")
        self.records = [
            Record(self._words[start : start + RECORD_WORDS])
            for start in range(HEADER_WORDS, HEADER_WORDS + count * RECORD_WORDS, RECORD_WORDS)
        ]
        self.bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    # What the supervisor and the lifeline say.

    @property
    def draining(self) -> bool:
        return bool(self._words[_Head.DRAINING])

    def drain(self) -> None:
        """Ask everyone to stop: no more tickets, running attempts go back."""
        self._words[_Head.DRAINING] = 1
        self.ring()

    @property
    def registered(self) -> bool:
        """Whether the instance is on record; nothing is claimed before."""
        return bool(self._words[_Head.REGISTERED])

    def mark_registered(self) -> None:
        self._words[_Head.REGISTERED] = 1
        self.ring()

    # Tickets.

    @property
    def taken(self) -> int:
        """Tickets that workers have taken since the host started."""
        return sum(record.taken for record in self.records)

    @property
    def under_way(self) -> int:
        """Tickets given out that no worker has taken yet."""
        return max(0, self._words[_Head.GIVEN] - self.taken)

    def give(self, tickets: int) -> None:
        self._words[_Head.GIVEN] += tickets

    def idle(self) -> int:
        """Return how many living workers wait for a ticket."""
        return sum(r.state is State.IDLE and r.is_alive() for r in self.records)

    def busy(self) -> int:
        """Return how many living workers have a ticket."""
        return sum(r.state is State.BUSY and r.is_alive() for r in self.records)

    def enlist(self) -> Record:
        """Give the calling worker a record.

        Raises RuntimeError when each belongs to a living worker or to an attempt that nobody has
        taken back yet.
        """
        with self._locked():
            for record in self.records:
                if record.state is State.FREE or (not record.token and not record.is_alive()):
                    record.occupy(os.getpid())
                    return record
        raise RuntimeError("The shared block has no free record.")

    # The cluster's processes.

    def begin_cluster(self) -> None:
        """Forget what the last cluster left: its tickets are lost, its processes gone."""
        self._words[_Head.GIVEN] = self.taken
        self._words[_Head.MONITORS] = 0
        for process in Beating:
            self.tick(process)

    def count_monitor(self) -> None:
        self._words[_Head.MONITORS] += 1

    @property
    def monitor_died(self) -> bool:
        """Whether the cluster is at its second monitor: the first may have taken a lock along."""
        return self._words[_Head.MONITORS] > 1

    def tick(self, process: Beating) -> None:
        self._words[process] = time.monotonic_ns()

    def silent_for(self, process: Beating) -> float:
        """Return the seconds since the last tick."""
        return (time.monotonic_ns() - self._words[process]) / _NANOSECONDS

    # Wake-ups.

    def ring(self) -> None:
        """Wake the pusher."""
        os.eventfd_write(self.bell, 1)

    def silence(self) -> None:
        """Take back all rings so far."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.bell)

    @property
    def cancel_epoch(self) -> int:
        """A number that grows when some job running here was asked to cancel."""
        return self._words[_Head.CANCEL_EPOCH]

    def announce_cancel(self) -> None:
        self._words[_Head.CANCEL_EPOCH] += 1

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


_current: Block | None = None


def install(block: Block | None) -> None:
    """Make `block` the one of this process and of all that it forks."""
    global _current
    _current = block


def current() -> Block | None:
    """Return the block; None in processes that are not below a supervisor."""
    return _current


def shared() -> Block:
    """Return the block; RuntimeError outside `manage.py worker`."""
    if _current is None:
        raise RuntimeError("Only processes of `manage.py worker` have a shared block.")
    return _current
