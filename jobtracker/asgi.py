"""The ASGI application: pages, and the sockets that keep them live."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.auth import AuthMiddlewareStack
from django.core.asgi import get_asgi_application
from django.db import Error

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")
pages = get_asgi_application()

# Only now are the apps loaded that these need.
from jobtracker.live import UNAVAILABLE  # noqa: E402
from jobtracker.live.consumers import LiveConsumer  # noqa: E402
from jobtracker.live.service import live  # noqa: E402

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)

# Django gives each request a thread and each thread a database session: bounded, so that a
# crowd waits here and does not use up the server's connections.
requests = asyncio.Semaphore(24)
sockets = AuthMiddlewareStack(LiveConsumer.as_asgi(live=live))


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one request or one socket."""
    live.start()
    if scope["type"] == "websocket":
        await serve_socket(scope, receive, send)
        return
    async with requests:
        await pages(scope, receive, send)


async def serve_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one socket; without a database, close it and let the page try again."""
    try:
        await sockets(scope, receive, send)
    except Error as error:
        logger.warning("A socket was turned away: %s", error)
        await send({"type": "websocket.close", "code": UNAVAILABLE})
