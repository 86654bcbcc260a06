"""`python -m tests.chaos`: run jobs under faults, then look for damage. Exit code 1 where there
is some."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import KINDS
from tests.chaos.starved import Starved

BRIEF_JOBS = 1000  # below which stops and outages are shorter


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--faults", type=int, default=15)
    parser.add_argument("--kinds", default="", help=f"of: {', '.join(KINDS)} (all)")
    parser.add_argument("--lease", type=int, default=8, help="LEASE_SECONDS of the workers (8)")
    parser.add_argument("--slots", type=int, default=2, help="of each worker group (2)")
    parser.add_argument(
        "--groups", type=int, choices=[1, 2], default=2, help="1: `manage.py worker` alone (2)"
    )
    parser.add_argument("--pace", type=float, default=0.0, help="seconds more for each item (0)")
    parser.add_argument(
        "--without",
        choices=["", "fence", "quiet", "rowlock"],
        default="",
        help="negative control: switch this safeguard off; damage must be found",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the run's folder, as is done after damage"
    )
    parser.add_argument("--record", type=Path, help="append the run to this file as a JSON line")
    told = parser.parse_args()
    kinds = [kind for kind in told.kinds.split(",") if kind] or list(KINDS)
    if strange := set(kinds) - KINDS.keys():
        parser.error(f"no such kind: {', '.join(sorted(strange))}")

    # Nothing is left running by a run that is told to end.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="jt-chaos-"))
    os.environ["JOBTRACKER_DATA"] = str(folder / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from tests.chaos import record
    from tests.chaos.faults import Lengths
    from tests.chaos.report import show
    from tests.chaos.run import Options, Run

    starved = Starved(folder.name)
    if "oom" in kinds and not starved.folder:
        print("no control group with a memory limit can be made here: oom is left out")
        kinds.remove("oom")
    brief = told.jobs < BRIEF_JOBS
    lengths = Lengths(
        stop=told.lease + (4 if brief else 15),
        outage=told.lease + 2 if brief else 30,
        line=6 if brief else 12,
    )
    options = Options(
        seed=told.seed,
        jobs=told.jobs,
        faults=told.faults,
        kinds=kinds,
        lease=told.lease,
        slots=told.slots,
        groups=told.groups,
        pace=told.pace,
        lengths=lengths,
        without=told.without,
    )
    print(
        f"seed {told.seed}, {told.jobs} jobs, {told.faults} faults, lease {told.lease} s;"
        f" a stop lasts {lengths.stop:g} s, an outage {lengths.outage:g} s, trouble on the line"
        f" {lengths.line:g} s{' (short run: shorter than the full lengths)' if brief else ''}"
        f"{f'; WITHOUT {told.without}' if told.without else ''}",
        flush=True,
    )
    keep = True  # what ends the run early is to be looked at too
    load, _, _ = os.getloadavg()
    try:
        verdict = Run(options, folder, starved).go()
        show(verdict)
        if told.record:
            record.append(told.record, options, verdict, load)
        if verdict.damage:
            again = " ".join(["python -m tests.chaos", *sys.argv[1:]])
            print(f"\nDAMAGE. Again: {again}")
        keep = told.keep or (verdict.damage and not told.without)
        return int(verdict.damage)
    finally:
        starved.remove()
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
