"""The faults: what each kind does to a run, and what ends it."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol
from uuid import UUID

import psycopg
from django.db import Error, connection

from jobtracker import lifecycle
from jobtracker.states import JobType
from jobtracker.workers import processes
from tests.chaos.groups import Group, child_of
from tests.chaos.plan import FaultPlan
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server
from tests.chaos.starved import Starved

SLOW_SECONDS = 0.05  # more for each packet
HALF = 0.4  # of the lines become half open
MEMORY_BYTES = 16 << 20  # more than nothing and less than an item's scratch space
IDLE_PATIENCE = 8.0


@dataclass
class Fault:
    """A fault that happened. Times are Unix seconds; `jobs` are those its victims worked on."""

    number: int
    kind: str
    host: str | None = None
    jobs: list[UUID] = field(default_factory=list)
    note: str = ""
    at: float = field(default_factory=time.time)
    until: float | None = None


@dataclass(frozen=True)
class Lengths:
    """How long things last, in seconds: a stop, an outage of the server, trouble on the line."""

    stop: float
    outage: float
    line: float


class Clock(Protocol):
    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` then; the run does not end before."""


class Injector:
    """Does the planned faults. Each kind is a method that returns what it did, or None where it
    finds no victim at the moment."""

    def __init__(
        self,
        groups: Sequence[Group],
        server: Server,
        proxy: Proxy,
        starved: Starved,
        lengths: Lengths,
        clock: Clock,
    ) -> None:
        self._groups = groups
        self._server = server
        self._proxy = proxy
        self._starved = starved
        self._lengths = lengths
        self._clock = clock
        self._hurt: set[UUID] = set()  # jobs that lost an attempt to us: one each
        self._open: list[tuple[str, int, UUID]] = []
        self._line_busy = False
        self._patience: dict[int, float] = {}  # until when a fault waits for an idle nurse
        self.stopped_nurses = 0

    def inject(self, plan: FaultPlan) -> Fault | None:
        """Do it, if it can be done now."""
        self._note_open()
        act = getattr(self, "_" + plan.kind.replace("-", "_"))
        fault: Fault | None = act(
            plan, self._groups[plan.group % len(self._groups)], Random(plan.draw)
        )
        return fault

    # --- kills ---

    def _child(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._hurt_child(plan, group, random, processes.kill)

    def _memory(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        def limit(child: int) -> None:
            held = _address_space(child)
            most = held + MEMORY_BYTES
            resource.prlimit(child, resource.RLIMIT_AS, (most, most))
            os.kill(child, signal.SIGCONT)

        return self._hurt_child(plan, group, random, limit)

    def _oom(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        def starve(child: int) -> None:
            self._starved.take(child)
            os.kill(child, signal.SIGCONT)

        return self._hurt_child(plan, group, random, starve)

    def _disk(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        def limit(child: int) -> None:
            resource.prlimit(child, resource.RLIMIT_FSIZE, (0, 0))
            os.kill(child, signal.SIGCONT)

        return self._hurt_child(plan, group, random, limit)

    def _hurt_child(
        self, plan: FaultPlan, group: Group, random: Random, hurt: Callable[[int], None]
    ) -> Fault | None:
        """Stop the child first: only then is it sure whose attempt this costs."""
        for nurse in _shuffled(random, group.nurses(busy=True)):
            child = child_of(nurse)
            if not child or not self._server.runs:
                continue
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGSTOP)
                jobs = self._jobs(group, [nurse])
                if jobs and not self._hurt & set(jobs):
                    hurt(child)
                    self._hurt |= set(jobs)
                    return Fault(plan.number, plan.kind, group.host, jobs, f"pid {child}")
                os.kill(child, signal.SIGCONT)
        return None

    def _nurse_busy(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.nurses(busy=True))

    def _nurse_idle(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        """Nobody is idle while there is work, so the queue is paused until someone is."""
        if plan.number not in self._patience:
            lifecycle.set_queue(JobType.IMPORT, None, paused=True)
            self._patience[plan.number] = time.monotonic() + IDLE_PATIENCE
            self._clock.after(IDLE_PATIENCE, self._resume)
        if time.monotonic() > self._patience[plan.number]:
            return None
        fault = self._kill_one(plan, group, random, group.nurses(busy=False))
        if fault:
            self._resume()
        return fault

    def _resume(self) -> None:
        try:
            lifecycle.set_queue(JobType.IMPORT, None, paused=False)
        except Error:
            connection.close()
            self._clock.after(0.2, self._resume)

    def _pusher(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("pusher"))

    def _monitor(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("monitor"))

    def _lifeline(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("lifeline"))

    def _sentinel(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("sentinel"), all_jobs=True)

    def _cluster(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("cluster"), all_jobs=True)

    def _supervisor(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_one(plan, group, random, group.pids("supervisor"), all_jobs=True)

    def _group(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._kill_all(plan, group, group.worker())

    def _up(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        up = self._groups[0]
        ready = up.supervisor not in (0, up.root)
        return self._kill_all(plan, up, [up.root] if ready else [])

    def _host(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        """A host that is lost: all its processes at once, and it stays away for a while."""
        host = self._groups[-1]
        fault = self._kill_all(plan, host, host.everything())
        if fault:
            host.stay_away(self._lengths.stop)
            fault.until = fault.at + self._lengths.stop
        return fault

    def _kill_one(
        self,
        plan: FaultPlan,
        group: Group,
        random: Random,
        pids: Sequence[int],
        *,
        all_jobs: bool = False,
    ) -> Fault | None:
        if not pids:
            return None
        pid = random.choice(sorted(pids))
        fault = Fault(plan.number, plan.kind, group.host, note=f"pid {pid}")
        fault.jobs = self._jobs(group, None if all_jobs else [pid])
        processes.kill(pid)
        return fault

    def _kill_all(self, plan: FaultPlan, group: Group, pids: Sequence[int]) -> Fault | None:
        if not pids:
            return None
        note = f"{len(pids)} processes"
        fault = Fault(plan.number, plan.kind, group.host, self._jobs(group), note)
        for pid in pids:
            processes.kill(pid)
        return fault

    # --- stops ---

    def _stop_child(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        nurses = _shuffled(random, group.nurses(busy=True))[:1]
        return self._stop(plan, group, [c for n in nurses if (c := child_of(n))], nurses)

    def _stop_nurse(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        nurses = _shuffled(random, group.nurses(busy=True))[:1]
        return self._stop(plan, group, nurses, nurses)

    def _stop_worker(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._stop(plan, group, group.worker(), None)

    def _stop(
        self, plan: FaultPlan, group: Group, pids: Sequence[int], nurses: Sequence[int] | None
    ) -> Fault | None:
        known = [(pid, started) for pid in pids if (started := processes.start_ticks(pid))]
        if not known:
            return None
        fault = Fault(plan.number, plan.kind, group.host, self._jobs(group, nurses))
        fault.note = f"{len(known)} processes for {self._lengths.stop:g} s"
        _signal(known, signal.SIGSTOP)
        stopped = 1 if nurses else 0
        self.stopped_nurses += stopped

        def go_on() -> None:
            fault.until = time.time()
            self.stopped_nurses -= stopped
            _signal(known, signal.SIGCONT)

        self._clock.after(self._lengths.stop, go_on)
        return fault

    def _term(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        if not (supervisor := group.supervisor):
            return None
        fault = Fault(plan.number, plan.kind, group.host, self._jobs(group), f"pid {supervisor}")
        os.kill(supervisor, signal.SIGTERM)
        return fault

    # --- the database ---

    def _backend(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        if not self._server.runs:
            return None
        sessions = self._server.query(
            "SELECT pid, application_name FROM pg_stat_activity"
            " WHERE application_name ~ '^jt-(nurse|attempt|pusher|lifeline)$' ORDER BY pid"
        )
        if not sessions:
            return None
        pid, name = random.choice(sessions)
        fault = Fault(plan.number, plan.kind, note=name)
        self._server.query("SELECT pg_terminate_backend(%s)", pid)
        return fault

    def _pg_restart(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._restart(plan, self._server.stop, 0.0)

    def _pg_crash(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._restart(plan, self._server.crash, 0.0)

    def _pg_outage(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._restart(plan, self._server.stop, self._lengths.outage)

    def _restart(self, plan: FaultPlan, end: Callable[[], None], seconds: float) -> Fault | None:
        if not self._server.runs:
            return None
        fault = Fault(plan.number, plan.kind, note=f"away for {seconds:g} s" if seconds else "")
        end()

        def start() -> None:
            self._server.start()
            fault.until = time.time()

        if seconds:
            self._clock.after(seconds, start)
        else:
            start()
        return fault

    # --- the line ---

    def _proxy_cut(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        fault = Fault(plan.number, plan.kind)
        self._proxy.tell("cut")
        fault.until = time.time()
        return fault

    def _proxy_stall(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._trouble(plan, "stall", "go")

    def _proxy_slow(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._trouble(plan, f"slow {SLOW_SECONDS}", "slow 0")

    def _proxy_half_open(self, plan: FaultPlan, group: Group, random: Random) -> Fault | None:
        return self._trouble(plan, f"half {HALF}", "heal")

    def _trouble(self, plan: FaultPlan, begin: str, end: str) -> Fault | None:
        if self._line_busy:
            return None
        self._line_busy = True
        fault = Fault(plan.number, plan.kind, note=f"{begin} for {self._lengths.line:g} s")
        self._proxy.tell(begin)

        def over() -> None:
            self._proxy.tell(end)
            self._line_busy = False
            fault.until = time.time()

        self._clock.after(self._lengths.line, over)
        return fault

    # --- whose jobs ---

    def _note_open(self) -> None:
        """Remember the open attempts; while the server is down the last answer must do."""
        with suppress(psycopg.OperationalError):
            self._open = [
                (host, pid, job)
                for host, pid, job in self._server.query(
                    "SELECT host, pid, job_id FROM job_attempts WHERE finished_at IS NULL"
                )
            ]

    def _jobs(self, group: Group, nurses: Iterable[int] | None = None) -> list[UUID]:
        """Return the jobs of these nurses of the group, or of all."""
        self._note_open()
        wanted = None if nurses is None else set(nurses)
        return [
            job
            for host, pid, job in self._open
            if host == group.host and (wanted is None or pid in wanted)
        ]


def _shuffled(random: Random, pids: Sequence[int]) -> list[int]:
    return random.sample(sorted(pids), len(pids))


def _signal(known: Iterable[tuple[int, int]], number: signal.Signals) -> None:
    """Signal processes, but none that has got the pid of one that is gone."""
    for pid, started in known:
        if processes.is_alive(pid, started):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _address_space(pid: int) -> int:
    """Return the bytes of address space that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def store(server: Server, faults: Iterable[Fault]) -> None:
    """Tell the invariants what happened."""
    for fault in faults:
        values: list[Any] = [
            fault.number,
            fault.kind,
            fault.host,
            fault.jobs,
            fault.at,
            fault.until,
        ]
        server.query(
            "INSERT INTO chaos_faults VALUES (%s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s))",
            *values,
        )
