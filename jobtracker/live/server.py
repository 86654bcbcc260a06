"""daphne, stopping gracefully: `python -m jobtracker.live.server [daphne's options] APPLICATION`.

daphne at SIGTERM cuts sockets and running requests at once. Here it takes no new connection,
tells pages to come back (they do, with their state), and lets requests finish.
"""

import asyncio
import os
import tempfile
from functools import partial
from typing import Any

from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.defer import Deferred

from jobtracker import sessions
from jobtracker.live import RESTARTING

CUT_SECONDS = 1.0  # for what is cancelled after the grace

# Twisted would first parse a form itself, in memory and with all its files.
http_protocol.WebRequest = partial(http_protocol.WebRequest, parsePOSTFormSubmission=False)


class GracefulServer(Server):
    """Twisted waits for `kill_all_applications` before it shuts down."""

    def run(self) -> None:
        self.ports: list[Any] = []
        super().run()

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred[None]:
        return Deferred.fromFuture(asyncio.ensure_future(self._finish()))

    async def _finish(self) -> None:
        for port in self.ports:
            port.stopListening()
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                protocol.serverClose(RESTARTING)
        running = {
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        }
        for seconds in (settings.GRACE_SECONDS, CUT_SECONDS):
            if running:
                _, running = await asyncio.wait(running, timeout=seconds)
            for application in running:
                application.cancel()


class Command(CommandLineInterface):
    """daphne's own command line."""

    server_class = GracefulServer


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobtracker.settings")
    sessions.use("web")
    # Bodies on their way in lie beside the sources, not in a /tmp that may be memory.
    tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)
    Command.entrypoint()
