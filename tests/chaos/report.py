"""What a run prints at its end."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.chaos.plan import KINDS

if TYPE_CHECKING:
    from tests.chaos.run import Verdict

ROWS_SHOWN = 5


def show(verdict: "Verdict") -> None:
    """Print the counts, the times to the next start and the rows by invariant."""
    print(f"\nin {verdict.seconds:.0f} s: {_counted(verdict.statuses)}")
    happened = Counter(fault.kind for fault in verdict.faults)
    missed = Counter(fault.kind for fault in verdict.missed)
    print("\nfault              n  missed  starts   p50 s   p95 s   max s")
    for kind in KINDS:
        if happened[kind] or missed[kind]:
            starts = verdict.starts.get(kind, [])
            print(
                f"{kind:16} {happened[kind]:3}  {missed[kind]:6}  {len(starts):6}{_times(starts)}"
            )
    print("\ninvariant              rows")
    for name, rows in verdict.violations.items():
        print(f"{name:20} {len(rows):6}")
        for row in rows[:ROWS_SHOWN]:
            print("    ", *row)


def _times(starts: Sequence[float]) -> str:
    if not starts:
        return ""
    ranked = sorted(starts)
    shown = (percentile(ranked, 50), percentile(ranked, 95), ranked[-1])
    return "".join(f"{seconds:8.2f}" for seconds in shown)


def percentile(ranked: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of sorted values."""
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
