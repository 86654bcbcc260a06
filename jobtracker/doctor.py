"""What can be wrong around the program, and what mends it: `manage.py doctor` prints it, and
`manage.py up` refuses to start where the database does not fit."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.checks import Error as CheckError
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import Error, connection
from psycopg import connect

from jobtracker import health
from jobtracker.health import Finding
from jobtracker.live.listener import CHANNEL
from jobtracker.models import BackgroundJob, JobQueue
from jobtracker.monitor.words import counted
from jobtracker.states import Status

OLDEST = 18  # uuidv7() makes the ids
LISTEN_SECONDS = 5.0


def sound_settings() -> Finding:
    """Check the settings as `manage.py check` does."""
    wrong = [str(each.msg) for each in run_checks() if isinstance(each, CheckError)]
    if wrong:
        return Finding("settings", ok=False, found=" ".join(wrong), cure="See .env.example.")
    return Finding("settings", ok=True, found=f"Data in {settings.DATA_DIR}.")


def version() -> Finding:
    """Check that the server is new enough."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (major,) = cursor.fetchone()
    if major < OLDEST:
        return Finding(
            "version",
            ok=False,
            found=f"This is PostgreSQL {major}; {OLDEST} or later is needed.",
            cure="Install postgresql-18 and postgresql-18-pgvector, from apt.postgresql.org where "
            "the system has none, or unset DATABASE_URL for the embedded server.",
        )
    return Finding("version", ok=True, found=f"PostgreSQL {major}.")


def vectors() -> Finding:
    """Check that pgvector is there, or that the role may create it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector'), "
            "EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')"
        )
        installed, available = cursor.fetchone()
    if installed:
        return Finding("pgvector", ok=True, found=f"pgvector {installed}.")
    name = settings.DATABASES["default"]["NAME"]
    create = f"as a superuser, in the database {name}: CREATE EXTENSION vector;"
    if available:
        return Finding("pgvector", ok=False, found="pgvector is not created.", cure=f"Run {create}")
    return Finding(
        "pgvector",
        ok=False,
        found="pgvector is not installed.",
        cure=f"Run `apt install postgresql-18-pgvector`, then, {create}",
    )


def queue() -> Finding:
    """Tell how many jobs are queued, and whether a pause holds any of them."""
    queued = BackgroundJob.objects.filter(status=Status.PENDING, waiting_for=None)
    paused = JobQueue.objects.filter(paused=True).values_list("job_type", flat=True)
    if held := queued.filter(job_type__in=paused).count():
        return Finding(
            "queue",
            ok=False,
            found=f"{counted(held, 'jobs')} held by a pause of {', '.join(paused)}.",
            cure="`manage.py jobs resume TYPE`, or the button on the queue monitor.",
        )
    return Finding("queue", ok=True, found=f"{counted(queued.count(), 'jobs')} queued.")


def notifications() -> Finding:
    """Send a notification and hear it on another session."""
    options = connection.get_connection_params()
    options.pop("cursor_factory", None)
    options.pop("context", None)
    token = secrets.token_hex(8)
    channel = f"{CHANNEL}_doctor"
    with connect(**options, autocommit=True) as session:
        session.execute(f"LISTEN {channel}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [channel, token])
        for heard in session.notifies(timeout=LISTEN_SECONDS):
            if heard.payload == token:
                return Finding("listener", ok=True, found="A notification came through.")
    return Finding(
        "listener",
        ok=False,
        found=f"No notification came through in {LISTEN_SECONDS:g} s: pages are not live.",
        cure="DATABASE_URL must name the server itself, not a transaction pooler.",
    )


def storage() -> Finding:
    """Write, read and remove a file of suppliers' storage."""
    files = storages["sources"]
    text = secrets.token_bytes(8)
    try:
        name = files.save(f"doctor-{secrets.token_hex(8)}", ContentFile(text))
        try:
            with files.open(name) as file:
                same = file.read() == text
        finally:
            files.delete(name)
    except OSError as error:
        return Finding(
            "storage",
            ok=False,
            found=f"Files cannot be kept: {error}.",
            cure=f"Let this user write below {settings.DATA_DIR}, or set JOBTRACKER_DATA.",
        )
    if not same:
        return Finding(
            "storage", ok=False, found="A file read back differs.", cure="Check the disk."
        )
    return Finding("storage", ok=True, found="Files can be written and read.")


def outbound() -> Finding:
    """Say which inner addresses jobs may call; settings refuse what is not host:port."""
    allowed = ", ".join(f"{host}:{port}" for host, port in sorted(settings.OUTBOUND_ALLOW))
    return Finding("outbound", ok=True, found=f"Besides public addresses: {allowed or 'none'}.")


Check = Callable[[], Finding]
DATABASE_CHECKS: tuple[Check, ...] = (health.database, version, vectors)
TABLE_CHECKS: tuple[Check, ...] = (health.worker, health.connections, queue, notifications)


def examine() -> list[Finding]:
    """Make all checks; what rests on something broken is not asked."""
    found = [sound_settings(), storage(), outbound()]
    for check in (*DATABASE_CHECKS, health.migrations, *TABLE_CHECKS):
        try:
            found.append(check())
        except Error as error:
            sentence = str(error).partition("\n")[0]
            cure = "See the server's log, and what the role may do."
            found.append(Finding(check.__name__, ok=False, found=sentence, cure=cure))
        if not found[-1].ok and check in (*DATABASE_CHECKS[:2], health.migrations):
            break
    return found
