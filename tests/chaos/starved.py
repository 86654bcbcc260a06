"""A control group that may hold no memory: the kernel kills what is moved into it at its next page.

Made where this user may make control groups with a memory limit, which takes root; `folder` is
None elsewhere.
"""

import time
from contextlib import suppress
from pathlib import Path

# The kernel's two interfaces: where groups are made, and the file that limits one.
INTERFACES = {
    Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes",
    Path("/sys/fs/cgroup"): "memory.max",
}
EMPTY_SECONDS = 2.0  # until the kernel has buried the last member


class Starved:
    def __init__(self, name: str) -> None:
        made = (_make(root / name, limit) for root, limit in INTERFACES.items())
        self.folder = next((folder for folder in made if folder), None)

    def take(self, pid: int) -> None:
        """Let the process, which is stopped, go on in here."""
        assert self.folder
        (self.folder / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        until = time.monotonic() + EMPTY_SECONDS
        while self.folder and self.folder.exists() and time.monotonic() < until:
            with suppress(OSError):
                self.folder.rmdir()
            time.sleep(0.05)


def _make(folder: Path, limit: str) -> Path | None:
    """Make the group; None where it would be none, or would have no limit."""
    if not (folder.parent / "cgroup.procs").exists():
        return None
    with suppress(OSError):
        folder.mkdir()
        if (folder / limit).exists():
            (folder / limit).write_text("0")
            return folder
        folder.rmdir()
    return None
