"""One database server for the whole run; pytest-django gives each xdist worker its database."""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from jobtracker import embedded_pg
from tests.fixtures.database import empty

SERVER = pytest.StashKey[embedded_pg.Server]()

# The run's data is worth nothing after it. Commit times are what the chaos invariants compare.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "track_commit_timestamp": "on",
}


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this is one of xdist's workers, which use what the controller started."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if settings.EMBEDDED_POSTGRES and not is_worker(config):
        config.stash[SERVER] = embedded_pg.start(settings.DATA_DIR, settings.PG_BIN, FAST)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the addresses while the real pipelines are registered: some tests replace one."""
    import_module(settings.ROOT_URLCONF)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait for processes evenly over those that keep a processor busy, so
    that the workers share the processors well; end with the short ones, so that they end together.
    """
    phases = {"live": 0, "db": 0, "browser": 1}
    folders: dict[str, list[Path]] = defaultdict(list)
    for path in sorted({item.path for item in items}):
        folders[path.parent.name].append(path)
    place = {
        path: (phases.get(name, 2), number / len(paths), path)
        for name, paths in folders.items()
        for number, path in enumerate(paths)
    }
    items.sort(key=lambda item: place[item.path])


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(SERVER, None):
        server.stop()
    if not is_worker(config):
        shutil.rmtree(Path(os.environ["JOBTRACKER_TEST_DATA"]), ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Make the test database whatever is collected. pytest-django's own fixture makes none for
    tests that use it without its mark, as those with real workers do: they would then work on,
    and empty, the database that the settings name. Django flushes it after tests that commit,
    which would truncate all tables and make permissions anew."""
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases={"default"}, serialized_aliases=()
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", lambda command, **options: empty())
        yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)
