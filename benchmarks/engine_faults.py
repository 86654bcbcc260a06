"""What engine.py does to the systems: kills of one process, and a while of random kills."""

import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import bodies
from benchmarks.peers.journal import Journal
from benchmarks.peers.systems import System, execute
from benchmarks.peers.units import kill

NEVER_SECONDS = 90.0
SOON_SECONDS = 8.0  # so long each system is waited for alone; then the next one's turn comes
BEGIN_SECONDS = 30.0  # for a fresh system to begin its first jobs
MEAN_SECONDS_BETWEEN_KILLS = 1.5
SETTLE_SECONDS = 150.0

KINDS = ("busy child", "idle worker", "everything")


@dataclass(frozen=True)
class Strike:
    """A kill: when it was, and the job whose `times`th beginning shows that work goes on."""

    system: System
    text: str
    times: int
    at: float


def times_to_run_again(
    systems: Sequence[System], journal: Journal, kind: str, rounds: int, limit: float
) -> dict[str, list[float | None]]:
    """Return for each system the seconds from each kill to the next start; None: not in time."""
    found: dict[str, list[float | None]] = {system.name: [] for system in systems}
    for number in range(rounds):
        open_ends: list[Callable[[], None]] = []
        strikes = []
        for system in systems:
            context = system.running()
            system.empty()
            context.__enter__()
            open_ends.append(lambda context=context: context.__exit__(None, None, None))
            strike = _strike(system, journal, kind, number)
            journal.await_begun([strike.text], min(SOON_SECONDS, limit), strike.times)
            strikes.append(strike)
        for strike in strikes:
            rest = max(0.0, strike.at + limit - time.monotonic())
            journal.await_begun([strike.text], rest, strike.times)
            found[strike.system.name].append(_seconds_until_again(strike, journal, limit))
        for end in open_ends:
            end()
    return found


def _seconds_until_again(strike: Strike, journal: Journal, limit: float) -> float | None:
    """Return when work went on. A system that was waited for along with slower ones may have been
    later than the limit, which is as good as never."""
    begun = journal.begun[strike.text]
    seconds = begun[strike.times - 1].at - strike.at if len(begun) >= strike.times else limit
    return seconds if seconds < limit else None


def _strike(system: System, journal: Journal, kind: str, number: int) -> Strike:
    name = f"{system.name}-{kind}-{number}".replace(" ", "-")
    warm = [f"mark:warm-{name}-{n}" for n in range(4)]
    system.send(warm)
    if not journal.await_begun(warm, BEGIN_SECONDS):
        raise system.trouble("begin its first jobs")
    time.sleep(1.0)  # until it is idle again
    if kind == "idle worker":
        victim = system.idle_process(journal.begun[warm[-1]][-1])
        at = time.monotonic()
        kill(victim)
        text = f"mark:{name}"
        system.send([text])
        return Strike(system, text, 1, at)
    text = f"hold:{name}"
    held = bodies.JOURNAL.parent / name
    held.touch()
    system.send([text])
    journal.await_begun([text], BEGIN_SECONDS)
    time.sleep(0.5)
    at = time.monotonic()
    if kind == "busy child":
        kill(journal.begun[text][-1].pid)
    else:
        system.kill_all()
    held.unlink()
    return Strike(system, text, 2, at)


@dataclass(frozen=True)
class Damage:
    """What became of the jobs of a chaos run. `lost`: items are missing and the system neither
    has the job any more nor shows it as failed. `stuck`: not finished after the settling."""

    jobs: int
    kills: int
    lost: int
    doubled_items: int
    stuck: int
    failed: int
    seconds: float


def chaos(system: System, journal: Journal, jobs: int, seconds: float, seed: int) -> Damage:
    """Kill random processes of a working system; freeze one worker for all of that time."""
    dice = random.Random(seed)
    execute("TRUNCATE bench_ledger")
    system.empty()
    names = [f"{system.name}-{number}" for number in range(jobs)]
    texts = [f"ledger:{name}" for name in names]
    began = time.monotonic()
    kills = 0
    with system.running():
        system.send(texts)
        journal.wait(lambda: any(text in journal.begun for text in texts), BEGIN_SECONDS)
        frozen = _busy_process(system, journal, texts)
        kill(frozen, signal.SIGSTOP)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(dice.expovariate(1 / MEAN_SECONDS_BETWEEN_KILLS))
            victims = sorted(set(system.processes()) - {frozen})
            if victims:
                kill(dice.choice(victims))
                kills += 1
        kill(frozen, signal.SIGCONT)
        journal.wait(lambda: journal.ended.issuperset(texts), SETTLE_SECONDS)
        journal.wait(lambda: system.open_jobs() == 0, 5.0)
    rows = execute(
        "SELECT count(*) FILTER (WHERE distinct_items = %s), coalesce(sum(n - distinct_items), 0)"
        " FROM (SELECT job, count(*) n, count(DISTINCT item) distinct_items"
        "       FROM bench_ledger GROUP BY job) j",
        [bodies.ITEMS],
    )
    whole, doubled = rows[0]
    stuck, failed = system.open_jobs(), system.failed_jobs()
    return Damage(
        jobs=jobs,
        kills=kills,
        lost=max(0, jobs - whole - stuck - failed),
        doubled_items=int(doubled),
        stuck=stuck,
        failed=failed,
        seconds=time.monotonic() - began,
    )


def _busy_process(system: System, journal: Journal, texts: Sequence[str]) -> int:
    """Return a process that works on a job right now."""
    while True:
        journal.read()
        alive = {pid for pid in system.processes() if Path(f"/proc/{pid}").exists()}
        for text in texts:
            if text in journal.begun and text not in journal.ended:
                pid = journal.begun[text][-1].pid
                if pid in alive:
                    return pid
        time.sleep(0.01)
