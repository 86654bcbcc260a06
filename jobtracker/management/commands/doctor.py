"""`manage.py doctor`: what is wrong around the program, and what mends it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from jobtracker import doctor
from jobtracker.management.options import TrackerCommand, add_json_option


class Command(TrackerCommand):
    help = (
        "Check settings, database, extension, migrations, queue, notifications and storage. "
        "Prints a line each, with the cure of what is wrong. Exit code 1 if anything is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_json_option(parser)

    def run(self, **options: Any) -> int:
        found = doctor.examine()
        if options["json"]:
            print(json.dumps([asdict(each) for each in found], indent=2))
        else:
            for each in found:
                word = "ok     " if each.ok else "problem"
                print(
                    f"{word}  {each.name}: {each.found}", f"\n         {each.cure}" * (not each.ok)
                )
        return 0 if all(each.ok for each in found) else 1
