"""A worker script for RQ as its documentation shows one, with the job's module loaded early."""

import os
from pathlib import Path
from sys import path

path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from redis import Redis
from rq import Worker

from benchmarks.peers import bodies  # noqa: F401

Worker(["bench"], connection=Redis.from_url(os.environ["BENCH_REDIS"])).work(logging_level="ERROR")
