"""The stages of a job over time: a row a stage, a lane an attempt. Geometry only.

x is in percent of the axis and y in pixels, so the drawing stretches without distorting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jobtracker.models import JobAttempt, JobCheckpoint, JobEvent
from jobtracker.monitor import rows, words
from jobtracker.pipelines import Stage
from jobtracker.states import Outcome, StageState, Status

LANES = {1: (12, 12), 2: (5, 14), 3: (3, 11)}  # attempts shown: first y, step
SHORTEST = 0.6  # percent; a bar is never too thin to be seen
LONGEST_WAIT = 0.25  # of the working time; longer waits between attempts are shortened
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True)
class Span:
    """A bar. `kind`: completed, processing, failed, cancelled, resumed or wait."""

    x: float
    width: float
    y: float
    height: float
    kind: str
    said: str


@dataclass
class StageRow:
    """A row: `state` is a state's word, `items` and `took` are words."""

    label: str
    state: str
    icon: str
    said: str
    items: str
    took: str
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True)
class Waterfall:
    """The drawing. `ticks` are (x, label); `shortened` says that long waits are drawn short."""

    stages: list[StageRow]
    ticks: list[tuple[float, str]]
    lanes: str
    shortened: bool


@dataclass(frozen=True)
class _Lane:
    """An attempt on the axis: it begins at `offset` seconds, `began` on the clock."""

    attempt: JobAttempt
    began: datetime
    offset: float
    worked: float
    y: float
    height: float

    def at(self, moment: datetime) -> float:
        return self.offset + min(max((moment - self.began).total_seconds(), 0), self.worked)


_ENDED = {
    Outcome.COMPLETED: "completed",
    Outcome.CANCELLED: "cancelled",
    Outcome.WAITING: "completed",
    Outcome.HANDED_BACK: "completed",
}
_GLYPHS = {
    "completed": "check",
    "processing": "arc",
    "failed": "x",
    "cancelled": "ban",
    "pending": "circle",
    "retry": "warn",
}


def draw(
    row: rows.Row,
    stages: Sequence[Stage],
    attempts: Sequence[JobAttempt],
    checkpoints: Mapping[str, JobCheckpoint],
    marks: Sequence[JobEvent],
) -> Waterfall:
    """Draw the last three attempts of a job from the marks in its log."""
    lanes, shortened = _lanes(attempts[-3:], row.now)
    length = max((lane.offset + lane.worked for lane in lanes), default=0) or 1
    shown = {stage.name: _stage_row(row, stage, attempts, checkpoints) for stage in stages}
    for number, lane in enumerate(lanes):
        mine = [mark for mark in marks if mark.attempt == lane.attempt.number]
        last = _place(lane, mine, shown, length)
        following = lanes[number + 1] if number + 1 < len(lanes) else None
        if following and last in shown:
            start, end = lane.offset + lane.worked, following.offset
            middle = lane.y + lane.height / 2 - 1
            gap = _span(start, end, length, middle, 2, "wait", "waiting")
            shown[last].spans.append(gap)
    ticks = _ticks(length) if lanes else []
    return Waterfall(list(shown.values()), ticks, _lane_words(lanes), shortened)


def _lanes(attempts: Sequence[JobAttempt], now: datetime) -> tuple[list[_Lane], bool]:
    worked = [((a.finished_at or now) - a.claimed_at).total_seconds() for a in attempts]
    longest = max(LONGEST_WAIT * sum(worked), 1)
    top, step = LANES.get(len(attempts), LANES[1])
    lanes: list[_Lane] = []
    offset, shortened = 0.0, False
    for number, attempt in enumerate(attempts):
        if number:
            before = attempts[number - 1].finished_at or attempt.claimed_at
            wait = (attempt.claimed_at - before).total_seconds()
            shortened = shortened or wait > longest
            offset += min(max(wait, 0), longest)
        y = top + number * step
        lanes.append(_Lane(attempt, attempt.claimed_at, offset, worked[number], y, step - 3))
        offset += worked[number]
    return lanes, shortened


