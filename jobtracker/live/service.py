"""The live path of one web process: its listener, its hub and the sockets that are open."""

import asyncio
import logging

from django.db import Error

from jobtracker.live import admission, database
from jobtracker.live.consumers import LiveConsumer
from jobtracker.live.hub import Hub
from jobtracker.live.listener import Listener

logger = logging.getLogger(__name__)


class Live:
    """Starts with the first request, since daphne tells nothing of its own start."""

    beat_seconds = 2.0
    recheck_seconds = 30.0

    def __init__(self) -> None:
        self.hub = Hub()
        self.listener = Listener(self.hub.hear)
        self._sockets: set[LiveConsumer] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start in the running event loop, once."""
        if not self._tasks:
            parts = (self.listener.run(), self.hub.run(), self._beat(), self._recheck())
            self._tasks = [asyncio.create_task(part) for part in parts]

    async def stop(self) -> None:
        """End what `start` started, and give the sessions back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await database.close()

    def join(self, socket: LiveConsumer) -> None:
        """Count a socket among those to check again."""
        self._sockets.add(socket)

    def leave(self, socket: LiveConsumer) -> None:
        """Count it no longer."""
        self._sockets.discard(socket)

    async def _beat(self) -> None:
        """Beat while the database is heard: a page must not call itself live when it is not."""
        while True:
            await asyncio.sleep(self.beat_seconds)
            if self.listener.state().connected:
                self.hub.beat()

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self.recheck_seconds)
            try:
                await self.recheck()
            except Error as error:
                logger.warning("Open sockets could not be checked: %s", error)

    async def recheck(self) -> None:
        """Close the sockets whose users have signed out or may not watch any more."""
        sockets = {socket: socket.ticket for socket in self._sockets if socket.ticket}
        if not sockets:
            return
        refused = await database.run(admission.refusals, set(sockets.values()))
        for socket, ticket in sockets.items():
            if ticket in refused:
                await socket.dismiss(refused[ticket])


live = Live()
