"""What a person answers on the command line to a PDF that waits."""

from collections.abc import Mapping
from typing import Any

from jobtracker.models import BackgroundJob
from jobtracker.sealed import seal
from jobtracker.states import Waiting


def answer_from_options(job: BackgroundJob, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read `--password TEXT` or `--again`. Raises `ValueError` with a sentence."""
    if job.waiting_for == Waiting.PASSWORD:
        if not options.get("password"):
            raise ValueError("The job waits for a password: give it with --password TEXT.")
        return {"sealed": seal(options["password"])}
    if not options.get("again"):
        raise ValueError("The file was processed before: --again processes it once more.")
    return {"again": True}
