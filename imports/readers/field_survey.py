"""What each field of a feed holds, for the person or the code that maps it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .model import Record

SAMPLES = 8
SAMPLE_LENGTH = 300  # characters shown of a value
VARIED = 200  # distinct values among which samples are chosen
COUNTED = 150_000  # distinct values remembered over all fields, about 12 MB
MAX_FIELDS = 10_000

_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class FieldSurvey:
    """A field over all records looked at.

    `coverage` is the share of records with a value that is not blank. `distinct` of the
    `counted` values first met are different (all of them in a feed of ordinary size).
    `samples` are chosen for variety; `repeated` says that a record had several values.
    """

    source: str
    coverage: float
    distinct: int
    counted: int
    samples: tuple[str, ...]
    repeated: bool
    max_length: int

    @property
    def uniqueness(self) -> float:
        """The share of different values, 1.0 for a key."""
        return self.distinct / self.counted if self.counted else 0.0


@dataclass(frozen=True)
class Survey:
    """Records of a feed, those among the ones looked into that cannot be used, and its fields;
    `joined` of the records are in both files of a join, `alone` of them in nothing of the first."""

    count: int
    unusable: int
    fields: tuple[FieldSurvey, ...]
    joined: int = 0
    alone: int = 0

    @property
    def own(self) -> int:
        """The records of the feed itself."""
        return self.count - self.alone


@dataclass
class _Tally:
    source: str
    present: int = 0
    counted: int = 0
    repeated: bool = False
    max_length: int = 0
    distinct: set[int] = field(default_factory=set)
    shapes: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def result(self, count: int) -> FieldSurvey:
        samples = (*self.shapes.values(), *self.others)[:SAMPLES]
        return FieldSurvey(
            source=self.source,
            coverage=self.present / count if count else 0.0,
            distinct=len(self.distinct),
            counted=self.counted,
            samples=samples,
            repeated=self.repeated,
            max_length=self.max_length,
        )


def survey_records(records: Iterable[Record]) -> Survey:
    """Survey records in one pass, in bounded memory. Those to be skipped are only counted."""
    tallies: dict[str, _Tally] = {}
    count = skipped = unusable = 0
    room = COUNTED
    for record in records:
        count += 1
        if record.skip:
            skipped += 1
            continue
        unusable += record.error is not None
        for source, value in record.fields.items():
            tally = tallies.get(source)
            if tally is None:
                if len(tallies) == MAX_FIELDS:
                    continue
                tally = tallies[source] = _Tally(source)
            values = [value] if isinstance(value, str) else value
            tally.repeated |= len(values) > 1
            filled = [each for each in values if each and not each.isspace()]
            tally.present += bool(filled)
            for each in filled:
                tally.max_length = max(tally.max_length, len(each))
                if room:
                    room -= _count(tally, each)
    described = tuple(tally.result(count - skipped) for tally in tallies.values())
    return Survey(count, unusable, described)


def _count(tally: _Tally, value: str) -> bool:
    """Count a value; whether it is new."""
    tally.counted += 1
    key = hash(value)
    if key in tally.distinct:
        return False
    tally.distinct.add(key)
    if len(tally.distinct) <= VARIED:
        shown = value.strip()[:SAMPLE_LENGTH]
        shape = _LETTERS.sub("a", _DIGITS.sub("9", shown[:60]))
        if tally.shapes.setdefault(shape, shown) is not shown and len(tally.others) < SAMPLES:
            tally.others.append(shown)
    return True
