"""What a run will do, drawn from its seed alone: the same seed gives the same jobs and faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

ITEMS = (20, 200)
SHARES = {"transient": 0.05, "permanent": 0.05, "poison": 0.02, "cancel": 0.05, "scheduled": 0.03}
SUPPLIERS = 5
SCHEDULED_SECONDS = (1.0, 20.0)
FIRST, LAST = 0.03, 0.9  # of the work between which faults fall
TOGETHER = 0.25  # of the faults come on the heels of another, whatever is done meanwhile
TOGETHER_SECONDS = 3.0

# Kinds of faults, with what the time to the next start is asked of: the victims' jobs, the worker
# group, or all groups from the moment when the trouble was over.
KINDS = {
    "child": "jobs",
    "memory": "jobs",
    "oom": "jobs",
    "disk": "jobs",
    "nurse-busy": "jobs",
    "nurse-idle": "group",
    "pusher": "group",
    "monitor": "group",
    "sentinel": "jobs",
    "cluster": "jobs",
    "lifeline": "group",
    "supervisor": "jobs",
    "group": "jobs",
    "up": "jobs",
    "host": "jobs",
    "stop-child": "group",
    "stop-nurse": "jobs",
    "stop-worker": "jobs",
    "term": "jobs",
    "backend": "group",
    "pg-restart": "after",
    "pg-crash": "after",
    "pg-outage": "after",
    "proxy-cut": "after",
    "proxy-stall": "after",
    "proxy-slow": "after",
    "proxy-half-open": "after",
}


@dataclass(frozen=True)
class JobPlan:
    """A job; `at` is the item before which it misbehaves or is cancelled, `delay` in seconds."""

    label: str
    items: int
    behaviour: str
    at: int
    delay: float | None
    supplier: int

    @property
    def work(self) -> int:
        """Items that it will commit."""
        stops = {"permanent", "poison", "cancel"}
        return self.at if self.behaviour in stops else self.items


@dataclass(frozen=True)
class FaultPlan:
    """A fault on worker group `group`. It comes once `done` items are committed, or, where `done`
    is None, `delay` seconds after the one before it. `draw` seeds the choice among its victims."""

    number: int
    kind: str
    group: int
    done: int | None
    delay: float
    draw: int


def jobs(seed: int, count: int) -> list[JobPlan]:
    """Return the run's jobs."""
    random = Random(f"jobs {seed}")
    return [_job(random, f"S{seed}-J{number}") for number in range(1, count + 1)]


def _job(random: Random, label: str) -> JobPlan:
    [behaviour] = random.choices([*SHARES, "plain"], [*SHARES.values(), 1 - sum(SHARES.values())])
    items = random.randint(*ITEMS)
    delay = random.uniform(*SCHEDULED_SECONDS)
    return JobPlan(
        label,
        items,
        behaviour,
        random.randrange(items),
        delay if behaviour == "scheduled" else None,
        random.randrange(SUPPLIERS),
    )


def faults(seed: int, count: int, kinds: Sequence[str], work: int) -> list[FaultPlan]:
    """Return the run's faults: a Poisson process over the `work` (items) and not over the clock,
    so that a slow machine gets the same ones. Kinds are dealt like cards, each as often."""
    random = Random(f"faults {seed}")
    dealt: list[str] = []
    while len(dealt) < count:
        dealt += random.sample(kinds, len(kinds))
    moments = sorted(random.uniform(FIRST, LAST) for _ in range(count))
    return [
        FaultPlan(
            number,
            kind,
            random.randrange(2),
            None if number > 1 and random.random() < TOGETHER else int(moment * work),
            random.uniform(0.0, TOGETHER_SECONDS),
            random.getrandbits(32),
        )
        for number, (kind, moment) in enumerate(zip(dealt[:count], moments, strict=True), 1)
    ]
