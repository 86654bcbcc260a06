"""The project's settings with the chaos pipeline in the place of the imports'."""

from jobtracker.settings import *  # noqa: F403
from jobtracker.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.app.ChaosConfig"]
