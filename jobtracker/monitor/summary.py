"""What stands above the monitor's list: facts, last hour, what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from jobtracker.models import JobSchedule
from jobtracker.monitor import queries, words
from jobtracker.monitor.filters import type_word
from jobtracker.monitor.rows import Row
from jobtracker.states import JobType, Waiting
from jobtracker.why_waiting import NEEDS

ATTENTION = 4  # lines; the rest is behind the state filters
ABOVE, BELOW = 64, 28  # pixels for what went well and for failures
LINE = 54  # pixels of an attention line


@dataclass(frozen=True)
class Bar:
    """A rectangle of a chart: x and width in percent, y and height in pixels."""

    x: float
    y: float
    width: float
    height: float
    state: str


@dataclass(frozen=True)
class Attention:
    """A line of the attention panel. `act` is a POST address, else `url` is where to go."""

    state: str
    icon: str
    message: str
    about: str
    number: int
    button: str
    url: str = ""
    act: str = ""
    spark: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Chart:
    """The last hour drawn: `height` and `base` (its base line) in pixels."""

    height: int
    base: int
    bars: list[Bar]
    ticks: list[str]
    totals: dict[str, int]
    said: str


def context() -> dict[str, Any]:
    """Return the context of the summary templates, by six statements."""
    facts, queues = queries.facts(), queries.queues()
    oldest = [queue.now - queue.oldest for queue in queues if queue.oldest]
    people, causes = _people(queries.needing_people()), queries.causes()
    stopped = _stopped(queries.stopped_schedules())
    attention = [*people, *stopped, *(_cause(cause) for cause in causes)][:ATTENTION]
    return {
        "facts": facts,
        "queues": [(queue, queue.hint(facts.workers)) for queue in queues],
        "waiting": words.capped(sum(queue.waiting for queue in queues), queries.CAP),
        "oldest": words.duration(max(oldest)) if oldest else "",
        "worker_gone": words.duration(facts.worker_gone) if facts.worker_gone else "",
        "paused": [queue.label for queue in queues if queue.paused],
        "strip": _chart(queries.last_hour(), beside=len(attention)),
        "attention": attention,
    }


def tab_title(facts: queries.Facts) -> str:
    """Return "3 running, 1 cause of failure - Queue", for the browser's tab."""
    parts = [f"{facts.busy} running"] if facts.busy else []
    if facts.causes:
        parts.append(words.counted(facts.causes, "causes") + " of failure")
    return f"{', '.join(parts)} - Queue" if parts else "Queue"


def _chart(strip: queries.Strip, beside: int) -> Chart:
    """Draw the strip as high as the attention panel of `beside` lines that it stands beside."""
    above = ABOVE + LINE * max(0, beside - 3)
    total = {word: strip.total(word) for word in strip.minutes}
    said = (
        f"In the last hour {words.counted(total['completed'], 'jobs')} completed,"
        f" {total['failed']:,} failed, {total['retry']:,} to be retried."
    )
    bars = _bars(strip, above)
    return Chart(above + BELOW + 4, above + 1, bars, _ticks(strip), total, said)


def _bars(strip: queries.Strip, above: int) -> list[Bar]:
    """Stack completed and to-retry upwards from the base line, hang failures below it."""
    done, retry, failed = (strip.minutes[word] for word in ("completed", "retry", "failed"))
    up = above / max(1, *(a + b for a, b in zip(done, retry, strict=True)))
    down = BELOW / max(1, *failed)
    bars = []
    for minute in range(60):
        x = minute * 100 / 60
        tall = _height(done[minute] * up)
        if done[minute]:
            bars.append(Bar(x, above - tall, 1.25, tall, "completed"))
        if retry[minute]:
            top = _height(retry[minute] * up)
            bars.append(Bar(x, above - tall - top - 1, 1.25, top, "retry"))
        if failed[minute]:
            deep = _height(failed[minute] * down)
            bars.append(Bar(x, above + 3, 1.25, deep, "failed"))
    return bars


