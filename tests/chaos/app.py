"""Registers the chaos pipeline, and switches a safeguard off where a negative control asks so.

`CHAOS_HOST` lets a worker group pass for another host, `CHAOS_WITHOUT` names the safeguard; both
are for the harness's own processes, and the product knows neither.
"""

import os
import socket

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    name = "tests.chaos.app"
    label = "chaos"

    def ready(self) -> None:
        from jobtracker import pipelines
        from tests.chaos.pipeline import ChaosPipeline

        pipelines.register(ChaosPipeline())
        if host := os.environ.get("CHAOS_HOST"):
            socket.gethostname = lambda: host
        match os.environ.get("CHAOS_WITHOUT"):
            case "fence":
                _without_fence()
            case "quiet":
                _without_quiet()


def _without_fence() -> None:
    """Neither the database nor the clock stops an attempt whose job was given to another."""
    from jobtracker import lifecycle
    from jobtracker.workers import channel

    asked = channel.Channel.stop

    def stop(self: channel.Channel) -> str | None:
        told = asked(self)
        return None if told == "lost" else told

    lifecycle.fence = lambda token: None
    channel.Channel.stop = stop  # type: ignore[method-assign]


def _without_quiet() -> None:
    """The lifeline takes jobs back the moment that it has a session again."""
    from jobtracker.workers.lifeline import Lifeline

    noticed = Lifeline._notice_new_session

    def notice(self: Lifeline) -> None:
        noticed(self)
        self._quiet_until = 0.0

    Lifeline._notice_new_session = notice  # type: ignore[method-assign]
