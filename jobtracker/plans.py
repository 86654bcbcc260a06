"""When a schedule runs: five cron fields, read in a time zone of their own. Pure; cronsim reckons.

As Debian's cron does, a run whose time falls into the gap of a change to summer time follows right
after the gap, and one whose time comes twice in autumn runs once; fields that start with `*` go by
elapsed time, so each of the two hours has its runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

CRON_CHARS = 120
SHOWN = 40  # characters of a refused text
EXAMPLE = "0 6 * * MON-FRI"

# What cronsim calls a field, what it takes, and an example.
FIELDS = {
    "minute": ("minutes are 0 to 59", "0, 0,30 or */15"),
    "hour": ("hours are 0 to 23", "6, 8-18 or */2"),
    "day-of-month": ("days are 1 to 31, or L for the last", "1, 1,15 or L"),
    "month": ("months are 1 to 12 or JAN to DEC", "1, 3,6,9,12 or JAN-JUN"),
    "day-of-week": ("weekdays are 0 to 7 or SUN to SAT", "1, MON-FRI or FRI#2"),
}
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class PlanError(ValueError):
    """No plan; the message is a sentence that names what is wrong."""


@dataclass(frozen=True)
class Plan:
    """A readable plan. Raises `PlanError` for fields or a zone that are none."""

    cron: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "cron", " ".join(self.cron.upper().split()))
        object.__setattr__(self, "zone", self.zone.strip())
        _check_fields(self.cron)
        if self.zone not in zones():
            raise PlanError(
                f"{self.zone[:SHOWN]!r} is no time zone of the IANA list, such as Europe/Athens."
            )
        if next(self.after(_SOME_DAY), None) is None:
            raise PlanError(f"{self.cron!r} never runs.")

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the runs after `moment`, which must be aware, in the plan's own zone."""
        latest = moment.astimezone(UTC)
        for run in CronSim(self.cron, self.local(moment)):
            # Beside a change of clocks the reckoning by wall time can look back, or twice.
            if (exact := run.astimezone(UTC)) > latest:
                latest = exact
                yield run

    def next(self, moment: datetime) -> datetime:
        """Return the first run after `moment`."""
        return next(self.after(moment))

    def upcoming(self, moment: datetime, count: int = 5) -> list[datetime]:
        """Return the next runs after `moment`."""
        return list(islice(self.after(moment), count))

    def local(self, moment: datetime) -> datetime:
        """Return `moment` by the clock of the zone."""
        return moment.astimezone(ZoneInfo(self.zone))

    @property
    def said(self) -> str:
        """The fields in words: "At 06:00 on Monday through Friday"."""
        words: str = CronSim(self.cron, _SOME_DAY).explain()
        return words


@cache
def zones() -> frozenset[str]:
    """Return the names of the IANA list; the host's own "localtime" is none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _check_fields(cron: str) -> None:
    fields = cron.split()
    if len(cron) > CRON_CHARS or not cron.isprintable():
        raise PlanError(f"A plan has at most {CRON_CHARS} characters, such as {EXAMPLE!r}.")
    if len(fields) != len(FIELDS):
        raise PlanError(
            "A plan has five fields, minute hour day month weekday, such as"
            f" {EXAMPLE!r}; {cron[:SHOWN]!r} has {len(fields)}."
        )
    trouble = _trouble(fields)
    if not trouble:
        return
    name = trouble.removeprefix("Bad ")
    given = fields[list(FIELDS).index(name)]
    takes, examples = FIELDS[name]
    if name == "day-of-month" and not _trouble([*fields[:3], "*", fields[4]]):
        raise PlanError(f"Month {fields[3][:SHOWN]} has no day {given[:SHOWN]}.")
    raise PlanError(
        f"The {name.replace('-', ' ')} {given[:SHOWN]!r} cannot be read: {takes},"
        f" written as {examples}."
    )


def _trouble(fields: list[str]) -> str:
    """Return what cronsim says against the fields, "" where they are good."""
    try:
        CronSim(" ".join(fields), _SOME_DAY)
    except CronSimError as error:
        return str(error)
    return ""
