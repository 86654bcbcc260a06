"""The project's settings on a data folder of the test run's own, never the developer's."""

import os
import tempfile

# The first process of a run makes the folder; xdist's workers and programs that tests start
# find its name in the environment.
if "JOBTRACKER_TEST_DATA" not in os.environ:
    os.environ["JOBTRACKER_TEST_DATA"] = tempfile.mkdtemp(prefix="jobtracker-test-")
os.environ["JOBTRACKER_DATA"] = os.environ["JOBTRACKER_TEST_DATA"]

from jobtracker.settings import *  # noqa: F403
from jobtracker.settings import STORAGES

# Pages are rendered without `collectstatic` first.
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}

# What a password withstands is not tried here.
HASHERS = "django.contrib.auth.hashers"
PASSWORD_HASHERS = [f"{HASHERS}.MD5PasswordHasher", f"{HASHERS}.PBKDF2PasswordHasher"]
