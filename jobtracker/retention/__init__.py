"""Removes what was kept long enough: a few rows a transaction, until a turn's time is up.

A job goes with all that it left behind, days after its end (`RETENTION_DAYS_*` by outcome), once
its hour is rolled up for good (`metrics`) and nothing needs it: no live re-run of it, no schedule
that shows it as its last run, no call that is still to be delivered. Item rows, stored sources and
page pictures can go earlier, after days of their own. What the catalogue says stays, with its job
ids; what undo needs goes after `UNDO_DAYS`. Fetched pictures stay as long as the catalogue, or an
undo, names them (`images`). The audit log only grows.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from jobtracker import pipelines
from jobtracker.metrics import TURN_SECONDS, Bite
from jobtracker.models import FileToRemove
from jobtracker.retention import ageing, files, hosts, images, jobs, rows
from jobtracker.retention.rows import ALL_TABLES, Bit, detail_of

_Step = Callable[[int], Bit]


class Pruner:
    """One process's pruning; `turn()` goes on where the last one stopped."""

    def __init__(self) -> None:
        self.gone: Counter[str] = Counter()
        self._bite = Bite(most=rows.JOBS, least=10)
        self._walks = jobs.walks()
        self._images = images.Forgetting()
        self._left: list[_Step] = []

    def turn(self, seconds: float) -> bool:
        """Remove what is due, for so many seconds; tells whether there may be more. What was
        locked, or took too long, is left to the next pass."""
        until = time.monotonic() + seconds
        self._left = self._left or list(self._steps())
        while self._left:
            began = time.monotonic()
            bit = Bit()
            with self._bite.taken() as most:
                bit = self._left[0](most)
            self.gone += bit.gone
            if not bit.more:
                self._left.pop(0)
            now = time.monotonic()
            if now + (now - began) >= until:  # another like it would end too late
                break
        return bool(self._left)

    def _steps(self) -> Iterator[_Step]:
        yield files.remove
        yield from (expiry.remove for expiry in ageing.expiries())
        yield ageing.remove_versions
        yield from self._walks
        yield from (partial(jobs.remove, status) for status in jobs.ENDED)
        yield self._images
        yield from (partial(hosts.remove, queue) for queue in hosts.QUEUES)
        yield files.remove


_pruner = Pruner()


def prune_some(seconds: float = TURN_SECONDS) -> bool:
    """Do one turn of this process's pruning; tells whether there may be more to do."""
    return _pruner.turn(seconds)


def prune_all() -> Counter[str]:
    """Remove everything that is due; returns how much by kind."""
    pruner = Pruner()
    while pruner.turn(60.0):
        pass
    return pruner.gone


def count_due() -> Counter[str]:
    """Count by kind what `prune_all` would remove now, but for what goes because of that: files of
    removed rows, pictures of removed addresses."""
    due: Counter[str] = Counter({"files": FileToRemove.objects.count()})
    for expiry in ageing.expiries():
        due[expiry.name] += expiry.rows().count()
    due["material_versions"] += ageing.old_versions().count()
    due["image_fetches"] += images.count_unnamed()
    due["stored_images"] += images.unled().count()
    due["outgoing_hosts"] += sum(hosts.unused(queue).count() for queue in hosts.QUEUES)
    for walk in jobs.walks():
        for pipeline in pipelines.registered():
            mine = walk.jobs().filter(job_type=pipeline.job_type).values("pk")
            due.update(walk.act.count(pipeline, mine))
    for status in jobs.ENDED:
        found = jobs.due(status)
        due[jobs.name_of(status)] += found.count()
        for table in ALL_TABLES:
            due[table.name] += table.rows(found.values("pk")).count()
        for pipeline in pipelines.registered():
            mine = found.filter(job_type=pipeline.job_type).values("pk")
            for table in (*pipeline.item_tables, detail_of(pipeline)):
                due[table.name] += table.rows(mine).count()
    return +due
