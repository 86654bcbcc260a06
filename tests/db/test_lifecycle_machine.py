"""Every verb of the lifecycle, in courses that hypothesis makes up, from two sessions in turn.

Either session may leave a transaction open while the other acts; what the other must wait for is
an answer too, told by the server's lock time-out. After each step all that is written is compared
with the model, as each session sees it. A course that fails is printed as a program, shortened;
`--hypothesis-seed=N` takes other courses than the same ones each time.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from psycopg.errors import LockNotAvailable

from imports.models import ImportRow
from jobtracker import lifecycle, pipelines
from jobtracker.lifecycle import Failure, Report
from jobtracker.models import BackgroundJob, JobAttempt, JobCheckpoint
from jobtracker.pipelines import Counts, Detail
from jobtracker.states import JobType, LeaseLost, Priority, Status, Waiting
from pdfjobs.models import PdfDocument

from .jobs import GOOD, WORKER, TwoStages, pipeline_in_place
from .lifecycle_model import NEW, STAGES, Job, Model, Tables, Waits

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queues")]

M = TypeVar("M", bound=Callable[..., None])
LOCK_MILLISECONDS = 20
LEASE = 45.0
STALL = 1800.0
JOBS_MOST = 8
WAITS = "waits for the other session"
TABLES = (
    "job_attempt_sessions", "job_events", "job_checkpoints", "job_attempts", "import_rows",
    "data_import_jobs", "pdf_documents", "background_jobs",
)  # fmt: skip
KINDS = {
    JobType.IMPORT: {"source_name": "tiles.xml", "import_type": "xml"},
    JobType.PDF: {"filename": "tiles.pdf", "source_file": "t", "content_hash": "0"},
}
BROKEN = Failure("It broke", "Trouble", "Traceback ...", "first")
WARNING = {"code": "c", "message": "m", "where": ""}
QUESTION = {"message": "Which?"}

# Which verb ends an attempt how; hand-backs of all sorts are the likeliest end, as in life.
ENDS: dict[str, tuple[Callable[[UUID], Status | None], dict[str, Any]]] = {
    "complete": (
        lambda token: lifecycle.complete(token, GOOD),
        {"outcome": "completed", "counts": GOOD},
    ),
    "fail": (
        lambda token: lifecycle.fail(token, BROKEN, counts=Counts(2, 0, 2, 0)),
        {"outcome": "failed", "error": BROKEN.message, "counts": Counts(2, 0, 2, 0)},
    ),
    "fail retryably": (
        lambda token: lifecycle.fail_retryably(token, BROKEN),
        {"outcome": "retryable", "error": BROKEN.message},
    ),
    "crash": (
        lambda token: lifecycle.crash(token, BROKEN),
        {"outcome": "crashed", "error": BROKEN.message},
    ),
    "hand back": (lambda token: lifecycle.hand_back(token, "drain"), {"outcome": "handed_back"}),
    "rescue": (lambda token: lifecycle.rescue(token, LEASE), {"outcome": "lost"}),
    "wait": (
        lambda token: lifecycle.wait(token, Waiting.MAPPING, QUESTION),
        {"outcome": "waiting", "waiting_for": "mapping", "question": QUESTION},
    ),
    "finish cancelled": (lifecycle.finish_cancelled, {"outcome": "cancelled"}),
}


class TwoKeptStages(TwoStages):
    """Forgets the rows of its first stage, as a real pipeline does."""

    def forget(self, job_id: UUID, stages: Any) -> None:
        if "first" in stages:
            ImportRow.objects.filter(job_id=job_id).delete()


class TwoPdfStages(TwoKeptStages):
    job_type = JobType.PDF

    def __init__(self, detail: Detail) -> None:
        super().__init__()
        self.detail = detail


class Session:
    """A database session in a thread of its own, with a transaction that it may leave open."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._open = ExitStack()
        self.run(self._set_up)

    def run(self, act: Callable[[], Any]) -> Any:
        return self._thread.submit(act).result()

    def _set_up(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {LOCK_MILLISECONDS}")

    def begin(self) -> None:
        self.run(lambda: self._open.enter_context(transaction.atomic()))

    def end(self, *, keep: bool) -> None:
        def close() -> None:
            if connection.in_atomic_block:
                transaction.set_rollback(not keep)
            self._open.close()

        self.run(close)

    def close(self) -> None:
        self.end(keep=False)
        self.run(connections.close_all)
        self._thread.shutdown()


# All that is written, in one question; `astray` counts detail rows that differ from their job.
READ = """
SELECT json_build_object(
    'now', clock_timestamp(),
    'jobs', coalesce((SELECT json_agg(b) FROM background_jobs b), '[]'),
    'attempts', coalesce((SELECT json_agg(a) FROM job_attempts a), '[]'),
    'checkpoints', coalesce((SELECT json_agg(c) FROM job_checkpoints c), '[]'),
    'rows', coalesce((SELECT json_object_agg(job_id, n) FROM
                      (SELECT job_id, count(*) AS n FROM import_rows GROUP BY 1) r), '{{}}'),
    'lines', coalesce((SELECT json_object_agg(job_id, n) FROM
                       (SELECT job_id, count(*) AS n FROM job_events GROUP BY 1) e), '{{}}'),
    'queues', (SELECT json_object_agg(job_type, json_build_array(paused, max_running))
               FROM job_queues),
    'audit_lines', (SELECT count(*) FROM audit_log),
    'astray', {astray}
)::text
"""


def astray() -> str:
    """Return an SQL expression that counts what is wrong with the detail rows."""
    terms = ["(SELECT count(*) FROM background_jobs)"]
    for kind in KINDS:
        detail = pipelines.get(kind).detail
        table = detail.model._meta.db_table
        joined = f"{table} d JOIN background_jobs b ON b.id = d.background_job_id"
        # Two statements create them, each with its own time.
        updated_at = "CASE WHEN b.updated_at = b.created_at THEN d.updated_at ELSE b.updated_at END"
        mirrors = {**detail.mirrors, "updated_at": updated_at}
        columns = ", ".join(f"d.{name}" for name in mirrors)
        values = ", ".join(mirrors.values())
        terms.append(f"- (SELECT count(*) FROM {joined})")
        terms.append(
            f"+ 1000 * (SELECT count(*) FROM {joined}"
            f" WHERE ({columns}) IS DISTINCT FROM ({values}))"
        )
    return " ".join(terms)


STEPS: list[st.SearchStrategy[Any]] = []


def step(weight: int = 1, **arguments: st.SearchStrategy[Any]) -> Callable[[M], M]:
    """Make a method a step of the courses. Of rules of its own hypothesis would leave most out of
    a course at random, and a job's life needs many of them."""

    def register(method: M) -> M:
        each = st.tuples(st.just(method.__name__), st.fixed_dictionaries(arguments))
        STEPS.extend([each] * weight)
        return method

    return register


class Lifecycle(RuleBasedStateMachine):
    sessions: ClassVar[tuple[Session, Session]]
    seen: ClassVar[set[str]]  # which answers came up at all
    read: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("UPDATE job_queues SET paused = false, max_running = NULL")
        self.model = Model()
        self.ids: list[UUID] = []
        self.tokens: list[UUID] = []
        found = self._look()
        self.now = found["now"]
        self.model.committed.audit_lines = found["audit_lines"]

    # --- acting and comparing ---

    def act(self, session: int, verb: str, real: Callable[[], Any], said: Callable[[], Any]) -> Any:
        """Run a verb in a session, and let the model say what it should have answered."""
        answer: Any
        try:
            answer = self.sessions[session].run(real)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            answer = WAITS
        except LeaseLost:
            answer = False
        try:
            expected = said()
        except Waits:
            expected = WAITS
        note(f"# session {session}: {verb} -> {answer}")
        kind = WAITS if answer == WAITS else type(answer).__name__
        self.seen.add(f"{verb}: {answer if isinstance(answer, bool | str) else kind}")
        assert answer == expected, f"{verb} answered {answer}, not {expected}"
        self.compare()
        return answer

    def compare(self) -> None:
        """Compare all that is written with the model, as each session sees it."""
        found = self._look()
        self._compare(found, self.model.committed)
        if self.model.owner is not None:
            found = self.sessions[self.model.owner].run(self._look)
            self._compare(found, self.model.tables(self.model.owner))
        self.now = found["now"]

    def _look(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.read)
            return json.loads(cursor.fetchone()[0])

    def _compare(self, found: dict[str, Any], model: Tables) -> None:
        real = {UUID(job["id"]): job for job in found["jobs"]}
        assert real.keys() == set(model.jobs)
        for job_id, job in model.jobs.items():
            row = real[job_id]
            self._compare_times(row, job)
            waits_until = row["run_after"] and datetime.fromisoformat(row["run_after"])
            assert {
                name: row[name] for name in
                ("status", "priority", "waiting_for", "question", "answer", "retry_count",
                 "crash_count", "hand_back_count", "progress", "result", "error", "warnings",
                 "unique_key", "attempt_token")
            } | {
                "counts": tuple(row[f"{n}_items"] for n in ("total", "done", "failed", "skipped")),
                "run_after": waits_until
                and ("later" if waits_until > datetime.fromisoformat(found["now"]) else "due"),
                "log_lines": found["lines"].get(row["id"], 0),
            } == {
                name: getattr(job, name) for name in
                ("status", "priority", "waiting_for", "question", "answer", "retry_count",
                 "crash_count", "hand_back_count", "progress", "result", "error", "warnings",
                 "unique_key", "counts", "run_after", "log_lines")
            } | {"attempt_token": job.attempt_token and str(job.attempt_token)}  # fmt: skip
        assert {
            (a["token"], a["job_id"], a["number"], a["outcome"], a["started_at"] is not None)
            for a in found["attempts"]
        } == {
            (str(token), str(a.job), a.number, a.outcome, True)
            for token, a in model.attempts.items()
        }
        assert all((a["outcome"] is None) == (a["finished_at"] is None) for a in found["attempts"])
        kept = {place: item for place, item in model.items.items() if item}
        assert {
            (UUID(c["job_id"]), c["stage"]): (c["attempt"], c["items"])
            for c in found["checkpoints"]
        } == kept
        assert found["rows"] == {str(job): items for (job, _), (_, items) in kept.items()}
        assert {kind: tuple(queue) for kind, queue in found["queues"].items()} == {
            kind: (queue.paused, queue.max_running) for kind, queue in model.queues.items()
        }
        assert found["audit_lines"] == model.audit_lines
        assert found["astray"] == 0

    def _compare_times(self, row: dict[str, Any], job: Job) -> None:
        """A time is there when it should be, lies in the step that set it, and stays."""
        for name, expected in job.times.items():
            if expected == NEW:
                assert row[name], f"{name} is not set"
                assert datetime.fromisoformat(row[name]) >= datetime.fromisoformat(self.now)
                job.times[name] = row[name]
            else:
                assert row[name] == expected, f"{name} is {row[name]}, not {expected}"

    # --- choosing ---

    def job(self, pick: int, fits: Callable[[Job], bool] = lambda job: True) -> UUID:
        """Return some job's id: an even `pick` takes one that fits, if there is one."""
        jobs = self.model.committed.jobs
        fitting = [each for each in self.ids if each in jobs and fits(jobs[each])]
        among = fitting if pick % 2 == 0 and fitting else self.ids
        return among[pick // 2 % len(among)]

    def several(self, picks: list[int], fits: Callable[[Job], bool]) -> list[UUID]:
        return [self.job(pick, fits) for pick in picks]

    def token(self, pick: int) -> UUID:
        """Return some token; five of six times, if there is one, of an attempt that runs."""
        attempts = self.model.tables(self.model.owner or 0).attempts
        open_ = [t for t in self.tokens if t in attempts and not attempts[t].outcome]
        among = open_ if pick % 6 and open_ else self.tokens
        return among[pick // 6 % len(among)]

    either: ClassVar = st.sampled_from([0, 1])
    pick: ClassVar = st.integers(0, 29)
    picks: ClassVar = st.lists(pick, min_size=1, max_size=4)
    kind: ClassVar = st.sampled_from(list(KINDS))
    priority: ClassVar = st.sampled_from(Priority)

    # --- rules ---

    @initialize(kinds=st.lists(kind, min_size=3, max_size=4), keyed=st.booleans())
    def begin_with_jobs(self, kinds: list[JobType], keyed: bool) -> None:
        for kind in kinds:
            self.create(0, kind, None, Priority.NORMAL, False, 3)
        self.create(1, JobType.PDF, "k" if keyed else None, Priority.LOW, False, 2)
        for session in (0, 1):
            self.claim(session)

    @step(session=either, kind=kind, key=st.sampled_from([None, "k", "m"]), priority=priority,
          later=st.booleans(), attempts=st.integers(1, 3))  # fmt: skip
    def create(
        self, session: int, kind: JobType, key: str | None, priority: int, later: bool,
        attempts: int,
    ) -> None:  # fmt: skip
        if len(self.ids) >= JOBS_MOST:
            return
        run_after = timezone.now() + timedelta(hours=1) if later else None
        made: list[UUID] = []

        def real() -> UUID | None:
            created = lifecycle.create(
                kind, unique_key=key, priority=priority, run_after=run_after,
                max_attempts=attempts, detail=KINDS[kind],
            )  # fmt: skip
            if created.existing:
                return created.job_id
            made.append(created.job_id)
            return None

        def job() -> Job:
            return Job(made[0], kind, key, priority, attempts, "later" if later else None)

        self.act(session, "create", real, lambda: self.model.create(session, job, key))
        self.ids += made

    @step(3, session=either)
    def claim(self, session: int) -> None:
        tokens: list[UUID] = []

        def real() -> tuple[UUID, int] | None:
            assert lifecycle.ready(3) == self.model.ready(session, 3)
            claimed = lifecycle.claim(WORKER, "host", 1)
            if claimed is None:
                return None
            tokens.append(claimed.token)
            return claimed.job_id, claimed.number

        self.act(session, "claim", real, lambda: self.model.claim(session, lambda: tokens[0]))
        self.tokens += tokens

    @step(sessions=st.permutations([0, 1]))
    def claim_twice(self, sessions: list[int]) -> None:
        for session in sessions:
            self.claim(session)

    @step(session=either, pick=pick)
    def beat(self, session: int, pick: int) -> None:
        token = self.token(pick)

        def real() -> tuple[bool, bool]:
            beat = lifecycle.beat(token)
            return beat.alive, beat.cancel_requested

        self.act(session, "beat", real, lambda: self.model.beat(session, token))

    @step(2, session=either, pick=pick, progress=st.integers(0, 100), done=st.integers(0, 5),
          advanced=st.booleans())  # fmt: skip
    def flush(self, session: int, pick: int, progress: int, done: int, advanced: bool) -> None:
        token, counts = self.token(pick), Counts(4, done, 1, 0)
        event = {"at": 0.0, "level": "info", "stage": "first", "message": "hello", "data": {}}
        report = Report(
            progress=progress, stage="first", stage_done=done, stage_total=5, left=60.0,
            total=counts.total, done=done, failed=counts.failed, skipped=counts.skipped,
            advanced=advanced, events=[event], warnings=[WARNING],
        )  # fmt: skip
        self.act(
            session, "flush", lambda: lifecycle.flush(token, report),
            lambda: self.model.flush(session, token, progress, counts, WARNING, advanced),
        )  # fmt: skip

    @step(3, session=either, pick=pick)
    def commit_item(self, session: int, pick: int) -> None:
        token = self.token(pick)

        def real() -> bool:
            with transaction.atomic():
                lifecycle.fence(token)
                attempt = JobAttempt.objects.get(token=token)
                number = 1 + ImportRow.objects.filter(job_id=attempt.job_id).count()
                ImportRow.objects.create(
                    job_id=attempt.job_id, number=number, line=number, outcome="c"
                )
                JobCheckpoint.objects.update_or_create(
                    job_id=attempt.job_id, stage="first",
                    defaults={"state": "running", "attempt": attempt.number, "items": number},
                )  # fmt: skip
            return True

        self.act(session, "commit an item", real, lambda: self.model.commit_item(session, token))

    @step(8, session=either, pick=pick, how=st.sampled_from(sorted(ENDS)))
    def end(self, session: int, pick: int, how: str) -> None:
        self._end(session, self.token(pick), how)

    @step(8, session=either, pick=pick, how=st.sampled_from(sorted(ENDS)))
    def end_a_cancelled(self, session: int, pick: int, how: str) -> None:
        """A cancel that comes just before an end."""
        token = self.token(pick)
        attempt = self.model.tables(session).attempts.get(token)
        if attempt and not attempt.outcome:
            self._cancel(1 - session, [attempt.job])
        self._end(session, token, how)

    @step(3, session=either, pick=pick, how=st.sampled_from(sorted(ENDS)))
    def end_beside_a_commit(self, session: int, pick: int, how: str) -> None:
        """The other session would end an attempt whose item is not committed yet."""
        if self.model.owner is None:
            self.begin_or_end(session, True)
        self.commit_item(session, pick)
        self._end(1 - session, self.token(pick), how)

    def _end(self, session: int, token: UUID, how: str) -> None:
        verb, said = ENDS[how]

        def real() -> Status | None:
            status = verb(token)
            if status == Status.PENDING:
                self._lengthen_back_off(token)
            return status

        self.act(session, how, real, lambda: self.model.end(session, token, **said))

    @staticmethod
    def _lengthen_back_off(token: UUID) -> None:
        """See that the back-off is within its bounds, and make it last for the whole course."""
        job = BackgroundJob.objects.get(attempts__token=token)
        if job.run_after:
            left = (job.run_after - timezone.now()).total_seconds()
            assert left <= 5 * 2 ** (job.retry_count - 1) * 1.5
            later = timezone.now() + timedelta(hours=1)
            BackgroundJob.objects.filter(pk=job.pk).update(run_after=later)

    @step(session=either)
    def rescue_all(self, session: int) -> None:
        found = self.act(
            session, "expired", lambda: lifecycle.expired(LEASE),
            lambda: self.model.expired(session),
        )  # fmt: skip
        for token in found:
            self.act(
                session, "rescue", lambda token=token: lifecycle.rescue(token, LEASE),
                lambda token=token: self.model.end(session, token, "lost"),
            )  # fmt: skip

    @step(2, session=either, picks=picks)
    def cancel(self, session: int, picks: list[int]) -> None:
        self._cancel(session, self.several(picks, lambda job: job.live))

    def _cancel(self, session: int, ids: list[UUID]) -> None:
        self.act(
            session, "cancel", lambda: lifecycle.cancel(ids, None),
            lambda: self.model.cancel(session, ids),
        )  # fmt: skip

    @step(2, session=either, picks=picks)
    def retry(self, session: int, picks: list[int]) -> None:
        ids = self.several(picks, lambda job: job.status in ("failed", "cancelled"))
        self.act(
            session, "retry", lambda: _sorted(lifecycle.retry(ids, None)),
            lambda: _sorted(self.model.retry(session, ids)),
        )  # fmt: skip

    @step(session=either, pick=pick, stage=st.sampled_from(STAGES))
    def rerun_from(self, session: int, pick: int, stage: str) -> None:
        job_id = self.job(pick, lambda job: not job.live)
        if job_id in self.model.tables(session).jobs:
            self.act(
                session, "rerun from", lambda: lifecycle.rerun_from(job_id, stage, None, "why"),
                lambda: self.model.rerun_from(session, job_id, stage),
            )  # fmt: skip

    @step(2, session=either, pick=pick, reason=st.sampled_from([Waiting.MAPPING, Waiting.BUDGET]))
    def answer(self, session: int, pick: int, reason: Waiting) -> None:
        job_id = self.job(pick, lambda job: job.waiting_for is not None)
        reply = {"column": pick}
        self.act(
            session, "answer", lambda: lifecycle.answer(job_id, reason, reply, None),
            lambda: self.model.answer(session, job_id, reason.value, reply),
        )  # fmt: skip

    @step(2, session=either, pick=pick)
    def mark_failed(self, session: int, pick: int) -> None:
        job_id = self.job(pick, lambda job: job.attempt_token is not None)
        self.act(
            session, "mark failed", lambda: lifecycle.mark_failed(job_id, "stuck", None),
            lambda: self.model.mark(session, job_id, "failed", "Marked failed by hand: stuck", {}),
        )  # fmt: skip

    @step(session=either, pick=pick)
    def mark_completed(self, session: int, pick: int) -> None:
        job_id = self.job(pick, lambda job: job.status in ("failed", "cancelled"))
        result = {"note": "Marked completed by hand: done"}
        self.act(
            session, "mark completed", lambda: lifecycle.mark_completed(job_id, "done", None),
            lambda: self.model.mark(session, job_id, "completed", "", result),
        )  # fmt: skip

    @step(session=either, picks=picks, priority=priority, only_pending=st.booleans())
    def edit(self, session: int, picks: list[int], priority: Priority, only_pending: bool) -> None:
        ids = self.several(picks, lambda job: job.status == "pending")

        def real() -> list[UUID]:
            if only_pending:
                return _sorted(lifecycle.prioritise(ids, priority, None))
            return _sorted(lifecycle.edit(ids, None, "why", priority=priority.value))

        statuses = [Status.PENDING] if only_pending else list(Status)
        self.act(
            session, "prioritise" if only_pending else "edit", real,
            lambda: self.model.edit(session, ids, priority, statuses),
        )  # fmt: skip

    @step(session=either, kind=kind, change=st.sampled_from(
        [("paused", True), ("paused", False), ("max_running", None), ("max_running", 1),
         ("max_running", 2)]))  # fmt: skip
    def set_queue(self, session: int, kind: JobType, change: tuple[str, Any]) -> None:
        name, value = change
        self.act(
            session, f"set {name}", lambda: lifecycle.set_queue(kind, None, **{name: value}),
            lambda: self.model.set_queue(session, kind, name, value),
        )  # fmt: skip

    @step(session=either)
    def promote_due(self, session: int) -> None:
        self.act(
            session, "promote due", lifecycle.promote_due,
            lambda: self.model.promote_due(session),
        )  # fmt: skip

    @step(session=either, kind=kind)
    def mark_stalled(self, session: int, kind: JobType) -> None:
        self.act(
            session, "mark stalled", lambda: _sorted(lifecycle.mark_stalled(kind, STALL)),
            lambda: self.model.mark_stalled(session, kind),
        )  # fmt: skip

    @step(2, session=either, pick=pick)
    def let_an_hour_pass(self, session: int, pick: int) -> None:
        """For one job: a later one is due, one that runs has neither beaten nor advanced."""
        job_id = self.job(pick, lambda job: job.run_after is not None or job.attempt_token)

        def real() -> bool:
            past = timezone.now() - timedelta(hours=1)
            jobs = BackgroundJob.objects.filter(pk=job_id)
            jobs.filter(run_after__isnull=False).update(run_after=past)
            jobs.filter(status="processing").update(last_heartbeat=past, advanced_at=past)
            return True

        if self.model.age(session, job_id):
            self.act(session, "an hour passes", real, lambda: True)

    @step(4, session=either, keep=st.sampled_from([True, True, False]))
    def begin_or_end(self, session: int, keep: bool) -> None:
        """Open the session's transaction; commit or undo the one that is open."""
        if self.model.owner is None:
            self.sessions[session].begin()
            self.model.begin(session)
            return
        self.sessions[self.model.owner].end(keep=keep)
        if keep:
            self.model.commit()
        else:
            self.model.rollback()
        self.compare()

    @rule(one=st.deferred(lambda: st.sampled_from(STEPS).flatmap(lambda each: each)))
    def step(self, one: tuple[str, dict[str, Any]]) -> None:
        name, arguments = one
        getattr(self, name)(**arguments)

    def teardown(self) -> None:
        for session in self.sessions:
            session.end(keep=False)


def _sorted(ids: list[UUID]) -> list[UUID]:
    return sorted(ids)


@pytest.fixture
def machine() -> Iterator[type[Lifecycle]]:
    kept = pipelines.get(JobType.PDF)
    with pipeline_in_place():
        pipelines.register(TwoKeptStages())
        pipelines.register(TwoPdfStages(kept.detail))
        assert kept.detail.model is PdfDocument
        Lifecycle.read = READ.format(astray=astray())
        Lifecycle.seen = set()
        Lifecycle.sessions = (Session(), Session())
        yield Lifecycle
        for session in Lifecycle.sessions:
            session.close()
        pipelines.register(kept)


def test_the_lifecycle_does_what_the_model_says(
    machine: type[Lifecycle], pytestconfig: pytest.Config
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            derandomize=pytestconfig.getoption("--hypothesis-seed") is None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate, Phase.shrink),
            print_blob=True,
        ),
    )
    assert {each.partition(":")[0] for each in machine.seen} >= ENDS.keys()
    assert any(WAITS in each for each in machine.seen)
