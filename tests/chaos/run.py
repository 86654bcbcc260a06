"""One run of the harness: jobs and faults side by side until all is done, then the verdict."""

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import Error, connection
from django.utils import timezone

from jobtracker import embedded_pg, lifecycle
from jobtracker.catalogue.models import Supplier
from jobtracker.states import JobType
from tests.chaos import plan
from tests.chaos.faults import Fault, Injector, Lengths, store
from tests.chaos.groups import Group, comm, started_with
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server
from tests.chaos.sink import Sink
from tests.chaos.starved import Starved
from tests.fixtures.up_host import free_port

HERE = Path(__file__).parent
HOSTS = {"chaos-a": "up", "chaos-b": "worker"}
LOOK_SECONDS = 0.1
SAMPLE_SECONDS = 0.5
COMPLETE_SECONDS = 120.0
VICTIM_SECONDS = 60.0  # a fault waits so long for a victim
STUCK_SECONDS = 150.0
REST_SECONDS = 5.0  # for the server to see that clients are gone

# The row that is picked is not locked, and what would refuse the second claim is gone too. The
# pause lets claims meet that else would do so once in a thousand times.
WITHOUT_ROW_LOCK = """
DO $$
DECLARE
    locking text := pg_get_functiondef('claim_job'::regproc);
    free text := replace(locking, 'FOR UPDATE OF b SKIP LOCKED', '');
    slow text := replace(free, 'FROM picked WHERE', 'FROM picked, pg_sleep(0.2) WHERE');
BEGIN
    ASSERT free <> locking AND slow <> free;
    EXECUTE slow;
END $$;
DROP INDEX attempt_one_open;
ALTER TABLE job_attempts DROP CONSTRAINT attempt_number;
"""


@dataclass(frozen=True)
class Options:
    """What a run is asked to do; `without` switches a safeguard off."""

    seed: int
    jobs: int
    faults: int
    kinds: Sequence[str]
    lease: int
    slots: int
    groups: int
    pace: float
    lengths: Lengths
    without: str


@dataclass
class Verdict:
    """What came of a run: rows by invariant (those that must not be), and what was left over."""

    faults: list[Fault]
    missed: list[plan.FaultPlan]
    violations: dict[str, list[tuple[Any, ...]]]
    statuses: dict[str, int]
    starts: dict[str, list[float]]
    items: int
    seconds: float
    postgresql: str

    @property
    def damage(self) -> bool:
        return any(self.violations.values())


