"""What the socket tests serve: the project's application, a view that needs no page, and one
request that lasts as long as the test wants."""

import os
from collections.abc import Collection
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")
django.setup()

from django.db import connection  # noqa: E402

from jobtracker import asgi  # noqa: E402
from jobtracker.live import database, service, views  # noqa: E402
from jobtracker.models import BackgroundJob  # noqa: E402


def names(ids: Collection[UUID]) -> dict[UUID, str]:
    jobs = BackgroundJob.objects.filter(pk__in=ids).values_list("pk", "filename")
    return {pk: f"<i>{name}</i>" for pk, name in jobs}


def hold(lock: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(lock)])


views.register("names", views.View(names, listing=views.listing))
views.register("name", views.View(names, shown=views.one_job))
service.live.beat_seconds = 0.1
service.live.recheck_seconds = 0.1


async def application(scope, receive, send):
    _, held, lock = scope["path"].partition("/held-by-lock/")
    if not held:
        await asgi.application(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    await database.run(hold, lock)
    await send({"type": "http.response.body", "body": b"done"})
