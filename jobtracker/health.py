"""Says whether this process lives and whether the whole can do its work; what is wrong, with the
cure, for staff. The checks of the database serve `manage.py doctor` too."""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobtracker.budget import budget
from jobtracker.live.service import live as live_path
from jobtracker.models import Worker

_migrated = False


@dataclass(frozen=True)
class Finding:
    """What one check saw, in a sentence, and what mends it."""

    name: str
    ok: bool
    found: str
    cure: str = ""


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer at all: asks nothing of the database."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if all checks pass, else 503. Everyone sees which fail, staff see why, and
    whether the server admits what everything may open, which needs no answer at once."""
    found = findings()
    fit = all(each.ok for each in found)
    answer: dict[str, object] = {
        "status": "ready" if fit else "not ready",
        "checks": {each.name: each.ok for each in found},
    }
    if _is_staff(request):
        if found[0].ok and found[1].ok:
            found.append(connections())
        answer["findings"] = [asdict(each) for each in found]
    return JsonResponse(answer, status=200 if fit else 503)


def findings() -> list[Finding]:
    """Check what this web process needs. Without a database nothing behind it is asked."""
    first = database()
    if not first.ok:
        return [first, listener()]
    return [first, migrations(), worker(), listener()]


def database() -> Finding:
    """Check that the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            (version,) = cursor.fetchone()
    except Error as error:
        return Finding(
            "database",
            ok=False,
            found=f"It does not answer: {str(error).partition(chr(10))[0]}",
            cure="`make run` starts the embedded one; with DATABASE_URL set, start that server.",
        )
    return Finding("database", ok=True, found=f"PostgreSQL {version} answers.")


def migrations() -> Finding:
    """Check that the tables are those of this code."""
    global _migrated
    if not _migrated:  # reading all migrations is slow, and none gets lost
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            names = ", ".join(str(migration) for migration, _ in missing[:3])
            return Finding(
                "migrations",
                ok=False,
                found=f"{len(missing)} are not applied: {names}.",
                cure="Run `manage.py migrate`.",
            )
        _migrated = True
    return Finding("migrations", ok=True, found="All are applied.")


def worker() -> Finding:
    """Check that a worker was seen within the last lease and takes jobs."""
    lately = Now() - timedelta(seconds=settings.LEASE_SECONDS)
    seen = Worker.objects.filter(last_seen__gt=lately, draining=False).count()
    if not seen:
        return Finding(
            "worker",
            ok=False,
            found=f"None was seen in the last {settings.LEASE_SECONDS} s; jobs wait.",
            cure="Start one: `manage.py worker` (`make run` does so).",
        )
    return Finding("worker", ok=True, found=f"{seen} at work.")


def listener() -> Finding:
    """Check that this process hears what the database announces."""
    state = live_path.listener.state()
    if not state.connected:
        return Finding(
            "listener",
            ok=False,
            found=f"Pages are not live: {state.error}",
            cure="It connects again by itself. If it stays so, see the database; DATABASE_URL"
            " must not lead through a transaction pooler.",
        )
    return Finding("listener", ok=True, found="Pages are live.")


def connections() -> Finding:
    """Compare what all hosts open at full work with what the server admits."""
    found = budget()
    cure = "" if found.fits else found.cure
    return Finding("connections", ok=found.fits, found=found.said, cure=cure)


def _is_staff(request: HttpRequest) -> bool:
    try:
        return bool(request.user.is_active and request.user.is_staff)
    except Error:  # the session lies in the database that may be what is wrong
        return False
