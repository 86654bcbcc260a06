"""The mapping that the evidence supports, how sure it is, and what a person must be asked.

A wrong key or price that looks sure is the worst outcome: it fills the catalogue with wrong data
that nobody looks at. So names, values and the other columns must agree before a field is sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from jobtracker.catalogue.normalise import (
    TARGETS,
    decimal_style,
    is_ambiguous,
    normalise_record,
    parse_price,
)

from .columns import ASK, SHOWN, Column, Record, Survey, columns_of
from .families import Families
from .hints import Hints
from .likely import code_like, is_short_text, name_like, price_by_another_name, price_like
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
from .match import FILLED, LOOSE, SAME, match_name, named_once, path_parts
from .steps import BadTransform
from .suggestion import USEFUL, FieldSuggestion, Question, Suggestion

_TIE = 0.02
_OF_A_PART = 0.6
_LISTED = re.compile(r"(.+)\.0(\..+)")
_UNIQUE_NAME = 0.98
_MOST_UNKNOWN = 0.05
_PROMOTED = 0.82
_MANY = ("images", "variant", ATTRIBUTES, SKIP)
_CODES = ("key", "sku")
_NOTHING_KNOWN = Hints("", {})


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
    records = [record.fields for record in sample_records if not record.error]
    columns = columns_of(survey, records, hints)
    chosen = _assign(columns)
    fields = [
        _suggestion(column, chosen.get(column.field.source), style, hints.format)
        for column in columns
    ]
    suggestion = Suggestion(fields, hints=hints)
    _promote_name(suggestion, columns)
    _doubt_codes_of_parts(suggestion, columns)
    _doubt_codes_named_alike(suggestion, columns)
    _doubt_price(suggestion, columns, style)
    _fill_defaults(suggestion, columns, known, hints)
    _ask_for_currency(suggestion, records)
    codes = code_like(columns, {item.source for item in fields if item.target})
    suggestion.sureness = {
        "identity": _identity(suggestion, columns, codes),
        "name": _sureness(suggestion, "name"),
    }
    suggestion.likely = {"key": codes, "name": name_like(columns)}
    if suggestion.find("price") or price_like(columns) or price_by_another_name(columns):
        suggestion.sureness["price"] = _sureness(suggestion, "price")
    return suggestion


def _assign(columns: Sequence[Column]) -> dict[str, str]:
    """Source to target: the surest pairs first, each source once, each single target once."""
    pairs = sorted(
        (
            (-confidence, len(path_parts(column.field.source)), _rank(target), index, target)
            for index, column in enumerate(columns)
            for target, (confidence, _) in column.scores.items()
            if confidence >= SHOWN or column.is_known
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
    column: Column, target: str | None, style: str | None, format_name: str
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


def _transform(target: str, column: Column, style: str | None) -> Transform:
    if column.hints and column.hints[0].steps:
        return column.hints[0].steps
    usual, *others = transforms(target)
    if usual != "number":
        named = f"length, {column.name.unit}"
        return named if named in others else usual
    proven = decimal_style(column.shape.values) or style
    return {".": DECIMAL_POINT, ",": DECIMAL_COMMA}.get(proven or "", usual)


def _doubt_codes_of_parts(suggestion: Suggestion, columns: Sequence[Column]) -> None:
    """Leave out a code that one of several parts of a product has, as its first variant."""
    values = {column.field.source: column.shape.values for column in columns}
    for target in ("key", "sku", "ean"):
        found = suggestion.find(target)
        if found is None or not (listed := _LISTED.fullmatch(found.source)):
            continue
        second = f"{listed[1]}.1{listed[2]}"
        if values.get(second, values[found.source]) != values[found.source]:
            found.confidence = min(found.confidence, _OF_A_PART)
            found.reason = f"The code of a part, of which there are several; {found.reason}"


def _doubt_codes_named_alike(suggestion: Suggestion, columns: Sequence[Column]) -> None:
    """Ask which of several columns of one name is the key, or the article code, where their values
    differ and say no less of the one than of the other."""
    by_source = {column.field.source: column for column in columns}
    for target in _CODES:
        found = suggestion.find(target)
        if found is None or by_source[found.source].is_known:
            continue
        rivals = tuple(
            column.field.source
            for column in columns
            if column.field.source != found.source
            and named_once(column.field.source) == named_once(found.source)
            and column.scores.get(target, (0.0, ""))[0] >= found.confidence - _TIE
            and column.shape.values != by_source[found.source].shape.values
        )
        if rivals:
            found.confidence = min(found.confidence, ASK)
            found.reason = f"{found.reason}; {', '.join(rivals)} has the same name"
            text = "Several columns of one name look like the code of a product. Choose one."
            options = (found.source, *rivals)
            suggestion.questions.append(Question("mapping", target, text, options))


def _doubt_price(suggestion: Suggestion, columns: Sequence[Column], style: str | None) -> None:
    """Lower the price under any bar where a second field says it as well, or where its values
    may be thousands or have three decimals."""
    price = suggestion.find("price")
    if price is None:
        if rivals := price_like(columns) or price_by_another_name(columns):
            text = "No field is surely the price. Choose one."
            suggestion.questions.append(Question("mapping", "price", text, rivals))
        return
    by_source = {column.field.source: column for column in columns}
    mine = by_source[price.source].shape
    # A kind of price, as "retail price", leaves open whether another, as "trade price", is meant.
    kind = by_source[price.source].name.strengths.get("price", 0) < SAME
    rivals = tuple(
        column.field.source
        for column in columns
        if column.field.source != price.source
        and not by_source[price.source].is_known
        and (
            column.scores.get("price", (0.0, ""))[0] >= price.confidence - _TIE
            or (kind and _is_called_price(column))
        )
        and column.shape.values != mine.values
    )
    if rivals:
        price.confidence = min(price.confidence, ASK)
        look = "looks" if len(rivals) == 1 else "look"
        price.reason = f"{price.reason}; {', '.join(rivals)} {look} like a price too"
        text = "Several fields look like a price. Choose one; the others stay out."
        suggestion.questions.append(Question("mapping", "price", text, (price.source, *rivals)))
    elif decimal_style(mine.values) is None and style is None:
        unclear = next((value for value in mine.values if _is_unclear(value)), None)
        if unclear:
            price.confidence = min(price.confidence, ASK)
            price.reason = "Thousands, or three decimals"
            text = f'Is the dot in prices such as "{unclear}" a decimal point, or does it group?'
            suggestion.questions.append(
                Question("mapping", "price", text, (DECIMAL_POINT, DECIMAL_COMMA))
            )


def _is_called_price(column: Column) -> bool:
    """Whether it says in part that it is a price, holds amounts and is no decoy."""
    said = column.name.strengths.get("price", 0) >= LOOSE
    return said and column.decoy is None and column.shape.priced >= 0.9


def _promote_name(suggestion: Suggestion, columns: Sequence[Column]) -> None:
    """Take the description for the name where it is the only text, and as short as names are:
    many price lists call it so."""
    described = suggestion.find("description")
    if suggestion.find("name") or described is None:
        return
    shape = next(each.shape for each in columns if each.field.source == described.source)
    if is_short_text(shape) and name_like(columns) == (described.source,):
        described.target = "name"
        described.transform = transforms("name")[0]
        described.confidence = _PROMOTED
        described.reason = "The only text, and as short as a name"


def _is_unclear(value: str) -> bool:
    digits = "".join(character for character in value if character.isdigit() or character in ".,")
    return is_ambiguous(digits)


def _sureness(suggestion: Suggestion, target: str) -> float:
    found = suggestion.find(target)
    return found.confidence if found else 0.0


def _identity(
    suggestion: Suggestion, columns: Sequence[Column], likely_codes: Sequence[str]
) -> float:
    """How sure the source key is: the key, the sku, a group with variants, or a unique name. It
    is not where it is asked which of several codes is meant."""
    if any(question.target in _CODES for question in suggestion.questions):
        return ASK
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
        and max(column.name.strengths.get(target, 0) for target in _CODES) >= FILLED
        for column in columns
    )
    doubtful = repeated or codes or bool(likely_codes)
    return min(name.confidence, ASK) if doubtful else name.confidence


def _fill_defaults(
    suggestion: Suggestion,
    columns: Sequence[Column],
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
    """Ask together with the price: where any field that is it, or may be chosen for it, names no
    currency."""
    asked = (currency_question(mapping, records) for mapping in _with_each_price(suggestion))
    if question := next(filter(None, asked), None):
        suggestion.questions.append(question)


def _with_each_price(suggestion: Suggestion) -> Iterator[Mapping]:
    """The mapping with each field in turn that is the price or that a person may choose for it."""
    mapping = suggestion.mapping(USEFUL)
    offered = {
        option
        for question in suggestion.questions
        if question.target == "price"
        for option in question.options
    }
    for item in suggestion.fields:
        if item.target == "price" or item.source in offered:
            price = Field(item.source, "price", item.transform if item.target == "price" else None)
            others = (
                each
                for each in mapping.fields
                if each.target != "price" and each.source != price.source
            )
            yield replace(mapping, fields=(*others, price))


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
