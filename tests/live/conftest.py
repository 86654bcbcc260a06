"""Fixtures for tests that start real processes."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from jobtracker import pipelines
from tests.fixtures.database import empty
from tests.fixtures.probe import TABLES, ProbePipeline
from tests.fixtures.worker_host import WorkerHost, query


@pytest.fixture(scope="module")
def worker_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, open to committed work of other processes, clean before and after.

    Not emptied between tests: one worker serves a whole module, and each test looks at its own
    jobs alone.
    """
    replaced = pipelines._registered.get(ProbePipeline.job_type)
    pipelines.register(ProbePipeline())
    with django_db_blocker.unblock():
        empty()
        query(TABLES)
        yield
        query("DROP TABLE probe_ledger, probe_gates, probe_strays")
        empty()
    pipelines._registered.pop(ProbePipeline.job_type)
    if replaced:
        pipelines.register(replaced)


@pytest.fixture(scope="module")
def host(worker_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerHost]:
    """A running worker with two slots, shared by the module."""
    host = WorkerHost(tmp_path_factory.mktemp("worker"))
    try:
        host.start()
        yield host
    finally:
        host.clean_up()


@pytest.fixture
def own_host(
    worker_database: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerHost]:
    """A worker of the test's own, not started."""
    host = WorkerHost(tmp_path_factory.mktemp("worker"))
    try:
        yield host
    finally:
        host.clean_up()
