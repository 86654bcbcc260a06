"""How the pages say numbers, times and durations. Pure; the same words as `time.js`."""

import math
from datetime import datetime, timedelta

from django.template.defaultfilters import filesizeformat

MINUTE, HOUR, DAY = 60, 3600, 86400


def grouped(number: int) -> str:
    """Return 1204 as "1,204"."""
    return f"{number:,}"


def capped(number: int, cap: int) -> str:
    """Return a count that stopped counting at `cap` as "10,000+"."""
    return f"{cap:,}+" if number > cap else f"{number:,}"


def duration(span: timedelta | float) -> str:
    """Return seconds or a span as "0.4 s", "41 s", "2 m 04 s", "3 h 07 m" or "2 d 4 h"."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} m"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def rough(seconds: float) -> str:
    """Return seconds in one unit and never as nothing: "1 s", "40 s", "4 min", "2 h", "3 d"."""
    if seconds < 10:
        return f"{max(round(seconds), 1)} s"
    if seconds < 55:
        return f"{round(seconds / 5) * 5} s"
    if seconds < 55 * MINUTE:
        return f"{max(round(seconds / MINUTE), 1)} min"
    if seconds < 36 * HOUR:
        return f"{max(round(seconds / HOUR), 1)} h"
    return f"{round(seconds / DAY)} d"


def at_most(seconds: float) -> str:
    """Return the longest that something can still take: "at most 6 s", then "a moment"."""
    whole = math.ceil(seconds)
    if whole <= 0:
        return "a moment"
    return f"at most {whole} s" if whole < MINUTE else f"at most {duration(whole)}"


def ago(moment: datetime, now: datetime) -> str:
    """Return "just now", "40 s ago", "6 min ago", "3 h ago", "yesterday", or the date."""
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "just now"
    if seconds < MINUTE:
        return f"{int(seconds)} s ago"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h ago"
    if seconds < 2 * DAY:
        return "yesterday"
    return moment.strftime("%-d %b %Y") if seconds > 300 * DAY else moment.strftime("%-d %b")


def counted(number: int, noun: str) -> str:
    """Return "1 row" or "3,120 rows" from the plural noun, and bytes as "48.2 MB"."""
    if noun == "bytes":
        return filesizeformat(number).replace("\xa0", " ")
    ending = "es" if noun.endswith("sses") else "s"
    return f"{number:,} {noun.removesuffix(ending) if number == 1 else noun}"
