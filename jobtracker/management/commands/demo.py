"""`manage.py demo`: give a running jobtracker one job of each kind on the samples."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from jobtracker import pipelines, waiting
from jobtracker.management.options import Refused, TrackerCommand
from jobtracker.models import Worker

ADDRESS = ("127.0.0.1", 8099)  # in every link of the sample site


class Command(TrackerCommand):
    help = (
        "Run every pipeline on the samples of invented suppliers, a few of whose items are bad on "
        "purpose. Needs a running worker; may be run again, and then finds everything unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer")

    def run(self, **options: Any) -> int | None:
        if not Worker.objects.exists():
            raise Refused("No worker runs. Start everything with `make run`, then try again.")
        folder = settings.BASE_DIR / "samples"
        with _served(folder / "site"):
            job_ids = [
                job_id
                for pipeline in pipelines.registered()
                for job_id in pipeline.start_samples(folder)
            ]
            code = waiting.wait_for_jobs(job_ids, timeout=options["timeout"])
        waiting.print_jobs(job_ids, as_json=False)
        return code


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the progress bars have the terminal."""


@contextmanager
def _served(folder: Path) -> Iterator[None]:
    """Serve a folder on `ADDRESS` for the length of the block. Raises `Refused`."""
    try:
        server = ThreadingHTTPServer(ADDRESS, partial(_Quiet, directory=str(folder)))
    except OSError as error:
        host, port = ADDRESS
        raise Refused(f"The sample site cannot be served on {host}:{port}: {error}.") from error
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
