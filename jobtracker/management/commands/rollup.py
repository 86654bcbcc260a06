"""`manage.py rollup`: by hand what the lifeline does."""

import json
from typing import Any

from django.core.management.base import CommandParser

from jobtracker import metrics
from jobtracker.management.options import TrackerCommand, add_json_option
from jobtracker.monitor.words import counted


class Command(TrackerCommand):
    help = (
        "Compute the hours of job_metrics_hourly that are due: those that are over and new, and"
        f" those of the last {metrics.LATE_HOURS} hours again. The lifeline does the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_json_option(parser)

    def run(self, **options: Any) -> None:
        hours = 0
        while (turn := metrics.roll_up(60.0)).left:
            hours += turn.hours
        hours += turn.hours
        span = metrics.final_span()
        final_until = span[1].isoformat() if span else None
        if options["json"]:
            print(json.dumps({"hours": hours, "final_until": final_until}, indent=2))
            return
        print(f"{counted(hours, 'hours')} computed; final until {final_until}.")
