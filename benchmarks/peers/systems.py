"""The systems under measurement behind one interface: start, send, empty, count.

Each runs two workers on the same PostgreSQL, or on one Redis, with the settings that its own
documentation gives for work that must not be lost.
"""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import harness
from django.db import connection, transaction
from django_q.brokers.orm import ORM
from django_q.tasks import async_task

from benchmarks.peers.journal import Begun
from benchmarks.peers.units import Unit
from jobtracker import lifecycle
from jobtracker.database import database_url
from jobtracker.states import JobType, Priority

PYTHON = sys.executable


def execute(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else []


class System:
    """A job system. `priorities` and `backlogs` tell what it can express."""

    name: str
    needs_redis = False
    priorities = False
    backlogs = True

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._log = folder / f"{self.name.replace(' ', '-')}.log"
        self._redis = redis_url
        self.units: list[Unit] = []

    def close(self) -> None:
        """End the sessions of this process with it."""

    def commands(self) -> list[list[str]]:
        """Return the programs that make up two workers."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """Return what the programs need in their environment."""
        return {}

    def install(self) -> None:
        """Make its tables, once."""

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        """Enqueue jobs; return the moment before they are committed."""
        raise NotImplementedError

    def empty(self) -> None:
        """Drop all jobs. No worker runs."""
        raise NotImplementedError

    def pile_up(self, size: int, ready: bool) -> None:
        """Add a backlog of `size` rows: a fifth in the future, a fifth of a paused kind; the rest
        is ready, of low priority, or else of the paused kind too."""
        raise NotImplementedError

    def idle_process(self, last: Begun) -> int:
        """Return a process whose death leaves one worker less, while nothing runs."""
        return last.pid

    def open_jobs(self) -> int:
        """Count the jobs that it has not finished with."""
        raise NotImplementedError

    def failed_jobs(self) -> int:
        """Count the jobs that it shows as failed."""
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[None]:
        environment = harness.environment(BENCH_REDIS=self._redis, **self.settings())
        self.units = [
            Unit(f"{self.name} {number}", command, environment, self._log)
            for number, command in enumerate(self.commands())
        ]
        try:
            yield
        finally:
            for unit in self.units:
                unit.stop()

    def trouble(self, what: str) -> RuntimeError:
        """Return an error that says what it did not do, with the end of its programs' output."""
        return RuntimeError(f"{self.name} did not {what}:\n{self._log.read_text()[-2000:]}")

    def processes(self) -> list[int]:
        return [pid for unit in self.units for pid in unit.processes()]

    def kill_all(self) -> None:
        for unit in self.units:
            unit.kill_all()


class Ours(System):
    name = "ours"
    priorities = True

    def commands(self) -> list[list[str]]:
        return [[PYTHON, "manage.py", "worker"]]

    def settings(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.ours", "WORKERS": "2"}

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        with transaction.atomic():
            for text in texts:
                lifecycle.create(
                    JobType.SCRAPING,
                    filename=text,
                    priority=Priority.CRITICAL if high else Priority.NORMAL,
                    detail={"source_url": "bench"},
                )
            return time.monotonic()

    def empty(self) -> None:
        execute("TRUNCATE background_jobs, workers CASCADE")
        execute("UPDATE job_queues SET paused = false")

    def pile_up(self, size: int, ready: bool) -> None:
        execute("UPDATE job_queues SET paused = true WHERE job_type = 'pdf_processing'")
        execute(
            """
            INSERT INTO background_jobs (job_type, filename, priority, run_after,
                status, metadata, max_attempts, progress, current_stage, error,
                error_fingerprint, question, answer, retry_count, crash_count, hand_back_count,
                stage_done, total_items, done_items, failed_items, skipped_items, result, warnings)
            SELECT CASE WHEN n < %(future)s OR n >= %(paused)s THEN 'web_scraping'
                        ELSE 'pdf_processing' END,
                   'mark:low', 0, CASE WHEN n < %(future)s THEN now() + interval '1 day' END,
                   'pending', '{}', 3, 0, '', '', '', '{}', '{}', 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]'
            FROM generate_series(0, %(size)s - 1) n
            """,
            {"future": size // 5, "paused": 2 * size // 5 if ready else size, "size": size},
        )
        execute("VACUUM ANALYZE background_jobs")

    def idle_process(self, last: Begun) -> int:
        nurses = [
            pid
            for pid in self.processes()
            if Path(f"/proc/{pid}/comm").read_text().strip() == "jt-nurse"
        ]
        return random.choice(nurses)

    def open_jobs(self) -> int:
        return execute(
            "SELECT count(*) FROM background_jobs WHERE status IN ('pending', 'processing')"
        )[0][0]

    def failed_jobs(self) -> int:
        return execute("SELECT count(*) FROM background_jobs WHERE status = 'failed'")[0][0]


class Stock(System):
    name = "django-q2"

    def commands(self) -> list[list[str]]:
        return [[PYTHON, "manage.py", "qcluster"]]

    def settings(self) -> dict[str, str]:
        return {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.stock"}

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        with transaction.atomic():
            for text in texts:
                async_task("benchmarks.peers.bodies.run", text, broker=ORM("stock"))
            return time.monotonic()

    def empty(self) -> None:
        execute("TRUNCATE django_q_ormq, django_q_task")

    def pile_up(self, size: int, ready: bool) -> None:
        execute(
            "INSERT INTO django_q_ormq (key, payload, lock) SELECT"
            " CASE WHEN n < %(future)s THEN 'stock' ELSE 'paused' END, repeat('x', 300),"
            " CASE WHEN n < %(future)s THEN now() + interval '1 day' ELSE now() END"
            " FROM generate_series(0, %(size)s - 1) n",
            {"future": size // 5, "size": size},
        )
        execute("VACUUM ANALYZE django_q_ormq")

    def open_jobs(self) -> int:
        return execute("SELECT count(*) FROM django_q_ormq WHERE key = 'stock'")[0][0]

    def failed_jobs(self) -> int:
        return execute("SELECT count(*) FROM django_q_task WHERE NOT success")[0][0]


class Procrastinate(System):
    name = "procrastinate"
    priorities = True

    def install(self) -> None:
        # It reads its settings when it is imported, so not before the database stands.
        os.environ["DATABASE_URL"] = database_url()
        from benchmarks.peers import procrastinate_app

        self._app = procrastinate_app.app.open()
        self._run = procrastinate_app.run
        self._app.schema_manager.apply_schema()

    def close(self) -> None:
        self._app.close()

    def commands(self) -> list[list[str]]:
        command = [str(Path(PYTHON).with_name("procrastinate")), "--log-level", "error"]
        command += ["--app", "benchmarks.peers.procrastinate_app.app", "worker", "-q", "bench"]
        return [command, command]

    def settings(self) -> dict[str, str]:
        return {"PYTHONPATH": str(harness.ROOT)}

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        job = self._run.configure(priority=10 if high else 0)
        at = time.monotonic()
        job.batch_defer(*({"text": text} for text in texts))
        return at

    def empty(self) -> None:
        execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")

    def pile_up(self, size: int, ready: bool) -> None:
        execute("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")  # else a notice a row
        execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)"
            " SELECT CASE WHEN n < %(future)s OR n >= %(paused)s THEN 'bench' ELSE 'paused' END,"
            " 'run', -10, '{\"text\": \"mark:low\"}',"
            " CASE WHEN n < %(future)s THEN now() + interval '1 day' END"
            " FROM generate_series(0, %(size)s - 1) n",
            {"future": size // 5, "paused": 2 * size // 5 if ready else size, "size": size},
        )
        execute("ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER")
        execute("VACUUM ANALYZE procrastinate_jobs")

    def open_jobs(self) -> int:
        return execute(
            "SELECT count(*) FROM procrastinate_jobs"
            " WHERE task_name = 'run' AND status IN ('todo', 'doing')"
        )[0][0]

    def failed_jobs(self) -> int:
        return execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'run'"
            " AND status IN ('failed', 'cancelled', 'aborted')"
        )[0][0]


class Celery(System):
    name = "Celery"
    needs_redis = True
    backlogs = False
    _queue = "plain"
    _options: tuple[str, ...] = ()

    def install(self) -> None:
        os.environ["BENCH_REDIS"] = self._redis
        from benchmarks.peers import celery_app

        self._run = celery_app.run

    def commands(self) -> list[list[str]]:
        command = [PYTHON, "-m", "celery", "-A", "benchmarks.peers.celery_app", "worker", "-c", "2"]
        command += ["-l", "ERROR", "-Q", self._queue, "-n", f"{self._queue}@%h", *self._options]
        return [command]

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        at = time.monotonic()
        for text in texts:
            self._run.apply_async((text,), queue=self._queue)
        return at

    def empty(self) -> None:
        from redis import Redis

        with Redis.from_url(self._redis) as client:
            client.flushall()

    def idle_process(self, last: Begun) -> int:
        top = self.units[0].pid
        children = Path(f"/proc/{top}/task/{top}/children").read_text().split()
        return int(random.choice(children))


class CeleryOnePerChild(Celery):
    name = "Celery (a child a task)"
    _queue = "one"
    _options = ("--max-tasks-per-child", "1")


class RQ(System):
    name = "RQ"
    needs_redis = True
    backlogs = False

    def install(self) -> None:
        from redis import Redis
        from rq import Queue, Retry

        self._client = Redis.from_url(self._redis)
        self._queue = Queue("bench", connection=self._client)
        self._retry = Retry(max=3)

    def commands(self) -> list[list[str]]:
        return [[PYTHON, "benchmarks/peers/rq_worker.py"]] * 2

    def send(self, texts: Sequence[str], *, high: bool = False) -> float:
        at = time.monotonic()
        for text in texts:
            self._queue.enqueue("benchmarks.peers.bodies.run", text, retry=self._retry)
        return at

    def empty(self) -> None:
        self._client.flushall()

    def idle_process(self, last: Begun) -> int:
        return random.choice(self.units).pid


ALL: tuple[type[System], ...] = (Ours, Stock, Procrastinate, Celery, CeleryOnePerChild, RQ)
