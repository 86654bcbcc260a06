"""The project's settings with the probe pipeline, for a worker that start.py measures."""

from django.apps import AppConfig

from jobtracker.settings import *  # noqa: F403
from jobtracker.settings import INSTALLED_APPS


class ProbeConfig(AppConfig):
    name = "benchmarks.probe_settings"
    label = "probe"

    def ready(self) -> None:
        from benchmarks.probe import ProbePipeline
        from jobtracker import pipelines

        pipelines.register(ProbePipeline())


INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.probe_settings.ProbeConfig"]
