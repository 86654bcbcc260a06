"""The nurse's own part of an attempt, without the processes around it."""

import os
import time
from pathlib import Path

import pytest

from jobtracker import lifecycle
from jobtracker.models import JobAttempt
from jobtracker.workers import nurse
from jobtracker.workers.block import Block
from jobtracker.workers.child import Child
from jobtracker.workers.ending import Ending

from .jobs import WORKER, make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues")]


def opened() -> set[str]:
    """Return this process's descriptors."""
    return {each.name for each in Path("/proc/self/fd").iterdir()}


def no_process() -> None:
    raise BlockingIOError("Resource temporarily unavailable")


def test_an_attempt_is_closed_though_no_process_can_be_forked_for_the_next(monkeypatch, caplog):
    block = Block(slots=1)
    monkeypatch.setattr(nurse.blocks, "_current", block)
    monkeypatch.setattr(nurse, "Child", no_process)
    make_job()
    claimed = lifecycle.claim(WORKER, "host", 1)
    attempt = nurse.Attempt(claimed, time.monotonic(), block, block.enlist(), child=None)
    monkeypatch.setattr(attempt, "_attend_child", lambda: Ending.crashed("It died."))
    attempt.run()
    assert JobAttempt.objects.get(token=claimed.token).outcome == "crashed"
    assert "no process can be started for the next job" in caplog.text


def test_a_fork_that_fails_leaves_nothing_open(monkeypatch):
    """It is tried again and again while the machine has no room."""
    monkeypatch.setattr(os, "fork", no_process)
    before = opened()
    with pytest.raises(BlockingIOError):
        Child()
    assert opened() == before
