"""How many database sessions everything opens at full work, and how many the server admits."""

from collections.abc import Sequence
from dataclasses import dataclass
from socket import gethostname

from django.conf import settings
from django.db import connection

from jobtracker.models import Worker
from jobtracker.monitor.words import counted

REQUESTS_AT_ONCE = 24  # in a web process; the rest of a crowd waits in it
WEB_SESSIONS = REQUESTS_AT_ONCE + 3  # the log-in of sockets, the live path, the listener
WORKER_SESSIONS = 5  # pusher, lifeline, results of plain tasks, sender, fetcher
SLOT_SESSIONS = 3  # nurse, attempt, and the process of a crawl
SPARE_SESSIONS = 5  # commands and psql

# The server's limit, less what is kept for others and what other programs use (sessions without
# our names), and the limits that this role and this database may have.
_COUNTED = """
SELECT current_setting('max_connections')::int,
       current_setting('superuser_reserved_connections')::int
         + current_setting('reserved_connections')::int + count(*) FILTER (WHERE NOT ours),
       (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
       (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
       count(*) FILTER (WHERE ours),
       count(*) FILTER (WHERE application_name = 'jt-listener' AND datname = current_database())
FROM (SELECT *, application_name LIKE 'jt-%' AS ours FROM pg_stat_activity
      WHERE datid IS NOT NULL AND pid <> pg_backend_pid()
        AND coalesce(backend_type, 'client backend') = 'client backend') AS sessions
"""


@dataclass(frozen=True)
class Limit:
    """One limit on sessions as it stands, what of it is not ours, and how it is raised."""

    present: int
    taken: int
    raised_by: str

    @property
    def admitted(self) -> int:
        return self.present - self.taken


@dataclass(frozen=True)
class Budget:
    """Sessions `used` now; `slots` of each worker host, this one's included; web processes."""

    limit: Limit
    used: int
    slots: Sequence[int]
    webs: int

    @property
    def needed(self) -> int:
        """Return how many everything opens at full work."""
        workers = sum(WORKER_SESSIONS + SLOT_SESSIONS * slots for slots in self.slots)
        return workers + WEB_SESSIONS * self.webs + SPARE_SESSIONS

    @property
    def fits(self) -> bool:
        return self.needed <= self.limit.admitted

    @property
    def said(self) -> str:
        """Say it in a sentence."""
        hosts, webs = len(self.slots), self.webs
        return (
            f"{hosts} worker host{'s' * (hosts != 1)} with {counted(sum(self.slots), 'slots')} and"
            f" {webs} web process{'es' * (webs != 1)} need {self.needed} of"
            f" {self.limit.admitted} sessions at full work; {self.used} are open."
        )

    @property
    def cure(self) -> str:
        """Say what to change where it does not fit."""
        wanted = self.needed + self.limit.taken
        return (
            f"As a superuser: {self.limit.raised_by.format(wanted)}. Or lower WORKERS: a slot"
            f" takes up to {SLOT_SESSIONS} sessions, a host {WORKER_SESSIONS} more, a web process"
            f" {WEB_SESSIONS}."
        )


def budget() -> Budget:
    """Count what is registered and what is connected. A host that runs no worker yet counts with
    the slots of its settings; one web process is always counted."""
    hosts = list(Worker.objects.values_list("host", "slots"))
    slots = [number for _, number in hosts]
    if gethostname() not in {host for host, _ in hosts}:
        slots.append(settings.WORKERS)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED)
        server, taken, of_role, of_database, used, webs = cursor.fetchone()
    database = connection.settings_dict
    alter = "ALTER SYSTEM SET max_connections = {}; then restart PostgreSQL"
    limits = [Limit(server, taken, alter)]
    if of_role is not None:
        limits.append(Limit(of_role, 0, f"ALTER ROLE {database['USER']} CONNECTION LIMIT {{}}"))
    if of_database is not None:
        alter = f"ALTER DATABASE {database['NAME']} CONNECTION LIMIT {{}}"
        limits.append(Limit(of_database, 0, alter))
    return Budget(min(limits, key=lambda limit: limit.admitted), used, slots, max(webs, 1))
