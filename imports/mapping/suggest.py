"""The mapping that the evidence supports, how sure it is, and what a person must be asked.

A wrong key or price that looks sure is the worst outcome: it fills the catalogue with wrong data
that nobody looks at. So names, values and the other columns must agree before a field is sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Protocol

from jobtracker.catalogue.normalise import (
    LISTS,
    TARGETS,
    decimal_style,
    is_ambiguous,
    normalise_record,
    parse_price,
)

from . import names
from .families import Families
from .hints import Hint, Hints
from .mapping import (
    ATTRIBUTES,
    DECIMAL_COMMA,
    DECIMAL_POINT,
    SKIP,
    Field,
    Mapping,
    Raw,
    Transform,
    column_styles,
    transforms,
)
from .match import FILLED, LOOSE, TYPO, NameMatch, match_name, path_parts
from .shapes import Shape, by_shape_alone, fit, shape_of
from .steps import BadTransform, Step, texts
from .suggestion import REQUIRED, USEFUL, FieldSuggestion, Question, Suggestion

_SHOWN = 0.5
_ASK = 0.7
_TIE = 0.02
_UNIQUE_NAME = 0.98
_SAMPLED_VALUES = 400
_MOST_UNKNOWN = 0.05
_PROMOTED = 0.82
_MOST = 0.8
_LONGEST_TITLE = 70
_MANY = ("images", "variant", ATTRIBUTES, SKIP)
_NOTHING_KNOWN = Hints("", {})


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


@dataclass
class _Column:
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


def suggest(
    survey: Survey,
    sample_records: Iterable[Record],
    supplier_defaults: MappingOf[str, str] | None = None,
    hints: Hints = _NOTHING_KNOWN,
) -> Suggestion:
    """Suggest a target for each field of a feed; `hints` are those of its format, if known.

    `sample_records`: some hundred records, from several places where possible.
    `supplier_defaults`: values by target that gaps take, and `decimal_style` ("." or ",").
    """
    known = dict(supplier_defaults or {})
    style = known.pop("decimal_style", None)
    records = [record.fields for record in sample_records]
    products = [record for record in records if not _is_skipped(record, hints)]
    columns = [
        _column(field, products, hints, whole=len(products) == len(records))
        for field in survey.fields
    ]
    chosen = _assign(columns)
    fields = [
        _suggestion(column, chosen.get(column.field.source), style, hints.format)
        for column in columns
    ]
    suggestion = Suggestion(fields, hints=hints)
    _promote_name(suggestion, columns)
    _doubt_price(suggestion, columns, style)
    _fill_defaults(suggestion, columns, known, hints)
    _ask_for_currency(suggestion, records)
    suggestion.sureness = {
        "identity": _identity(suggestion, columns),
        "name": _sureness(suggestion, "name"),
    }
    suggestion.likely = {"key": _code_like(columns), "name": _name_like(columns)}
    if suggestion.find("price") or _price_like(columns) or _price_by_another_name(columns):
        suggestion.sureness["price"] = _sureness(suggestion, "price")
    return suggestion


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
) -> _Column:
    hints = known.fields.get(field.source, ())
    main = hints[0] if hints else None
    shape = _shape(field, records, main.steps if main else (), whole=whole)
    name = match_name(field.source)
    if main:
        scores = {main.target: _known(main, shape, known.format)} if main.target else {}
        return _Column(field, name, shape, scores, None if main.target else main.note, hints)
    scores = {}
    if name.decoy is None:
        for target, strength in name.strengths.items():
            if known.format and target in REQUIRED:
                continue  # the format has its own; whatever else is called so is another thing
            scores[target] = _score(target, strength, shape, field.repeated)
        if not scores and (guess := by_shape_alone(shape)):
            target, confidence, reason = guess
            scores[target] = (confidence, reason)
    return _Column(field, name, shape, scores, name.decoy)


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
        return _ASK, f"{said}, but: {reason}"
    return hint.sureness, f"{said}. {reason}"


def _score(target: str, strength: float, shape: Shape, repeated: bool) -> tuple[float, str]:
    agreement, reason = fit(target, shape)
    confidence = min(0.99, 0.7 * strength + 0.3 * agreement)
    if agreement <= 0.2:
        confidence = min(confidence, 0.3)
    elif agreement < 0.5 and target in ("key", "sku"):
        confidence = min(confidence, _ASK)
    if repeated and target not in LISTS and target not in ("price", "currency"):
        confidence *= 0.6
        reason = f"Several values in a record; {reason}"
    if strength == LOOSE:
        reason = f"The name says it only in part; {reason}"
    elif strength == TYPO:
        reason = f"Perhaps misspelt; {reason}"
    return confidence, reason


def _assign(columns: Sequence[_Column]) -> dict[str, str]:
    """Source to target: the surest pairs first, each source once, each single target once."""
    pairs = sorted(
        (
            (-confidence, len(path_parts(column.field.source)), _rank(target), index, target)
            for index, column in enumerate(columns)
            for target, (confidence, _) in column.scores.items()
            if confidence >= _SHOWN or column.is_known
        ),
    )
    chosen: dict[str, str] = {}
    taken = {hint.target for column in columns for hint in column.hints if hint.target}
    for *_, index, target in pairs:
        source = columns[index].field.source
        many = target in _MANY or columns[index].is_known
        if source in chosen or (target in taken and not many):
            continue
        chosen[source] = target
        taken.add(target)
    return chosen


def _rank(target: str) -> int:
    return TARGETS.index(target) if target in TARGETS else len(TARGETS)


def _suggestion(
    column: _Column, target: str | None, style: str | None, format_name: str
) -> FieldSuggestion:
    confidence, reason = column.scores.get(target or "", (0.0, "No known name or form"))
    if column.decoy:
        by = "Likely a decoy: "
        if column.is_known:
            by = f"{format_name}: " if format_name else ""
        reason = by + column.decoy
    elif target is None and column.scores:
        best = max(column.scores, key=lambda key: column.scores[key][0])
        reason = f"{column.scores[best][1]}; not taken as {best}"
    return FieldSuggestion(
        source=column.field.source,
        target=target,
        confidence=confidence,
        reason=reason,
        transform=_transform(target, column, style) if target else None,
        decoy=column.decoy is not None,
        samples=tuple(column.field.samples),
        coverage=column.field.coverage,
    )


def _transform(target: str, column: _Column, style: str | None) -> Transform:
    if column.hints and column.hints[0].steps:
        return column.hints[0].steps
    usual, *others = transforms(target)
    if usual != "number":
        named = f"length, {column.name.unit}"
        return named if named in others else usual
    proven = decimal_style(column.shape.values) or style
    return {".": DECIMAL_POINT, ",": DECIMAL_COMMA}.get(proven or "", usual)


def _doubt_price(suggestion: Suggestion, columns: Sequence[_Column], style: str | None) -> None:
    """Lower the price under any bar where a second field says it as well, or where its values
    may be thousands or have three decimals."""
    price = suggestion.find("price")
    if price is None:
        if rivals := _price_like(columns) or _price_by_another_name(columns):
            text = "No field is surely the price. Choose one."
            suggestion.questions.append(Question("mapping", "price", text, rivals))
        return
    by_source = {column.field.source: column for column in columns}
    mine = by_source[price.source].shape
    rivals = tuple(
        column.field.source
        for column in columns
        if column.field.source != price.source
        and not by_source[price.source].is_known
        and column.scores.get("price", (0.0, ""))[0] >= price.confidence - _TIE
        and column.shape.values != mine.values
    )
    if rivals:
        price.confidence = min(price.confidence, _ASK)
        price.reason = f"{price.reason}; {', '.join(rivals)} looks like a price too"
        text = "Several fields look like a price. Choose one; the others stay out."
        suggestion.questions.append(Question("mapping", "price", text, (price.source, *rivals)))
    elif decimal_style(mine.values) is None and style is None:
        unclear = next((value for value in mine.values if _is_unclear(value)), None)
        if unclear:
            price.confidence = min(price.confidence, _ASK)
            price.reason = "Thousands, or three decimals"
            text = f'Is the dot in prices such as "{unclear}" a decimal point, or does it group?'
            suggestion.questions.append(
                Question("mapping", "price", text, (DECIMAL_POINT, DECIMAL_COMMA))
            )


def _price_by_another_name(columns: Sequence[_Column]) -> tuple[str, ...]:
    """Amounts that are not called a price, or an old, list or purchase price: where nothing else
    is the price a person knows whether one of them is."""
    return tuple(
        column.field.source
        for column in columns
        if column.decoy in (None, *names.OTHER_PRICES)
        and (column.decoy or not column.scores)
        and not column.is_known
        and column.shape.priced >= 0.9
        and column.shape.coverage >= _MOST
        and (column.decoy or column.shape.marked >= 0.9 or _has_cents(column.shape.values))
    )


def _has_cents(values: Sequence[str]) -> bool:
    cents = sum(value[-3:-2] in (".", ",") and value[-2:].isdigit() for value in values)
    return cents >= 0.9 * len(values) > 0


def _code_like(columns: Sequence[_Column]) -> tuple[str, ...]:
    """Fields of unknown name whose values tell all records apart as codes do."""
    return tuple(
        column.field.source
        for column in columns
        if not column.scores
        and column.decoy is None
        and not column.field.repeated
        and column.shape.unique >= 0.995
        and column.shape.coverage >= 0.995
        and column.shape.codelike >= 0.95
        and not column.shape.counting
        and column.shape.url < 0.5
        and not _has_cents(column.shape.values)
    )


def _name_like(columns: Sequence[_Column]) -> tuple[str, ...]:
    """Fields of unknown name that hold a few words, different in most records."""
    return tuple(
        column.field.source
        for column in columns
        if (not column.scores or "description" in column.scores)
        and column.decoy is None
        and _is_short_text(column.shape)
    )


def _is_short_text(shape: Shape) -> bool:
    return (
        shape.text >= 0.9
        and shape.codelike < 0.3
        and shape.url < 0.1
        and shape.html < 0.1
        and shape.unique >= 0.5
        and shape.coverage >= _MOST
        and shape.mean_length <= _LONGEST_TITLE
    )


def _promote_name(suggestion: Suggestion, columns: Sequence[_Column]) -> None:
    """Take the description for the name where it is the only text, and as short as names are:
    many price lists call it so."""
    described = suggestion.find("description")
    if suggestion.find("name") or described is None:
        return
    shape = next(each.shape for each in columns if each.field.source == described.source)
    if _is_short_text(shape) and _name_like(columns) == (described.source,):
        described.target = "name"
        described.transform = transforms("name")[0]
        described.confidence = _PROMOTED
        described.reason = "The only text, and as short as a name"


def _is_unclear(value: str) -> bool:
    digits = "".join(character for character in value if character.isdigit() or character in ".,")
    return is_ambiguous(digits)


def _price_like(columns: Sequence[_Column]) -> tuple[str, ...]:
    """Fields that may be the price: by name in part, or amounts with a currency mark."""
    return tuple(
        column.field.source
        for column in columns
        if column.decoy is None
        and column.field.coverage > 0
        and (
            column.name.strengths.get("price", 0) >= FILLED
            or (column.shape.priced >= 0.9
            and (column.name.strengths.get("price", 0) >= LOOSE or column.shape.marked >= 0.9))
        )
        and max(
            (s for target, s in column.name.strengths.items() if target != "price"), default=0
        ) < FILLED
    )  # fmt: skip


def _sureness(suggestion: Suggestion, target: str) -> float:
    found = suggestion.find(target)
    return found.confidence if found else 0.0


def _identity(suggestion: Suggestion, columns: Sequence[_Column]) -> float:
    """How sure the source key is: the key, the sku, a group with variants, or a unique name."""
    found = [_sureness(suggestion, "key"), _sureness(suggestion, "sku")]
    found.append(min(_sureness(suggestion, "group"), _sureness(suggestion, "variant")))
    if any(found):
        return max(found)
    name = suggestion.find("name")
    if name is None:
        return 0.0
    repeated = any(
        column.field.source == name.source and column.shape.unique < _UNIQUE_NAME
        for column in columns
    )
    # A code that repeats is no key, but then it is doubtful that the name is a better one.
    codes = any(
        column.decoy is None
        and column.shape.values
        and max(column.name.strengths.get(target, 0) for target in ("key", "sku")) >= FILLED
        for column in columns
    )
    doubtful = repeated or codes or bool(_code_like(columns))
    return min(name.confidence, _ASK) if doubtful else name.confidence


def _fill_defaults(
    suggestion: Suggestion,
    columns: Sequence[_Column],
    known: MappingOf[str, str],
    hints: Hints,
) -> None:
    for target, value in known.items():
        if value:
            suggestion.defaults[target] = value
            suggestion.default_reasons[target] = "The supplier's default"
    if "currency" in suggestion.defaults or suggestion.find("currency"):
        return
    price = suggestion.find("price")
    if price is None:
        return
    named = match_name(price.source).currency
    if named:
        suggestion.defaults["currency"] = named
        suggestion.default_reasons["currency"] = f'Named in the field "{price.source}"'
        return
    for target, (value, reason) in hints.defaults.items():
        suggestion.defaults.setdefault(target, value)
        suggestion.default_reasons.setdefault(target, reason)


def _ask_for_currency(suggestion: Suggestion, records: Sequence[MappingOf[str, Raw]]) -> None:
    mapping = suggestion.mapping(USEFUL)
    if question := currency_question(mapping, records):
        suggestion.questions.append(question)


def currency_question(mapping: Mapping, records: Iterable[MappingOf[str, Raw]]) -> Question | None:
    """What to ask where more than one price in twenty would have no known currency, else None."""
    if not mapping.has("price"):
        return None
    records = list(records)
    styles = column_styles(mapping, records)
    families = Families()
    priced = unknown = 0
    options: dict[str, None] = {}
    for record in records:
        try:
            values = mapping.apply(record)
        except BadTransform:
            continue
        if families.fold(values):
            continue
        price = normalise_record(values, styles, mapping.defaults).vals.get("price")
        if price is None:
            continue
        priced += 1
        if "currency" not in price:
            unknown += 1
            raw = values["price"]
            first = raw if isinstance(raw, str) else next(filter(None, raw), "")
            options |= dict.fromkeys(parse_price(first).marks)
    if unknown <= priced * _MOST_UNKNOWN:
        return None
    text = "The prices name no currency. Which one is it?"
    if options:
        text = "The currency mark of the prices has several meanings. Which one is it?"
    return Question("currency", "currency", text, tuple(options))
