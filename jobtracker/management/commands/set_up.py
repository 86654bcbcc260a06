"""`manage.py set_up`: what a release needs before its web server and workers start."""

from typing import Any

from jobtracker.management.options import TrackerCommand
from jobtracker.management.set_up import collect_static_files, set_up_database


class Command(TrackerCommand):
    help = (
        "Check the database server, migrate, make the user `admin` where there is no user, and "
        "collect the static files. Safe to repeat, and on several hosts at once. `manage.py up` "
        "does it by itself."
    )

    def run(self, **options: Any) -> int:
        set_up_database()
        collect_static_files()
        return 0
