"""What passes between an attempt child and its nurse, whatever the child does to it."""

import os
import time
from collections.abc import Iterator

import pytest

from jobtracker.states import Outcome, Waiting
from jobtracker.workers.channel import Channel, Inbox, Stop, Word
from jobtracker.workers.diary import LINES_MOST, Diary
from jobtracker.workers.ending import Ending, of_a_dead_child

PROGRESS = {
    "progress": 10,
    "stage": "work",
    "stage_done": 1,
    "stage_total": None,
    "left": None,
    "total": 5,
    "done": 1,
    "failed": 0,
    "skipped": 0,
}
END = {"outcome": "failed", "message": "no", "error_type": "E", "traceback": "", "stage": "work"}


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_messages_arrive_whole_and_in_order(pipe: tuple[int, int]) -> None:
    inbox = Inbox(pipe[0])
    channel = Channel(pipe[1], Word(0.0), 1.0)
    assert inbox.read() == []
    channel.send({"event": {"message": "a\nb"}})
    channel.send({"warning": {"code": "x"}})
    os.write(pipe[1], b'{"half": ')
    assert inbox.read() == [{"event": {"message": "a\nb"}}, {"warning": {"code": "x"}}]
    os.write(pipe[1], b"1}\n")
    assert inbox.read() == [{"half": 1}]


def test_what_is_no_message_is_dropped(pipe: tuple[int, int]) -> None:
    inbox = Inbox(pipe[0])
    os.write(pipe[1], b'no json\n[1]\n\xff\n{"a": NaN}\n')
    assert inbox.read() == [{"a": None}]


def test_text_that_postgresql_cannot_hold_is_mended(pipe: tuple[int, int]) -> None:
    Channel(pipe[1], Word(0.0), 1.0).send({"message": "a\0b\ud800c", "when": Outcome})
    [message] = Inbox(pipe[0]).read()
    assert message["message"] == "a�b?c"


def test_the_end_of_the_pipe_is_noticed() -> None:
    reading, writing = os.pipe()
    inbox = Inbox(reading)
    os.close(writing)
    assert inbox.read() == []
    assert inbox.closed
    os.close(reading)


def test_a_child_stops_when_told_or_when_no_beat_was_confirmed() -> None:
    word = Word(confirmed_at=time.monotonic())
    channel = Channel(-1, word, patience=60.0)
    assert channel.stop() is None
    word.confirmed_at -= 61
    assert channel.stop() == "lost"
    word.stop = Stop.DRAIN
    assert channel.stop() == "drain"
    word.stop = Stop.CANCEL
    assert channel.stop() == "cancel"


def test_lines_wait_for_the_first_progress() -> None:
    diary = Diary()
    diary.note([{"event": {"message": "started"}}])
    assert not diary.unwritten
    diary.note([{"progress": PROGRESS}])
    assert diary.unwritten
    report = diary.report()
    assert (report.done, report.advanced, len(report.events)) == (1, True, 1)
    diary.forget(report)
    assert not diary.unwritten


def test_a_new_estimate_alone_is_no_advance() -> None:
    diary = Diary()
    diary.note([{"progress": PROGRESS}])
    diary.forget(diary.report())
    diary.note([{"progress": PROGRESS | {"left": 3.0}}])
    assert diary.unwritten
    assert not diary.report().advanced


def test_a_chatty_child_cannot_fill_the_nurse() -> None:
    diary = Diary()
    diary.note([{"event": {}}] * (LINES_MOST + 5) + [{"progress": PROGRESS}])
    assert len(diary.report().events) == LINES_MOST


def test_an_end_that_makes_no_sense_is_a_crash() -> None:
    assert Ending.told(END).outcome is Outcome.FAILED
    for wrong in [{}, END | {"outcome": "?"}, END | {"counts": {"x": 1}}]:
        assert Ending.told(wrong).outcome is Outcome.CRASHED
    waiting = Ending.told(END | {"outcome": "waiting", "reason": "mapping", "question": {"a": 1}})
    assert (waiting.waiting_for, waiting.question) == (Waiting.MAPPING, {"a": 1})


@pytest.mark.parametrize(
    ("status", "out_of_memory", "words"),
    [
        (9, False, "SIGKILL"),
        (9, True, "lack of memory"),
        (11, True, "SIGSEGV"),
        (24, False, "processor time"),
        (3 << 8, False, "code 3"),
        (0, False, "code 0"),
    ],
)
def test_a_silent_death_says_what_killed_it(status: int, out_of_memory: bool, words: str) -> None:
    ending = of_a_dead_child(status, stopped=None, out_of_memory=out_of_memory)
    assert ending.outcome is Outcome.CRASHED
    assert words in ending.failure.message


def test_a_death_by_the_nurse_is_what_the_nurse_meant() -> None:
    meant = Ending.handed_back("shut down")
    assert of_a_dead_child(9, stopped=meant, out_of_memory=False) is meant
    crash = of_a_dead_child(11, stopped=meant, out_of_memory=False)
    assert crash.outcome is Outcome.CRASHED
