"""The ASGI application: pages, and the sockets that keep them live."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.auth import AuthMiddlewareStack
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import Error

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")
pages = get_asgi_application()

# Only now are the apps loaded that these need.
from jobtracker.budget import REQUESTS_AT_ONCE  # noqa: E402
from jobtracker.live import UNAVAILABLE  # noqa: E402
from jobtracker.live.consumers import LiveConsumer  # noqa: E402
from jobtracker.live.service import live  # noqa: E402
from jobtracker.monitor.live import watch  # noqa: E402

watch()

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)

# Django gives each request a thread and each thread a database session: bounded, so that a
# crowd waits here and does not use up the server's connections.
requests = asyncio.Semaphore(REQUESTS_AT_ONCE)
FORM_BYTES = 1 << 20  # what a form adds around its files
sockets = AuthMiddlewareStack(LiveConsumer.as_asgi(live=live))


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one request or one socket."""
    live.start()
    if scope["type"] == "websocket":
        await serve_socket(scope, receive, send)
        return
    if body_bytes(scope) > settings.MAX_UPLOAD_MB * 1024 * 1024 + FORM_BYTES:
        await refuse_body(send)
        return
    async with requests:
        await pages(scope, receive, send)


def body_bytes(scope: Mapping[str, Any]) -> int:
    """Return how long the request's body says it is, which Django would first copy to a file."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def refuse_body(send: Send) -> None:
    """Answer a request whose body is larger than any that we take."""
    text = f"Larger than {settings.MAX_UPLOAD_MB} MB (MAX_UPLOAD_MB).\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def serve_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one socket; without a database, close it and let the page try again."""
    try:
        await sockets(scope, receive, send)
    except Error as error:
        logger.warning("A socket was turned away: %s", error)
        await send({"type": "websocket.close", "code": UNAVAILABLE})
