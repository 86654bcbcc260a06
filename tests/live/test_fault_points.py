"""Each fault point with one action, drawn by a seed: all jobs come to their end, nothing is lost.

`make chaos POINTS=all` runs each with all. CHAOS_SEED replays a drawing.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from jobtracker.faults import POINTS
from tests.chaos import trials
from tests.chaos.provocations import PROVOKED_BY
from tests.chaos.trial import Trial


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.mark.timeout(600)  # on a busy machine
@pytest.mark.skipif("CHAOS" not in os.environ, reason="`make check-faults` runs it")
def test_nothing_is_lost_wherever_a_process_fails(database: None, tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    wanted = trials.draw(seed)
    print(f"CHAOS_SEED={seed}", *wanted, sep="\n")
    with trials.ground(tmp_path) as (ground, sink):
        troubles = trials.run(trials.lanes([Trial(fault, ground) for fault in wanted]))
        assert not troubles, "\n".join([ground.host.log, *troubles])
        ground.host.stop()
        broken = trials.broken(wanted, sink)
        assert not broken, f"{ground.host.log}\n{broken}"


def test_every_point_is_provoked_and_every_provocation_is_of_a_point() -> None:
    families = {point.split(".")[0] for point in POINTS}
    assert families <= PROVOKED_BY.keys() <= families | POINTS.keys()
