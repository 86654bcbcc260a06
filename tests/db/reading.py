"""How much a statement reads, which on small tables no clock tells."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction


def rows_read(act: Callable[[], Any], *tables: str) -> int:
    """Return how many rows of these tables `act` reads, by whatever plan."""
    question = (
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        " WHERE relname = ANY(%s)"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(question, [list(tables)])
        before = cursor.fetchone()[0]
        act()
        cursor.execute(question, [list(tables)])
        return int(cursor.fetchone()[0] - before)
