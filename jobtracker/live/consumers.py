"""The sockets of open pages."""

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from jobtracker.live import (
    BAD_MESSAGE,
    FORBIDDEN,
    NOT_SIGNED_IN,
    UNKNOWN_VIEW,
    admission,
    database,
    origin,
    views,
)
from jobtracker.live.hub import Viewer

if TYPE_CHECKING:
    from jobtracker.live.service import Live


def _shown(text: str) -> list[UUID] | None:
    message = json.loads(text)
    return None if message == {"seen": True} else [UUID(job) for job in message["ids"]]


class LiveConsumer(AsyncWebsocketConsumer):
    """One socket of one page, at `/ws/live/<view>`.

    A refused socket is accepted and then closed with a code of ours: refused during the handshake,
    the page would learn only that something failed.
    """

    def __init__(self, live: "Live") -> None:
        super().__init__()
        self.live = live
        self.ticket: admission.Ticket | None = None
        self._viewer: Viewer | None = None
        self._named: views.Ids = ()
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve the socket until it is closed, or daphne gives it up."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def connect(self) -> None:
        """Let the page in, or say why not."""
        await self.accept()
        refusal = await self._join()
        if refusal:
            await self.close(refusal)

    async def _join(self) -> int | None:
        if not origin.allowed(self.scope["headers"], settings.PUBLIC_URL):
            return FORBIDDEN
        user, session = self.scope["user"], self.scope["session"]
        if user.is_anonymous:
            return NOT_SIGNED_IN
        ticket = admission.Ticket(session.session_key, user.pk, user.get_session_auth_hash())
        refused = await database.run(admission.refusals, [ticket])
        if refused:
            return refused[ticket]
        found = views.resolve(self.scope["path"])
        if found is None:
            return UNKNOWN_VIEW
        view, key = found
        try:
            self._named = await database.run(view.shown, key)
        except ValueError:
            return UNKNOWN_VIEW
        self.ticket, self._viewer = ticket, Viewer(view, self._send_soon)
        self.live.join(self)
        self.live.hub.join(self._viewer)
        return None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take `{"ids": [...]}` (the jobs that the page shows) or `{"seen": true}` (go on)."""
        if self._viewer is None:
            return
        try:
            shown = _shown(text_data or "")
        except (ValueError, TypeError, KeyError, AttributeError):
            await self.dismiss(BAD_MESSAGE)
            return
        if shown is not None:
            self.live.hub.show(self._viewer, [*self._named, *shown])
        self._viewer.seen()

    async def dismiss(self, code: int) -> None:
        """Send nothing more and close."""
        self._leave()
        await self.close(code)

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would visit a thread before each message, to tidy sessions opened there.
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def _leave(self) -> None:
        if self._viewer:
            self.live.leave(self)
            self.live.hub.leave(self._viewer)
            self._viewer = None

    def _send_soon(self, frame: str) -> None:
        self._sending = asyncio.create_task(self._deliver(frame))

    async def _deliver(self, frame: str) -> None:
        # A page may be closing just now; that is heard of only when it has closed.
        with suppress(Disconnected):
            await self.send(text_data=frame)
