"""One database server for the whole run; pytest-django gives each xdist worker its database."""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from jobtracker import embedded_pg

SERVER = pytest.StashKey[embedded_pg.Server]()

# The run's data is worth nothing after it.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this is one of xdist's workers, which use what the controller started."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if settings.EMBEDDED_POSTGRES and not is_worker(config):
        config.stash[SERVER] = embedded_pg.start(settings.DATA_DIR, settings.PG_BIN, FAST)


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(SERVER, None):
        server.stop()
    if not is_worker(config):
        shutil.rmtree(Path(os.environ["JOBTRACKER_TEST_DATA"]), ignore_errors=True)