def _height(pixels: float) -> float:
    """Never too small to be seen, but nothing stays nothing."""
    return round(max(pixels, 3), 1) if pixels else 0


def _ticks(strip: queries.Strip) -> list[str]:
    """Return the labels of the time axis, in the viewer's time zone."""
    starts = (strip.now - timedelta(minutes=back) for back in (60, 45, 30, 15))
    return [timezone.localtime(moment).strftime("%H:%M") for moment in starts] + ["now"]


def _people(waiting: list[Row]) -> list[Attention]:
    """Return a line for each thing that people are asked for, then one for what has stalled."""
    lines = []
    for reason in Waiting:
        rows = [row for row in waiting if row.job.waiting_for == reason]
        if not rows:
            continue
        alone = len(rows) == 1
        subject = rows[0].name if alone else words.counted(len(rows), "jobs")
        lines.append(
            Attention(
                "person",
                "hand",
                f"{subject} {'needs' if alone else 'need'} {NEEDS[reason]}",
                rows[0].origin if alone else "waiting for a person, holding no slot",
                len(rows),
                "Open job" if alone else "Show jobs",
                rows[0].url if alone else f"{reverse('monitor')}?status=person",
            )
        )
    stalled = [row for row in waiting if row.job.stalled_at and row.job.advanced_at]
    if len(stalled) > 1:
        message = f"{len(stalled)} jobs have not advanced for long"
        about = "they still answer, but do not get on"
        url = f"{reverse('monitor')}?status=stalled"
        line = Attention("stalled", "pause", message, about, len(stalled), "Show jobs", url)
        lines.append(line)
    elif stalled:
        lines.append(_stalled(stalled[0]))
    return lines


def _stopped(schedules: list[JobSchedule]) -> list[Attention]:
    """Return a line for the schedules that paused themselves, if there are any."""
    if not schedules:
        return []
    first, alone = schedules[0], len(schedules) == 1
    return [
        Attention(
            "failed",
            "pause",
            f"Schedule {first.name} paused itself"
            if alone
            else f"{len(schedules):,} schedules paused themselves",
            first.paused_because if alone else ", ".join(each.name for each in schedules[:3]),
            len(schedules),
            "Open schedule" if alone else "Show schedules",
            reverse("schedule", args=[first.pk])
            if alone
            else f"{reverse('schedules')}?state=stopped",
        )
    ]


def _stalled(row: Row) -> Attention:
    still = words.rough((row.now - (row.job.advanced_at or row.now)).total_seconds())
    stage = row.running_stage
    where = f" in {stage.label}" if stage else ""
    message = f"{row.name} has not advanced for {still}{where}"
    return Attention("stalled", "pause", message, row.origin, 1, "Open job", row.url)


def _cause(cause: queries.Cause) -> Attention:
    message = cause.message.strip().partition("\n")[0] or "Stopped without a message"
    kinds = ", ".join(JobType(kind).label for kind in cause.kinds)
    first, last = words.ago(cause.first, cause.now), words.ago(cause.last, cause.now)
    only = type_word(cause.kinds[0]) if len(cause.kinds) == 1 else ""
    return Attention(
        "failed",
        "x",
        message,
        f"{kinds} · first {first} · last {last}",
        cause.number,
        f"Retry all ({cause.number:,})",
        f"{reverse('monitor')}?{f'type={only}&' if only else ''}status=failed",
        reverse("retry-cause", args=[cause.fingerprint]),
        _spark(cause.hours),
    )


def _spark(hours: list[int]) -> tuple[Bar, ...]:
    scale = 20 / max(1, *hours)
    return tuple(
        Bar(round(hour * 100 / 24, 2), 22 - max(2, number * scale), 2.8, max(2, number * scale), "")
        for hour, number in enumerate(hours)
        if number
    )
