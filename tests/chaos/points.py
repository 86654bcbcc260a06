"""Every fault point with every action: one process fails there, and its job comes to its end.

`make chaos POINTS=all`, or `python -m tests.chaos.points [POINT...]` for some. On a database of
its own, in one worker with a short lease; the invariants are asked after each action.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import django

from jobtracker import embedded_pg

# As in the tests: the data are worth nothing later. Commit times show who wrote too late.
SERVER = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    "track_commit_timestamp": "on",
}  # fmt: skip


def run_all(points: Sequence[str] = ()) -> int:
    """Run the points (all without any named) with every action; return 1 where anything broke."""
    with tempfile.TemporaryDirectory(prefix="jobtracker-points-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "JOBTRACKER_DATA": folder,
        }
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        server = embedded_pg.start(Path(folder), None, SERVER)
        try:
            return _run_actions(Path(folder), points)
        finally:
            server.stop()


def _run_actions(folder: Path, points: Sequence[str]) -> int:
    from django.core.management import call_command
    from django.db import connection

    from jobtracker.faults import ACTIONS, POINTS, Fault
    from jobtracker.models import JobQueue
    from jobtracker.states import JobType
    from tests.chaos import trials
    from tests.chaos.trial import Trial

    call_command("migrate", verbosity=0)
    code = 0
    for action in ACTIONS:
        call_command("flush", interactive=False, verbosity=0)
        JobQueue.objects.bulk_create(JobQueue(job_type=job_type) for job_type in JobType)
        wanted = [Fault(point, 1, action) for point in points or POINTS]
        place = folder / action
        place.mkdir()
        began = time.monotonic()
        with trials.ground(place) as (ground, sink):
            each = [Trial(fault, ground) for fault in wanted]
            # One after another, but for stops, which take longer than a lease each.
            troubles = trials.run([[trial] for trial in each] if action == "stop" else [each])
            ground.host.stop()
            troubles += [f"{name}: {rows}" for name, rows in trials.broken(wanted, sink).items()]
            if troubles:
                code = 1
                print("\n".join([ground.host.log, *troubles]))
        print(f"{action}: {len(wanted)} points in {time.monotonic() - began:.0f} s,"
              f" {len(troubles)} troubles")  # fmt: skip
    connection.close()
    return code


if __name__ == "__main__":
    sys.exit(run_all(sys.argv[1:]))
