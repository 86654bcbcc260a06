"""The fields of a feed with all that speaks for what they are: name, values, known format."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jobtracker.catalogue.normalise import LISTS

from .hints import Hint, Hints
from .mapping import SKIP, Field, Raw
from .match import LOOSE, TYPO, NameMatch, match_name
from .shapes import Shape, by_shape_alone, fit, shape_of
from .steps import BadTransform, Step, texts
from .suggestion import REQUIRED

ASK = 0.7
"""A sureness below any bar: a person is asked."""
SHOWN = 0.5
"""A sureness below which a target is not even suggested."""
_SAMPLED_VALUES = 400


class FieldSurvey(Protocol):
    """What the readers found out about one field over all records."""

    @property
    def source(self) -> str: ...
    @property
    def coverage(self) -> float: ...
    @property
    def distinct(self) -> int: ...
    @property
    def uniqueness(self) -> float: ...
    @property
    def samples(self) -> Sequence[str]: ...
    @property
    def repeated(self) -> bool: ...


class Survey(Protocol):
    """The fields of a feed in order."""

    @property
    def count(self) -> int: ...
    @property
    def fields(self) -> Sequence[FieldSurvey]: ...


class Record(Protocol):
    """One record as the readers give it."""

    @property
    def fields(self) -> MappingOf[str, Raw]: ...
    @property
    def error(self) -> str | None: ...


@dataclass
class Column:
    """One field with its evidence."""

    field: FieldSurvey
    name: NameMatch
    shape: Shape
    scores: dict[str, tuple[float, str]]
    decoy: str | None
    hints: tuple[Hint, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the format of the feed says what it is."""
        return bool(self.hints)


def columns_of(
    survey: Survey, records: Sequence[MappingOf[str, Raw]], hints: Hints
) -> list[Column]:
    """The fields of a feed with their evidence, in its order; `records` are some of it."""
    products = [record for record in records if not _is_skipped(record, hints)]
    return [
        _column(field, products, hints, whole=len(products) == len(records))
        for field in survey.fields
    ]


def _is_skipped(record: MappingOf[str, Raw], known: Hints) -> bool:
    """Whether the format says of a record that it makes no product."""
    return any(
        Field(source, SKIP, hint.steps).values(record)
        for source, hints in known.fields.items()
        for hint in hints
        if hint.target == SKIP
    )


def _column(
    field: FieldSurvey, records: Sequence[MappingOf[str, Raw]], known: Hints, *, whole: bool
) -> Column:
    hints = known.fields.get(field.source, ())
    main = hints[0] if hints else None
    shape = _shape(field, records, main.steps if main else (), whole=whole)
    name = match_name(field.source)
    if main:
        scores = {main.target: _known(main, shape, known.format)} if main.target else {}
        return Column(field, name, shape, scores, None if main.target else main.note, hints)
    scores = {}
    if name.decoy is None:
        for target, strength in name.strengths.items():
            if known.format and target in REQUIRED:
                continue  # the format has its own; whatever else is called so is another thing
            scores[target] = _score(target, strength, shape, field.repeated)
        says_much = any(confidence >= SHOWN for confidence, _ in scores.values())
        if not says_much and (guess := by_shape_alone(shape)):
            target, confidence, reason = guess
            scores[target] = (confidence, reason)
    return Column(field, name, shape, scores, name.decoy)


def _shape(
    field: FieldSurvey,
    records: Sequence[MappingOf[str, Raw]],
    steps: tuple[Step, ...],
    *,
    whole: bool,
) -> Shape:
    """What the first values look like, after the steps that a format prescribes. How they vary is
    known of the whole feed, unless records in it make no products."""
    reading = Field(field.source, "", steps)
    values: list[str] = []
    for record in records:
        try:
            values.extend(reading.values(record) if steps else texts(record, field.source))
        except BadTransform as error:
            values.append(error.raw)
        if len(values) >= _SAMPLED_VALUES:
            break
    filled = [value for value in values if value.strip()]
    if whole or not filled:
        distinct, unique = field.distinct, field.uniqueness
    else:
        distinct = len(set(filled))
        unique = distinct / len(filled)
    return shape_of(
        values or list(field.samples), coverage=field.coverage, distinct=distinct, unique=unique
    )


def _known(hint: Hint, shape: Shape, format_name: str) -> tuple[float, str]:
    """How sure a format's own field is: its name is beyond doubt, its values may be wrong."""
    said = f"{format_name}: {hint.note}" if format_name else hint.note
    if hint.target not in REQUIRED:
        return hint.sureness, said
    agreement, reason = fit(hint.target, shape)
    if agreement <= 0.2:
        return 0.3, f"{said}, but: {reason}"
    if agreement < 0.5 and hint.target in ("key", "sku"):
        return ASK, f"{said}, but: {reason}"
    return hint.sureness, f"{said}. {reason}"


def _score(target: str, strength: float, shape: Shape, repeated: bool) -> tuple[float, str]:
    agreement, reason = fit(target, shape)
    confidence = min(0.99, 0.7 * strength + 0.3 * agreement)
    if agreement <= 0.2:
        confidence = min(confidence, 0.3)
    elif agreement < 0.5 and target in ("key", "sku"):
        confidence = min(confidence, ASK)
    if repeated and target not in LISTS and target not in ("price", "currency"):
        confidence *= 0.6
        reason = f"Several values in a record; {reason}"
    if strength == LOOSE:
        reason = f"The name says it only in part; {reason}"
    elif strength == TYPO:
        reason = f"Perhaps misspelt; {reason}"
    return confidence, reason