def _place(
    lane: _Lane, marks: Sequence[JobEvent], shown: Mapping[str, StageRow], length: float
) -> str:
    """Put the attempt's bars into the rows; returns the stage where it stopped."""
    attempt = lane.attempt
    running, since = "", lane.offset
    for mark in marks:
        kind, here = mark.data.get("mark"), lane.at(mark.at)
        if mark.stage not in shown or not kind:
            continue
        spans = shown[mark.stage].spans
        if kind == "kept":
            said = f"attempt {attempt.number}: kept"
            spans.append(_span(here, here, length, lane.y, lane.height, "resumed", said, 2.4))
        elif kind in ("started", "resumed"):
            running, since = mark.stage, here
        else:
            said = f"attempt {attempt.number}: {words.duration(here - since)}"
            spans.append(_span(since, here, length, lane.y, lane.height, "completed", said))
            running, since = "", here
    if running:
        end = lane.at(attempt.finished_at) if attempt.finished_at else lane.offset + lane.worked
        kind = _ENDED.get(Outcome(attempt.outcome), "failed") if attempt.outcome else "processing"
        took = words.duration(end - since)
        said = f"attempt {attempt.number}: {took}, {kind}"
        if kind == "processing":
            shown[running].took = f"{took} so far"
        shown[running].spans.append(_span(since, end, length, lane.y, lane.height, kind, said))
    return running or attempt.stage


def _span(
    start: float,
    end: float,
    length: float,
    y: float,
    height: float,
    kind: str,
    said: str,
    least: float = SHORTEST,
) -> Span:
    x, width = 100 * start / length, max(100 * (end - start) / length, least)
    return Span(round(min(x, 100 - width), 2), round(width, 2), y, height, kind, said)


def _stage_row(
    row: rows.Row,
    stage: Stage,
    attempts: Sequence[JobAttempt],
    checkpoints: Mapping[str, JobCheckpoint],
) -> StageRow:
    point = checkpoints.get(stage.name)
    last = attempts[-1] if attempts else None
    noun = stage.noun or "items"
    items = words.counted(point.items, noun) if point and (point.items or stage.noun) else ""
    took = words.duration(point.seconds) if point else ""
    if point and point.state != StageState.RUNNING:
        state = "retry" if point.state == StageState.DEGRADED else "completed"
        said = {StageState.EMPTY: "nothing to do", StageState.DEGRADED: "with losses"}.get(
            StageState(point.state), "done"
        )
    elif row.running and row.job.current_stage == stage.name:
        state, said = "processing", "running"
        done, total, _ = row.position
        items = f"{done:,} of {total:,}" if total else items
    elif row.job.status == Status.FAILED and last and last.stage == stage.name:
        state, said = "failed", "failed"
    else:
        state, said = "pending", "not reached" if not point else "interrupted"
    return StageRow(stage.label, state, _GLYPHS[state], said, items, took)


def _ticks(length: float) -> list[tuple[float, str]]:
    """Return at most five labels at round distances."""
    step = next((step for step in STEPS if length / step <= 4.5), STEPS[-1])
    marks = range(0, int(length) + 1, step)
    return [(round(100 * at / length, 2), _tick(at)) for at in marks][:6]


def _tick(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s" if seconds else "0"
    if seconds < 3600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} m {rest} s" if rest else f"{minutes} m"
    return f"{seconds / 3600:g} h"


def _lane_words(lanes: Sequence[_Lane]) -> str:
    numbers = [lane.attempt.number for lane in lanes]
    if len(numbers) == 2:
        return f"Upper lane attempt {numbers[0]}, lower lane attempt {numbers[1]}."
    if len(numbers) == 3:
        return f"Lanes from above: attempts {numbers[0]}, {numbers[1]} and {numbers[2]}."
    return ""
