"""The project's application with its static files, as `make run` serves both."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from jobtracker.asgi import application as pages_and_sockets

application = ASGIStaticFilesHandler(pages_and_sockets)
