"""What a person answers on the command line to a crawl that waits."""

from collections.abc import Mapping
from typing import Any

from jobtracker.models import BackgroundJob


def answer_from_options(job: BackgroundJob, options: Mapping[str, Any]) -> dict[str, Any]:
    """A crawl waits only because someone paused it; any answer lets it go on. Raises `ValueError`
    with a sentence for options that are another pipeline's."""
    if any(options.get(name) for name in ("mapping", "currency", "password")):
        raise ValueError("The crawl is paused; answer it without options to let it go on.")
    return {}
