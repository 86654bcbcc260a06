"""The project's settings with a pipeline whose one stage is a body; for the benchmark and its
worker."""

from django.apps import AppConfig

from jobtracker.settings import *  # noqa: F403
from jobtracker.settings import INSTALLED_APPS


class BodyConfig(AppConfig):
    name = "benchmarks.peers.ours"
    label = "bodies"

    def ready(self) -> None:
        from benchmarks.peers.pipeline import BodyPipeline
        from jobtracker import pipelines

        pipelines.register(BodyPipeline())


INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.peers.ours.BodyConfig"]
