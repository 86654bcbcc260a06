"""The attempt's own process: cut off from everything its nurse owns, it runs the pipeline.

It may die at any moment and harm nobody: its database session, its process group and its end of
the pipe are its own, and whatever else it inherited is shut off first.
"""

import gc
import logging
import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.db import connections

from jobtracker import context, faults
from jobtracker.lifecycle import Claimed
from jobtracker.workers import processes, reports, session
from jobtracker.workers.channel import Channel, Word

OOM_SCORE = 500  # the kernel takes the work before the books
ADDRESS_SPACE = 8 << 30  # bytes; a runaway gets a MemoryError before the machine swaps
PATIENCE = 1 / 2  # of the lease without a confirmed beat, and the attempt stops by itself

logger = logging.getLogger(__name__)

_inherited: list[object] = []


def main(claimed: Claimed, pipe: int, word: Word) -> NoReturn:
    """Run the attempt and end the process; the caller is the child of a fork."""
    code = 1
    try:
        _isolate(pipe)
        link = Channel(pipe, word, settings.LEASE_SECONDS * PATIENCE)
        context.run(claimed, link)
        faults.point("finish.told")
        code = 0
    except BaseException:
        logger.exception("attempt %s ended without a result", claimed.token)
    finally:
        # No atexit, which belongs to django-q2; so what is buffered must be written here.
        sys.stdout.flush()
        sys.stderr.flush()
        reports.flush()
        os._exit(code)


def _isolate(pipe: int) -> None:
    # What was inherited stays to the end: going through it again and again would cost time, and
    # memory, since pages that are looked at so are shared no longer.
    gc.freeze()
    processes.set_name("child")
    os.setpgid(0, 0)
    _reset_signals()
    _leave_sessions()
    _shut_descriptors(pipe)
    session.use("attempt")
    # A worker of django-q2 is a daemon, and those may start no processes.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(ADDRESS_SPACE, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _reset_signals() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _leave_sessions() -> None:
    """Forget the nurse's sessions without closing them: a close would end them for the nurse
    too, and so would the last reference's end."""
    for wrapper in connections.all(initialized_only=True):
        _inherited.append(wrapper.connection)
        wrapper.connection = None


def _shut_descriptors(pipe: int) -> None:
    """Point every inherited descriptor but the standard ones and `pipe` at /dev/null."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    # The listing's own descriptor is among them, and closed by now: that does no harm.
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in (pipe, nowhere):
            os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)