class Run:
    """`go()` returns the verdict; nothing is left running, whatever happens."""

    def __init__(self, options: Options, folder: Path, starved: Starved) -> None:
        self._options = options
        self._folder = folder
        self._starved = starved
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._began = time.monotonic()
        self._jobs = plan.jobs(options.seed, options.jobs)
        work = sum(job.work for job in self._jobs)
        self._planned = plan.faults(options.seed, options.faults, options.kinds, work)
        self._missed: list[plan.FaultPlan] = []
        self._happened: list[Fault] = []
        self._last_at = time.monotonic()
        self._wanted: list[tuple[float, plan.FaultPlan]] = []  # since when, waiting for a victim
        self._sampled = 0.0

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), act))

    def go(self) -> Verdict:
        self._server = Server(self._folder / "data")
        self._groups: list[Group] = []
        try:
            self._sink = Sink(self._folder / "calls")
            self._proxy = Proxy(self._server.socket)
            self._prepare()
            self._start_groups()
            self._injector = Injector(
                self._groups,
                self._server,
                self._proxy,
                self._starved,
                self._options.lengths,
                self,
            )
            self._create_jobs()
            self._work()
            left = self._stop_groups()
            return self._judge(left)
        finally:
            for group in self._groups:
                group.kill()
            for outside in (getattr(self, "_proxy", None), getattr(self, "_sink", None)):
                if outside:
                    outside.stop()
            connection.close()
            self._server.stop()

    # --- before ---

    def _prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute((HERE / "tables.sql").read_text())
            if self._options.without == "rowlock":
                cursor.execute(WITHOUT_ROW_LOCK)

    def _start_groups(self) -> None:
        temporary = self._folder / "tmp"
        temporary.mkdir()
        shared = {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": (
                f"host=127.0.0.1 port={self._proxy.port} dbname={embedded_pg.DATABASE}"
                f" user={embedded_pg.ROLE} sslmode=disable gssencmode=disable"
            ),
            "CHAOS_SINK": self._sink.address,
            "CHAOS_RUN": str(self._folder),
            "CHAOS_WITHOUT": self._options.without,
            "LEASE_SECONDS": str(self._options.lease),
            "WORKERS": str(self._options.slots),
            "GRACE_SECONDS": "3",
            "TMPDIR": str(temporary),
            "PYTHONWARNINGS": "ignore",
        }
        for host, command in list(HOSTS.items())[-self._options.groups :]:
            own = {"JOBTRACKER_DATA": str(self._folder / host), "PORT": str(free_port())}
            log = self._folder / f"{host}.log"
            self._groups.append(Group(host, command, log, shared | own))
        for group in self._groups:
            group.start()
        until = time.monotonic() + COMPLETE_SECONDS
        while not all(group.is_complete(self._options.slots) for group in self._groups):
            if time.monotonic() > until or not all(group.root for group in self._groups):
                raise SystemExit("The worker groups do not start.\n" + self.logs(4000))
            time.sleep(LOOK_SECONDS)

    def logs(self, most: int) -> str:
        """Return the ends of the groups' logs."""
        texts = [path.read_text(errors="replace")[-most:] for path in self._folder.glob("*.log")]
        return "\n".join(texts)

    def _create_jobs(self) -> None:
        suppliers = [Supplier.objects.create(name=f"Chaos {n}").pk for n in range(plan.SUPPLIERS)]
        for job in self._jobs:
            later = timezone.now() + timedelta(seconds=job.delay) if job.delay else None
            lifecycle.create(
                JobType.IMPORT,
                filename=job.label,
                supplier_id=suppliers[job.supplier],
                metadata={
                    "label": job.label,
                    "items": job.items,
                    "behaviour": job.behaviour,
                    "at": job.at,
                    "pace": self._options.pace,
                },
                run_after=later,
                detail={"source_name": job.label, "import_type": "xml"},
            )
        connection.close()
        print(f"{self._clock()}  {len(self._jobs)} jobs are created", flush=True)

    # --- meanwhile ---

    def _work(self) -> None:
        """Turn until every job has ended and every fault is over, or nothing moves any more."""
        seen: tuple[int, int] | None = None
        done = 0
        seen_at = time.monotonic()
        while True:
            for group in self._groups:
                group.look()
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
            where = self._ask()
            if where and where != seen:
                seen, seen_at = where, time.monotonic()
            if where:
                done, live = where
                if not live and not self._timers:
                    self._missed += [*self._planned, *(planned for _, planned in self._wanted)]
                    return
            self._inject(done)
            if time.monotonic() - seen_at > STUCK_SECONDS:
                print(f"{self._clock()}  nothing moves any more", flush=True)
                return
            time.sleep(LOOK_SECONDS)

    def _ask(self) -> tuple[int, int] | None:
        """Return the items committed and the jobs that live; None while the server is down."""
        try:
            [(done, live)] = self._server.query(
                "SELECT (SELECT last_value FROM chaos_ledger_id_seq), (SELECT count(*)"
                " FROM background_jobs WHERE status IN ('pending', 'processing'))"
            )
            if time.monotonic() > self._sampled + SAMPLE_SECONDS:
                self._sampled = time.monotonic()
                self._sample()
                self._cancel()
        except (Error, psycopg.OperationalError):
            connection.close()
            return None
        return done, live

    def _sample(self) -> None:
        self._server.query(
            "INSERT INTO chaos_samples (ready, free)"
            " SELECT ready_jobs(1), greatest(0, coalesce(sum(w.slots - (SELECT count(*)"
            "   FROM job_attempts a WHERE a.worker = w.id AND a.finished_at IS NULL)), 0) - %s)"
            " FROM workers w"
            " WHERE w.last_seen > clock_timestamp() - interval '3 s' AND NOT w.draining",
            self._injector.stopped_nurses,
        )

    def _cancel(self) -> None:
        """Cancel those that are to be and are far enough."""
        due = self._server.query(
            "SELECT b.id FROM background_jobs b WHERE b.status IN ('pending', 'processing')"
            " AND b.metadata->>'behaviour' = 'cancel' AND b.cancel_requested_at IS NULL"
            " AND (SELECT count(*) FROM chaos_ledger l WHERE l.job = b.id)"
            "     >= (b.metadata->>'at')::int"
        )
        if due:
            lifecycle.cancel([job for (job,) in due], None)

    def _inject(self, done: int) -> None:
        """Take the faults that are due, and try all that are: some wait for a victim."""
        now = time.monotonic()
        while self._planned and self._is_due(self._planned[0], done, now):
            self._wanted.append((now, self._planned.pop(0)))
            self._last_at = now
        for wanted in list(self._wanted):
            since, planned = wanted
            try:
                fault = self._injector.inject(planned)
            except (Error, psycopg.OperationalError):
                connection.close()
                fault = None
            if fault:
                self._happened.append(fault)
                jobs = f"  {len(fault.jobs)} jobs" if fault.jobs else ""
                text = f"{fault.host or ''}  {fault.note}{jobs}"
            elif now - since > VICTIM_SECONDS:
                self._missed.append(planned)
                text = "found no victim"
            else:
                continue
            self._wanted.remove(wanted)
            print(f"{self._clock()}  #{planned.number} {planned.kind}  {text}", flush=True)

    def _is_due(self, planned: plan.FaultPlan, done: int, now: float) -> bool:
        if planned.done is None:
            return now - self._last_at >= planned.delay
        return done >= planned.done

    def _clock(self) -> str:
        return f"{time.monotonic() - self._began:8.2f} s"

    # --- after ---

    def _stop_groups(self) -> list[tuple[Any, ...]]:
        """Stop everything in order; return what ended badly or is left."""
        left: list[tuple[Any, ...]] = [
            (group.host, "exit code", code) for group in self._groups if (code := group.stop()) != 0
        ]
        self._proxy.stop()
        until = time.monotonic() + REST_SECONDS
        while (running := started_with(f"CHAOS_RUN={self._folder}")) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        left += [("process", pid, comm(pid)) for pid in running]
        left += [("file", str(path)) for path in (self._folder / "tmp").rglob("*")]
        return left

    def _judge(self, left: list[tuple[Any, ...]]) -> Verdict:
        store(self._server, self._happened)
        self._load_calls()
        self._server.query("ANALYZE")  # the ledger of a long run is large
        violations = {"nothing_left": left}
        for path in sorted((HERE / "invariants").glob("*.sql")):
            if path.stem == "sessions":
                rows = self._server.wait_for_no_row(path.read_text(), REST_SECONDS)
            else:
                rows = self._server.query(path.read_text())
            violations[path.stem] = rows
        statuses = dict(
            self._server.query("SELECT status, count(*) FROM background_jobs GROUP BY 1")
        )
        [(items, postgresql)] = self._server.query(
            "SELECT (SELECT count(*) FROM chaos_ledger), split_part(version(), ' ', 2)"
        )
        return Verdict(
            self._happened,
            self._missed,
            violations,
            statuses,
            self._starts(),
            items,
            time.monotonic() - self._began,
            postgresql,
        )

    def _load_calls(self) -> None:
        session = embedded_pg.connect(self._folder / "data", embedded_pg.DATABASE)
        with session, session.cursor() as cursor:
            with cursor.copy("COPY chaos_calls (job, item, token, at) FROM STDIN") as copy:
                for job, item, token, moment in self._sink.calls():
                    copy.write_row(
                        (
                            job,
                            item,
                            token,
                            timezone.datetime.fromtimestamp(
                                moment, timezone.get_default_timezone()
                            ),
                        )
                    )

    def _starts(self) -> dict[str, list[float]]:
        """Return by kind the seconds from each fault to the next start that `plan.KINDS` asks for;
        a fault after which nothing was to start has none."""
        starts: dict[str, list[float]] = {kind: [] for kind in plan.KINDS}
        for fault in self._happened:
            measure = plan.KINDS[fault.kind]
            if measure == "jobs" and fault.jobs:
                rows = self._server.query(_NEXT_OF_JOBS, fault.at, fault.jobs, fault.at)
            elif measure == "after":
                over = fault.until or fault.at
                rows = self._server.query(_NEXT, over, over, None, None)
            else:
                rows = self._server.query(_NEXT, fault.at, fault.at, fault.host, fault.host)
            starts[fault.kind] += [seconds for (seconds,) in rows if seconds is not None]
        return {kind: found for kind, found in starts.items() if found}


_NEXT_OF_JOBS = """
SELECT extract(epoch FROM min(claimed_at))::float8 - %s FROM job_attempts
WHERE job_id = ANY (%s) AND claimed_at > to_timestamp(%s) GROUP BY job_id
"""
_NEXT = """
SELECT extract(epoch FROM min(claimed_at))::float8 - %s FROM job_attempts
WHERE claimed_at > to_timestamp(%s) AND (%s::text IS NULL OR host = %s)
"""
