"""Fault points fire once, at their passing, and are inert without the setting."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobtracker import faults
from jobtracker.faults import POINTS, Fault, InjectedFault

ROOT = Path(__file__).parents[2]
POINT = "claim.committed"


@pytest.fixture
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / faults.FOLDER


def test_the_table_and_the_source_name_the_same_points():
    used = set()
    for path in (ROOT / "jobtracker").rglob("*.py"):
        used |= set(re.findall(r'faults\.point\("([^"]*)"\)', path.read_text()))
    assert used == POINTS.keys()


def test_every_fault_reads_back_from_its_text():
    fault = Fault.parse("item.written:3:close")
    assert fault == Fault("item.written", 3, "close")
    assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("nowhere:1:kill", "'nowhere' is no fault point"),
        (POINT, "'' is no passing"),
        (f"{POINT}:0:kill", "'0' is no passing"),
        (f"{POINT}:two:kill", "'two' is no passing"),
        (f"{POINT}:1:burn", "'burn' is none of the actions raise, kill, close, stop"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(text, wrong):
    with pytest.raises(ValueError, match=re.escape(wrong)):
        Fault.parse(text)


def test_the_setting_is_refused_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "-c", "import jobtracker.settings"],
        cwd=ROOT,
        env=os.environ | {"JOBTRACKER_FAULT": "nowhere:1:kill"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].startswith(
        "django.core.exceptions.ImproperlyConfigured: JOBTRACKER_FAULT='nowhere:1:kill': 'nowhere'"
    )


def test_without_the_setting_nothing_happens(settings, folder):
    assert settings.FAULT == ""
    Fault(POINT, 1, "raise").arm(folder)
    faults.point(POINT)
    assert Fault(POINT, 1, "raise").passings(folder) == []


def test_a_fault_fires_at_its_passing_and_never_again(settings, folder):
    settings.FAULT = Fault(POINT, 2, "raise")
    faults.point(POINT)
    faults.point("claim.opened")
    assert not settings.FAULT.fired(folder)
    with pytest.raises(InjectedFault, match=POINT):
        faults.point(POINT)
    assert settings.FAULT.fired(folder) == os.getpid()
    faults.point(POINT)


def test_passings_count_over_all_processes(settings, folder):
    settings.FAULT = Fault(POINT, 3, "kill")
    ends = []
    for _ in range(5):
        if (pid := os.fork()) == 0:
            faults.point(POINT)
            os._exit(0)
        ends.append((pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
    assert [code for _, code in ends] == [0, 0, -signal.SIGKILL, 0, 0]
    assert settings.FAULT.passings(folder) == [pid for pid, _ in ends]
    assert settings.FAULT.fired(folder) == ends[2][0]


def test_a_stopped_process_goes_on_when_told(settings, folder):
    settings.FAULT = Fault(POINT, 1, "stop")
    if (pid := os.fork()) == 0:
        faults.point(POINT)
        os._exit(7)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(pid, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_by_file_a_fault_can_be_armed_in_a_running_process(settings, folder):
    settings.FAULT = faults.BY_FILE
    fault = Fault(POINT, 1, "raise")
    faults.point(POINT)
    for _ in range(2):
        fault.arm(folder)
        with pytest.raises(InjectedFault):
            faults.point(POINT)
        faults.point(POINT)
    fault.disarm(folder)
    faults.point(POINT)
    assert fault.passings(folder) == []
