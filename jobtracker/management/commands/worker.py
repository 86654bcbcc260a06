"""`manage.py worker`: everything that works jobs off on this host, in the foreground."""

from typing import Any

from django.core.management.base import BaseCommand

from jobtracker import uploads
from jobtracker.workers.supervisor import Supervisor


class Command(BaseCommand):
    # They load every page, which each attempt's process would then carry; `doctor` and the web
    # process run them.
    requires_system_checks = ()
    help = (
        "Work jobs off until SIGTERM or SIGINT, then hand the running ones back and exit. "
        "WORKERS says how many run at once. Any number of hosts may run this on one database."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        uploads.sweep_incoming()
        Supervisor().run()
