"""What must be there before web server and worker start: tables, the first user, static files."""

import hashlib
import secrets
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection

from jobtracker import doctor
from jobtracker.models import User

LOCK = 0x6A6F6274  # advisory: one host at a time sets the database up


def set_up_database() -> None:
    """Check the server, migrate, and make the first user where there is none.

    Exits with the cure where the server does not fit.
    """
    for check in doctor.DATABASE_CHECKS:
        if not (finding := check()).ok:
            sys.exit(f"{finding.name}: {finding.found}\n{finding.cure}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    call_command("migrate", interactive=False, verbosity=0)
    if not User.objects.exists():
        password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(12)
        User.objects.create_superuser("admin", password=password)
        print(f"user admin, password {password}", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def collect_static_files() -> None:
    """Run `collectstatic`, which takes seconds, where a file changed since it last did."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(None):
            file = Path(storage.path(path)).stat()
            digest.update(f"{path} {file.st_size} {file.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(digest.hexdigest())
