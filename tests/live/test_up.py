"""`manage.py up` as a user meets it: one line when ready, what dies comes back, nothing is left."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from jobtracker import embedded_pg
from tests.fixtures.up_host import PATIENCE_SECONDS, READY, Up, free_port
from tests.fixtures.worker_host import until, wait_dead


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    try:
        yield up
    finally:
        up.clean_up()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The data folder of one that ran and was stopped, and what it printed."""
    up = Up(tmp_path_factory.mktemp("begun"))
    try:
        up.start(ADMIN_PASSWORD="correct horse battery")
        up.wait_ready()
        assert up.stop(signal.SIGTERM) == 0
        yield up.data, up.output.read_text()
    finally:
        up.clean_up()


def test_the_whole_life(up):
    up.start()
    up.wait_ready()
    said = up.output.read_text()
    assert said.count(READY) == 1
    assert re.search(r"^user admin, password \S{12,}$", said, re.MULTILINE)
    assert up.answers()

    server, web, worker = up.child("/postgres"), up.child("live.server"), up.child("worker")
    for pid, word in (web, "live.server"), (worker, "worker"), (server, "/postgres"):
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid, word=word: up.child(word) not in (0, pid), f"{word} is back", 30)
    until(up.answers, "the web server answers again", 30)
    until(lambda: database_answers(up.data), "the database answers again", 30)
    assert up.stop(signal.SIGTERM) == 0

    up.start()
    up.wait_ready()
    assert "password" not in up.output.read_text()
    everything = up.everything()
    up.running.kill()
    up.running.wait()
    wait_dead(everything)

    up.start()
    up.wait_ready()
    assert up.stop(signal.SIGINT) == 0


def database_answers(data: Path) -> bool:
    try:
        embedded_pg.connect(data).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_password_of_the_first_user_may_be_given(begun):
    assert "user admin, password correct horse battery\n" in begun[1]


def test_an_interrupt_for_make_alone_stops_everything(begun):
    up = Up(begun[0])
    makefile = up.data / "Makefile"
    makefile.write_text(f"run:\n\t@exec {sys.executable} manage.py up\n")
    try:
        # A shell starts what it puts in the background with SIGINT ignored, which make would keep.
        command = ["env", "--default-signal=INT", "make", "-f", str(makefile), "run"]
        up.start(command=command)
        up.wait_ready()
        assert up.stop(signal.SIGINT) != 0
    finally:
        up.clean_up()


def test_a_port_in_use_is_said_in_one_sentence(up):
    with socket.create_server(("127.0.0.1", up.port)):
        up.start()
        assert up.running.wait(PATIENCE_SECONDS) == 1
    said = up.output.read_text()
    assert said.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{up.port}: Address already in use." in said
    assert not (up.data / "postgres").exists()


def test_a_second_start_on_one_data_folder_leaves_the_first_alone(up):
    server = embedded_pg.start(up.data, settings={"fsync": "off"})
    try:
        up.start()
        assert up.running.wait(PATIENCE_SECONDS) == 1
        assert f"A PostgreSQL server already serves {up.data}." in up.output.read_text()
        assert server.answers()
    finally:
        server.stop()


def test_a_database_that_does_not_answer_is_said_with_the_cure(up):
    up.start(DATABASE_URL=f"postgresql://someone@127.0.0.1:{free_port()}/none")
    assert up.running.wait(PATIENCE_SECONDS) == 1
    said = up.output.read_text()
    assert "database: It does not answer" in said
    assert "Traceback" not in said
