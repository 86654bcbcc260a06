"""What the worker asks of Linux: names, births and deaths of processes.

A process is known by pid *and* start time, because pids are used again. Every process that is
forked below the supervisor dies with its parent: one fork hook arranges that, so no path through
django-q2 or multiprocessing can forget it. Programs that a pipeline starts do the same
themselves, first thing, because `subprocess` runs no fork hook.
"""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
COMM_LENGTH = 15

_libc = ctypes.CDLL(None, use_errno=True)
_forking_pid = 0


def set_name(name: str) -> None:
    """Name this process `jt-<name>` in /proc, for `ps`, `pkill` and the fault tests."""
    Path("/proc/self/comm").write_text(f"jt-{name}"[:COMM_LENGTH])


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent died."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Let every process forked from now on, however deep, be killed when its parent dies."""
    os.register_at_fork(before=_note_parent, after_in_child=_follow_parent)


def _note_parent() -> None:
    global _forking_pid
    _forking_pid = os.getpid()


def _follow_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _forking_pid:  # it died before the line above
        os.kill(os.getpid(), signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {value}): {os.strerror(number)}")


def start_ticks(pid: int) -> int:
    """Return when `pid` started, in clock ticks since boot; 0 when it is gone or a zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else 0


def is_alive(pid: int, started: int) -> bool:
    """Tell whether the process that had `pid` and started at `started` still runs."""
    return started != 0 and start_ticks(pid) == started


def descendants(pid: int) -> list[int]:
    """Return the pids of all processes below `pid`, zombies included, parents first."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found[1:]


def children(pid: int) -> list[int]:
    """Return the pids of the direct children of `pid`, zombies included; [] when it is gone.
    Cheap, but one may be missed while another ends; `descendants` misses none."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, task.read_text().split())
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            yield int(entry.name), int(fields[1])


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; [] when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()


def kill(pid: int) -> None:
    """SIGKILL `pid`; a process that is gone already is as good."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_group(group: int) -> None:
    """SIGKILL every process of the group; an empty group is as good."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def pid_namespace() -> str:
    """Return the id of the pid namespace; containers of one host share the boot id, not this."""
    return str(Path("/proc/self/ns/pid").readlink())


def out_of_memory_kills() -> int:
    """Return how many processes the kernel has killed for memory since boot."""
    for line in Path("/proc/vmstat").read_text().splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
